/* What a program sees of itself and of its surroundings, told without the help of /proc where the kernel can be asked. */
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* `fd NUMBER TYPE`, for every number that a process can have here. */
static int show_fds(int argc, char **argv)
{
	struct stat seen;
	for (int fd = 0; fd < 65536; fd++)
		if (fstat(fd, &seen) == 0) {
			mode_t kind = seen.st_mode & S_IFMT;
			printf("fd %d %s\n", fd,
			       kind == S_IFDIR    ? "directory"
			       : kind == S_IFREG  ? "file"
			       : kind == S_IFIFO  ? "pipe"
			       : kind == S_IFSOCK ? "socket"
			       : kind == S_IFCHR  ? "device"
						  : "other");
		}
	return 0;
}

static int show_ids(int argc, char **argv)
{
	uid_t r, e, s;
	gid_t groups[1024];
	getresuid(&r, &e, &s);
	printf("uid %u %u %u\n", r, e, s);
	getresgid(&r, &e, &s);
	printf("gid %u %u %u\n", r, e, s);
	int count = getgroups(1024, groups);
	printf("groups");
	for (int i = 0; i < count; i++)
		printf(" %u", groups[i]);
	printf("\n");
	return 0;
}

/* The five sets as numbers, the securebits, no_new_privs and the mode of seccomp, all from calls on ourselves. */
static int show_privilege(int argc, char **argv)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	uint64_t bounding = 0, ambient = 0;
	if (syscall(SYS_capget, &header, data))
		printf("capget %s\n", errno_name(errno));
	for (int cap = 0; cap < 64; cap++) {
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) << cap;
		ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) << cap;
	}
	printf("effective %#lx\n", data[0].effective | (uint64_t)data[1].effective << 32);
	printf("permitted %#lx\n", data[0].permitted | (uint64_t)data[1].permitted << 32);
	printf("inheritable %#lx\n", data[0].inheritable | (uint64_t)data[1].inheritable << 32);
	printf("bounding %#lx\nambient %#lx\n", bounding, ambient);
	printf("securebits %#x\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	printf("no-new-privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("seccomp %d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	return 0;
}

static int show_signals(int argc, char **argv)
{
	sigset_t blocked, pending;
	struct sigaction action;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	for (int signal = 1; signal < NSIG; signal++) {
		if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf("ignored %d\n", signal);
		if (sigismember(&blocked, signal) == 1)
			printf("blocked %d\n", signal);
		if (sigismember(&pending, signal) == 1)
			printf("pending %d\n", signal);
	}
	return 0;
}

static int show_env(int argc, char **argv)
{
	for (char **variable = environ; *variable; variable++)
		printf("%s\n", *variable);
	return 0;
}

static int show_args(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	return 0;
}

/* By the bare call, which does not hide that a directory lies outside of the root. */
static int show_cwd(int argc, char **argv)
{
	char path[4096];
	printf("cwd %s\n", syscall(SYS_getcwd, path, sizeof path) < 0 ? errno_name(errno) : path);
	return 0;
}

static int show_process(int argc, char **argv)
{
	mode_t mask = umask(0);
	umask(mask);
	printf("pid %d\nparent %d\ngroup %d\nsession %d\n", getpid(), getppid(), getpgrp(), getsid(0));
	printf("umask %04o\nnice %d\n", mask, getpriority(PRIO_PROCESS, 0));
	printf("terminal %d %d %d\n", isatty(0), isatty(1), isatty(2));
	int terminal = open("/dev/tty", O_RDWR);
	printf("controlling %s\n", terminal < 0 ? errno_name(errno) : "yes");
	printf("foreground %d\n", tcgetpgrp(0));
	return 0;
}

static int show_limits(int argc, char **argv)
{
	static const struct named limits[] = {
		{"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"core", RLIMIT_CORE}, {"fsize", RLIMIT_FSIZE},
		{"stack", RLIMIT_STACK},   {"as", RLIMIT_AS},	    {"cpu", RLIMIT_CPU},
		{"sigpending", RLIMIT_SIGPENDING}, {"memlock", RLIMIT_MEMLOCK}, {NULL, 0},
	};
	struct rlimit limit;
	for (const struct named *one = limits; one->name; one++) {
		getrlimit(one->value, &limit);
		printf("limit %s %ld %ld\n", one->name, (long)limit.rlim_cur, (long)limit.rlim_max);
	}
	return 0;
}

static int show_names(int argc, char **argv)
{
	struct utsname names;
	uname(&names);
	printf("hostname %s\ndomainname %s\n", names.nodename, names.domainname);
	return 0;
}

static int show_clocks(int argc, char **argv)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	printf("boottime %ld\n", (long)now.tv_sec);
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("monotonic %ld\n", (long)now.tv_sec);
	return 0;
}

/* 0 without Landlock. */
static int show_landlock_abi(int argc, char **argv)
{
	long abi = syscall(444, NULL, 0, 1);
	printf("landlock-abi %ld\n", abi < 0 ? 0 : abi);
	return 0;
}

static int show_interfaces(int argc, char **argv)
{
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (int index = 1; index < 64; index++) {
		memset(&request, 0, sizeof request);
		request.ifr_ifindex = index;
		if (ioctl(fd, SIOCGIFNAME, &request))
			continue;
		ioctl(fd, SIOCGIFFLAGS, &request);
		printf("interface %s %s\n", request.ifr_name, request.ifr_flags & IFF_UP ? "up" : "down");
	}
	return 0;
}

/* `ns TYPE INODE` */
static int show_namespaces(int argc, char **argv)
{
	static const char *const types[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
	char path[64];
	struct stat seen;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
		if (stat(path, &seen))
			printf("ns %s %s\n", types[i], errno_name(errno));
		else
			printf("ns %s %lu\n", types[i], (unsigned long)seen.st_ino);
	}
	return 0;
}

/* `propagates PATH` for each mount that hears of another's mounts, or tells of its own. */
static int show_propagation(int argc, char **argv)
{
	char line[4096], path[4096];
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	while (mounts && fgets(line, sizeof line, mounts))
		if ((strstr(line, " shared:") || strstr(line, " master:")) && sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			printf("propagates %s\n", path);
	return 0;
}

/* As cat(1), but what comes next begins on a line of its own. */
static int show_cat(int argc, char **argv)
{
	char block[65536], last = '\n';
	ssize_t got;
	int fd = argc > 0 ? open(argv[0], O_RDONLY) : 0;
	if (fd < 0)
		return printf("cat %s: %s\n", argv[0], errno_name(errno)), 0;
	while ((got = read(fd, block, sizeof block)) > 0) {
		fwrite(block, 1, got, stdout);
		last = block[got - 1];
	}
	if (last != '\n')
		printf("\n");
	if (got < 0)
		printf("cat %s: %s\n", argc > 0 ? argv[0] : "-", errno_name(errno));
	return 0;
}

/* `entry NAME` for each, unsorted. */
static int show_ls(int argc, char **argv)
{
	DIR *directory = opendir(argv[0]);
	struct dirent *entry;
	if (!directory)
		return printf("ls %s: %s\n", argv[0], errno_name(errno)), 0;
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			printf("entry %s\n", entry->d_name);
	return 0;
}

/* `stat PATH TYPE MODE UID GID RDEV`, links not followed; a link says where it leads. */
/* Who is told when the open file on a descriptor is ready. */
static int show_owner(int argc, char **argv)
{
	int fd = atoi(argv[0]);
	return printf("owner %d: signal %d, pid %d\n", fd, fcntl(fd, F_GETSIG), fcntl(fd, F_GETOWN)), 0;
}

static int show_stat(int argc, char **argv)
{
	struct stat seen;
	char to[4096] = "";
	if (lstat(argv[0], &seen))
		return printf("stat %s: %s\n", argv[0], errno_name(errno)), 0;
	const char *kinds = "?pc?d?b?-?l?s???";
	printf("stat %s %c %04o %u %u %u:%u", argv[0], kinds[seen.st_mode >> 12], seen.st_mode & 07777, seen.st_uid,
	       seen.st_gid, major(seen.st_rdev), minor(seen.st_rdev));
	if (readlink(argv[0], to, sizeof to - 1) >= 0)
		printf(" -> %s", to);
	printf("\n");
	return 0;
}

const struct verb sights[] = {
	{"fds", 0, show_fds}, {"ids", 0, show_ids}, {"privilege", 0, show_privilege}, {"signals", 0, show_signals},
	{"env", 0, show_env}, {"args", 0, show_args}, {"cwd", 0, show_cwd}, {"process", 0, show_process},
	{"limits", 0, show_limits}, {"names", 0, show_names}, {"namespaces", 0, show_namespaces}, {"propagation", 0, show_propagation}, {"clocks", 0, show_clocks},
	{"landlock-abi", 0, show_landlock_abi},
	{"interfaces", 0, show_interfaces}, {"cat", 0, show_cat}, {"ls", 1, show_ls}, {"stat", 1, show_stat}, {"owner", 1, show_owner},
	{"scan", 3, scan}, {NULL, 0, NULL},
};
