/* Does the steps of a simulator script for real, so that the two maps can be compared after each.
 *
 * The script is argv[1], its lines separated by ';'. After every step the program calls mark(), where the
 * test stops it. Files are not mapped and nothing is printed: the map shall hold only what the steps made.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAMES 512

static void *start[NAMES];
static size_t length[NAMES];
static volatile int done;

__attribute__((noinline)) void mark(void) { __asm__ volatile(""); }

static void *body(void *request)
{
	if (request) {
		volatile char *block = malloc((size_t)request);
		block[0] = 1;
	}
	done = 1;
	for (;;)
		pause();
}

static int rights(const char *text)
{
	return (text[0] == 'r' ? PROT_READ : 0) | (text[1] == 'w' ? PROT_WRITE : 0) | (text[2] == 'x' ? PROT_EXEC : 0);
}

static void thread(char **words, int count)
{
	pthread_attr_t how;
	pthread_t id;
	size_t request = 0;

	pthread_attr_init(&how);
	for (int i = 1; i < count; i++) {
		if (!strncmp(words[i], "guard=", 6))
			pthread_attr_setguardsize(&how, strtoul(words[i] + 6, 0, 0));
		else if (!strncmp(words[i], "malloc=", 7))
			request = strtoul(words[i] + 7, 0, 0);
		else if (pthread_attr_setstacksize(&how, strtoul(words[i], 0, 0)))
			return;
	}
	done = 0;
	if (!pthread_create(&id, &how, body, (void *)request))
		while (!done)
			usleep(100);
}

static void step(char **words, int count, char *first_sp)
{
	static size_t depth;
	int name = count > 1 ? atoi(words[1] + 1) : 0;
	size_t second = count > 2 ? strtoul(words[2], 0, 0) : 0;
	size_t third = count > 3 ? strtoul(words[3], 0, 0) : 0;

	if (!strcmp(words[0], "malloc")) {
		start[name] = malloc(second);
	} else if (!strcmp(words[0], "realloc")) {
		void *got = realloc(start[name], second);
		start[name] = got ? got : start[name];
	} else if (!strcmp(words[0], "mremap")) {
		void *got = mremap(start[name], length[name], second, MREMAP_MAYMOVE);
		if (got != MAP_FAILED) {
			start[name] = got;
			length[name] = (second + 4095) & -4096UL;
		}
	} else if (!strcmp(words[0], "overmap")) {
		int wanted = count > 4 ? rights(words[4]) : PROT_READ | PROT_WRITE;
		mmap((char *)start[name] + second, third, wanted, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	} else if (!strcmp(words[0], "growsdown")) {
		start[name] = mmap(0, second, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
		length[name] = second;
	} else if (!strcmp(words[0], "free")) {
		free(start[name]);
	} else if (!strcmp(words[0], "mmap")) {
		int wanted = count > 3 ? rights(words[3]) : PROT_READ | PROT_WRITE;
		start[name] = mmap(0, second, wanted, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		length[name] = second;
	} else if (!strcmp(words[0], "munmap")) {
		munmap((char *)start[name] + second, count > 3 ? third : length[name]);
	} else if (!strcmp(words[0], "mprotect")) {
		size_t offset = count > 3 ? third : 0;
		size_t size = count > 4 ? strtoul(words[4], 0, 0) : length[name];
		mprotect((char *)start[name] + offset, size, rights(words[2]));
	} else if (!strcmp(words[0], "touch")) {
		((volatile char *)start[name])[second] = 1;
	} else if (!strcmp(words[0], "brk")) {
		sbrk(strtol(words[1], 0, 0));
	} else if (!strcmp(words[0], "recurse")) {
		depth += strtoul(words[1], 0, 0);
		*(volatile char *)(first_sp - depth) = 1;
	} else if (!strcmp(words[0], "thread")) {
		thread(words, count);
	}
}

int main(int argc, char **argv)
{
	char *words[8];
	char *at = argc > 1 ? argv[1] : "";

	while (*at) {
		int count = 0;
		while (*at && *at != ';') {
			words[count++] = at;
			at += strcspn(at, " ;");
			if (*at == ' ')
				*at++ = 0;
		}
		if (*at)
			*at++ = 0;
		step(words, count, (char *)argv - sizeof(int));
		mark();
	}
	return 0;
}
