/*
 * ELF objects, and what the kernel maps by itself.
 *
 * The truth comes from the program headers as they lie in memory.  Where a
 * segment is executable, the section headers of the file tell code from
 * constants: older linkers put both into one segment.  Padding between and
 * behind sections is nobody's, and not claimed.
 */
#include "manifest.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum owner { EXE, LIB, LD };
enum part { TEXT, RODATA, DATA, RELRO, BSS };

static const char *const classes[] = {"text", "rodata", "data", "data", "bss"};
static const char *const kinds[][5] = {
    {"exe-text", "exe-rodata", "exe-data", "exe-relro", "exe-bss"},
    {"lib-text", "lib-rodata", "lib-data", "lib-relro", "lib-bss"},
    {"ld-text", "ld-rodata", "ld-data", "ld-relro", "ld-bss"},
};

struct object {
    enum owner owner;
    uintptr_t bias;
    const ElfW(Phdr) * headers;
    size_t header_count;
    const char *file; /* where the section headers are read from; may turn out to be another file */
    const char *name;
};

static struct claim *claim_part(const struct object *object, enum layer layer, enum part part, uintptr_t start,
                                uintptr_t end)
{
    return claim(layer, start, end, classes[part], kinds[object->owner][part], object->name);
}

/* ---- executable segments, by sections ---- */

#define MOST_SECTIONS 256

static size_t read_sections(const struct object *object, ElfW(Shdr) * sections)
{
    ElfW(Ehdr) header;
    ElfW(Phdr) headers[32];
    size_t count = 0;
    int file = open(object->file, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    size_t headers_size = object->header_count * sizeof *headers;
    bool same = pread(file, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_phnum == object->header_count &&
                headers_size <= sizeof headers &&
                pread(file, headers, headers_size, (off_t)header.e_phoff) == (ssize_t)headers_size &&
                memcmp(headers, object->headers, headers_size) == 0;
    if (same && header.e_shnum <= MOST_SECTIONS) {
        size_t size = header.e_shnum * sizeof *sections;
        if (pread(file, sections, size, (off_t)header.e_shoff) == (ssize_t)size)
            count = header.e_shnum;
    }
    close(file);
    return count;
}

/* Claim the sections of one segment as text or rodata, each run of like sections at once. */
static void claim_sections(const struct object *object, const ElfW(Phdr) * segment, uintptr_t bias, bool only_text)
{
    static ElfW(Shdr) sections[MOST_SECTIONS];
    size_t count = read_sections(object, sections);
    uintptr_t start = 0, end = 0;
    enum part part = TEXT;
    for (size_t i = 0; i < count; i++) {
        const ElfW(Shdr) *section = &sections[i];
        bool inside = (section->sh_flags & SHF_ALLOC) && section->sh_size && section->sh_type != SHT_NOBITS &&
                      section->sh_addr >= segment->p_vaddr &&
                      section->sh_addr + section->sh_size <= segment->p_vaddr + segment->p_filesz;
        if (!inside)
            continue;
        enum part this = section->sh_flags & SHF_EXECINSTR ? TEXT : RODATA;
        if (start && (this != part || bias + section->sh_addr < end)) {
            if (part == TEXT || !only_text)
                claim_part(object, AREA, part, start, end);
            start = 0;
        }
        if (!start)
            start = bias + section->sh_addr;
        part = this;
        end = bias + section->sh_addr + section->sh_size;
    }
    if (start && (part == TEXT || !only_text))
        claim_part(object, AREA, part, start, end);
}

/* ---- whole objects ---- */

static void claim_segment(const struct object *object, const ElfW(Phdr) * segment)
{
    uintptr_t start = object->bias + segment->p_vaddr;
    uintptr_t end_of_file_part = start + segment->p_filesz;
    uintptr_t end = start + segment->p_memsz;
    if (segment->p_flags & PF_X) {
        claim_sections(object, segment, object->bias, false);
        return;
    }
    if (segment->p_filesz)
        claim_part(object, AREA, segment->p_flags & PF_W ? DATA : RODATA, start, end_of_file_part);
    if (segment->p_memsz > segment->p_filesz)
        claim_part(object, AREA, BSS, end_of_file_part, page_up(end));
}

/*
 * The loader maps a library's whole span from its file at first, and takes all
 * rights from the holes between segments.  (The kernel, which maps the program,
 * leaves its holes unmapped.)
 */
static void claim_holes(const struct object *object)
{
    uintptr_t end_of_last = 0;
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *segment = &object->headers[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t start = page_down(object->bias + segment->p_vaddr);
        if (end_of_last && end_of_last < start && is_mapped(end_of_last, start) && !is_readable(end_of_last))
            claim(AREA, end_of_last, start, "reserved", "elf-gap", object->name);
        end_of_last = page_up(object->bias + segment->p_vaddr + segment->p_memsz);
    }
}

static void claim_object(const struct object *object)
{
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *segment = &object->headers[i];
        uintptr_t start = object->bias + segment->p_vaddr;
        if (segment->p_type == PT_LOAD)
            claim_segment(object, segment);
        else if (segment->p_type == PT_GNU_RELRO && segment->p_memsz)
            claim_part(object, PART, RELRO, start, start + segment->p_memsz);
        else if (segment->p_type == PT_TLS && segment->p_filesz)
            say_nothing_about(start, start + segment->p_filesz); /* tdata or relro: both names are right */
    }
    if (object->owner == LIB)
        claim_holes(object);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_loader(uintptr_t bias, const ElfW(Phdr) * headers, size_t count)
{
    if (!is_dynamic())
        return false;
    void *inside = dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_LOAD && (uintptr_t)inside - bias - headers[i].p_vaddr < headers[i].p_memsz)
            return true;
    return false;
}

/* Started as "ld.so program", /proc/self/exe is the loader; then argv[0] is the program. */
static const char *program_file(const ElfW(Phdr) * headers)
{
    return getauxval(AT_PHDR) == (unsigned long)headers ? "/proc/self/exe" : program_path;
}

static int visit(struct dl_phdr_info *info, size_t size, void *count)
{
    (void)size;
    bool first = (*(int *)count)++ == 0;
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
    if (vdso && page_down((uintptr_t)info->dlpi_phdr) == vdso)
        return 0;
    struct object object = {LIB, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, info->dlpi_name, ""};
    if (first) {
        object.owner = EXE;
        object.file = program_file(info->dlpi_phdr);
        object.name = "program";
    } else {
        if (is_loader(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum))
            object.owner = LD;
        object.name = last_part(info->dlpi_name);
    }
    claim_object(&object);
    return 0;
}

/* dl_iterate_phdr() walks the objects of one namespace; what dlmopen() made lies in others. */
static void *foreign[4];
static size_t foreign_count;

static void claim_foreign(const struct link_map *object_map)
{
    if (!object_map->l_addr || !object_map->l_name[0])
        return;
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)object_map->l_addr;
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)(object_map->l_addr + header->e_phoff);
    if (is_loader(object_map->l_addr, headers, header->e_phnum))
        return; /* a stand-in for the one loader that there is */
    struct object object = {LIB,
                            object_map->l_addr,
                            headers,
                            header->e_phnum,
                            object_map->l_name,
                            last_part(object_map->l_name)};
    claim_object(&object);
}

