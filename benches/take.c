/* The program of the measurements of limits: it takes what it can get, and says how much that was.
 *
 *     take memory              KiB touched, a line every 64, until it is killed
 *     take cpu SECONDS         microseconds of CPU time that it was given in so much time
 *     take processes           how many it could start
 *     take read FILE SECONDS   bytes a second, past the page cache
 *     take write FILE SECONDS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int memory(void)
{
	/* So much at once that nothing but the pages themselves is charged for it. */
	char *all = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	madvise(all, 1 << 30, MADV_NOHUGEPAGE);
	for (long at = 0; at < 1 << 30; at += 4096) {
		all[at] = 1;
		if (at % 65536 == 61440)
			printf("%ld\n", (at + 4096) >> 10), fflush(stdout);
	}
	return 1;
}

static int processes(void)
{
	long count = 0;
	for (pid_t child; (child = fork()) >= 0; count++)
		if (child == 0)
			for (;;)
				pause();
	if (errno != EAGAIN)
		return perror("fork"), 1;
	printf("%ld\n", count);
	return 0;
}

static int transfer(int writes, const char *file, double seconds)
{
	int fd = open(file, (writes ? O_WRONLY : O_RDONLY) | O_DIRECT);
	static char block[1 << 16] __attribute__((aligned(4096)));
	long done = 0, size = lseek(fd, 0, SEEK_END);
	if (fd < 0 || size <= 0)
		return perror(file), 1;
	double start = now(CLOCK_MONOTONIC);
	while (now(CLOCK_MONOTONIC) - start < seconds) {
		off_t at = done % (size - size % (off_t)sizeof block);
		long moved = writes ? pwrite(fd, block, sizeof block, at) : pread(fd, block, sizeof block, at);
		if (moved <= 0)
			return perror(file), 1;
		done += moved;
	}
	printf("%.0f\n", done / (now(CLOCK_MONOTONIC) - start));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "memory"))
		return memory();
	if (!strcmp(what, "processes"))
		return processes();
	if (!strcmp(what, "cpu") && argc > 2) {
		double start = now(CLOCK_MONOTONIC);
		while (now(CLOCK_MONOTONIC) - start < atof(argv[2]))
			;
		return printf("%.0f\n", now(CLOCK_PROCESS_CPUTIME_ID) * 1e6), 0;
	}
	if (argc > 3 && (!strcmp(what, "read") || !strcmp(what, "write")))
		return transfer(*what == 'w', argv[2], atof(argv[3]));
	fprintf(stderr, "take: see the source\n");
	return 2;
}
