/*
 * Six threads with an arena each, one of which grows over several blocks of 64 MiB (1 MiB on 32 bit); prints what
 * malloc_info(3) says of each arena.
 *
 * The first thread allocates argv[1] MiB in pieces below the threshold of mmap, the others 256 KiB. Threads name
 * themselves a0, a1, ... Once all are done, "ready", the id of each thread, and the arenas follow, one in a line:
 * "arena SYSTEM MPROTECT HEAPS" in bytes, the main arena first (heaps 0).
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 6
#define PIECE (64 * 1024)

static pthread_barrier_t done;
static long ids[THREADS];
static long pieces;

static void *allocate(void *number)
{
    long which = (long)number;
    char name[16];
    snprintf(name, sizeof name, "a%ld", which);
    pthread_setname_np(pthread_self(), name);
    ids[which] = syscall(SYS_gettid);
    for (long i = 0; i < (which ? 4 : pieces); i++)
        memset(malloc(PIECE - 64), 1, PIECE - 64);
    pthread_barrier_wait(&done);
    for (;;)
        pause();
    return NULL;
}

static long number_after(const char *from, const char *word)
{
    const char *at = strstr(from, word);
    return at ? atol(at + strlen(word)) : 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char *text = NULL;
    size_t size = 0;
    pieces = (argc > 1 ? atol(argv[1]) : 200) * 1024 * 1024 / PIECE;
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_ARENA_MAX, 64);
    pthread_barrier_init(&done, NULL, THREADS + 1);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, allocate, (void *)i);
    pthread_barrier_wait(&done);
    FILE *stream = open_memstream(&text, &size);
    malloc_info(0, stream);
    fclose(stream);
    printf("ready");
    for (long i = 0; i < THREADS; i++)
        printf(" %ld", ids[i]);
    printf("\n");
    for (char *at = text; (at = strstr(at, "<heap nr=")); at++) {
        char *end = strstr(at, "</heap>");
        if (end)
            *end = 0;
        printf("arena %ld %ld %ld\n", number_after(at, "<system type=\"current\" size=\""),
               number_after(at, "<aspace type=\"mprotect\" size=\""), number_after(at, "<aspace type=\"subheaps\" size=\""));
        if (end)
            *end = '<';
    }
    printf("end\n");
    fflush(stdout);
    for (;;)
        pause();
}
