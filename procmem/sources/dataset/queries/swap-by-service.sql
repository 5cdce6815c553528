-- Swap by day and service: the most that each process had there on that day, added up over its processes and hosts.
WITH peaks AS (
    SELECT date, host, service, pid, start_ticks, MAX(COALESCE(swap_pss, swap)) AS swap
    FROM processes
    GROUP BY date, host, service, pid, start_ticks
)
SELECT
    date,
    service,
    COUNT(DISTINCT host) AS hosts,
    COUNT(*) AS processes,
    SUM(swap) AS swap_bytes
FROM peaks
GROUP BY date, service
HAVING SUM(swap) > 0
ORDER BY date DESC, swap_bytes DESC, service
LIMIT 100
