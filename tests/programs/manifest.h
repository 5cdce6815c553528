/*
 * What the parts of the manifest program share.
 *
 * The program builds memory of many sorts and says, of each byte range that it
 * knows by construction, what it is.  A scenario never reads the truth off the
 * names in /proc/PID/maps: it either made the range itself, or follows the
 * structures (ELF headers, malloc headers, thread descriptors) that prove it.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- claims: the truth, range by range (manifest.c) ---- */

/*
 * Ranges may lie inside each other: a thread's stack inside a malloc chunk, the
 * TLS block inside that stack.  The innermost layer is the truth of a byte; two
 * claims of one layer must never overlap, and the program stops if they do.
 */
enum layer { AREA, PART, INNER, LAYERS };

/* What a claim turns into in a child made by fork(), where only the forking thread lives on. */
enum after_fork {
    STAYS,
    BECOMES_CACHED, /* glibc moves the stacks of lost threads to its cache */
    BECOMES_DOUBTFUL, /* nobody owns it any more: the child says nothing about it */
};

struct claim {
    uintptr_t start, end;
    const char *class, *kind; /* class NULL: nothing is said about these bytes */
    char name[48];
    pid_t tid;
    enum layer layer;
    enum after_fork after_fork;
};

struct claim *claim(enum layer layer, uintptr_t start, uintptr_t end, const char *class, const char *kind,
                    const char *name);

/* Take bytes out of every other claim: unmapped by the program, or in doubt. */
void say_nothing_about(uintptr_t start, uintptr_t end);

/* A scenario, or a part of one, cannot work in this build or on this machine. */
void skipped(const char *what, const char *why);

/* ---- small helpers (manifest.c) ---- */

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

uintptr_t page_size(void);
uintptr_t page_down(uintptr_t address);
uintptr_t page_up(uintptr_t address);

/* Ask the kernel, without touching the memory: is it mapped; may it be read? */
bool is_mapped(uintptr_t start, uintptr_t end);
bool is_readable(uintptr_t address);

/* mmap that stops the program when it fails; anonymous and private unless told otherwise. */
uintptr_t map(size_t length, int protection, int extra_flags);

/* Write one word to each page, so that the range is resident and not zero. */
void fill(uintptr_t start, size_t length);

/* The mapping around an address, by number, never by name; false if there is none. */
struct mapping {
    uintptr_t start, end;
    char path[512];
};
bool find_mapping(uintptr_t address, struct mapping *found);

/* A fresh path in the directory of temporary files; the file is removed at exit. */
const char *temporary_file(const char *name, size_t length);
void remove_at_exit_shm(const char *name);
void remove_at_exit_sysv(int id);

extern bool leader_is_gone; /* set in the zombie scenario, once the main thread has ended */
extern const char *library_path; /* --lib: a shared library that the elf scenarios may load, or NULL */
extern const char *program_path; /* argv[0] */

/* ---- threads (manifest_threads.c) ---- */

struct worker {
    const char *name;
    void (*body)(struct worker *); /* runs before the thread says that it has started; may be NULL */
    void (*rest)(struct worker *); /* runs after that, and for ever; NULL: sleep until told to end */
    pthread_t thread;
    pid_t tid;
    uintptr_t descriptor; /* where struct pthread lies: what pthread_self() returns on Linux */
    sem_t started, end;
    void *result;
};

struct worker *start_worker(struct worker worker, const pthread_attr_t *attributes);

/* The stack that glibc mapped for a thread: stack, guard and TLS. */
void claim_pooled_stack(const struct worker *worker);

/* A stack that the program gave to a thread: no guard but what the program made. */
struct worker *start_on_stack(struct worker worker, uintptr_t stack, size_t length);

/* ---- malloc (manifest_malloc.c) ---- */

/* Claim the mapping that malloc made for one block alone; false, and said to be skipped, if it made none. */
bool claim_mmapped_chunk(const void *block, const char *name);

/* ---- ELF objects (manifest_elf.c) ---- */

bool is_dynamic(void);
uintptr_t end_of_program_bss(void);
/* The executable segment of the program: where it lies, and where in the file it begins (whole pages). */
struct text_segment {
    uintptr_t start, end;
    off_t offset;
};
struct text_segment program_text(void);
/* Claim the machine code seen through another mapping of program_text(). */
void claim_text_seen_at(uintptr_t start);

/* ---- the scenarios ---- */

struct scenario {
    const char *name, *group;
    void (*build)(long number); /* makes the memory; may be NULL */
    void (*tell)(void); /* runs when all is built, for ranges that grow until then; may be NULL */
    long number; /* the N of many=N */
    bool asked;
    bool not_in_all;
};

void tell_elf(void);
void tell_kernel(void);
void build_library(long);
void build_dlmopen(long);
void build_partly_unmapped(long);
void build_anonymous_text(long);
void build_text_twice(long);

void tell_main_stack(void);
void tell_main_tls(void);
void build_threads(long);
void build_threads_odd(long);
void build_threads_guards(long);
void build_threads_user(long);
void build_threads_marked(long);
void build_threads_dead(long);
void build_spin(long);
void build_clone(long);
void build_signal_stacks(long);
void build_coroutines(long);
void build_many_threads(long);

void build_brk(long);
void tell_brk(void);
void build_arenas(long);
void build_arenas_full(long);
void tell_arenas(void);
void build_chunks(long);
void build_brk_blocked(long);

void build_mmap(long);
void build_shm(long);
void build_jit(long);
void build_many(long);

void build_fake_arena(long);
void build_fake_stack(long);
void build_fake_chunk(long);
void build_odd_names(long);
void build_own_elf(long);
void build_behind_bss(long);
void build_merged(long);

#endif
