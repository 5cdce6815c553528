/*
 * A program that knows what its memory is: ground truth for the tests.
 *
 *     manifest [--dir DIR] [--lib LIBRARY] SCENARIO...
 *
 * A SCENARIO is the name of one, the name of a group, or "all"; "many=500" gives
 * one a number.  The scenarios build their memory in the order of the table
 * below.  Then the program prints one JSON object a line for each byte range
 * whose truth it knows, then {"ready": true, "pid": N}, and waits for the end of
 * its standard input.
 *
 *     {"start":"0x...","end":"0x...","class":"stack","kind":"thread","name":"worker","tid":123}
 *     {"skipped":"hugetlb","why":"Cannot allocate memory"}
 *
 * Every range is exact to the byte, none overlaps another, and memory that the
 * program is in doubt about is not spoken of.
 */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_CLAIMS 16384
#define MOST_FILES 32

bool leader_is_gone;
const char *library_path;
const char *program_path;

/* In bss and of fixed size: a table that grows would change the memory that it describes. */
static struct claim claims[MOST_CLAIMS];
static size_t claim_count;

static void build_heir(long);

static struct scenario scenarios[] = {
    {.name = "elf", .group = "elf", .tell = tell_elf},
    {.name = "kernel", .group = "elf", .tell = tell_kernel},
    {.name = "library", .group = "elf", .build = build_library},
    {.name = "main-stack", .group = "stacks", .tell = tell_main_stack},
    {.name = "main-tls", .group = "stacks", .tell = tell_main_tls},
    {.name = "brk", .group = "malloc", .build = build_brk, .tell = tell_brk},
    {.name = "chunks", .group = "malloc", .build = build_chunks},
    {.name = "threads-default", .group = "threads", .build = build_threads},
    {.name = "threads-odd", .group = "threads", .build = build_threads_odd},
    {.name = "threads-guards", .group = "threads", .build = build_threads_guards},
    {.name = "threads-user", .group = "threads", .build = build_threads_user},
    {.name = "threads-marked", .group = "threads", .build = build_threads_marked},
    {.name = "clone", .group = "threads", .build = build_clone},
    {.name = "sigaltstack", .group = "threads", .build = build_signal_stacks},
    {.name = "coroutines", .group = "threads", .build = build_coroutines},
    {.name = "spin", .group = "threads", .build = build_spin},
    {.name = "arenas", .group = "malloc", .build = build_arenas, .tell = tell_arenas},
    {.name = "arenas-full", .group = "malloc", .build = build_arenas_full, .tell = tell_arenas},
    {.name = "mmap", .group = "mappings", .build = build_mmap},
    {.name = "shm", .group = "mappings", .build = build_shm},
    {.name = "jit", .group = "mappings", .build = build_jit},
    {.name = "fake-arena", .group = "lookalikes", .build = build_fake_arena},
    {.name = "fake-stack", .group = "lookalikes", .build = build_fake_stack},
    {.name = "fake-chunk", .group = "lookalikes", .build = build_fake_chunk},
    {.name = "odd-names", .group = "lookalikes", .build = build_odd_names},
    {.name = "own-elf", .group = "lookalikes", .build = build_own_elf},
    {.name = "behind-bss", .group = "lookalikes", .build = build_behind_bss},
    {.name = "merged", .group = "lookalikes", .build = build_merged},
    {.name = "dlmopen", .group = "lookalikes", .build = build_dlmopen},
    {.name = "partly-unmapped", .group = "lookalikes", .build = build_partly_unmapped},
    {.name = "anonymous-text", .group = "lookalikes", .build = build_anonymous_text},
    {.name = "text-twice", .group = "lookalikes", .build = build_text_twice},
    {.name = "many", .build = build_many, .number = 1000, .not_in_all = true},
    {.name = "many-threads", .build = build_many_threads, .number = 200, .not_in_all = true},
    /* A thread that outlives the main one, and speaks in its place. */
    {.name = "zombie", .build = build_heir, .not_in_all = true},
    /* Near the end: a thread started later would take a dead thread's stack out of glibc's cache. */
    {.name = "threads-dead", .group = "threads", .build = build_threads_dead},
    /* Last: from here on the main arena can no longer grow by brk. */
    {.name = "brk-blocked", .group = "malloc", .build = build_brk_blocked},
    /* All is built, then a child is made, and speaks about itself. */
    {.name = "fork", .not_in_all = true},
};

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])

