/* The least: what the default plan asks of the kernel, and nothing else, written down in C.
 *
 * The floor's namespaces, then the root, the hidden paths, the loopback, pid 1, Landlock rules, an empty bounding set
 * and a filter of the default's length, as `sandbox plan` lists them for an ordinary user. No profile is read, nothing is
 * planned, recorded, checked, read back or explained. What is left out of it shows what the kernel asks for that part alone.
 *
 * The most of what is promised beside the plan can be added to it, as far as the kernel is asked for that: who the caller
 * is, a record of what is made, written before it is, root's cgroup, and the mounts and the program's status read back, but
 * not what single settings are. Still nothing is planned, and what is read is not looked at: it is less than what a launch
 * that keeps the promises asks for.
 *
 *     cc -O2 -static least.c -o least && ./least [--without PART | --with PROMISE]... /bin/true
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
enum promise { CALLER, RECORD, CGROUP, READ_BACK, PROMISES };
static const char *const promises[PROMISES] = {"caller", "record", "cgroup", "read-back"};
static int added[PROMISES];

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

static void take(const char *path)
{
	static char bytes[64 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	while (read(fd, bytes, sizeof bytes) > 0)
		;
	close(fd);
}

/* The profile, in whose place the program's first bytes are read, the caller's accounts and ids, and where its cgroups are. */
static void ask(const char *profile)
{
	static const char *const asked[] = {"/etc/passwd", "/etc/group", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/cgroup"};
	char bytes[64];
	int fd = open(profile, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, bytes, sizeof bytes) < 0 || syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC))
		fail(profile);
	close(fd);
	for (size_t i = 0; i < COUNT(asked); i++)
		take(asked[i]);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}

/* Where it lies, its name, and the file, which is locked. */
static struct { int in, file; char name[32]; } record;

static void write_down(const char *line, size_t length)
{
	if (write(record.file, line, length) < 0)
		fail("the record");
}

static void begin_record(void)
{
	/* As long as what the default is planned from. */
	static char planned[7400];
	struct flock whole = {.l_type = F_WRLCK};
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char state[128];
	snprintf(state, sizeof state, "%s/sandbox", geteuid() && runtime ? runtime : "/run");
	snprintf(record.name, sizeof record.name, "least-%d", getpid());
	mkdir(state, 0700);
	record.in = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	record.file = openat(record.in, record.name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (record.file < 0 || fcntl(record.file, F_SETLK, &whole))
		fail("a record");
	write_down(planned, sizeof planned);
}

/* Of processes, as root has it by default; on cgroup v1, where a process enters by itself. */
static char cgroup[64];
static int tasks;

static void make_cgroup(void)
{
	char file[80];
	snprintf(cgroup, sizeof cgroup, "/sys/fs/cgroup/pids/least-%d", getpid());
	if (added[RECORD])
		write_down(cgroup, sizeof cgroup);
	if (mkdir(cgroup, 0755))
		fail(cgroup);
	snprintf(file, sizeof file, "%s/pids.max", cgroup);
	put(file, "4096");
	snprintf(file, sizeof file, "%s/tasks", cgroup);
	if ((tasks = open(file, O_WRONLY | O_CLOEXEC)) < 0)
		fail(file);
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
	/* Of the filter, seccomp(2) says whether it is there. */
	if (added[READ_BACK])
		take("/proc/self/status");
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
	if (added[CGROUP] && (write(tasks, "0", 1) < 0 || unshare(CLONE_NEWCGROUP)))
		fail("entering the cgroup");
	if (!left_out[TIME] && unshare(CLONE_NEWTIME))
		fail("unshare");
	if (sethostname("least", 5))
		fail("sethostname");
	assemble();
	if (!left_out[LOOPBACK])
		loopback();
	if (added[READ_BACK])
		take("/proc/self/mountinfo");
	if (left_out[INIT])
		return target(argument);
	pid_t pid = clone(target, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
	if (added[READ_BACK] && pid > 0)
		take("/proc/2/status");
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Whether `name` is one of these; what is meant by it is set. */
static int chosen(const char *name, const char *const names[], int count, int set[])
{
	for (int i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return set[i] = 1;
	return 0;
}

int main(int argc, char **argv)
{
	int status;
	for (; argc > 2; argc -= 2, argv += 2)
		if (!(!strcmp(argv[1], "--without") && chosen(argv[2], parts, PARTS, left_out)) &&
		    !(!strcmp(argv[1], "--with") && chosen(argv[2], promises, PROMISES, added)))
			break;
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: least [--without PART | --with PROMISE]... PROGRAM [ARGS...]\n");
		return 125;
	}
	if (added[CALLER])
		ask(argv[1]);
	if (added[RECORD])
		begin_record();
	if (added[CGROUP])
		make_cgroup();
	snprintf(uid_line, sizeof uid_line, "%u %u 1", geteuid(), geteuid());
	snprintf(gid_line, sizeof gid_line, "%u %u 1", getegid(), getegid());
	static char stack[64 * 1024] __attribute__((aligned(16)));
	pid_t pid = clone(init, stack + sizeof stack,
			  SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
				  (added[CGROUP] ? 0 : CLONE_NEWCGROUP),
			  argv + 1);
	if (pid < 0)
		return fail("clone"), 125;
	if (added[RECORD]) {
		char stat[32];
		snprintf(stat, sizeof stat, "/proc/%d/stat", pid);
		take("/proc/sys/kernel/random/boot_id");
		take("/proc/self/stat");
		take(stat);
		write_down(record.name, sizeof record.name);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid");
	if (added[CGROUP] && rmdir(cgroup))
		fail(cgroup);
	if (added[RECORD] && (unlinkat(record.in, record.name, 0) || close(record.file)))
		fail(record.name);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
