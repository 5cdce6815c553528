/*
 * Memory under glibc's malloc: the brk heap, the arenas of threads, chunks of
 * their own mapping, and what happens when brk can no longer grow.
 *
 * The truth is read from malloc's own headers (malloc/malloc.c, malloc/arena.c):
 * the word below a block is its chunk's size with three flags, and an arena's
 * heap begins, aligned to its greatest size, with struct heap_info.
 */
#include "manifest.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KIB ((size_t)1024)

enum { PREVIOUS_IN_USE = 1, IS_MMAPPED = 2, NOT_MAIN_ARENA = 4, SIZE_FLAGS = 7 };

/* malloc/arena.c; later members differ from version to version, these do not. */
struct heap_info {
    void *arena;
    struct heap_info *previous;
    size_t size;
    size_t mprotect_size;
};

static size_t size_word(const void *block)
{
    return *(const size_t *)((uintptr_t)block - sizeof(size_t));
}

/* ---- brk ---- */

static uintptr_t start_of_brk(void)
{
    FILE *stat = fopen("/proc/self/stat", "re");
    char line[1024];
    if (!stat || !fgets(line, sizeof line, stat))
        fail("/proc/self/stat");
    fclose(stat);
    const char *field = strrchr(line, ')'); /* closes field 2 */
    for (int number = 2; field && number < 47; number++)
        field = strchr(field + 1, ' ');
    if (!field)
        fail("/proc/self/stat has no field 47");
    return strtoul(field, NULL, 10);
}

static uintptr_t brk_start; /* found before the main thread can end: then the field reads 0 */

void build_brk(long number)
{
    (void)number;
    brk_start = start_of_brk();
    for (int i = 0; i < 64; i++)
        memset(malloc(10 * KIB), 1, 10 * KIB);
}

void tell_brk(void)
{
    uintptr_t end = page_up((uintptr_t)sbrk(0));
    if (end > brk_start)
        claim(AREA, brk_start, end, "heap", "brk", "brk");
}

/* ---- chunks with a mapping of their own ---- */

bool claim_mmapped_chunk(const void *block, const char *name)
{
    size_t size = size_word(block);
    if (!(size & IS_MMAPPED)) { /* a tunable raised the threshold, or the top of an arena had room for it */
        skipped(name, "malloc did not map it");
        return false;
    }
    uintptr_t chunk = (uintptr_t)block - 2 * sizeof(size_t);
    size_t before = ((const size_t *)chunk)[0]; /* from the start of the mapping to the chunk */
    claim(AREA, chunk - before, chunk + (size & ~(size_t)SIZE_FLAGS), "heap", "glibc-mmap-chunk", name);
    return true;
}

void build_chunks(long number)
{
    static const size_t sizes[] = {200, 200, 200, 140, 1000, 3000};
    (void)number;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "chunk of %zu KiB", sizes[i]);
        void *block = malloc(sizes[i] * KIB);
        memset(block, 2, sizes[i] * KIB / 2);
        claim_mmapped_chunk(block, name);
    }
    claim_mmapped_chunk(calloc(1, 300 * KIB), "calloc, never touched");
    void *aligned;
    if (posix_memalign(&aligned, 64 * KIB, 300 * KIB))
        fail("posix_memalign");
    claim_mmapped_chunk(aligned, "aligned inside its mapping");
}

/* ---- arenas ---- */

#define MOST_ARENA_BLOCKS 16
static void *arena_blocks[MOST_ARENA_BLOCKS]; /* one block in the last heap of each arena */
static size_t arena_block_count;

/*
 * What the heaps of arenas are aligned to and reserve: 64 MiB, or 1 MiB in 32
 * bits.  With the tunable glibc.malloc.hugetlb=2 it is four huge pages (glibc
 * 2.35 to 2.41), also when the machine has none to give.
 */
static uintptr_t find_heap_span(void)
{
    const char *tunables = getenv("GLIBC_TUNABLES");
    if (!tunables || !strstr(tunables, "glibc.malloc.hugetlb=2"))
        return (sizeof(void *) == 8 ? 64 * 1024 : 1024) * KIB;
    FILE *information = fopen("/proc/meminfo", "re");
    char line[256];
    unsigned long huge_page = 0; /* kB */
    while (information && !huge_page && fgets(line, sizeof line, information))
        sscanf(line, "Hugepagesize: %lu kB", &huge_page);
    if (!huge_page)
        fail("huge pages are asked for, and their size is not known");
    fclose(information);
    return 4 * huge_page * KIB;
}

static uintptr_t heap_span(void)
{
    static uintptr_t span;
    if (!span)
        span = find_heap_span();
    return span;
}

static struct heap_info *heap_of(const void *block)
{
    return (struct heap_info *)((uintptr_t)block & ~(heap_span() - 1));
}

