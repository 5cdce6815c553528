/* Threads with arenas of their own; at each line of input, one of them leaks so many MiB as the line says. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3
#define BLOCK (100 * 1024) /* below malloc's threshold for mmap */

static pthread_barrier_t barrier;
static int leak_mib;

static void *work(void *argument)
{
    long number = (long)argument;
    char name[16];
    snprintf(name, sizeof name, "worker-%ld", number);
    pthread_setname_np(pthread_self(), name);
    for (int block = 0; block < 20; block++)
        memset(malloc(BLOCK), 1, BLOCK);
    for (;;) {
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier); /* main has said how much */
        if (number == 1)
            for (long left = (long)leak_mib << 20; left > 0; left -= BLOCK)
                memset(malloc(BLOCK), 2, BLOCK);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread;
    char line[64];
    pthread_barrier_init(&barrier, NULL, WORKERS + 1);
    for (long number = 0; number < WORKERS; number++)
        pthread_create(&thread, NULL, work, (void *)number);
    for (;;) {
        pthread_barrier_wait(&barrier); /* all have done their work */
        puts("ready");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin))
            return 0;
        leak_mib = atoi(line);
        pthread_barrier_wait(&barrier);
    }
}
