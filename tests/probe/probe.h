/* What the parts of the probe share. */
#ifndef PROBE_H
#define PROBE_H

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* One thing the probe can do. `argc` counts what follows the name. */
struct verb {
	const char *name;
	int arguments; /* at least so many */
	int (*run)(int argc, char **argv);
};

/* Attempts: 0 or more is success, -1 and errno is not. Each runs in a child of its own, and its outcome is printed. */
extern const struct verb file_attempts[];
extern const struct verb kernel_attempts[];
/* Sights: they print what the program sees of itself and its surroundings. */
extern const struct verb sights[];
/* Acts: they end the probe or keep it running. */
extern const struct verb acts[];

/* Every system call of one ABI, each in a child of its own. */
int scan(int argc, char **argv);

const char *errno_name(int number);
long number(const char *text);
struct named {
	const char *name;
	unsigned long value;
};
/* The value of a name in a table; ends the probe where there is none. */
unsigned long named(const struct named *table, const char *name);

#endif
