/*
 * A process that means no good to who looks at it.  The first argument says how; it writes "ready" when it is.
 *
 * Needs no library but libc, and builds for 32 bit as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static const char *const names[] = {
    "\x1b[2J\x1b]0;x\a", "\nFORGED: 1", "\xff\xfe\x80", "\xc2\x9b" "31mred", "a) S 1 1 1 (", "x kB", "\r\rFORGED",
    "|`*<b>_", "=1+1", "\xe2\x80\xae" "live", " ", "\t\\n", "[heap]", "VmSize:\t1 kB",
};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static void ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void wait_forever(void)
{
    ready();
    for (;;)
        pause();
}

static void *area(size_t size, int rights)
{
    return mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void *sleeper(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *nothing(void *unused)
{
    return unused;
}

/* comm in every form, changed all the time */
static void change_names(void)
{
    ready();
    for (unsigned at = 0;; at++) {
        prctl(PR_SET_NAME, names[at % COUNT(names)]);
        usleep(300);
    }
}

/* one name that stays, by its number */
static void keep_name(const char *number)
{
    prctl(PR_SET_NAME, names[atoi(number) % COUNT(names)]);
    wait_forever();
}

/* as many VMAs as the kernel gives (vm.max_map_count) */
static void many_mappings(void)
{
    size_t page = 4096, count = 60000;
    char *base = area(page * count, PROT_NONE);
    for (size_t at = 0; base != MAP_FAILED && at < count; at += 2)
        if (mprotect(base + at * page, page, PROT_READ | PROT_WRITE))
            break;
    wait_forever();
}

/* names of anonymous memory and of files that say what they are not */
static void false_names(const char *folder)
{
    static const char *const anonymous[] = {"heap", "stack", "glibc: malloc", "/bin/sh", "vdso (deleted)", "|x|"};
    static const char *const files[] = {
        "[heap]", "[stack]", "x (deleted)", "new\nFORGED line", "\x1b[31mred", "\xff\xfe", "|bar|", "//anon", "[vdso]",
        "\xc2\x9b" "1m", "a b  c", "=cmd", "\\012",
    };
    for (unsigned at = 0; at < COUNT(anonymous); at++) {
        char *found = area(1 << 16, PROT_READ | PROT_WRITE);
        found[0] = 1;
        prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, found, 1 << 16, anonymous[at]);
    }
    for (unsigned at = 0; at < COUNT(files); at++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, files[at]);
        int file = open(path, O_RDWR | O_CREAT, 0644);
        if (file >= 0 && !ftruncate(file, 8192))
            mmap(NULL, 8192, PROT_READ, MAP_SHARED, file, 0);
    }
    wait_forever();
}

/* runs from memory, under a name that is none */
static void from_memory(char **arguments)
{
    int memory = memfd_create("\x1b[31m\nFORGED (deleted)", 0), own = open("/proc/self/exe", O_RDONLY);
    char piece[65536];
    for (ssize_t got; (got = read(own, piece, sizeof piece)) > 0;)
        if (write(memory, piece, got) != got)
            exit(1);
    char *words[] = {arguments[0], "wait", NULL}, *none[] = {NULL};
    fexecve(memory, words, none);
    exit(1);
}

static void storm_of_threads(void)
{
    ready();
    for (;;) {
        pthread_t one;
        if (!pthread_create(&one, NULL, nothing, NULL))
            pthread_detach(one);
        usleep(100);
    }
}

static void many_threads(void)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    for (int count = 0; count < 400; count++) {
        pthread_t one;
        if (pthread_create(&one, &small, sleeper, NULL))
            break;
    }
    wait_forever();
}

/* the main thread ends, another lives on */
static void dead_leader(void)
{
    pthread_t one;
    pthread_create(&one, NULL, sleeper, NULL);
    ready();
    pthread_exit(NULL);
}

static void run_again(char **arguments, const char *how)
{
    if (strcmp(how, "again")) /* the first time */
        ready();
    usleep(1000);
    char *words[] = {arguments[0], "exec", "again", NULL};
    execv("/proc/self/exe", words);
    exit(1);
}

static void map_and_unmap(void)
{
    ready();
    for (unsigned at = 0;; at++) {
        char *one = area((1 + at % 64) << 16, PROT_READ | PROT_WRITE);
        if (one != MAP_FAILED) {
            one[0] = 1;
            munmap(one, (1 + at % 64) << 16);
        }
    }
}

static void storm_of_forks(void)
{
    signal(SIGCHLD, SIG_IGN);
    ready();
    for (;;) {
        if (!fork())
            _exit(0);
        usleep(300);
    }
}

static void zombie(void)
{
    if (!fork())
        _exit(0);
    usleep(20000);
    wait_forever();
}

static void held_by_vfork(void)
{
    ready();
    if (!vfork())
        for (;;)
            pause();
}

static void traced(void)
{
    pid_t child = fork();
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    wait_forever();
}

static void no_dumps(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    wait_forever();
}

/* its program is renamed, removed, replaced, or cut */
static void lose_program(const char *path, const char *how)
{
    char other[4096];
    snprintf(other, sizeof other, "%s.other", path);
    if (!strcmp(how, "rename"))
        rename(path, other);
    else
        unlink(path);
    if (!strcmp(how, "replace")) {
        int file = open(path, O_WRONLY | O_CREAT, 0755);
        if (write(file, "\x7f" "ELF\x02 is what it seems", 23) != 23)
            exit(1);
    } else if (!strcmp(how, "fifo"))
        syscall(SYS_mknod, path, 0010644, 0);
    else if (!strcmp(how, "zero"))
        if (symlink("/dev/zero", path))
            exit(1);
    wait_forever();
}

int main(int count, char **arguments)
{
    const char *how = count > 1 ? arguments[1] : "wait", *with = count > 2 ? arguments[2] : "";
    signal(SIGALRM, SIG_DFL);
    alarm(120); /* whoever started it may be gone */
    if (!strcmp(how, "names"))
        change_names();
    else if (!strcmp(how, "name"))
        keep_name(with);
    else if (!strcmp(how, "mappings"))
        many_mappings();
    else if (!strcmp(how, "false-names"))
        false_names(with);
    else if (!strcmp(how, "memory"))
        from_memory(arguments);
    else if (!strcmp(how, "thread-storm"))
        storm_of_threads();
    else if (!strcmp(how, "threads"))
        many_threads();
    else if (!strcmp(how, "dead-leader"))
        dead_leader();
    else if (!strcmp(how, "exec"))
        run_again(arguments, with);
    else if (!strcmp(how, "remap"))
        map_and_unmap();
    else if (!strcmp(how, "forks"))
        storm_of_forks();
    else if (!strcmp(how, "zombie"))
        zombie();
    else if (!strcmp(how, "vfork"))
        held_by_vfork();
    else if (!strcmp(how, "traced"))
        traced();
    else if (!strcmp(how, "no-dumps"))
        no_dumps();
    else if (!strcmp(how, "lose"))
        lose_program(arguments[0], with);
    else
        wait_forever();
    return 1;
}