void fail(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fputs("manifest: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (last system error: %s)\n", strerror(error));
    exit(1);
}

/* ---- claims ---- */

struct claim *claim(enum layer layer, uintptr_t start, uintptr_t end, const char *class, const char *kind,
                    const char *name)
{
    if (claim_count == MOST_CLAIMS)
        fail("more than %d claims", MOST_CLAIMS);
    if (start >= end)
        fail("empty claim %s %#lx-%#lx", name, (unsigned long)start, (unsigned long)end);
    struct claim *made = &claims[claim_count++];
    *made = (struct claim){.start = start, .end = end, .class = class, .kind = kind, .layer = layer};
    snprintf(made->name, sizeof made->name, "%s", name);
    return made;
}

void say_nothing_about(uintptr_t start, uintptr_t end)
{
    claim(INNER, start, end, NULL, NULL, "");
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        else
            putchar(*text);
    putchar('"');
}

void skipped(const char *what, const char *why)
{
    fputs("{\"skipped\":", stdout);
    print_quoted(what);
    fputs(",\"why\":", stdout);
    print_quoted(why);
    puts("}");
}

static void print_range(uintptr_t start, uintptr_t end, const struct claim *truth)
{
    printf("{\"start\":\"%#lx\",\"end\":\"%#lx\",\"class\":\"%s\",\"kind\":\"%s\",\"name\":", (unsigned long)start,
           (unsigned long)end, truth->class, truth->kind);
    print_quoted(truth->name);
    if (truth->tid)
        printf(",\"tid\":%d", (int)truth->tid);
    puts("}");
}

struct edge {
    uintptr_t address;
    struct claim *claim;
    bool begins;
};

static struct edge edges[2 * MOST_CLAIMS];

/* By address; at one address what ends comes before what begins. */
static bool comes_before(const struct edge *one, const struct edge *other)
{
    if (one->address != other->address)
        return one->address < other->address;
    return !one->begins && other->begins;
}

/* Insertion, not qsort(), which may malloc: the heap has been measured already. */
static size_t sort_edges(void)
{
    size_t count = 0;
    for (size_t i = 0; i < 2 * claim_count; i++) {
        struct claim *of = &claims[i / 2];
        struct edge edge = {i % 2 ? of->end : of->start, of, i % 2 == 0};
        size_t place = count++;
        for (; place > 0 && comes_before(&edge, &edges[place - 1]); place--)
            edges[place] = edges[place - 1];
        edges[place] = edge;
    }
    return count;
}

/* Walk up the address space; the truth between two edges is the innermost claim that is open there. */
static void print_claims(void)
{
    struct claim *open[LAYERS] = {NULL};
    size_t count = sort_edges();
    uintptr_t here = 0;
    for (size_t i = 0; i < count; i++) {
        const struct edge *edge = &edges[i];
        const struct claim *truth = open[INNER] ? open[INNER] : open[PART] ? open[PART] : open[AREA];
        if (truth && truth->class && here < edge->address) {
            bool vsyscall = strcmp(truth->kind, "vsyscall") == 0; /* beyond what mincore() may ask */
            if (!vsyscall && !is_mapped(here, edge->address))
                fail("%s/%s %s claims unmapped memory in %#lx-%#lx", truth->class, truth->kind, truth->name,
                     (unsigned long)here, (unsigned long)edge->address);
            print_range(here, edge->address, truth);
        }
        here = edge->address;
        struct claim **slot = &open[edge->claim->layer];
        if (edge->begins && *slot)
            fail("%s %s and %s %s both claim %#lx", (*slot)->kind, (*slot)->name, edge->claim->kind,
                 edge->claim->name, (unsigned long)here);
        *slot = edge->begins ? edge->claim : NULL;
    }
}

