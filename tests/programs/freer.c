/* Allocates many blocks, frees three of four of them, says what malloc_info and mallinfo2 tell of it, and waits.

   Arguments: how many blocks, about how large, and a third word for doing it in a thread, in an arena of its own. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long count, size;
static int said[2], heard[2];

static void *work(void *unused)
{
    char byte;
    char **blocks = calloc(count, sizeof *blocks);
    (void)unused;
    for (long at = 0; at < count; at++) {
        long bytes = size / 2 + at * 7919 % size;
        blocks[at] = malloc(bytes);
        memset(blocks[at], 0x41 + at % 13, bytes);
    }
    for (long at = 0; at < count; at++)
        if (at % 4)
            free(blocks[at]);
    if (write(said[1], "x", 1) != 1 || read(heard[0], &byte, 1) < 0)
        abort();
    return NULL;
}

int main(int many, char **words)
{
    pthread_t thread;
    char byte;
    count = atol(words[1]);
    size = atol(words[2]);
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    if (pipe(said) || pipe(heard))
        return 1;
    if (many > 3) {
        pthread_create(&thread, NULL, work, NULL);
    } else {
        if (write(heard[1], "x", 1) != 1)
            return 1;
        work(NULL);
    }
    if (read(said[0], &byte, 1) != 1)
        return 1;
    malloc_info(0, stdout);
    puts("ready");
    fflush(stdout);
    pause();
}
