/*
 * Stacks of every sort: threads, signal handlers, coroutines, the main stack.
 *
 * A thread's block is, from low to high: guard, stack, static TLS, struct
 * pthread.  Its bounds come from pthread_getattr_np(), or from ourselves when
 * the stack is ours; where TLS begins comes from the sizes that glibc uses.
 */
#include "manifest.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MOST_WORKERS 4096
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

/* Not in any header; in the loader, or linked into a static program. */
extern void _dl_get_tls_static_info(size_t *size, size_t *align) __attribute__((weak));

static struct worker workers[MOST_WORKERS];
static size_t worker_count;

/* ---- starting threads ---- */

static void *work(void *given)
{
    struct worker *self = given;
    self->tid = (pid_t)syscall(SYS_gettid);
    self->descriptor = (uintptr_t)pthread_self();
    if (self->body)
        self->body(self);
    sem_post(&self->started);
    if (self->rest)
        self->rest(self);
    while (sem_wait(&self->end))
        ;
    return NULL;
}

struct worker *start_worker(struct worker worker, const pthread_attr_t *attributes)
{
    if (worker_count == MOST_WORKERS)
        fail("more than %d threads", MOST_WORKERS);
    struct worker *started = &workers[worker_count++];
    *started = worker;
    sem_init(&started->started, 0, 0);
    sem_init(&started->end, 0, 0);
    int error = pthread_create(&started->thread, attributes, work, started);
    if (error)
        fail("pthread_create: %s", strerror(error));
    while (sem_wait(&started->started))
        ;
    return started;
}

static struct worker *start_pooled(const char *name, size_t stack_size, size_t guard_size)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack_size && pthread_attr_setstacksize(&attributes, stack_size))
        fail("stack size %zu", stack_size);
    if (pthread_attr_setguardsize(&attributes, guard_size))
        fail("guard size %zu", guard_size);
    struct worker *started = start_worker((struct worker){.name = name}, &attributes);
    pthread_attr_destroy(&attributes);
    return started;
}

/* ---- where the TLS block of a thread lies ---- */

struct tls_layout {
    bool known;
    size_t block; /* static TLS and struct pthread together */
    size_t descriptor; /* sizeof(struct pthread) */
};

/*
 * glibc keeps sizeof(struct pthread) to itself, but puts the descriptor at the
 * very top of a stack: the distance from there to the top of a page-aligned
 * stack of ours is the size, since the alignment of the descriptor divides it.
 */
static size_t measure_descriptor(void)
{
    size_t length = 256 * KIB;
    uintptr_t stack = map(length, PROT_READ | PROT_WRITE, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, (void *)stack, length);
    struct worker *probe = start_worker((struct worker){.name = "probe"}, &attributes);
    size_t size = stack + length - probe->descriptor;
    sem_post(&probe->end);
    pthread_join(probe->thread, NULL);
    pthread_attr_destroy(&attributes);
    munmap((void *)stack, length);
    return size;
}

static struct tls_layout tls_layout(void)
{
    static struct tls_layout layout;
    static bool asked;
    if (asked)
        return layout;
    asked = true;
    void (*info)(size_t *, size_t *) = _dl_get_tls_static_info;
    if (is_dynamic())
        *(void **)&info = dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
    if (!info)
        return layout;
    size_t size, align;
    info(&size, &align);
    layout.block = (size + align - 1) / align * align; /* as __nptl_tls_static_size_for_stack() rounds it */
    layout.descriptor = measure_descriptor();
    layout.known = true;
    return layout;
}

/* Claim stack and TLS of a block whose guard, if any, ends at start; the pieces lie on layer and above. */
static void claim_stack_and_tls(enum layer layer, const struct worker *worker, uintptr_t start,
                                enum after_fork stack_after_fork)
{
    struct tls_layout layout = tls_layout();
    if (!layout.known)
        return; /* then the top of the stack would be a guess */
    uintptr_t tls_end = worker->descriptor + layout.descriptor;
    struct claim *stack = claim(layer, start, tls_end - layout.block, "stack", "thread", worker->name);
    struct claim *tls = claim(layer, tls_end - layout.block, tls_end, "tls", "tls", worker->name);
    stack->tid = tls->tid = worker->tid;
    stack->after_fork = stack_after_fork;
    tls->after_fork = BECOMES_DOUBTFUL;
}

