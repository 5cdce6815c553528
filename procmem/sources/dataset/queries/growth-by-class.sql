-- What grew, by service and class: memory and swap of each process at its last look, less those at its first.
-- A process is known by host, pid and the moment of its start, so that a restart is no growth.
WITH ends AS (
    SELECT host, pid, start_ticks, MIN(time) AS first_time, MAX(time) AS last_time
    FROM processes
    WHERE start_ticks IS NOT NULL
    GROUP BY host, pid, start_ticks
    HAVING MIN(time) < MAX(time)
),
firsts AS (
    SELECT p.service, r.class, COUNT(DISTINCT p.look_id) AS processes, SUM(r.rss + r.swap) AS bytes
    FROM ends e
    JOIN processes p ON p.host = e.host AND p.pid = e.pid AND p.start_ticks = e.start_ticks AND p.time = e.first_time
    JOIN regions r ON r.date = p.date AND r.host = p.host AND r.look_id = p.look_id
    GROUP BY p.service, r.class
),
lasts AS (
    SELECT p.service, r.class, COUNT(DISTINCT p.look_id) AS processes, SUM(r.rss + r.swap) AS bytes
    FROM ends e
    JOIN processes p ON p.host = e.host AND p.pid = e.pid AND p.start_ticks = e.start_ticks AND p.time = e.last_time
    JOIN regions r ON r.date = p.date AND r.host = p.host AND r.look_id = p.look_id
    GROUP BY p.service, r.class
)
SELECT
    l.service,
    l.class,
    l.processes,
    COALESCE(f.bytes, 0) AS first_bytes,
    l.bytes AS last_bytes,
    l.bytes - COALESCE(f.bytes, 0) AS growth_bytes
FROM lasts l
LEFT JOIN firsts f ON f.service = l.service AND f.class = l.class
WHERE l.bytes > COALESCE(f.bytes, 0)
ORDER BY growth_bytes DESC, l.service, l.class
LIMIT 50
