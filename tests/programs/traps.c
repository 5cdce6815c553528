/* Memory that looks like something else, one sort for each run: the first word of the command line says which. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef MESSAGE
/* what an allocator that was linked in can print, among other constants of the program */
const char message[1 << 20] = {[5000] = 'x', [700000] = MESSAGE[0], MESSAGE[1], MESSAGE[2], MESSAGE[3], MESSAGE[4],
                               MESSAGE[5], MESSAGE[6], MESSAGE[7], MESSAGE[8], MESSAGE[9]};
#endif

enum { THREADS = 6, MIB = 1 << 20 };

static void *leak(void *unused)
{
    (void)unused;
    for (;;) {
        char *volatile block = malloc(3000);
        memset(block, 1, 3000);
        usleep(500);
    }
    return NULL;
}

static void *little(void *unused)
{
    (void)unused;
    char *volatile block = malloc(1000);
    block[0] = 1;
    pause();
    return NULL;
}

static void threads(void *(*run)(void *))
{
    for (int at = 0; at < THREADS; at++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, NULL))
            exit(1);
    }
    usleep(300000);
}

static char *map(size_t size, int protection, int flags)
{
    char *found = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (found == MAP_FAILED)
        exit(1);
    return found;
}

int main(int count, char **words)
{
    const char *sort = count > 1 ? words[1] : "";
    mallopt(M_TOP_PAD, 0); /* an arena takes no more than it needs */
    if (!strcmp(sort, "leak")) {
        threads(leak);
    } else if (!strcmp(sort, "little")) {
        threads(little);
    } else if (!strcmp(sort, "code")) { /* behind a guard, without huge pages, executable */
        char *code = map(64 * MIB + 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_NORESERVE);
        mprotect(code, 4096, PROT_NONE);
        madvise(code + 4096, 64 * MIB, MADV_NOHUGEPAGE);
        memset(code + 4096, 0xc3, 40000);
    } else if (!strcmp(sort, "buffer")) { /* behind a guard, without huge pages */
        char *buffer = map(4 * MIB, PROT_NONE, 0);
        mprotect(buffer + MIB, 3 * MIB, PROT_READ | PROT_WRITE);
        madvise(buffer + MIB, 3 * MIB, MADV_NOHUGEPAGE);
        memset(buffer + MIB, 1, 3 * MIB);
    } else if (!strcmp(sort, "noreserve")) { /* as allocators map what they hand out, and malloc does not */
        memset(map(8 * MIB, PROT_READ | PROT_WRITE, MAP_NORESERVE), 1, 8 * MIB);
    } else if (!strcmp(sort, "lazy")) { /* the same, never used */
        map(8 * MIB, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    } else if (!strcmp(sort, "executable")) { /* objects and code in one heap */
        memset(map(8 * MIB, PROT_READ | PROT_WRITE | PROT_EXEC, 0), 1, 8 * MIB);
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
