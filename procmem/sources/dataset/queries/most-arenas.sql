-- Hosts and services whose processes have most arenas of glibc's malloc (see: procmem explain, MALLOC_ARENA_MAX).
SELECT
    host,
    service,
    MAX(arenas) AS arenas,
    MAX(threads) AS threads,
    MAX(arenas_virt) AS arenas_virtual_bytes,
    MAX(arenas_rss) AS arenas_resident_bytes,
    COUNT(*) AS looks
FROM processes
WHERE arenas > 0
GROUP BY host, service
ORDER BY arenas DESC, arenas_resident_bytes DESC NULLS LAST, host, service
LIMIT 50
