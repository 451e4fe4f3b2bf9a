/* The probe: a static program that is started inside a sandbox, tries things, and tells what came of them.
 *
 *     probe VERB [ARGS...] [+ VERB [ARGS...]]...
 *
 * An attempt prints one line, `VERB ARGS: ok`, or the name of the errno, or the signal that ended it. What is seen is
 * printed as lines of words. The probe itself ends with 0, however its attempts went, and with 2 when told nonsense.
 */
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct verb *find(const struct verb *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

const char *errno_name(int number)
{
	static char text[16];
	const char *name = strerrorname_np(number);
	if (name)
		return name;
	snprintf(text, sizeof text, "errno-%d", number);
	return text;
}

long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 0);
	if (*end || end == text) {
		fprintf(stderr, "probe: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

unsigned long named(const struct named *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table->value;
	fprintf(stderr, "probe: unknown name: %s\n", name);
	exit(2);
}

/* In a child, because an attempt that succeeds may change who we are, and one that is punished may kill. */
static void attempt(const struct verb *verb, int argc, char **argv)
{
	int report[2], outcome = 0, status;

	printf("%s", verb->name);
	for (int i = 0; i < argc; i++)
		printf(" %s", argv[i]);
	fflush(stdout);
	if (pipe(report)) {
		printf(": pipe: %s\n", errno_name(errno));
		return;
	}
	pid_t child = fork();
	if (child < 0) {
		printf(": fork: %s\n", errno_name(errno));
	} else if (child == 0) {
		close(report[0]);
		if (verb->run(argc, argv) < 0)
			outcome = errno;
		_exit(write(report[1], &outcome, sizeof outcome) != sizeof outcome);
	} else {
		close(report[1]);
		ssize_t got = read(report[0], &outcome, sizeof outcome);
		waitpid(child, &status, 0);
		if (got == sizeof outcome)
			printf(": %s\n", outcome ? errno_name(outcome) : "ok");
		else if (WIFSIGNALED(status))
			printf(": SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		else
			printf(": exit %d\n", WEXITSTATUS(status));
		close(report[0]);
		return;
	}
	close(report[0]);
	close(report[1]);
}

int main(int argc, char **argv)
{
	int at = 1;
	while (at < argc) {
		const char *name = argv[at++];
		int count = 0;
		while (at + count < argc && strcmp(argv[at + count], "+"))
			count++;
		const struct verb *try = find(file_attempts, name), *show = find(sights, name);
		if (!try)
			try = find(kernel_attempts, name);
		if (!show)
			show = find(acts, name);
		if (!(try || show) || count < (try ? try : show)->arguments) {
			fprintf(stderr, "probe: unknown verb or too few arguments: %s\n", name);
			return 2;
		}
		if (try)
			attempt(try, count, argv + at);
		else
			show->run(count, argv + at);
		fflush(stdout);
		at += count + 1;
	}
	return 0;
}
