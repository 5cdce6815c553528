/*
 * What a program maps by itself, and lookalikes: mappings made to be taken for
 * something that they are not.
 */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define HUGE_PAGE (2 * MIB)
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447 /* Linux 5.14 */
#endif

static const int READ_WRITE = PROT_READ | PROT_WRITE;

/* Map a file, close it, and claim the mapping. Negative file: skipped, for the reason in errno. */
static uintptr_t claim_file(int file, size_t length, int protection, int flags, const char *class, const char *kind,
                            const char *name)
{
    if (file < 0) {
        skipped(name, strerror(errno));
        return 0;
    }
    void *made = mmap(NULL, length, protection, flags, file, 0);
    int error = errno;
    close(file);
    if (made == MAP_FAILED) {
        skipped(name, strerror(error));
        return 0;
    }
    claim(AREA, (uintptr_t)made, (uintptr_t)made + length, class, kind, name);
    if (protection & PROT_WRITE)
        fill((uintptr_t)made, length);
    return (uintptr_t)made;
}

static int open_file(const char *path)
{
    return open(path, O_RDWR | O_CLOEXEC);
}

/* ---- plain mappings ---- */

void build_mmap(long number)
{
    (void)number;
    const char *path = temporary_file("data.bin", 64 * KIB);
    claim_file(open_file(path), 64 * KIB, PROT_READ, MAP_PRIVATE, "mmap", "file-private", "read-only, private");
    claim_file(open_file(path), 64 * KIB, READ_WRITE, MAP_PRIVATE, "mmap", "file-private", "written copy");
    claim_file(open_file(path), 64 * KIB, READ_WRITE, MAP_SHARED, "mmap", "file-shared", "shared");
    claim_file(open_file(path), 64 * KIB, PROT_READ, MAP_SHARED, "mmap", "file-shared", "shared, read-only");

    uintptr_t plain = map(88 * KIB, READ_WRITE, 0);
    fill(plain, 88 * KIB);
    claim(AREA, plain, plain + 88 * KIB, "mmap", "anon-private", "plain");
    uintptr_t untouched = map(92 * KIB, READ_WRITE, 0);
    claim(AREA, untouched, untouched + 92 * KIB, "mmap", "anon-private", "never touched");
    uintptr_t constant = map(20 * KIB, PROT_READ, 0);
    claim(AREA, constant, constant + 20 * KIB, "mmap", "anon-private", "read-only");
    uintptr_t lazy = map(8 * MIB, READ_WRITE, MAP_NORESERVE);
    claim(AREA, lazy, lazy + 8 * MIB, "mmap", "anon-private", "MAP_NORESERVE");

    size_t large = sizeof(void *) == 8 ? 1024 * MIB : 32 * MIB;
    uintptr_t reserve = map(large, PROT_NONE, MAP_NORESERVE);
    claim(AREA, reserve, reserve + large, "reserved", "reserved", "address space set aside");

    /* Some room between, or the guard could merge with what is reserved. */
    uintptr_t guarded = map(page_size() + 96 * KIB, READ_WRITE, 0);
    if (mprotect((void *)guarded, page_size(), PROT_NONE))
        fail("mprotect");
    uintptr_t above = guarded + page_size();
    fill(above, 96 * KIB);
    claim(AREA, guarded, above, "guard", "guard", "below a buffer");
    claim(AREA, above, above + 96 * KIB, "mmap", "anon-private", "buffer above a guard");
}

void build_many(long number)
{
    size_t length = (size_t)number * page_size();
    uintptr_t area = map(length, READ_WRITE, MAP_NORESERVE);
    for (uintptr_t page = area; page < area + length; page += 2 * page_size())
        if (mprotect((void *)page, page_size(), PROT_READ))
            fail("mprotect; vm.max_map_count may be too low for many=%ld", number);
    claim(AREA, area, area + length, "mmap", "anon-private", "one of many");
}

/* ---- shared memory ---- */

static void build_sysv(void)
{
    static const char *const names[] = {"System V", "System V, removed"};
    for (int i = 0; i < 2; i++) {
        int id = shmget(IPC_PRIVATE, 96 * KIB, IPC_CREAT | 0600);
        void *attached = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
        if (attached == (void *)-1) {
            skipped(names[i], strerror(errno));
            continue;
        }
        if (i == 0)
            remove_at_exit_sysv(id);
        else
            shmctl(id, IPC_RMID, NULL);
        fill((uintptr_t)attached, 96 * KIB);
        claim(AREA, (uintptr_t)attached, (uintptr_t)attached + 96 * KIB, "shm", "sysv", names[i]);
    }
}

static int posix_object(const char *name, size_t length)
{
    int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0 && ftruncate(file, (off_t)length))
        fail("ftruncate of %s", name);
    return file;
}

static int memory_file(const char *name, unsigned flags, size_t length)
{
    int file = memfd_create(name, flags);
    if (file >= 0 && ftruncate(file, (off_t)length))
        fail("ftruncate of memfd %s", name);
    return file;
}

