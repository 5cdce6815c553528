"""Small texts as people paste them: bug reports, debuggers, pmap; names and numbers are made up."""

MAPS = b"""\
00400000-00555000 r-xp 00000000 08:01 2378                               /usr/local/bin/server
00755000-0075a000 rw-p 00155000 08:01 2378                               /usr/local/bin/server
0125c000-0127d000 rw-p 00000000 00:00 0                                  [heap]
7f78c8000000-7f78c81c0000 r-xp 00000000 08:01 900                        /lib/x86_64-linux-gnu/libc-2.28.so
7ffe3a6a9000-7ffe3a6ca000 rw-p 00000000 00:00 0                          [stack]
"""

ROLLUP = b"""\
00400000-7ffd472e2000 ---p 00000000 00:00 0                              [rollup]
Rss:            12843604 kB
Pss:             4451825 kB
Shared_Clean:       3232 kB
Shared_Dirty:   12582912 kB
Private_Clean:     14380 kB
Private_Dirty:    243080 kB
Anonymous:        243048 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
"""

STATUS = b"""\
VmPeak: 26714096 kB
VmSize: 14663924 kB
VmLck:         0 kB
VmHWM:   7004388 kB
VmRSS:   6708500 kB
VmPTE:     16172 kB
"""

GDB = b"""\
process 14915
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555604000    0xb0000        0x0  r--p   /home/fuzzer
      0x7fffe8000000     0x7fffeffff000  0x7fff000        0x0  rwxp   {}
""".replace(b"{}", b"")

OLD_GDB = b"""\
process 14915
Mapped address spaces:

          Start Addr           End Addr       Size     Offset objfile
      0x555555554000     0x555555604000    0xb0000        0x0 /home/fuzzer
      0x7ffffffde000     0x7ffffffff000    0x21000        0x0 [stack]
"""

PWNDBG = b"""\
LEGEND: STACK | HEAP | CODE | DATA | WX | RODATA
             Start                End Perm     Size Offset File
\x1b[34m    0x555555554000     0x555555556000 r--p     2000      0 /usr/bin/cat\x1b[0m
\x1b[31m    0x555555556000     0x55555555a000 r-xp     4000   2000 /usr/bin/cat\x1b[0m
    0x7ffff7d83000     0x7ffff7d86000 rw-p     3000      0 [anon_7ffff7d83]
    0x7ffffffde000     0x7ffffffff000 rw-p    21000      0 [stack]
"""

GEF = b"""\
[ Legend:  Code | Heap | Stack ]
Start              End                Offset             Perm Path
0x0000555555554000 0x0000555555556000 0x0000000000000000 r-- /usr/bin/cat
0x0000555555556000 0x000055555555a000 0x0000000000002000 r-x /usr/bin/cat
0x00007ffffffde000 0x00007ffffffff000 0x0000000000000000 rw- [stack]
"""

SANITIZER = b"""\
==4711==AddressSanitizer CHECK failed: asan.cpp:1
==4711==Process memory map follows:
\t0x000000400000-0x0000004a1000\t/home/a.out
\t0x0000004a1000-0x0000004b1000\t
\t0x7ffffffde000-0x7ffffffff000\t[stack]
==4711==End of process memory map.
"""

HOTSPOT = b"""\
#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007f3a4c000000, pid=10087, tid=10088
#
Dynamic libraries:
00400000-00401000 r-xp 00000000 08:03 41680919                           /usr/java/jdk1.7.0_67/bin/java
00600000-00601000 rw-p 00000000 08:03 41680919                           /usr/java/jdk1.7.0_67/bin/java
00851000-00872000 rw-p 00000000 00:00 0                                  [heap]
778000000-800000000 rw-p 00000000 00:00 0 {}

VM Arguments:
MemTotal:       32780000 kB
""".replace(b"{}", b"")

GLIBC = b"""\
*** Error in `./a.out': double free or corruption (fasttop): 0x0000000001 ***
======= Backtrace: =========
/lib/x86_64-linux-gnu/libc.so.6(+0x77725)[0x7f78c8077725]
======= Memory map: ========
""" + MAPS.rstrip(b"\n") + b"Aborted (core dumped)\n"  # fmt: skip

PMAP_X = b"""\
26091:   server: worker [local] COMMIT
Address           Kbytes     RSS   Dirty Mode  Mapping
0000000000400000    6408    2412       0 r-x-- server
0000000000c41000       4       4       4 r---- server
00007f32b8000000       0   65508   65508 rwx--    [ anon ]
00007f32bc000000     132      12      12 rw---    [ stack ]
---------------- ------- ------- -------
total kB          227280    5544    3020
"""

PMAP = b"""\
77:   [server]
0000000000400000   1364K r-x-- server
0000000000755000     20K rw--- server
000000000125c000    132K rw---   [ anon ]
00007f78c8000000   1792K rw-s-   [ shmid=0x8001 ]
 total             3308K
78:   cat
0000000000400000      8K r-x-- cat
 total                8K
"""

PMAP_D = b"""\
77:   server -v
Address           Kbytes Mode  Offset           Device    Mapping
0000000000400000    1364 r-x-- 0000000000000000 008:00001 server
0000000000755000      20 rw--- 0000000000155000 008:00001 server
mapped: 1384K    writeable/private: 20K    shared: 0K
"""

PMAP_XX = b"""\
1234:   cat
         Address Perm   Offset Device   Inode Size KernelPageSize Rss Pss Swap VmFlags              Mapping
    555555554000 r--p 00000000  08:01 1234567    8              4   8   4    0 rd mr mw me sd       cat
    7ffffffde000 rw-p 00000000  00:00       0  132              4  16  16    4 rd wr mr mw me gd ac [stack]
                                              ==== ============== === === ===={}
                                               140              8  24  20    4 KB{}
""".replace(b"{}", b" ")

LARGE_PAGES = b"""\
b626bf20000-b626bf30000 r-xp 00000000 08:02 133718                       /bin/cat
b626bf30000-b626bf40000 r--p 00000000 08:02 133718                       /bin/cat
b626bf40000-b626bf50000 rw-p 00010000 08:02 133718                       /bin/cat
7fff8d5f0000-7fff8d800000 r-xp 00000000 08:02 133001                     /lib/powerpc64le-linux-gnu/libc-2.31.so
7ffff42a0000-7ffff42d0000 rw-p 00000000 00:00 0                          [stack]
"""

OLD_SMAPS = b"""\
08048000-080bc000 r-xp 00000000 03:02 13130                              /bin/bash
Size:               1168 kB
Shared_Clean:        712 kB
Rss:                 892 kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Private_Dirty:       180 kB
bf9d2000-bf9e8000 rw-p bf9d2000 00:00 0                                  [stack]
Size:                 88 kB
Rss:                  20 kB
Private_Dirty:        20 kB
"""
"""As Linux 2.6.14 to 2.6.24 had it: no Pss, no Swap, no VmFlags; here with keys in another order, and some missing."""
