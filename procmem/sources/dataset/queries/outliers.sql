-- Hosts where a service takes far more than elsewhere: the average PSS of its processes there, beside the median of
-- these averages over all hosts that have it (three at least).
WITH of_hosts AS (
    SELECT service, host, COUNT(*) AS looks, CAST(SUM(pss) AS DOUBLE) / COUNT(pss) AS average
    FROM processes
    WHERE pss IS NOT NULL
    GROUP BY service, host
),
middles AS (
    SELECT service, COUNT(*) AS hosts, MEDIAN(average) AS middle
    FROM of_hosts
    GROUP BY service
    HAVING COUNT(*) >= 3 AND MEDIAN(average) > 0
)
SELECT
    h.service,
    h.host,
    m.hosts,
    h.looks,
    CAST(FLOOR(h.average) AS BIGINT) AS average_pss_bytes,
    CAST(FLOOR(m.middle) AS BIGINT) AS median_pss_bytes,
    FLOOR(100 * h.average / m.middle) / 100 AS ratio
FROM of_hosts h
JOIN middles m ON m.service = h.service
WHERE h.average > 1.5 * m.middle
ORDER BY h.average / m.middle DESC, h.service, h.host
LIMIT 50
