/* Every system call of one ABI: what it answers when all its arguments are -1.
 *
 * `scan x86-64|i386|x32 FIRST LAST` prints `call NUMBER ANSWER`: `ok`, an errno, the signal that ended the caller, or
 * `blocks`. With such arguments an allowed call does nothing that matters: no address is mapped, no descriptor open, no
 * process has that id. Each runs in a child of its own all the same.
 */
#include "probe.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum abi { X86_64, I386, X32 };

/* Part of its caller and never a frame of its own: after vfork the child would return through it, and the parent then
 * find another return address there. */
static inline __attribute__((always_inline)) long call(enum abi abi, long number)
{
	long answer;
	if (abi == I386) {
		/* r8 to r11 are lost on old kernels; the sixth argument, ebp, is left as it is. */
		__asm__ volatile("int $0x80"
				 : "=a"(answer)
				 : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
				 : "r8", "r9", "r10", "r11", "memory");
		return (int)answer;
	}
	if (abi == X32)
		number |= 0x40000000;
	register long fourth __asm__("r10") = -1, fifth __asm__("r8") = -1, sixth __asm__("r9") = -1;
	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(number), "D"(-1L), "S"(-1L), "d"(-1L), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return answer;
}

static void scan_one(enum abi abi, long number)
{
	int report[2], status;
	long answer;

	if (pipe(report)) {
		printf("pipe: %s\n", errno_name(errno));
		return;
	}
	pid_t child = fork();
	if (child < 0) {
		printf("fork: %s\n", errno_name(errno));
		return;
	}
	if (child == 0) {
		/* What forks answers twice; both say the same. */
		answer = call(abi, number);
		_exit(write(report[1], &answer, sizeof answer) != sizeof answer);
	}
	close(report[1]);
	struct pollfd waiting = {.fd = report[0], .events = POLLIN};
	int ready = poll(&waiting, 1, 1000);
	ssize_t got = ready == 1 ? read(report[0], &answer, sizeof answer) : 0;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(report[0]);
	printf("call %ld ", number);
	if (ready == 0)
		printf("blocks\n");
	else if (got == sizeof answer && answer < 0 && answer > -4096)
		printf("%s\n", errno_name(-answer));
	else if (got == sizeof answer)
		printf("ok\n");
	else if (WIFSIGNALED(status))
		printf("SIG%s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("exits\n");
}

int scan(int argc, char **argv)
{
	enum abi abi = !strcmp(argv[0], "i386") ? I386 : !strcmp(argv[0], "x32") ? X32 : X86_64;
	for (long one = number(argv[1]); one <= number(argv[2]); one++) {
		fflush(stdout);
		scan_one(abi, one);
	}
	return 0;
}