void claim_pooled_stack(const struct worker *worker)
{
    pthread_attr_t attributes;
    void *block;
    size_t size, guard;
    if (pthread_getattr_np(worker->thread, &attributes) || pthread_attr_getstack(&attributes, &block, &size) ||
        pthread_attr_getguardsize(&attributes, &guard))
        fail("pthread_getattr_np");
    pthread_attr_destroy(&attributes);
    uintptr_t start = (uintptr_t)block;
    /* Whether the block that glibc speaks of holds the guard has changed over time: let the kernel say. */
    if (guard && !is_readable(start + guard - 1) && is_readable(start + guard)) {
        claim(AREA, start, start + guard, "guard", "stack-guard", worker->name)->tid = worker->tid;
        start += guard;
    } else if (guard && is_readable(start) && !is_readable(start - 1)) {
        claim(AREA, start - guard, start, "guard", "stack-guard", worker->name)->tid = worker->tid;
    } else if (guard) {
        fail("thread %s: its guard is not where it should be", worker->name);
    }
    claim_stack_and_tls(AREA, worker, start, BECOMES_CACHED);
}

struct worker *start_on_stack(struct worker worker, uintptr_t stack, size_t length)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, (void *)stack, length))
        fail("pthread_attr_setstack");
    struct worker *started = start_worker(worker, &attributes);
    pthread_attr_destroy(&attributes);
    claim_stack_and_tls(PART, started, stack, BECOMES_DOUBTFUL);
    return started;
}

/* ---- the main thread ---- */

/*
 * The kernel writes the program's path at the very top of the stack, and one
 * word of zero above it: a word of the kernel's, 8 bytes also above a 32-bit
 * program if the kernel has 64.  Below, the stack reaches as far as it has grown: that
 * is in no structure of the program, so the mapping around it is looked up.
 */
void tell_main_stack(void)
{
    const char *path = (const char *)getauxval(AT_EXECFN);
    uintptr_t end_of_path = (uintptr_t)path + strlen(path) + 1;
    uintptr_t top = page_up(end_of_path + 4);
    struct mapping around;
    bool as_expected = top - end_of_path == 4 || top - end_of_path == 8;
    if (!as_expected || !find_mapping((uintptr_t)path, &around) || around.end != top)
        skipped("main-stack", "its top is not where the kernel puts it");
    else
        claim(AREA, around.start, top, "stack", "main", "main")->tid = getpid();
}

void tell_main_tls(void)
{
    struct tls_layout layout = tls_layout();
    if (leader_is_gone || !layout.known) {
        skipped("main-tls", "the main thread has ended, or its size is not known");
        return;
    }
    uintptr_t end = (uintptr_t)pthread_self() + layout.descriptor;
    claim(INNER, end - layout.block, end, "tls", "tls", "main")->tid = getpid(); /* a static program: in its brk */
}

/* ---- pthreads ---- */

void build_threads(long number)
{
    (void)number;
    claim_pooled_stack(start_pooled("default 1", 0, page_size()));
    claim_pooled_stack(start_pooled("default 2", 0, page_size()));
}

void build_threads_odd(long number)
{
    (void)number;
    claim_pooled_stack(start_pooled("odd size", 1234567, page_size()));
    claim_pooled_stack(start_pooled("64 KiB", 64 * KIB, page_size()));
    claim_pooled_stack(start_pooled("3 MiB and a page", 3072 * KIB + page_size(), page_size()));
}

void build_threads_guards(long number)
{
    (void)number;
    claim_pooled_stack(start_pooled("guard of 16 pages", 256 * KIB, 16 * page_size()));
    claim_pooled_stack(start_pooled("guard of 3 pages", 256 * KIB, 3 * page_size()));
    claim_pooled_stack(start_pooled("no guard 1", 256 * KIB, 0));
    claim_pooled_stack(start_pooled("no guard 2", 256 * KIB, 0));
}