void build_shm(long number)
{
    static char kept[64], unlinked[64];
    (void)number;
    build_sysv();

    size_t length = 80 * KIB;
    snprintf(kept, sizeof kept, "/manifest-%d", (int)getpid());
    snprintf(unlinked, sizeof unlinked, "/manifest-%d-unlinked", (int)getpid());
    int object = posix_object(kept, length);
    if (object >= 0)
        remove_at_exit_shm(kept);
    claim_file(object, length, READ_WRITE, MAP_SHARED, "shm", "posix", "POSIX");
    claim_file(posix_object(unlinked, length), length, READ_WRITE, MAP_SHARED, "shm", "posix", "POSIX, unlinked");
    shm_unlink(unlinked);

    claim_file(memory_file("plain", 0, length), length, READ_WRITE, MAP_SHARED, "shm", "memfd", "memfd");
    claim_file(memory_file("copied", 0, length), length, READ_WRITE, MAP_PRIVATE, "shm", "memfd",
               "memfd, private copy");

    void *anonymous = mmap(NULL, length, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (anonymous == MAP_FAILED)
        fail("shared anonymous mmap");
    fill((uintptr_t)anonymous, length);
    claim(AREA, (uintptr_t)anonymous, (uintptr_t)anonymous + length, "shm", "anon-shared", "shared anonymous");
    claim_file(open_file("/dev/zero"), length, READ_WRITE, MAP_SHARED, "shm", "anon-shared", "/dev/zero shared");
    claim_file(open_file("/dev/zero"), length, READ_WRITE, MAP_PRIVATE, "mmap", "anon-private", "/dev/zero private");

    /* Without pages set aside (vm.nr_hugepages) these two say so and leave nothing. */
    claim_file(memory_file("huge", MFD_HUGETLB, HUGE_PAGE), HUGE_PAGE, READ_WRITE, MAP_SHARED, "shm", "hugetlb",
               "huge pages, shared");
    void *huge = mmap(NULL, HUGE_PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (huge == MAP_FAILED)
        skipped("huge pages, private", strerror(errno));
    else
        claim(AREA, (uintptr_t)huge, (uintptr_t)huge + HUGE_PAGE, "mmap", "hugetlb", "huge pages, private");

    int secret = (int)syscall(SYS_memfd_secret, 0);
    if (secret >= 0 && ftruncate(secret, (off_t)(4 * page_size())))
        fail("ftruncate of a secret file");
    claim_file(secret, 4 * page_size(), READ_WRITE, MAP_SHARED, "shm", "secretmem", "secret");
}

/* ---- executable memory that is no ELF object's ---- */

void build_jit(long number)
{
    (void)number;
    size_t length = 68 * KIB;
    uintptr_t writable = map(length, READ_WRITE | PROT_EXEC, 0);
    fill(writable, length);
    claim(AREA, writable, writable + length, "jit", "jit", "rwx");
    uintptr_t sealed = map(length, READ_WRITE, 0);
    fill(sealed, length);
    if (mprotect((void *)sealed, length, PROT_READ | PROT_EXEC))
        fail("mprotect");
    claim(AREA, sealed, sealed + length, "jit", "jit", "r-x");

    int file = memory_file("code", 0, length);
    claim_file(dup(file), length, READ_WRITE, MAP_SHARED, "shm", "memfd", "writable view of code");
    claim_file(file, length, PROT_READ | PROT_EXEC, MAP_SHARED, "jit", "jit", "executable view");
}

/* ---- lookalikes ---- */

/* An area aligned to its own size, somewhere in the middle of nowhere. */
static uintptr_t map_aligned(size_t size)
{
    uintptr_t whole = map(2 * size, PROT_NONE, MAP_NORESERVE);
    uintptr_t aligned = (whole + size - 1) & ~(size - 1);
    if (aligned > whole)
        munmap((void *)whole, aligned - whole);
    munmap((void *)(aligned + size), whole + size - aligned);
    return aligned;
}

/* Aligned and divided as the heap of a malloc arena is; only the first words tell. */
void build_fake_arena(long number)
{
    (void)number;
    size_t size = sizeof(void *) == 8 ? 64 * MIB : MIB, used = 132 * KIB;
    for (int i = 0; i < 2; i++) {
        uintptr_t area = map_aligned(size);
        if (mprotect((void *)area, used, READ_WRITE))
            fail("mprotect");
        if (i == 0)
            fill(area, used);
        claim(AREA, area, area + used, "mmap", "anon-private", i == 0 ? "no arena" : "no arena, all zero");
        claim(AREA, area + used, area + size, "reserved", "reserved", "no arena's rest");
    }
}

/* What a stack looks like from outside, with no thread or coroutine that ever ran there. */
void build_fake_stack(long number)
{
    (void)number;
    size_t guard = page_size(), length = 160 * KIB;
    uintptr_t with_guard = map(guard + length, READ_WRITE, MAP_STACK);
    if (mprotect((void *)with_guard, guard, PROT_NONE))
        fail("mprotect");
    fill(with_guard + guard, length);
    claim(AREA, with_guard, with_guard + guard, "guard", "guard", "below no stack");
    claim(AREA, with_guard + guard, with_guard + guard + length, "mmap", "anon-private", "MAP_STACK, no stack");
    uintptr_t bare = map(length, READ_WRITE, MAP_STACK);
    fill(bare, length);
    claim(AREA, bare, bare + length, "mmap", "anon-private", "MAP_STACK, no guard, no stack");
}

/* The length that malloc(200 KiB) would map, without the header that malloc would write. */
void build_fake_chunk(long number)
{
    (void)number;
    for (int i = 0; i < 2; i++) {
        uintptr_t area = map(204 * KIB, READ_WRITE, 0);
        fill(area, 204 * KIB);
        claim(AREA, area, area + 204 * KIB, "mmap", "anon-private", "of a chunk's length");
    }
}

void build_odd_names(long number)
{
    static const char *const names[] = {"[heap]",         "[stack]",   "[vdso]",  "x (deleted)", "two\nlines",
                                        "space at end ", "SYSV00000000", "memfd:no", "back\\slash",  "libc.so.6"};
    (void)number;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool shared = i % 2;
        claim_file(open_file(temporary_file(names[i], 12 * KIB)), 12 * KIB, READ_WRITE,
                   shared ? MAP_SHARED : MAP_PRIVATE, "mmap", shared ? "file-shared" : "file-private", names[i]);
    }
    const char *gone = temporary_file("gone", 12 * KIB);
    int file = open_file(gone);
    unlink(gone);
    claim_file(file, 12 * KIB, READ_WRITE, MAP_SHARED, "mmap", "file-shared", "really deleted");
}

/* Its own program as a reader of ELF files maps it: all of it as data, and a part from an odd offset. */
void build_own_elf(long number)
{
    (void)number;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status))
        fail("/proc/self/exe");
    size_t length = page_up((uintptr_t)status.st_size);
    void *part = mmap(NULL, 2 * page_size(), PROT_READ, MAP_PRIVATE, file, (off_t)page_size());
    void *code = mmap(NULL, page_size(), PROT_READ, MAP_PRIVATE, file, program_text().offset);
    if (part == MAP_FAILED || code == MAP_FAILED)
        fail("mapping parts of the program");
    claim(AREA, (uintptr_t)part, (uintptr_t)part + 2 * page_size(), "mmap", "file-private", "own ELF, a part");
    claim(AREA, (uintptr_t)code, (uintptr_t)code + page_size(), "mmap", "file-private", "own ELF, code as data");
    claim_file(file, length, PROT_READ, MAP_PRIVATE, "mmap", "file-private", "own ELF, whole");
}

