/* A server and its workers, or two processes with one memory; they say their pids and wait to be looked at.
 *
 *   family WORKERS   20 MiB from before the forks, and 3 MiB of each worker's own
 *   family twin      a child that has the very memory of its parent (CLONE_VM, as vfork makes it), of 8 MiB
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1 << 20)

static char *filled(size_t size) {
    char *block = malloc(size);
    if (block != NULL)
        memset(block, 'x', size);
    return block;
}

static int sleeper(void *nothing) {
    (void)nothing;
    for (;;)
        pause();
}

static int twin(void) {
    static char stack[65536];
    if (filled(8 * MIB) == NULL)
        return 1;
    return clone(sleeper, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
}

static int fork_worker(int news) {
    int pid = fork();
    if (pid == 0) {
        if (filled(3 * MIB) == NULL || write(news, ".", 1) != 1)
            _exit(1);
        sleeper(NULL);
    }
    return pid;
}

int main(int argc, char **argv) {
    int ends[2], workers = argc > 1 ? atoi(argv[1]) : 0;
    char byte;
    if (argc > 1 && strcmp(argv[1], "twin") == 0) {
        printf("%d\n", twin());
    } else {
        if (filled(20 * MIB) == NULL || pipe(ends) != 0)
            return 1;
        for (int worker = 0; worker < workers; worker++)
            printf("%d ", fork_worker(ends[1]));
        for (int worker = 0; worker < workers; worker++)
            if (read(ends[0], &byte, 1) != 1)
                return 1;
        puts("");
    }
    fflush(stdout);
    sleeper(NULL);
}
