-- Memory that may be written and run (W+X): where a program does not need it, an attacker has it easier.
SELECT
    service,
    class,
    kind,
    path,
    COUNT(DISTINCT host) AS hosts,
    COUNT(DISTINCT look_id) AS looks,
    COUNT(*) AS ranges,
    MAX(size) AS largest_bytes,
    MAX(time) AS last_seen
FROM regions
WHERE writable AND executable
GROUP BY service, class, kind, path
ORDER BY hosts DESC, looks DESC, largest_bytes DESC, service, class NULLS LAST, kind NULLS LAST, path NULLS LAST
LIMIT 100
