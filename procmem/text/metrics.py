"""What each family of metrics says: the HELP line that a monitoring system keeps beside it.

Programs read these, as they read JSON: they are in English whatever the language, and no catalogue has them.
"""

__all__ = ["FAMILIES"]

_SHARED = "Shared pages count as often as they are mapped."
FAMILIES = {
    "procmem_processes": "Processes of the group.",
    "procmem_sizes_unknown_processes": "Processes of the group whose PSS, USS and swap may not be read; the sums leave them out.",
    "procmem_virtual_bytes": f"Address space (VIRT). {_SHARED}",
    "procmem_resident_bytes": f"Memory in RAM (RSS). {_SHARED}",
    "procmem_pss_bytes": "Memory in RAM, each shared page divided among those who map it (PSS): may be added up.",
    "procmem_uss_bytes": "Memory in RAM that nobody else maps (USS): what would be freed.",
    "procmem_swap_bytes": "Private memory in swap, divided among those who share it since a fork (SwapPss).",
    "procmem_peak_resident_bytes": "The largest peak of RSS of any process of the group (VmHWM).",
    "procmem_page_tables_bytes": "Page tables, which RSS leaves out (VmPTE).",
    "procmem_threads": "Threads.",
    "procmem_oom_score": "The highest OOM score of any process of the group.",
    "procmem_regions": "The most mappings of any process of the group, which procmem_regions_limit bounds.",
    "procmem_arenas": "Arenas of glibc's malloc, the main one left out; at least so many.",
    "procmem_detailed_processes": "Processes of the group whose mappings were read: what classes, kinds, arenas, regions and findings are of.",
    "procmem_class_virtual_bytes": f"Address space by class. {_SHARED}",
    "procmem_class_resident_bytes": f"Memory in RAM by class. {_SHARED}",
    "procmem_class_pss_bytes": "PSS by class.",
    "procmem_class_uss_bytes": "USS by class.",
    "procmem_class_swap_bytes": f"Memory in swap by class. {_SHARED}",
    "procmem_kind_resident_bytes": f"Memory in RAM by kind, of the kinds that were chosen. {_SHARED}",
    "procmem_findings": "Processes of the group in which procmem explain finds this.",
    "procmem_regions_limit": "The most mappings that a process may have (vm.max_map_count).",
    "procmem_look_timestamp_seconds": "When the look began that this page tells of (Unix time).",
    "procmem_look_duration_seconds": "How long that look took.",
    "procmem_detail_duration_seconds": "How long the last pass over mappings took.",
    "procmem_refused_processes": "Processes that may not be looked at, or of which only status may be read.",
    "procmem_vanished_processes": "Processes that ended while they were looked at, since the start.",
    "procmem_failed_looks": "Looks that came to nothing, since the start.",
    "procmem_folded_groups": "Groups that are counted together as _other, for lack of room.",
}
"""By the name of the family, without the _total of counters."""
