/* A program with every classic area, small: text, data, bss, heap, a mapping, the stack; it waits to be looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static char zeroes[300000];
static int numbers[5000] = {1};

int main(void) {
    char *block = malloc(1000);
    char *area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == NULL || area == MAP_FAILED)
        return 1;
    block[0] = area[0] = zeroes[5] = 1;
    numbers[1] = 2;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
