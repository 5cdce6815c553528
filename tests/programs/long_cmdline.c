/* A process that lays its command line over a gigabyte of memory that it never used (PR_SET_MM_MAP, prctl(2)). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static uint64_t field(char *text, int number)
{
    char *at = strrchr(text, ')') + 2; /* field 3 */
    for (int count = 3; count < number; count++)
        at = strchr(at, ' ') + 1;
    unsigned long long value = 0;
    sscanf(at, "%llu", &value);
    return value;
}

int main(void)
{
    char text[4096] = "";
    FILE *file = fopen("/proc/self/stat", "r");
    if (!file || !fread(text, 1, sizeof text - 1, file))
        return 1;
    fclose(file);
    size_t size = 1UL << 30;
    char *wide = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct prctl_mm_map map = {
        .start_code = field(text, 26), .end_code = field(text, 27), .start_stack = field(text, 28),
        .start_data = field(text, 45), .end_data = field(text, 46), .start_brk = field(text, 47),
        .brk = (uint64_t)sbrk(0), .arg_start = (uint64_t)wide, .arg_end = (uint64_t)wide + size - 4096,
        .env_start = field(text, 50), .env_end = field(text, 51), .exe_fd = -1,
    };
    memcpy(wide, "program\0word", 13);
    if (wide == MAP_FAILED || prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0)) {
        puts("refused");
        return 1;
    }
    prctl(PR_SET_NAME, "fifteen-letters");
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
