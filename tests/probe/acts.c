/* What ends the probe, or keeps it running. */
#include "probe.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int act_exit(int argc, char **argv)
{
	exit(argc > 0 ? number(argv[0]) : 0);
}

static int act_die(int argc, char **argv)
{
	kill(getpid(), number(argv[0]));
	/* A pid 1 does not die of its own signals. */
	return printf("alive\n"), 0;
}

static int act_sleep(int argc, char **argv)
{
	long milliseconds = number(argv[0]);
	struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	nanosleep(&time, NULL);
	return 0;
}

static int act_say(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf(i ? " %s" : "%s", argv[i]);
	printf("\n");
	return fflush(stdout);
}

static _Noreturn int act_hang(int argc, char **argv)
{
	printf("running\n"), fflush(stdout);
	for (;;)
		pause();
}

static void tell(int signal)
{
	char line[32];
	int length = snprintf(line, sizeof line, "signal %s\n", sigabbrev_np(signal));
	if (write(1, line, length) != length)
		_exit(3);
}

/* Tells of every signal it is sent; `count` of them, then it ends. */
static int act_signals(int argc, char **argv)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int one = 1; one < SIGRTMIN; one++) {
		/* The stops keep their meaning, for job control. */
		if (one == SIGTSTP || one == SIGTTIN || one == SIGTTOU)
			continue;
		struct sigaction action = {.sa_handler = tell, .sa_mask = all};
		sigaction(one, &action, NULL);
	}
	printf("running\n");
	fflush(stdout);
	for (long left = number(argv[0]); left > 0; left--)
		sigsuspend(&none);
	return 0;
}

/* Leaves a grandchild behind that outlives its parent and is pid 1's to reap. */
static int act_orphan(int argc, char **argv)
{
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0)
			act_sleep(argc, argv), _exit(0);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return 0;
}

/* Leaves a process in a session of its own, deaf to everything that it can be deaf to. */
static int act_daemon(int argc, char **argv)
{
	if (fork() == 0) {
		setsid();
		for (int one = 1; one < NSIG; one++)
			signal(one, SIG_IGN);
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		for (;;)
			pause();
	}
	return 0;
}

/* Leaves so many processes that do nothing. */
static int act_crowd(int argc, char **argv)
{
	for (long left = number(argv[0]); left > 0; left--)
		if (fork() == 0)
			for (;;)
				pause();
	return 0;
}

/* Asks the kernel not to end it with its parent. */
static int act_outlive(int argc, char **argv)
{
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0))
		return printf("outlive: %s\n", errno_name(errno)), 0;
	return 0;
}

/* Takes so many megabytes of memory, a page at a time, and keeps them. */
static int act_hold(int argc, char **argv)
{
	long left = number(argv[0]) << 20;
	for (char *page; left > 0; left -= 4096) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (page == MAP_FAILED)
			return printf("hold %s: %s\n", argv[0], errno_name(errno)), 0;
		*page = 1;
	}
	return printf("holding\n"), fflush(stdout);
}

/* Computes for so many milliseconds. */
static int act_burn(int argc, char **argv)
{
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < number(argv[0]));
	return 0;
}

/* Computes until the kernel has counted so many milliseconds of it, however long that takes on a busy machine. */
static int act_compute(int argc, char **argv)
{
	struct timespec used;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < number(argv[0]));
	return 0;
}

static int take(const char *what, long already)
{
	char name[32];
	if (!strcmp(what, "descriptors"))
		return open("/dev/null", O_RDONLY);
	if (!strcmp(what, "terminals"))
		return open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (!strcmp(what, "watches"))
		return inotify_init1(0);
	if (!strcmp(what, "queues")) {
		snprintf(name, sizeof name, "/hog%ld", already);
		return syscall(SYS_mq_open, name + 1, O_RDWR | O_CREAT, 0600, NULL);
	}
	if (!strcmp(what, "names")) {
		snprintf(name, sizeof name, "/work/hog%ld", already);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		return fd < 0 ? fd : close(fd);
	}
	if (!strcmp(what, "pipes")) {
		int ends[2];
		if (pipe(ends))
			return -1;
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
		static char block[65536];
		while (write(ends[1], block, sizeof block) > 0)
			;
		return 0;
	}
	if (!strcmp(what, "signals")) {
		sigset_t blocked;
		sigemptyset(&blocked);
		sigaddset(&blocked, SIGRTMIN);
		sigprocmask(SIG_BLOCK, &blocked, NULL);
		return sigqueue(getpid(), SIGRTMIN, (union sigval){0});
	}
	if (!strcmp(what, "locked-memory")) {
		int id = shmget(IPC_PRIVATE, 1 << 16, 0600);
		if (id < 0)
			return id;
		/* It goes when nobody has it any more. */
		int locked = shmat(id, NULL, 0) == (void *)-1 ? -1 : shmctl(id, SHM_LOCK, NULL), why = errno;
		shmctl(id, IPC_RMID, NULL);
		return errno = why, locked;
	}
	return errno = EINVAL, -1;
}

/* Takes as many of something as there are, up to a million, and keeps them. */
static int act_hog(int argc, char **argv)
{
	long taken = 0;
	while (taken < 1000000 && take(argv[0], taken) >= 0)
		taken++;
	printf("hog %s: %s\nhogged %s: %ld\n", argv[0], taken < 1000000 ? errno_name(errno) : "ok", argv[0], taken);
	return fflush(stdout);
}