void tell_elf(void)
{
    int count = 0;
    dl_iterate_phdr(visit, &count);
    for (size_t i = 0; i < foreign_count; i++) {
        struct link_map *each = foreign[i];
        while (each->l_prev)
            each = each->l_prev;
        for (; each; each = each->l_next)
            claim_foreign(each);
    }
}

void tell_kernel(void)
{
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
    if (vdso) {
        const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)vdso;
        const ElfW(Phdr) *headers = (const ElfW(Phdr) *)(vdso + header->e_phoff);
        uintptr_t end = 0;
        for (size_t i = 0; i < header->e_phnum; i++)
            if (headers[i].p_type == PT_LOAD && headers[i].p_memsz + headers[i].p_vaddr > end)
                end = headers[i].p_memsz + headers[i].p_vaddr;
        claim(AREA, vdso, page_up(vdso + end), "kernel", "vdso", "vdso");
        /*
         * The data pages of the vdso end where it begins (since 6.13 in two mappings).  Only the kernel can
         * make a mapping of this name: the names of files begin with a slash, those set by prctl() with [anon.
         */
        struct mapping data;
        uintptr_t at = vdso;
        while (find_mapping(at - 1, &data) && strncmp(data.path, "[vvar", 5) == 0) {
            claim(AREA, data.start, data.end, "kernel", "vvar", "vvar");
            at = data.start;
        }
    }
#ifdef __x86_64__
    struct mapping vsyscall;
    if (find_mapping(0xffffffffff600000, &vsyscall)) /* fixed by the ABI */
        claim(AREA, vsyscall.start, vsyscall.end, "kernel", "vsyscall", "vsyscall");
#endif
}

/* ---- the program itself, for lookalikes ---- */

static int keep_first(struct dl_phdr_info *info, size_t size, void *kept)
{
    (void)size;
    *(struct object *)kept = (struct object){
        EXE, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, program_file(info->dlpi_phdr), "program"};
    return 1;
}