void build_threads_user(long number)
{
    static _Alignas(64) char in_bss[192 * KIB];
    (void)number;
    size_t length = 192 * KIB;
    start_on_stack((struct worker){.name = "in MAP_STACK"}, map(length, PROT_READ | PROT_WRITE, MAP_STACK), length);
    start_on_stack((struct worker){.name = "in plain mmap"}, map(length, PROT_READ | PROT_WRITE, 0), length);
    start_on_stack((struct worker){.name = "in bss"}, (uintptr_t)in_bss, sizeof in_bss);
    start_on_stack((struct worker){.name = "in brk"}, (uintptr_t)malloc(96 * KIB), 96 * KIB);
    void *chunk = malloc(length + 8 * KIB); /* above malloc's threshold; around the stack it stays heap */
    if (claim_mmapped_chunk(chunk, "around a stack"))
        start_on_stack((struct worker){.name = "in a chunk"}, (uintptr_t)chunk + 4 * KIB, length);
}

/* As glibc 2.42 does: guards are marks in the page table, so that stacks share one mapping with them. */
void build_threads_marked(long number)
{
    static const char *const names[] = {"marked guard 1", "marked guard 2", "marked guard 3"};
    (void)number;
    size_t guard = 2 * page_size(), length = 256 * KIB, each = guard + length;
    uintptr_t block = map(3 * each, PROT_READ | PROT_WRITE, MAP_STACK | MAP_NORESERVE);
    for (size_t i = 0; i < 3; i++) {
        uintptr_t start = block + i * each;
        if (madvise((void *)start, guard, MADV_GUARD_INSTALL)) {
            skipped("threads-marked", strerror(errno));
            munmap((void *)block, 3 * each);
            return;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        uintptr_t start = block + i * each;
        struct worker *started = start_on_stack((struct worker){.name = names[i]}, start + guard, length);
        struct claim *claimed = claim(AREA, start, start + guard, "guard", "stack-guard", names[i]);
        claimed->tid = started->tid;
        claimed->after_fork = BECOMES_DOUBTFUL;
    }
}

/* glibc keeps the stacks of ended threads, up to 40 MiB, joined or detached. */
void build_threads_dead(long number)
{
    (void)number;
    struct worker *dead[] = {
        start_pooled("dead 1", 8192 * KIB, page_size()), /* not the default, which may exceed the cache */
        start_pooled("dead 2, detached", 8192 * KIB, page_size()),
        start_pooled("dead 3", 320 * KIB, page_size()),
    };
    struct tls_layout layout = tls_layout();
    for (size_t i = 0; i < 3; i++) {
        size_t before = 0;
        pthread_attr_t attributes;
        void *block;
        size_t size, guard;
        pthread_getattr_np(dead[i]->thread, &attributes);
        pthread_attr_getstack(&attributes, &block, &size);
        pthread_attr_getguardsize(&attributes, &guard);
        pthread_attr_destroy(&attributes);
        uintptr_t start = (uintptr_t)block;
        if (!is_readable(start))
            before = guard;
        bool detached = i == 1;
        if (detached)
            pthread_detach(dead[i]->thread);
        sem_post(&dead[i]->end);
        if (!detached)
            pthread_join(dead[i]->thread, NULL);
        while (syscall(SYS_tgkill, getpid(), dead[i]->tid, 0) == 0)
            usleep(1000);
        if (!layout.known || !is_mapped(start, start + size))
            continue;
        if (before)
            claim(AREA, start, start + before, "guard", "stack-guard", dead[i]->name);
        /* What was TLS still holds the list entry by which glibc finds the stack: not spoken of. */
        claim(AREA, start + before, dead[i]->descriptor + layout.descriptor - layout.block, "stack", "thread-cached",
              dead[i]->name);
    }
}

void build_many_threads(long number)
{
    for (long i = 0; i < number; i++)
        claim_pooled_stack(start_pooled("one of many", 128 * KIB, page_size()));
}

static void spin(struct worker *worker)
{
    (void)worker;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19); /* on Linux, of this thread alone */
    for (volatile unsigned turns = 0;; turns++)
        ;
}

void build_spin(long number)
{
    (void)number;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 512 * KIB);
    claim_pooled_stack(start_worker((struct worker){.name = "spinning", .rest = spin}, &attributes));
    pthread_attr_destroy(&attributes);
}

/* ---- threads that glibc knows nothing of ---- */

