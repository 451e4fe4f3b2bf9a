/* What a program may try with namespaces, sockets, terminals, other processes, keys and its own identity. */
#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kd.h>
#include <linux/keyctl.h>
#include <linux/vt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- namespaces --- */

static const struct named namespace_flags[] = {
	{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET},
	{"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}, {NULL, 0},
};

static int try_unshare(int argc, char **argv)
{
	return unshare(named(namespace_flags, argv[0]));
}

static int reap(long pid)
{
	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : (waitpid(pid, NULL, __WALL), 0);
}

static int try_clone(int argc, char **argv)
{
	return reap(syscall(SYS_clone, named(namespace_flags, argv[0]) | SIGCHLD, 0, 0, 0, 0));
}

static int try_clone3(int argc, char **argv)
{
	unsigned long flag = argc > 0 ? named(namespace_flags, argv[0]) : 0;
	uint64_t arguments[11] = {[0] = flag, [4] = SIGCHLD};
	return reap(syscall(SYS_clone3, arguments, 64));
}

static int try_setns(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY);
	return fd < 0 ? -1 : setns(fd, 0);
}

/* --- sockets --- */

static int connected(int domain, const void *address, socklen_t length)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
	socklen_t size = sizeof error;
	struct pollfd waiting = {.fd = fd, .events = POLLOUT};
	if (fd < 0)
		return -1;
	if (connect(fd, address, length) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	if (poll(&waiting, 1, 2000) != 1)
		return errno = ETIMEDOUT, -1;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return errno = error, error ? -1 : 0;
}

static int try_socket(int argc, char **argv)
{
	return socket(number(argv[0]), argc > 1 ? number(argv[1]) : SOCK_DGRAM, argc > 2 ? number(argv[2]) : 0);
}

static int try_connect_unix(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(argv[0]);
	memcpy(address.sun_path, argv[0], length);
	/* `@name` is the abstract name, as ss(8) and /proc/net/unix print it. */
	if (address.sun_path[0] == '@')
		address.sun_path[0] = 0;
	return connected(AF_UNIX, &address, offsetof(struct sockaddr_un, sun_path) + length);
}

static int tcp(char **argv, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in *four = (void *)address;
	struct sockaddr_in6 *six = (void *)address;
	memset(address, 0, sizeof *address);
	if (inet_pton(AF_INET, argv[0], &four->sin_addr) == 1) {
		four->sin_port = htons(number(argv[1]));
		*length = sizeof *four;
		return address->ss_family = AF_INET;
	}
	if (inet_pton(AF_INET6, argv[0], &six->sin6_addr) != 1)
		return errno = EDESTADDRREQ, -1;
	six->sin6_port = htons(number(argv[1]));
	*length = sizeof *six;
	return address->ss_family = AF_INET6;
}

static int try_connect(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t length;
	int family = tcp(argv, &address, &length);
	return family < 0 ? -1 : connected(family, &address, length);
}

static int try_listen(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t length;
	int family = tcp(argv, &address, &length);
	int fd = family < 0 ? -1 : socket(family, SOCK_STREAM, 0);
	return fd < 0 || bind(fd, (void *)&address, length) ? -1 : listen(fd, 1);
}

/* --- terminals --- */

static const struct named terminal_requests[] = {
	{"tiocsti", TIOCSTI}, {"tioclinux", TIOCLINUX}, {"tiocsetd", TIOCSETD}, {"tioccons", TIOCCONS},
	{"kdsetmode", KDSETMODE}, {"kdskbmode", KDSKBMODE}, {"vt-setmode", VT_SETMODE}, {"tiocgwinsz", TIOCGWINSZ}, {NULL, 0},
};

/* `ioctl NAME [HIGH]`: on standard input; HIGH is put into the upper half of the request, which the kernel ignores. */
static int try_ioctl(int argc, char **argv)
{
	unsigned long request = named(terminal_requests, argv[0]), high = argc > 1 ? number(argv[1]) : 0;
	char bytes[64] = "#";
	/* TIOCLINUX 2 pastes the selection; N_TTY for TIOCSETD is what the terminal has already. */
	if (request == TIOCLINUX)
		bytes[0] = 2;
	if (request == TIOCSETD)
		bytes[0] = 0;
	return syscall(SYS_ioctl, 0, request | high << 32, bytes);
}