/* ---- helpers ---- */

uintptr_t page_size(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE);
}

uintptr_t page_down(uintptr_t address)
{
    return address & ~(page_size() - 1);
}

uintptr_t page_up(uintptr_t address)
{
    return page_down(address + page_size() - 1);
}

bool is_mapped(uintptr_t start, uintptr_t end)
{
    static unsigned char present[4096];
    size_t step = sizeof present * page_size();
    start = page_down(start);
    size_t left = page_up(end) - start; /* counted down: the top of a 32-bit space is too near to count up */
    while (left) {
        size_t length = left < step ? left : step;
        if (mincore((void *)start, length, present))
            return false;
        start += length;
        left -= length;
    }
    return true;
}

bool is_readable(uintptr_t address)
{
    int ends[2];
    if (pipe(ends))
        fail("pipe");
    /* A pipe copies what is written to it, so that the kernel has to look; it answers EFAULT, not a signal. */
    bool readable = write(ends[1], (void *)address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return readable;
}

uintptr_t map(size_t length, int protection, int extra_flags)
{
    void *made = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
    if (made == MAP_FAILED)
        fail("mmap of %zu bytes", length);
    return (uintptr_t)made;
}

void fill(uintptr_t start, size_t length)
{
    for (uintptr_t page = start; page < start + length; page += page_size())
        *(volatile unsigned *)page = 0x5eed5eed;
}

bool find_mapping(uintptr_t address, struct mapping *found)
{
    /* thread-self: once the main thread has ended, the file of the process is empty. */
    FILE *maps = fopen("/proc/thread-self/maps", "re");
    if (!maps)
        fail("/proc/thread-self/maps");
    char line[1024];
    bool hit = false;
    while (!hit && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        found->path[0] = '\0';
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %511[^\n]", &start, &end, found->path) < 2)
            continue;
        found->start = start;
        found->end = end;
        hit = start <= address && address < end;
    }
    fclose(maps);
    return hit;
}

/* ---- what is left behind, and how it is removed ---- */

static char directory[PATH_MAX];
static bool directory_is_ours;
static char files[MOST_FILES][PATH_MAX + 64];
static size_t file_count;
static const char *shm_names[4];
static size_t shm_count;
static int sysv_ids[4];
static size_t sysv_count;
static pid_t cleaner; /* a forked child shares these things and must leave them alone */

static void remove_what_was_made(void)
{
    if (getpid() != cleaner)
        return;
    for (size_t i = 0; i < file_count; i++)
        unlink(files[i]);
    for (size_t i = 0; i < shm_count; i++)
        shm_unlink(shm_names[i]);
    for (size_t i = 0; i < sysv_count; i++)
        shmctl(sysv_ids[i], IPC_RMID, NULL);
    if (directory_is_ours)
        rmdir(directory);
}

static void die_tidily(int signal)
{
    (void)signal;
    remove_what_was_made();
    _exit(1);
}

const char *temporary_file(const char *name, size_t length)
{
    if (file_count == MOST_FILES)
        fail("more than %d files", MOST_FILES);
    if (!directory[0]) {
        const char *parent = getenv("TMPDIR");
        snprintf(directory, sizeof directory, "%s/manifest-XXXXXX", parent ? parent : "/tmp");
        if (!mkdtemp(directory))
            fail("mkdtemp %s", directory);
        directory_is_ours = true;
    }
    char *path = files[file_count];
    snprintf(path, sizeof files[0], "%s/%s", directory, name);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        fail("create %s", path);
    file_count++;
    if (ftruncate(file, (off_t)length))
        fail("ftruncate %s", path);
    close(file);
    return path;
}

void remove_at_exit_shm(const char *name)
{
    shm_names[shm_count++] = name;
}

void remove_at_exit_sysv(int id)
{
    sysv_ids[sysv_count++] = id;
}

/* ---- the run ---- */

static struct scenario *scenario(const char *name)
{
    for (size_t i = 0; i < SCENARIO_COUNT; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    fail("no scenario %s", name);
}

static void ask_for(char *argument)
{
    char *number = strchr(argument, '=');
    if (number)
        *number++ = '\0';
    bool known = false;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        struct scenario *each = &scenarios[i];
        bool in_group = each->group && strcmp(argument, each->group) == 0;
        bool in_all = strcmp(argument, "all") == 0 && !each->not_in_all;
        if (!in_group && !in_all && strcmp(argument, each->name) != 0)
            continue;
        known = each->asked = true;
        if (number)
            each->number = strtol(number, NULL, 10);
    }
    if (!known)
        fail("no scenario %s", argument);
}

static void read_arguments(int count, char **arguments)
{
    program_path = arguments[0];
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--dir") == 0 && i + 1 < count)
            snprintf(directory, sizeof directory, "%s", arguments[++i]);
        else if (strcmp(arguments[i], "--lib") == 0 && i + 1 < count)
            library_path = arguments[++i];
        else
            ask_for(arguments[i]);
    }
}