static uintptr_t map_at(uintptr_t start, size_t length)
{
    void *made = mmap((void *)start, length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (made == MAP_FAILED)
        return 0;
    if ((uintptr_t)made != start) { /* a kernel before 4.17 takes the address as a hint */
        munmap(made, length);
        return 0;
    }
    fill(start, length);
    return start;
}

/* The kernel makes one mapping of it and the bss. */
void build_behind_bss(long number)
{
    (void)number;
    uintptr_t end = end_of_program_bss();
    if (map_at(end, 16 * KIB))
        claim(AREA, end, end + 16 * KIB, "mmap", "anon-private", "behind bss");
    else
        skipped("behind-bss", strerror(errno));
}

/* Anonymous memory on both sides of a chunk of malloc: one mapping, three owners. */
void build_merged(long number)
{
    (void)number;
    size_t size = 400 * KIB;
    void *block = malloc(size);
    memset(block, 4, size);
    claim_mmapped_chunk(block, "between neighbours");
    struct mapping around;
    if (!find_mapping((uintptr_t)block, &around))
        fail("no mapping around a chunk");
    /* The chunk may have merged already: what matters is that these two touch that mapping. */
    uintptr_t below = map_at(around.start - 24 * KIB, 24 * KIB);
    uintptr_t above = map_at(around.end, 28 * KIB);
    if (below)
        claim(AREA, below, below + 24 * KIB, "mmap", "anon-private", "below a chunk");
    if (above)
        claim(AREA, above, above + 28 * KIB, "mmap", "anon-private", "above a chunk");
    if (!below && !above)
        skipped("merged", "no room beside the chunk");

    /* One mapping of three parts: the middle is mapped anew, the rest stays. */
    uintptr_t area = map(96 * KIB, READ_WRITE, 0);
    fill(area, 96 * KIB);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    void *middle = mmap((void *)(area + 32 * KIB), 32 * KIB, READ_WRITE, flags, -1, 0);
    if (middle == MAP_FAILED)
        fail("MAP_FIXED");
    claim(AREA, area, area + 96 * KIB, "mmap", "anon-private", "mapped over itself");
}