/* --- processes --- */

static int try_kill(int argc, char **argv)
{
	return kill(number(argv[0]), argc > 1 ? number(argv[1]) : 0);
}

static int try_tgkill(int argc, char **argv)
{
	return syscall(SYS_tgkill, number(argv[0]), number(argv[0]), argc > 1 ? number(argv[1]) : 0);
}

static int try_pidfd_open(int argc, char **argv)
{
	return syscall(SYS_pidfd_open, number(argv[0]), 0);
}

static int try_ptrace(int argc, char **argv)
{
	return ptrace(PTRACE_SEIZE, (pid_t)number(argv[0]), 0, 0);
}

static int try_vm_read(int argc, char **argv)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
	return process_vm_readv(number(argv[0]), &here, 1, &there, 1, 0);
}

/* --- keys --- */

static int try_add_key(int argc, char **argv)
{
	return syscall(SYS_add_key, "user", argv[0], "x", 1, KEY_SPEC_USER_KEYRING);
}

static int try_find_key(int argc, char **argv)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", argv[0], 0);
}

static int try_find_session_key(int argc, char **argv)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", argv[0], 0);
}

static int try_request_key(int argc, char **argv)
{
	return syscall(SYS_request_key, "user", argv[0], NULL, KEY_SPEC_USER_KEYRING);
}

static int try_read_key(int argc, char **argv)
{
	char text[64];
	return syscall(SYS_keyctl, KEYCTL_READ, number(argv[0]), text, sizeof text);
}

/* --- identity and the rest --- */

static int try_setuid(int argc, char **argv)
{
	return setresuid(number(argv[0]), number(argv[0]), number(argv[0]));
}

static int try_setgid(int argc, char **argv)
{
	return setresgid(number(argv[0]), number(argv[0]), number(argv[0]));
}

static int try_setgroups(int argc, char **argv)
{
	gid_t group = argc > 0 ? number(argv[0]) : 0;
	return setgroups(argc, &group);
}

static int try_sethostname(int argc, char **argv)
{
	return sethostname(argv[0], strlen(argv[0]));
}

/* So many children at once; they end with the attempt. */
static int try_forks(int argc, char **argv)
{
	static pid_t children[8192];
	long wanted = number(argv[0]), count = 0;
	int error = 0;
	if (wanted > 8192)
		return errno = ERANGE, -1;
	for (; count < wanted && !error; count++) {
		children[count] = fork();
		if (children[count] == 0)
			for (;;)
				pause();
		if (children[count] < 0)
			error = errno;
	}
	for (long i = 0; i < count; i++)
		if (children[i] > 0) {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
		}
	return errno = error, error ? -1 : 0;
}

/* `syscall NUMBER [ARGS...]` */
static int try_syscall(int argc, char **argv)
{
	long a[7] = {0};
	for (int i = 0; i < argc && i < 7; i++)
		a[i] = number(argv[i]);
	return syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]) == -1 ? -1 : 0;
}

const struct verb kernel_attempts[] = {
	{"unshare", 1, try_unshare}, {"clone", 1, try_clone}, {"clone3", 0, try_clone3}, {"setns", 1, try_setns},
	{"socket", 1, try_socket}, {"connect-unix", 1, try_connect_unix}, {"connect", 2, try_connect},
	{"listen", 2, try_listen}, {"ioctl", 1, try_ioctl}, {"kill", 1, try_kill}, {"tgkill", 1, try_tgkill},
	{"pidfd-open", 1, try_pidfd_open}, {"ptrace", 1, try_ptrace}, {"vm-read", 1, try_vm_read},
	{"add-key", 1, try_add_key}, {"find-key", 1, try_find_key}, {"find-session-key", 1, try_find_session_key}, {"request-key", 1, try_request_key},
	{"read-key", 1, try_read_key}, {"setuid", 1, try_setuid}, {"setgid", 1, try_setgid},
	{"setgroups", 0, try_setgroups}, {"sethostname", 1, try_sethostname}, {"forks", 1, try_forks},
	{"syscall", 1, try_syscall}, {NULL, 0, NULL},
};