/* Fills the buffers of so many connections to itself, and says how much they took, in MiB. */
static int act_queue(int argc, char **argv)
{
	static char block[1 << 20];
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof here;
	long count = number(argv[0]), size = 4 << 20;
	long long queued = 0;
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	if (listening < 0 || bind(listening, (void *)&here, length) || listen(listening, 16) ||
	    getsockname(listening, (void *)&here, &length))
		return printf("queue: %s\n", errno_name(errno)), 0;
	while (count-- > 0) {
		int sender = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		if (sender < 0 || connect(sender, (void *)&here, length) || accept(listening, NULL, NULL) < 0)
			break;
		for (ssize_t sent; (sent = send(sender, block, sizeof block, MSG_DONTWAIT)) > 0;)
			queued += sent;
	}
	printf("queued %lld\n", queued >> 20);
	return fflush(stdout);
}

/* Turns the terminal's echo off, as an editor does, and leaves it so. */
static int act_raw(int argc, char **argv)
{
	struct termios settings;
	if (tcgetattr(0, &settings))
		return printf("raw: %s\n", errno_name(errno)), 0;
	cfmakeraw(&settings);
	settings.c_oflag |= OPOST;
	return tcsetattr(0, TCSANOW, &settings);
}

/* Does to the terminal on a descriptor what outlasts a program: raw, nobody else may open it, output stopped. */
static int act_spoil(int argc, char **argv)
{
	int fd = number(argv[0]);
	struct termios settings;
	if (tcgetattr(fd, &settings))
		return printf("spoil: %s\n", errno_name(errno)), 0;
	cfmakeraw(&settings);
	if (fchmod(fd, 0666) || tcsetattr(fd, TCSANOW, &settings) || ioctl(fd, TIOCEXCL) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) || tcflow(fd, TCOOFF))
		return printf("spoil: %s\n", errno_name(errno)), 0;
	return 0;
}

/* Does to the open file on a descriptor what outlasts a program: nobody waits, everybody may open it, it is locked. */
static int act_leave(int argc, char **argv)
{
	int fd = number(argv[0]);
	struct flock all = {.l_type = F_RDLCK};
	printf("leave mode: %s\n", fchmod(fd, 0666) ? errno_name(errno) : "ok");
	printf("leave flags: %s\n", fcntl(fd, F_SETFL, O_NONBLOCK) ? errno_name(errno) : "ok");
	printf("leave lock: %s\n", flock(fd, LOCK_EX | LOCK_NB) ? errno_name(errno) : "ok");
	printf("leave range: %s\n", fcntl(fd, F_OFD_SETLK, &all) ? errno_name(errno) : "ok");
	printf("leave owner: %s\n", fcntl(fd, F_SETSIG, SIGURG) || fcntl(fd, F_SETOWN, getpid()) ? errno_name(errno) : "ok");
	return fflush(stdout);
}

/* Has its parent told by a signal of its own when the open file on a descriptor is ready. */
static int act_own(int argc, char **argv)
{
	int fd = number(argv[0]);
	return fcntl(fd, F_SETSIG, SIGUSR1) || fcntl(fd, F_SETOWN, getppid());
}

/* Takes a terminal's settings in its hands, from the background too. */
static int act_deaf(int argc, char **argv)
{
	signal(SIGTTOU, SIG_IGN);
	return 0;
}

/* Output without end, as yes(1). */
static int act_yes(int argc, char **argv)
{
	while (write(1, "y\n", 2) == 2)
		;
	return fprintf(stderr, "yes: %s\n", errno_name(errno)), 0;
}

/* Becomes another program, with what it has. */
static int act_become(int argc, char **argv)
{
	char *arguments[64] = {NULL};
	for (int i = 0; i < argc && i < 63; i++)
		arguments[i] = argv[i];
	execv(arguments[0], arguments);
	return printf("become %s: %s\n", argv[0], errno_name(errno)), 0;
}

/* Stays root for what follows. */
static int act_become_root(int argc, char **argv)
{
	return printf("become-root: %s\n", setuid(0) ? errno_name(errno) : "ok"), 0;
}

/* Mounts every cgroup hierarchy below a directory, as whoever may make namespaces can: without writing any map. What
 * follows sees them. */
static int act_cgroups(int argc, char **argv)
{
	static const char *const names[] = {"unified", "pids", "memory", "freezer", "cpu", "cpuset", "blkio", "devices"};
	char path[256];

	if (unshare(CLONE_NEWUSER) || unshare(CLONE_NEWNS | CLONE_NEWCGROUP) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(argv[0], 0755))
		return printf("cgroups: %s\n", errno_name(errno)), 0;
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", argv[0], names[i]);
		int failed = mkdir(path, 0755) || mount("none", path, i ? "cgroup" : "cgroup2", 0, i ? names[i] : NULL);
		printf("mounted %s: %s\n", names[i], failed ? errno_name(errno) : "ok");
	}
	return 0;
}

const struct verb acts[] = {
	{"exit", 0, act_exit},
	{"die", 1, act_die},
	{"sleep", 1, act_sleep},
	{"say", 0, act_say},
	{"hang", 0, act_hang},
	{"await", 1, act_signals},
	{"orphan", 1, act_orphan},
	{"daemon", 0, act_daemon},
	{"raw", 0, act_raw},
	{"yes", 0, act_yes},
	{"become", 1, act_become},
	{"crowd", 1, act_crowd},
	{"hold", 1, act_hold},
	{"burn", 1, act_burn},
	{"compute", 1, act_compute},
	{"hog", 1, act_hog},
	{"queue", 1, act_queue},
	{"cgroups", 1, act_cgroups},
	{"become-root", 0, act_become_root},
	{"outlive", 0, act_outlive},
	{"spoil", 1, act_spoil},
	{"leave", 1, act_leave}, {"own", 1, act_own},
	{"deaf", 0, act_deaf},
	{NULL, 0, NULL},
};
