/* Grows in one way, which is its first argument, and says on standard output how many bytes it has kept.
 *
 * leak: a thread keeps blocks that a library's function fills, while three others call twenty functions that allocate,
 * fill and free; at each further line it keeps 30 MB more. file, copy, shared, huge, stack, fork, in-system-call, populate: 32 MiB each. The second argument is a
 * file of that size. It waits for a line on standard input before it begins, and ends with it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SIZE (32UL << 20)
#define PAGE 4096UL
#define HUGE_PAGE (2UL << 20)
#define STEPS 1500

char *keep_block(size_t size);
void use_block(size_t size, int value);

static volatile long kept;

#define WORK(n) __attribute__((noinline)) static void work_##n(void) { use_block(150000 + n * PAGE, n); __asm__ volatile(""); }
WORK(0) WORK(1) WORK(2) WORK(3) WORK(4) WORK(5) WORK(6) WORK(7) WORK(8) WORK(9)
WORK(10) WORK(11) WORK(12) WORK(13) WORK(14) WORK(15) WORK(16) WORK(17) WORK(18) WORK(19)

static void (*const work[])(void) = {
    work_0, work_1, work_2, work_3, work_4, work_5, work_6, work_7, work_8, work_9,
    work_10, work_11, work_12, work_13, work_14, work_15, work_16, work_17, work_18, work_19,
};

__attribute__((noinline)) static void step_of_leak(void)
{
    keep_block(20000);
    kept += 20000;
}

static volatile long steps;

static void *leaking(void *nothing)
{
    prctl(PR_SET_NAME, "leaking");
    for (;;) {
        if (steps > 0) {
            step_of_leak();
            steps--;
        }
        usleep(500);
    }
    return nothing;
}

static void *working(void *nothing)
{
    prctl(PR_SET_NAME, "working");
    for (int n = 0;; n = (n + 1) % 20) {
        work[n]();
        usleep(1000);
    }
    return nothing;
}

static char *mapped(size_t size, int flags, int fd)
{
    char *found = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (found == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return found;
}

static void counted(size_t size)
{
    kept += size;
}

__attribute__((noinline)) static void write_all(char *start)
{
    for (size_t at = 0; at < SIZE; at += PAGE)
        start[at] = 1;
    counted(SIZE);
}

__attribute__((noinline)) static long read_all(const char *start)
{
    volatile long sum = 0; /* or the compiler leaves out what nobody takes */
    for (size_t at = 0; at < SIZE; at += PAGE)
        sum += start[at];
    counted(SIZE);
    return sum;
}

__attribute__((noinline)) static int deeper(int left)
{
    volatile char room[4000];
    room[0] = (char)left;
    if (left > 0)
        room[1] = (char)deeper(left - 1);
    return room[0];
}

static void wait_for_line(void)
{
    char line[16];
    printf("ready\n");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(0);
}

int main(int argc, char **argv)
{
    const char *way = argv[1];
    int fd = argc > 2 ? open(argv[2], O_RDWR) : -1;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *memory = NULL;

    setvbuf(stdin, NULL, _IONBF, 0);
    if (strcmp(way, "file") == 0)
        memory = mapped(SIZE, MAP_SHARED, fd);
    else if (strcmp(way, "copy") == 0)
        memory = mapped(SIZE, MAP_PRIVATE, fd);
    else if (strcmp(way, "shared") == 0)
        memory = mapped(SIZE, MAP_SHARED | MAP_ANONYMOUS, -1);
    else if (strcmp(way, "huge") == 0) {
        memory = mapped(SIZE + HUGE_PAGE, anonymous, -1);
        memory = (char *)(((unsigned long)memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
        madvise(memory, SIZE, MADV_HUGEPAGE);
    } else if (strcmp(way, "fork") == 0 || strcmp(way, "in-system-call") == 0 || strcmp(way, "swap") == 0) {
        memory = mapped(SIZE, anonymous, -1);
        madvise(memory, SIZE, MADV_NOHUGEPAGE);
    }
    if (strcmp(way, "fork") == 0 || strcmp(way, "swap") == 0)
        write_all(memory);
    if (strcmp(way, "swap") == 0)
        madvise(memory, SIZE, MADV_PAGEOUT);
    kept = 0;
    int child = strcmp(way, "fork") == 0 ? fork() : -1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, 9);
        pause();
    }
    wait_for_line();
    if (strcmp(way, "leak") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, leaking, NULL);
        for (int n = 0; n < 3; n++)
            pthread_create(&thread, NULL, working, NULL);
        for (;;) {
            wait_for_line();
            for (steps = STEPS; steps > 0;)
                usleep(1000);
            printf("%ld\n", kept);
            fflush(stdout);
        }
    } else if (strcmp(way, "file") == 0)
        read_all(memory);
    else if (strcmp(way, "stack") == 0) {
        deeper(1500);
        counted(1500 * PAGE);
    } else if (strcmp(way, "in-system-call") == 0) {
        for (size_t at = 0; at < SIZE; at += 65536)
            if (pread(fd, memory + at, 65536, (off_t)at) != 65536)
                return 1;
        counted(SIZE);
    } else if (strcmp(way, "populate") == 0) {
        memory = mapped(SIZE, anonymous | MAP_POPULATE, -1);
        counted(SIZE);
    } else
        write_all(memory);
    printf("%ld\n", kept);
    fflush(stdout);
    wait_for_line();
    return 0;
}
