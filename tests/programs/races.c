/*
 * Two processes, or two programs in one, that take each other's place: what is said of one must never be of both.
 *
 * "first" has a mapping of FIRST bytes and that name, "second" one of SECOND bytes and two more threads. The first
 * argument says how one follows the other; each line on standard input makes it happen once, after so many
 * microseconds.  A line with the pid to look at is written when the first of them is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST (67108864 + 3 * 4096)
#define SECOND (16777216 + 5 * 4096)

static void *sleeper(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* become one of the two, and say so by a byte */
static void be(const char *who, int news)
{
    int is_first = !strcmp(who, "first");
    char *area = mmap(NULL, is_first ? FIRST : SECOND, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        exit(1);
    area[0] = 1;
    prctl(PR_SET_NAME, who);
    for (int count = is_first ? 0 : 2; count; count--) {
        pthread_t one;
        pthread_create(&one, NULL, sleeper, NULL);
    }
    if (news >= 0 && write(news, "x", 1) != 1)
        exit(1);
}

/* a child with a pid of our choice (clone3(2), since Linux 5.5; needs CAP_CHECKPOINT_RESTORE), or any for 0 */
static pid_t child_with(pid_t pid)
{
    struct clone_args how = {.exit_signal = SIGCHLD, .set_tid = pid ? (uintptr_t)&pid : 0, .set_tid_size = pid != 0};
    return syscall(SYS_clone3, &how, sizeof how);
}

/* start a program of the two as a process of its own, and wait until it is there */
static pid_t start(const char *self, const char *who, pid_t pid)
{
    int news[2];
    char number[16], byte;
    if (pipe(news))
        exit(1);
    pid_t child = child_with(pid);
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(news[0]);
        snprintf(number, sizeof number, "%d", news[1]);
        execl(self, who, "be", who, number, (char *)NULL);
        _exit(1);
    }
    close(news[1]);
    if (child > 0 && read(news[0], &byte, 1) != 1) {
        waitpid(child, NULL, 0);
        child = -1;
    }
    close(news[0]);
    return child;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int next_delay(void)
{
    char line[32];
    return fgets(line, sizeof line, stdin) ? atoi(line) : -1;
}

static void tell(const char *what, pid_t pid)
{
    printf("%s %d\n", what, pid);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    const char *how = count > 1 ? arguments[1] : "";
    alarm(600);
    if (!strcmp(how, "be")) {
        be(arguments[2], atoi(arguments[3]));
        for (;;)
            pause();
    }
    if (!strcmp(how, "execs")) { /* the second program of a process whose first one is below */
        be("second", -1);
        for (;;)
            pause();
    }
    pid_t pid = 0;
    if (!strcmp(how, "exec") || !strcmp(how, "fork")) {
        int delays[2];
        if (pipe(delays))
            return 1;
        pid = fork();
        if (!pid) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            be("first", -1);
            int delay;
            while (read(delays[0], &delay, sizeof delay) == sizeof delay) {
                usleep(delay);
                if (!strcmp(how, "exec"))
                    execl("/proc/self/exe", "second", "execs", (char *)NULL);
                else
                    for (int more = 0; more < 20; more++)
                        if (!fork()) {
                            usleep(2000);
                            _exit(0);
                        }
            }
            _exit(0);
        }
        usleep(20000);
        tell("ready", pid);
        for (int delay; (delay = next_delay()) >= 0;)
            if (write(delays[1], &delay, sizeof delay) != sizeof delay)
                return 1;
        end(pid);
        return 0;
    }
    const char *who = "first";
    pid = start("/proc/self/exe", who, 0);
    if (pid < 0)
        return 1;
    tell("ready", pid);
    for (int delay; (delay = next_delay()) >= 0;) {
        usleep(delay);
        end(pid);
        if (strcmp(how, "reuse")) {
            tell("ended", pid);
            continue;
        }
        who = strcmp(who, "first") ? "first" : "second";
        if (start("/proc/self/exe", who, pid) != pid) {
            printf("refused %s\n", strerror(errno));
            return 1;
        }
        tell(who, pid);
    }
    end(pid);
    return 0;
}