static struct object program(void)
{
    struct object found;
    dl_iterate_phdr(keep_first, &found);
    return found;
}

static const ElfW(Phdr) * text_header(const struct object *object)
{
    for (size_t i = 0; i < object->header_count; i++)
        if (object->headers[i].p_type == PT_LOAD && (object->headers[i].p_flags & PF_X))
            return &object->headers[i];
    fail("the program has no executable segment");
}

uintptr_t end_of_program_bss(void)
{
    struct object object = program();
    uintptr_t end = 0;
    for (size_t i = 0; i < object.header_count; i++)
        if (object.headers[i].p_type == PT_LOAD)
            end = page_up(object.bias + object.headers[i].p_vaddr + object.headers[i].p_memsz);
    return end;
}

struct text_segment program_text(void)
{
    struct object object = program();
    const ElfW(Phdr) *segment = text_header(&object);
    return (struct text_segment){
        page_down(object.bias + segment->p_vaddr),
        page_up(object.bias + segment->p_vaddr + segment->p_filesz),
        (off_t)page_down(segment->p_offset),
    };
}

void claim_text_seen_at(uintptr_t start)
{
    struct object object = program();
    object.name = "second view";
    claim_sections(&object, text_header(&object), object.bias + start - program_text().start, true);
}

bool is_dynamic(void)
{
    struct object object = program();
    for (size_t i = 0; i < object.header_count; i++)
        if (object.headers[i].p_type == PT_INTERP)
            return true;
    return false;
}

/* ---- scenarios ---- */

/* By name, not by reference: the linker warns of programs that are static and refer to them. */
static void *find_function(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found)
        fail("dlsym %s: %s", name, dlerror());
    return found;
}

void build_library(long number)
{
    (void)number;
    if (!library_path || !is_dynamic()) {
        skipped("library", library_path ? "a static program" : "no --lib was given");
        return;
    }
    void *(*open_library)(const char *, int);
    *(void **)&open_library = find_function("dlopen");
    if (!open_library(library_path, RTLD_NOW))
        fail("dlopen %s: %s", library_path, dlerror());
}

static struct link_map *load_again(const char *file)
{
    void *(*open_library)(Lmid_t, const char *, int);
    *(void **)&open_library = find_function("dlmopen");
    void *handle = open_library(LM_ID_NEWLM, file, RTLD_NOW);
    struct link_map *found = NULL;
    if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &found))
        fail("dlmopen %s: %s", file, dlerror());
    foreign[foreign_count++] = found;
    return found;
}

void build_dlmopen(long number)
{
    (void)number;
    if (!is_dynamic()) {
        skipped("dlmopen", "a static program");
        return;
    }
    /* Each brings its own libc with it, so that libc.so is there three times. */
    load_again("libm.so.6");
    load_again("libm.so.6");
}

/* A page from the middle of libm's code is gone; nothing in the program calls that copy. */
void build_partly_unmapped(long number)
{
    (void)number;
    if (!is_dynamic()) {
        skipped("partly-unmapped", "a static program");
        return;
    }
    struct link_map *copy = load_again("libm.so.6");
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)copy->l_addr;
    struct object object = {
        LIB, copy->l_addr, (const ElfW(Phdr) *)(copy->l_addr + header->e_phoff), header->e_phnum, "", ""};
    const ElfW(Phdr) *segment = text_header(&object);
    uintptr_t middle = page_down(object.bias + segment->p_vaddr + segment->p_filesz / 2);
    if (munmap((void *)middle, page_size()))
        fail("munmap of a page of libm");
    say_nothing_about(middle, middle + page_size());
}

/*
 * Programs that want huge pages for their code copy it to anonymous memory.  The
 * copy takes the place of the original in one step: we are running in it.
 */
void build_anonymous_text(long number)
{
    (void)number;
    struct text_segment text = program_text();
    size_t length = text.end - text.start;
    uintptr_t copy = map(length, PROT_READ | PROT_WRITE, 0);
    memcpy((void *)copy, (const void *)text.start, length);
    if (mprotect((void *)copy, length, PROT_READ | PROT_EXEC) ||
        mremap((void *)copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)text.start) == MAP_FAILED)
        fail("moving the program's text to anonymous memory");
}

/* The same file pages, executable at a second address, as V8 does with its builtins. */
void build_text_twice(long number)
{
    (void)number;
    struct text_segment text = program_text();
    int file = open(program_file(program().headers), O_RDONLY | O_CLOEXEC);
    void *view = mmap(NULL, text.end - text.start, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, text.offset);
    if (file < 0 || view == MAP_FAILED)
        fail("mapping the program's text again");
    close(file);
    claim_text_seen_at((uintptr_t)view);
}