/* Allocate, in the thread's arena. */
static void *allocate(const struct worker *worker, size_t size)
{
    void *block = malloc(size);
    if (!block || !(size_word(block) & NOT_MAIN_ARENA))
        fail("%s: a block outside of the thread's arena", worker->name);
    return block;
}

static void fill_a_little(struct worker *worker)
{
    for (size_t i = 0; i < 20; i++) {
        worker->result = allocate(worker, 20 * KIB);
        memset(worker->result, 3, 20 * KIB);
    }
}

/* Until the arena has had to add two heaps to its first; most pages stay untouched. */
static void overfill(struct worker *worker)
{
    int heaps = 1;
    const struct heap_info *current = NULL;
    while (heaps < 3) {
        void *block = allocate(worker, 100 * KIB);
        worker->result = block;
        heaps += current && heap_of(block) != current;
        current = heap_of(block);
    }
}

static void start_allocating(const char *name, void (*body)(struct worker *), bool ends)
{
    struct worker *started;
    if (ends) { /* on a stack of its own, or it would leave one in glibc's cache */
        size_t length = 256 * KIB;
        uintptr_t stack = map(length, PROT_READ | PROT_WRITE, 0);
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, (void *)stack, length);
        started = start_worker((struct worker){.name = name, .body = body}, &attributes);
        pthread_attr_destroy(&attributes);
        sem_post(&started->end);
        pthread_join(started->thread, NULL);
        munmap((void *)stack, length);
    } else {
        started = start_worker((struct worker){.name = name, .body = body}, NULL);
        claim_pooled_stack(started);
    }
    arena_blocks[arena_block_count++] = started->result;
}

/* So that each thread gets an arena of its own, also where there are few CPUs. */
static void allow_many_arenas(void)
{
    heap_span(); /* found here, in the main thread: the others only allocate what they show */
    mallopt(M_ARENA_MAX, 64);
}

void build_arenas(long number)
{
    (void)number;
    allow_many_arenas();
    start_allocating("allocates 1", fill_a_little, false);
    start_allocating("allocates 2", fill_a_little, false);
    start_allocating("allocated, and ended", fill_a_little, true);
}

void build_arenas_full(long number)
{
    (void)number;
    allow_many_arenas();
    start_allocating("fills heaps", overfill, false);
}

static bool is_claimed_already(const struct heap_info *const *seen, size_t count, const struct heap_info *heap)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i] == heap)
            return true;
    return false;
}

void tell_arenas(void)
{
    static const struct heap_info *seen[4 * MOST_ARENA_BLOCKS];
    static size_t count; /* this runs once for each scenario with arenas */
    for (size_t i = 0; i < arena_block_count; i++)
        for (struct heap_info *heap = heap_of(arena_blocks[i]); heap; heap = heap->previous) {
            if (is_claimed_already(seen, count, heap))
                continue;
            seen[count++] = heap;
            uintptr_t start = (uintptr_t)heap;
            uintptr_t used = start + heap->mprotect_size, end = start + heap_span();
            if (!is_readable(used - 1) || (used < end && (is_readable(used) || !is_mapped(used, end))))
                fail("a heap at %#lx is not as its header says", (unsigned long)start);
            claim(AREA, start, used, "heap", "glibc-arena", "arena");
            if (used < end)
                claim(AREA, used, end, "reserved", "glibc-arena-reserve", "arena");
        }
}

/* ---- brk that cannot grow ---- */

/*
 * With something in the way of brk, the main arena takes at least 1 MiB at a
 * time by mmap, and cuts blocks from it as it does from brk.  What is left of
 * such an area is the top chunk, so the first block and the top give its bounds.
 */
void build_brk_blocked(long number)
{
    (void)number;
    uintptr_t end = page_up((uintptr_t)sbrk(0));
    void *obstacle = mmap((void *)end, page_size(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (obstacle == MAP_FAILED) {
        skipped("brk-blocked", "something else lies behind brk");
        return;
    }
    claim(AREA, end, end + page_size(), "mmap", "anon-private", "in the way of brk");

    for (int tries = 0; tries < 100; tries++) {
        uintptr_t block = (uintptr_t)malloc(64 * KIB);
        uintptr_t chunk = block - 2 * sizeof(size_t), area = page_down(chunk);
        bool first_of_area = chunk - area <= 2 * sizeof(size_t) && !(area < end && area >= start_of_brk());
        if (!first_of_area)
            continue;
        uintptr_t top = chunk + (size_word((void *)block) & ~(size_t)SIZE_FLAGS);
        uintptr_t top_size = ((const size_t *)top)[1] & ~(size_t)SIZE_FLAGS;
        if (page_up(top + top_size) != top + top_size)
            fail("the area of the main arena does not end with a page");
        claim(AREA, area, top + top_size, "heap", "glibc-main-mmap", "main arena beside brk");
        return;
    }
    skipped("brk-blocked", "malloc did not map an area");
}
