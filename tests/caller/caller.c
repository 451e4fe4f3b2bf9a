/* A caller with peculiarities: it starts a program in surroundings that a launcher must not be misled by.
 *
 *     caller [PECULIARITY]... -- PROGRAM [ARGS...]
 *
 *     enosys NAME[,NAME]...   the kernel answers these system calls with ENOSYS
 *     errno NUMBER NAME,...   or with this errno; F_SETOWN is fcntl(2) with that command
 *     ignore                  every signal that can be ignored is
 *     block                   every signal is blocked
 *     pending NUMBER          this signal is blocked and pending
 *     leak DIRECTORY          a directory, a file, an O_PATH descriptor and a socket, at 3, 63, 64 and 1000, inherited
 *     closed                  descriptors 0, 1 and 2 are closed
 *     nofile N                RLIMIT_NOFILE
 *     umask N                 the file mode creation mask
 *     nnp                     no_new_privs is set
 *     groups NUMBER,...       supplementary groups; only root can
 *     mounted DIRECTORY       in a mount namespace where a file system of its own lies there
 *     listening PATH          a unix socket at that path is listened on, directories above it made
 *     shared                  in a mount namespace whose root is shared, as systemd makes the host's
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name, 0}

static const struct {
	const char *name;
	unsigned number;
	/* The second argument, where not all calls are meant. */
	unsigned command;
} calls[] = {
	CALL(openat2),
	CALL(clone3),
	CALL(pidfd_open),
	CALL(pidfd_send_signal),
	CALL(pidfd_getfd),
	CALL(landlock_create_ruleset),
	CALL(landlock_add_rule),
	CALL(landlock_restrict_self),
	CALL(close_range),
	CALL(mount_setattr),
	CALL(fsopen),
	CALL(fsconfig),
	CALL(fsmount),
	CALL(open_tree),
	CALL(move_mount),
	CALL(pivot_root),
	CALL(seccomp),
	CALL(sethostname),
	CALL(unshare),
	CALL(setns),
	CALL(memfd_create),
	{"F_SETOWN", SYS_fcntl, F_SETOWN},
};

static void fail(const char *what)
{
	fprintf(stderr, "caller: %s: %s\n", what, strerror(errno));
	exit(99);
}

static size_t call_named(const char *name)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, name))
			return i;
	fprintf(stderr, "caller: unknown system call: %s\n", name);
	exit(99);
}

static void answer(int error, char *names)
{
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		size_t call = call_named(name);
		unsigned command = calls[call].command;
		struct sock_filter filter[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, 0, 2),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
			BPF_JUMP(BPF_JMP | (command ? BPF_JEQ : BPF_JGE) | BPF_K, command, 1, 0),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		};
		struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
		/* Without CAP_SYS_ADMIN a filter is taken only from those who gave up new privileges. */
		if (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			fail("no_new_privs");
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			fail("seccomp");
	}
}

static void place(int fd, int at)
{
	if (fd < 0 || (fd != at && (dup2(fd, at) < 0 || close(fd))))
		fail("leaking a descriptor");
}

static void leak(const char *directory)
{
	int pair[2];
	/* From the highest down, so that none is overwritten by the next. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		fail("socketpair");
	place(pair[0], 1000);
	place(pair[1], 999);
	place(open(directory, O_PATH | O_DIRECTORY), 64);
	place(open("/proc/self/exe", O_RDONLY), 63);
	place(open(directory, O_RDONLY | O_DIRECTORY), 3);
}

static void groups(char *list)
{
	gid_t all[64];
	size_t count = 0;
	for (char *one = strtok(list, ","); one && count < 64; one = strtok(NULL, ","))
		all[count++] = atoi(one);
	if (setgroups(count, all))
		fail("setgroups");
}

static void put(const char *path, const char *format, unsigned id)
{
	char text[64];
	int fd = open(path, O_WRONLY), length = snprintf(text, sizeof text, format, id, id);
	if (fd < 0 || write(fd, text, length) != length || close(fd))
		fail(path);
}

static void own_mounts(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		fail("unshare");
	if (uid) {
		put("/proc/self/setgroups", "deny", 0);
		put("/proc/self/uid_map", "%u %u 1", uid);
		put("/proc/self/gid_map", "%u %u 1", gid);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("making / private");
}

/* For as long as the program runs, which has the descriptor and does not know it. */
static void listening(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path)
		errno = ENAMETOOLONG, fail(path);
	for (size_t at = 1; at < length; at++) {
		if (path[at] == '/' && mkdir(address.sun_path, 0755) && errno != EEXIST)
			fail(path);
		memcpy(address.sun_path, path, at + 1);
	}
	if (fd < 0 || bind(fd, (void *)&address, sizeof address) || listen(fd, 9))
		fail(path);
}

static void share_root(void)
{
	own_mounts();
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL))
		fail("sharing /");
}

int main(int argc, char **argv)
{
	sigset_t set;
	int at = 1, closed = 0, null = 0, nofile = -1;

	for (; at < argc && strcmp(argv[at], "--"); at++) {
		const char *word = argv[at], *next = argv[at + 1];
		if (!strcmp(word, "enosys"))
			answer(ENOSYS, argv[++at]);
		else if (!strcmp(word, "errno") && next)
			answer(atoi(next), argv[at + 2]), at += 2;
		else if (!strcmp(word, "ignore"))
			for (int one = 1; one < NSIG; one++)
				signal(one, SIG_IGN);
		else if (!strcmp(word, "block"))
			sigfillset(&set), sigprocmask(SIG_BLOCK, &set, NULL);
		else if (!strcmp(word, "pending") && next) {
			sigemptyset(&set), sigaddset(&set, atoi(argv[++at]));
			sigprocmask(SIG_BLOCK, &set, NULL);
			raise(atoi(argv[at]));
		} else if (!strcmp(word, "leak") && next)
			leak(argv[++at]);
		else if (!strcmp(word, "closed"))
			closed = 1;
		else if (!strcmp(word, "null"))
			null = 1;
		else if (!strcmp(word, "nofile") && next)
			nofile = atoi(argv[++at]);
		else if (!strcmp(word, "umask") && next)
			umask(strtol(argv[++at], NULL, 8));
		else if (!strcmp(word, "nnp"))
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		else if (!strcmp(word, "groups") && next)
			groups(argv[++at]);
		else if (!strcmp(word, "mounted") && next) {
			own_mounts();
			if (mount("none", argv[++at], "tmpfs", 0, NULL))
				fail(argv[at]);
		} else if (!strcmp(word, "listening") && next)
			listening(argv[++at]);
		else if (!strcmp(word, "shared"))
			share_root();
		else {
			fprintf(stderr, "caller: unknown peculiarity: %s\n", word);
			return 99;
		}
	}
	if (at + 1 >= argc) {
		fprintf(stderr, "usage: caller [PECULIARITY]... -- PROGRAM [ARGS...]\n");
		return 99;
	}
	if (nofile >= 0) {
		struct rlimit limit = {nofile, nofile};
		if (setrlimit(RLIMIT_NOFILE, &limit))
			fail("RLIMIT_NOFILE");
	}
	if (closed)
		close(0), close(1), close(2);
	if (null && dup2(open("/dev/null", O_RDWR), 0))
		fail("/dev/null");
	execv(argv[at + 1], argv + at + 1);
	fail(argv[at + 1]);
}