static void wait_for_end_of_input(void)
{
    char byte;
    ssize_t got;
    do
        got = read(STDIN_FILENO, &byte, 1);
    while (got > 0 || (got < 0 && errno == EINTR));
}

/* Push the main stack down now, so that it does not grow between our looking and the test's. */
static __attribute__((noinline)) void deepen_stack(void)
{
    volatile char deep[128 * 1024];
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 1;
}

static void tell_all_and_wait(void)
{
    for (size_t i = 0; i < SCENARIO_COUNT; i++)
        if (scenarios[i].asked && scenarios[i].tell && scenarios[i].tell != tell_brk)
            scenarios[i].tell();
    if (scenario("brk")->asked) /* the others may still have malloced */
        tell_brk();
    print_claims();
    printf("{\"ready\": true, \"pid\": %d}\n", (int)getpid());
    fflush(stdout);
    wait_for_end_of_input();
    remove_what_was_made();
    _exit(0);
}

static void forget_lost_threads(void)
{
    for (size_t i = 0; i < claim_count; i++)
        if (claims[i].after_fork == BECOMES_CACHED) {
            claims[i].kind = "thread-cached";
            claims[i].tid = 0;
        } else if (claims[i].after_fork == BECOMES_DOUBTFUL) {
            claims[i].class = NULL; /* kept as a claim, so that the area around it stays cut out too */
        }
}

static void speak_from_forked_child(void)
{
    fflush(stdout); /* else parent and child would both print what was skipped */
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        deepen_stack();
        forget_lost_threads();
        tell_all_and_wait();
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    remove_what_was_made();
    _exit(0);
}

static void speak_without_leader(struct worker *worker)
{
    (void)worker;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* belongs to the thread that asks */
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    while (state != 'Z') {
        usleep(1000);
        FILE *stat = fopen(path, "re");
        if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
            fail("%s", path);
        fclose(stat);
    }
    leader_is_gone = true;
    tell_all_and_wait();
}

static void build_heir(long number)
{
    (void)number;
    claim_pooled_stack(start_worker((struct worker){.name = "heir", .rest = speak_without_leader}, NULL));
}

int main(int count, char **arguments)
{
    static char output[1 << 16];
    setvbuf(stdout, output, _IOFBF, sizeof output); /* in bss: a buffer in the heap would come late */
    cleaner = getpid();
    signal(SIGTERM, die_tidily);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    read_arguments(count, arguments);
    atexit(remove_what_was_made);

    for (size_t i = 0; i < SCENARIO_COUNT; i++)
        if (scenarios[i].asked && scenarios[i].build)
            scenarios[i].build(scenarios[i].number);
    deepen_stack();

    if (scenario("fork")->asked)
        speak_from_forked_child();
    if (scenario("zombie")->asked)
        pthread_exit(NULL);
    tell_all_and_wait();
}
