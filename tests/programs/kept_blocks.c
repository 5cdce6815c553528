/* The library of growing.c, alone or linked in: of all its callers one keeps what it gets, the others give it back. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) char *keep_block(size_t size)
{
    char *block = malloc(size);
    memset(block, 1, size);
    return block;
}

__attribute__((noinline)) void use_block(size_t size, int value)
{
    char *block = malloc(size);
    memset(block, value, size);
    __asm__ volatile("" : : "r"(block) : "memory"); /* or the compiler leaves all of it out */
    free(block);
}