static int sleep_for_ever(void *word)
{
    for (;;) /* errno is the main thread's here: nothing may read it */
        syscall(SYS_futex, word, FUTEX_WAIT, *(int *)word, NULL, NULL, 0);
    return 0;
}

void build_clone(long number)
{
    static int word;
    (void)number;
    size_t guard = page_size(), length = 128 * KIB;
    uintptr_t block = map(guard + length, PROT_READ | PROT_WRITE, MAP_STACK);
    if (mprotect((void *)block, guard, PROT_NONE))
        fail("mprotect");
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    int tid = clone(sleep_for_ever, (void *)(block + guard + length), flags, &word);
    if (tid < 0)
        fail("clone");
    struct claim *made = claim(AREA, block, block + guard, "guard", "stack-guard", "raw clone");
    made->tid = tid;
    made->after_fork = BECOMES_DOUBTFUL;
    made = claim(AREA, block + guard, block + guard + length, "stack", "thread", "raw clone");
    made->tid = tid;
    made->after_fork = BECOMES_DOUBTFUL;
}

/* ---- signal stacks ---- */

static sem_t in_handler;

static void stay_in_handler(int signal)
{
    (void)signal;
    sem_post(&in_handler);
    for (;;)
        pause();
}

struct signal_stack {
    uintptr_t start;
    size_t length;
};

static void set_signal_stack(struct worker *worker)
{
    const struct signal_stack *given = worker->result;
    stack_t stack = {.ss_sp = (void *)given->start, .ss_size = given->length};
    if (sigaltstack(&stack, NULL))
        fail("sigaltstack");
}

static void handle_signal(struct worker *worker)
{
    (void)worker;
    raise(SIGUSR1);
}

void build_signal_stacks(long number)
{
    static struct signal_stack stacks[3];
    static const char *const names[] = {"handler runs on it", "set, not in use", "set, in brk"};
    (void)number;
    sem_init(&in_handler, 0, 0);
    struct sigaction action = {.sa_handler = stay_in_handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    stacks[0] = (struct signal_stack){map(64 * KIB, PROT_READ | PROT_WRITE, 0), 64 * KIB};
    stacks[1] = (struct signal_stack){map(32 * KIB, PROT_READ | PROT_WRITE, 0), 32 * KIB};
    stacks[2] = (struct signal_stack){(uintptr_t)malloc(32 * KIB), 32 * KIB};
    for (size_t i = 0; i < 3; i++) {
        struct worker worker = {.name = names[i], .body = set_signal_stack, .result = &stacks[i]};
        if (i == 0)
            worker.rest = handle_signal;
        struct worker *started = start_worker(worker, NULL);
        claim_pooled_stack(started);
        if (i == 2)
            continue; /* nothing has run on it: a block of malloc, whatever it is set aside for */
        struct claim *made =
            claim(PART, stacks[i].start, stacks[i].start + stacks[i].length, "stack", "signal", names[i]);
        made->tid = started->tid;
        made->after_fork = BECOMES_DOUBTFUL;
    }
    while (sem_wait(&in_handler))
        ;
}

/* ---- coroutines ---- */

static ucontext_t resumer, coroutines[3];

static void yield_for_ever(int index)
{
    for (;;)
        swapcontext(&coroutines[index], &resumer);
}

void build_coroutines(long number)
{
    (void)number;
    size_t guard = page_size(), length = 128 * KIB;
    for (int i = 0; i < 3; i++) {
        uintptr_t block = map(guard + length, PROT_READ | PROT_WRITE, MAP_STACK);
        if (mprotect((void *)block, guard, PROT_NONE))
            fail("mprotect");
        getcontext(&coroutines[i]);
        coroutines[i].uc_stack.ss_sp = (void *)(block + guard);
        coroutines[i].uc_stack.ss_size = length;
        coroutines[i].uc_link = &resumer;
        makecontext(&coroutines[i], (void (*)(void))(void *)yield_for_ever, 1, i);
        swapcontext(&resumer, &coroutines[i]); /* run it until its first yield */
        claim(AREA, block, block + guard, "guard", "stack-guard", "coroutine");
        claim(AREA, block + guard, block + guard + length, "stack", "coroutine", "coroutine");
    }
}
