/* The least: what the default plan asks of the kernel, and nothing else, written down in C.
 *
 * The floor's namespaces, then the root, the hidden paths, the loopback, pid 1, Landlock rules, an empty bounding set
 * and a filter of the default's length, as `sandbox plan` lists them for an ordinary user. No profile is read, nothing is
 * planned, recorded, checked, read back or explained: how far a launch is from it is what those cost. What is left out
 * of it shows what the kernel asks for that part alone.
 *
 *     cc -O2 -static least.c -o least && ./least [--without PART]... /bin/true
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const trees[] = {"etc", "opt", "usr"};
static const char *const links[][2] = {{"usr/bin", "bin"}, {"usr/lib", "lib"}, {"usr/lib64", "lib64"}, {"usr/sbin", "sbin"}};
static const char *const scratch[] = {"home", "run", "tmp", "dev/shm", "var/tmp", "run/user"};
static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const char *const sealed[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys"};
static const char *const hidden[] = {
	"proc/acpi",	   "proc/asound",   "proc/interrupts",	 "proc/kallsyms",    "proc/kcore",	"proc/key-users",
	"proc/keys",	   "proc/kmsg",	    "proc/kpagecgroup",	 "proc/kpagecount",  "proc/kpageflags", "proc/latency_stats",
	"proc/sched_debug", "proc/scsi",    "proc/slabinfo",	 "proc/sysrq-trigger", "proc/timer_list", "proc/timer_stats",
	"proc/vmallocinfo", "etc/shadow",   "etc/shadow-",	 "etc/gshadow",	     "etc/gshadow-",	"etc/sudoers",
	"etc/sudoers.d",   "etc/security/opasswd", "etc/ssh/ssh_host_ecdsa_key", "etc/ssh/ssh_host_ed25519_key",
	"etc/ssh/ssh_host_rsa_key", "etc/ssl/private"};
static const char *const ruled[] = {"/", "/dev", "/dev/shm", "/etc", "/opt", "/proc", "/home", "/run", "/tmp", "/usr", "/var/tmp"};
#define COUNT(list) (sizeof list / sizeof *list)
#define INSTRUCTIONS 201

enum part { INIT, MEMORY, COVERS, LOOPBACK, TIME, LANDLOCK, CAPABILITIES, FILTER, PARTS };
static const char *const parts[PARTS] = {"init", "memory", "covers", "loopback", "time", "landlock", "capabilities", "filter"};
static int left_out[PARTS];

static char uid_line[40], gid_line[40];

static int fail(const char *operation)
{
	fprintf(stderr, "least: %s: %s\n", operation, strerror(errno));
	_exit(125);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

/* A mount of `source`, or of what `tree` holds, at `target`. */
static void attach(int at, const char *source, const char *target, uint64_t attributes)
{
	int tree = syscall(SYS_open_tree, at, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		fail(source);
	struct mount_attr set = {.attr_set = attributes};
	if (attributes && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &set, sizeof set))
		fail("mount_setattr");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
		fail(target);
	close(tree);
}

static void assemble(void)
{
	if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") || chdir("/tmp"))
		fail("an empty root");
	/* One memory for all that is writable, and the two masks. */
	mkdir("masked", 0);
	mknod("mask", S_IFREG, 0);
	mkdir("memory", 0755);
	mkdir("var", 0755);
	mkdir("dev", 0755);
	mkdir("proc", 0755);
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i][0], links[i][1]))
			fail(links[i][1]);
	for (size_t i = 0; i < COUNT(trees); i++) {
		char source[16] = "/";
		mkdir(trees[i], 0755);
		attach(AT_FDCWD, strcat(source, trees[i]), trees[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	}
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail("mount proc");
	for (size_t i = 0; i < COUNT(scratch); i++) {
		char part[16];
		mkdir(scratch[i], 0755);
		if (left_out[MEMORY])
			continue;
		snprintf(part, sizeof part, "memory/%zu", i);
		mkdir(part, 0755);
		attach(AT_FDCWD, part, scratch[i], 0);
	}
	for (size_t i = 0; i < COUNT(nodes); i++) {
		char source[16] = "/dev/";
		mknod(strcat(source, nodes[i]) + 1, S_IFREG, 0);
		attach(AT_FDCWD, source, source + 1, 0);
	}
	mkdir("dev/pts", 0755);
	if (mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"))
		fail("devpts");
	for (size_t i = 0; i < COUNT(sealed) && !left_out[COVERS]; i++)
		attach(AT_FDCWD, sealed[i], sealed[i], MOUNT_ATTR_RDONLY);
	struct stat there;
	for (size_t i = 0; i < COUNT(hidden) && !left_out[COVERS]; i++)
		if (!lstat(hidden[i], &there))
			attach(AT_FDCWD, S_ISDIR(there.st_mode) ? "masked" : "mask", hidden[i], 0);
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		fail("pivot_root");
}

static void loopback(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &up))
		fail("lo");
	close(fd);
}

static void restrict_paths(void)
{
	struct landlock_ruleset_attr all = {.handled_access_fs = (1 << 13) - 1};
	int rules = syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	for (size_t i = 0; i < COUNT(ruled); i++) {
		struct landlock_path_beneath_attr rule = {.allowed_access = (1 << 13) - 1, .parent_fd = open(ruled[i], O_PATH | O_CLOEXEC)};
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
			fail(ruled[i]);
		close(rule.parent_fd);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, rules, 0))
		fail("landlock");
}

/* As long as the default's, and left at once, which a search is not: the kernel evaluates it for every call there is. */
static void filter(void)
{
	static struct sock_filter program[INSTRUCTIONS];
	for (int i = 0; i < INSTRUCTIONS - 1; i++)
		program[i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1000 + i, 0, 0);
	program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	program[1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, INSTRUCTIONS - 3);
	program[INSTRUCTIONS - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog whole = {.len = INSTRUCTIONS, .filter = program};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole))
		fail("seccomp");
}

static int target(void *argument)
{
	char *const *argv = argument;
	if (!left_out[LANDLOCK])
		restrict_paths();
	for (int capability = 0; !left_out[CAPABILITIES] && !prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); capability++)
		;
	if (!left_out[FILTER])
		filter();
	execv(argv[0], argv);
	return fail(argv[0]);
}

static int init(void *argument)
{
	static char stack[16 * 1024] __attribute__((aligned(16)));
	int status;
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uid_line);
	put("/proc/self/gid_map", gid_line);
	if (!left_out[TIME] && unshare(CLONE_NEWTIME))
		fail("unshare");
	if (sethostname("least", 5))
		fail("sethostname");
	assemble();
	if (!left_out[LOOPBACK])
		loopback();
	if (left_out[INIT])
		return target(argument);
	pid_t pid = clone(target, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
	int status;
	while (argc > 2 && !strcmp(argv[1], "--without")) {
		int part = 0;
		while (part < PARTS && strcmp(argv[2], parts[part]))
			part++;
		if (part == PARTS)
			break;
		left_out[part] = 1;
		argc -= 2, argv += 2;
	}
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: least [--without PART]... PROGRAM [ARGS...]\n");
		return 125;
	}
	snprintf(uid_line, sizeof uid_line, "%u %u 1", geteuid(), geteuid());
	snprintf(gid_line, sizeof gid_line, "%u %u 1", getegid(), getegid());
	static char stack[64 * 1024] __attribute__((aligned(16)));
	pid_t pid = clone(init, stack + sizeof stack,
			  SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
				  CLONE_NEWCGROUP,
			  argv + 1);
	if (pid < 0)
		return fail("clone"), 125;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
