-- Code that runs from files which are gone: programs and libraries that were replaced, and not restarted since.
SELECT
    path,
    service,
    COUNT(DISTINCT host) AS hosts,
    COUNT(DISTINCT look_id) AS looks,
    MIN(time) AS first_seen,
    MAX(time) AS last_seen
FROM regions
WHERE deleted AND executable AND path IS NOT NULL
GROUP BY path, service
ORDER BY hosts DESC, looks DESC, path, service
LIMIT 100
