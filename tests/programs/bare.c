/* A static program without any C library: it takes memory from the kernel by itself (x86-64). */
static long call(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    register long sixth __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

void _start(void)
{
    volatile char *block = (char *)call(9, 0, 4 << 20, 3, 0x22, -1, 0); /* mmap, rw, private and anonymous */
    for (long at = 0; at < 4 << 20; at += 4096)
        block[at] = 1;
    call(1, 1, (long)"ready\n", 6, 0, 0, 0); /* write */
    for (;;)
        call(34, 0, 0, 0, 0, 0, 0); /* pause */
}
