/* A program that touches a known share of its memory: argv[1] MiB are in memory, of which it reads the first argv[2]
 * percent, page by page, again and again, once in argv[3] milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    size_t size = (size_t)atoi(argv[1]) << 20, touched = size / 100 * (size_t)atoi(argv[2]);
    long every = atol(argv[3]);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || madvise(area, size, MADV_NOHUGEPAGE) != 0)
        return 1;
    memset(area, 1, size);
    puts("ready");
    fflush(stdout);
    struct timespec pause = {every / 1000, every % 1000 * 1000000};
    volatile char sum = 0;
    for (;;) {
        for (size_t at = 0; at < touched; at += page)
            sum += area[at];
        nanosleep(&pause, NULL);
    }
}
