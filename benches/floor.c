/* The floor: what the kernel alone needs to start a program isolated.
 *
 * One clone of all seven namespaces, the caller's own id mapped, `/` bound recursively and read-only, a fresh proc, a
 * tmpfs on /tmp, a tmpfs on /dev with six nodes bound from the host, one pivot, exec. No init, no capabilities
 * dropped, no filter, no clean-up: everything that a sandbox needs besides is the launcher's own cost.
 *
 * It is fixed, so that figures stay comparable: nothing may be added to it.
 *
 *     cc -O2 -static floor.c -o floor && ./floor /bin/true
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};

static char uid_line[40], gid_line[40];
static int uid_length, gid_length;

static int fail(const char *operation)
{
	fprintf(stderr, "floor: %s: %s\n", operation, strerror(errno));
	_exit(125);
}

static void put(const char *path, const char *text, int length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, length) != length)
		fail(path);
	close(fd);
}

static int isolated(void *argument)
{
	char *const *argv = argument;

	/* The kernel takes a gid map from a process without privilege only when setgroups is denied. */
	put("/proc/self/setgroups", "deny", 4);
	put("/proc/self/uid_map", uid_line, uid_length);
	put("/proc/self/gid_map", gid_line, gid_length);

	/* The clone into a new user namespace has already turned every shared mount into a slave. */
	int root = syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (root < 0)
		fail("open_tree");
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	if (syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof read_only))
		fail("mount_setattr");
	/* A pivot needs a mount point, and any directory of the old tree will do. */
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH))
		fail("move_mount");
	if (fchdir(root))
		fail("fchdir");

	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail("mount proc");
	if (mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, NULL))
		fail("mount tmp");
	if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755"))
		fail("mount dev");
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		char source[16] = "/dev/";
		strcat(source, nodes[i]);
		int fd = open(source + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
		if (fd < 0)
			fail("creating a node");
		close(fd);
		if (mount(source, source + 1, NULL, MS_BIND, NULL))
			fail(source);
	}

	if (syscall(SYS_pivot_root, ".", "."))
		fail("pivot_root");
	if (umount2(".", MNT_DETACH))
		fail("umount2");
	if (chdir("/"))
		fail("chdir");
	execv(argv[0], argv);
	return fail(argv[0]);
}

int main(int argc, char **argv)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: floor PROGRAM [ARGS...]\n");
		return 125;
	}
	uid_length = snprintf(uid_line, sizeof uid_line, "%u %u 1", geteuid(), geteuid());
	gid_length = snprintf(gid_line, sizeof gid_line, "%u %u 1", getegid(), getegid());

	/* CLONE_VM and CLONE_VFORK, as posix_spawn does: the address space is not copied for a child that soon execs. */
	pid_t pid = clone(isolated, stack + sizeof stack,
			  CLONE_VM | CLONE_VFORK | SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
				  CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
			  argv + 1);
	if (pid < 0)
		return fail("clone"), 125;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
