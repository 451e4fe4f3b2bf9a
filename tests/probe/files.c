/* What a program may try on files and mounts. */
#include "probe.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* --- files --- */

static int try_read(int argc, char **argv)
{
	char byte;
	int fd = open(argv[0], O_RDONLY | O_NONBLOCK);
	return fd < 0 ? -1 : read(fd, &byte, 1) < 0 ? -1 : 0;
}

static int try_list(int argc, char **argv)
{
	char entries[1024];
	int fd = open(argv[0], O_RDONLY | O_DIRECTORY);
	return fd < 0 ? -1 : syscall(SYS_getdents64, fd, entries, sizeof entries) < 0 ? -1 : 0;
}

/* Opens for writing without touching the contents; with a text, writes it. */
static int try_write(int argc, char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_NONBLOCK);
	if (fd < 0 || argc < 2)
		return fd;
	return write(fd, argv[1], strlen(argv[1])) < 0 ? -1 : 0;
}

static int try_create(int argc, char **argv)
{
	return open(argv[0], O_WRONLY | O_CREAT | O_EXCL, 0644);
}

static int try_mkdir(int argc, char **argv)
{
	return mkdir(argv[0], 0755);
}

static int try_unlink(int argc, char **argv)
{
	return unlink(argv[0]);
}

static int try_rmdir(int argc, char **argv)
{
	return rmdir(argv[0]);
}

static int try_rename(int argc, char **argv)
{
	return rename(argv[0], argv[1]);
}

static int try_link(int argc, char **argv)
{
	return link(argv[0], argv[1]);
}

static int try_symlink(int argc, char **argv)
{
	return symlink(argv[0], argv[1]);
}

static int try_chmod(int argc, char **argv)
{
	return chmod(argv[1], number(argv[0]));
}

/* What can be done to the node that a descriptor is of, and leaves it as it is. */
static int try_fchmod(int argc, char **argv)
{
	return fchmod(number(argv[1]), number(argv[0]));
}

static int try_futimens(int argc, char **argv)
{
	struct stat now;
	if (fstat(number(argv[0]), &now))
		return -1;
	return futimens(number(argv[0]), (struct timespec[]){now.st_atim, now.st_mtim});
}

static int try_fremovexattr(int argc, char **argv)
{
	return fremovexattr(number(argv[1]), argv[0]);
}

static int try_lease(int argc, char **argv)
{
	return fcntl(number(argv[0]), F_SETLEASE, F_RDLCK);
}

/* `set-id WAY PATH`: a file with setuid and setgid bits, by each call that takes a mode. What the first ones change is there. */
static int try_set_id(int argc, char **argv)
{
	static const char *const ways[] = {
		"chmod", "fchmod", "fchmodat", "fchmodat2", "creat", "open", "openat", "tmpfile", "openat2", "mknod", "mknodat",
	};
	const char *path = argv[1];
	unsigned long how[3] = {O_WRONLY | O_CREAT, 06755, 0};
	size_t way = 0;
	while (way < sizeof ways / sizeof *ways && strcmp(ways[way], argv[0]))
		way++;
	switch (way) {
	case 0: return syscall(SYS_chmod, path, 06755);
	case 1: return syscall(SYS_fchmod, open(path, O_RDONLY), 06755);
	case 2: return syscall(SYS_fchmodat, AT_FDCWD, path, 06755);
	case 3: return syscall(452, AT_FDCWD, path, 06755, 0);
	case 4: return syscall(SYS_creat, path, 06755);
	case 5: return syscall(SYS_open, path, O_WRONLY | O_CREAT, 06755);
	case 6: return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 06755);
	case 7: return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TMPFILE, 06755);
	case 8: return syscall(SYS_openat2, AT_FDCWD, path, how, sizeof how);
	case 9: return syscall(SYS_mknod, path, S_IFREG | 06755, 0);
	case 10: return syscall(SYS_mknodat, AT_FDCWD, path, S_IFREG | 06755, 0);
	}
	return errno = EDESTADDRREQ, -1;
}

static int try_chown(int argc, char **argv)
{
	return lchown(argv[1], number(argv[0]), number(argv[0]));
}

static int try_setxattr(int argc, char **argv)
{
	return lsetxattr(argv[1], argv[0], "x", 1, 0);
}

static int try_mknod(int argc, char **argv)
{
	mode_t kind = *argv[0] == 'b' ? S_IFBLK : *argv[0] == 'c' ? S_IFCHR : S_IFIFO;
	return mknod(argv[3], kind | 0666, makedev(number(argv[1]), number(argv[2])));
}

static int try_access_exec(int argc, char **argv)
{
	return access(argv[0], X_OK);
}

/* Maps a file for execution, which noexec forbids even to those who only read it. */
static int try_map_exec(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY);
	return fd < 0 ? -1 : mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
}

/* Starts a program and waits for it: 0 when it ended with 0. */
static int try_exec(int argc, char **argv)
{
	int status, report[2];
	if (pipe2(report, O_CLOEXEC))
		return -1;
	pid_t child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		execv(argv[0], argv);
		_exit(write(report[1], &errno, sizeof errno) != sizeof errno);
	}
	close(report[1]);
	int error = 0;
	ssize_t got = read(report[0], &error, sizeof error);
	waitpid(child, &status, 0);
	errno = got == sizeof error ? error : ECHILD;
	return got == sizeof error || !WIFEXITED(status) || WEXITSTATUS(status) ? -1 : 0;
}

static int try_chdir(int argc, char **argv)
{
	return chdir(argv[0]);
}

/* --- mounts --- */

static int try_mount(int argc, char **argv)
{
	return mount(argv[1], argv[2], argv[0], 0, NULL);
}

static int try_bind(int argc, char **argv)
{
	return mount(argv[0], argv[1], NULL, MS_BIND, NULL);
}

static int try_remount(int argc, char **argv)
{
	return mount(NULL, argv[0], NULL, MS_REMOUNT | MS_BIND, NULL);
}

static int try_move(int argc, char **argv)
{
	return mount(argv[0], argv[1], NULL, MS_MOVE, NULL);
}

static int try_umount(int argc, char **argv)
{
	return umount2(argv[0], MNT_DETACH);
}

static int try_open_tree(int argc, char **argv)
{
	return syscall(SYS_open_tree, AT_FDCWD, argv[0], OPEN_TREE_CLONE | AT_RECURSIVE);
}

static int try_fsopen(int argc, char **argv)
{
	return syscall(SYS_fsopen, argv[0], 0);
}

static int try_mount_setattr(int argc, char **argv)
{
	struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
	return syscall(SYS_mount_setattr, AT_FDCWD, argv[0], AT_RECURSIVE, &writable, sizeof writable);
}

static int try_chroot(int argc, char **argv)
{
	return chroot(argv[0]);
}

static int try_pivot_root(int argc, char **argv)
{
	return syscall(SYS_pivot_root, argv[0], argv[0]);
}

const struct verb file_attempts[] = {
	{"read", 1, try_read}, {"list", 1, try_list}, {"write", 1, try_write}, {"create", 1, try_create},
	{"mkdir", 1, try_mkdir}, {"unlink", 1, try_unlink}, {"rmdir", 1, try_rmdir}, {"rename", 2, try_rename},
	{"link", 2, try_link}, {"symlink", 2, try_symlink}, {"chmod", 2, try_chmod}, {"set-id", 2, try_set_id},
	{"fchmod", 2, try_fchmod}, {"futimens", 1, try_futimens}, {"fremovexattr", 2, try_fremovexattr}, {"lease", 1, try_lease}, {"chown", 2, try_chown},
	{"setxattr", 2, try_setxattr}, {"mknod", 4, try_mknod}, {"access-exec", 1, try_access_exec},
	{"map-exec", 1, try_map_exec}, {"exec", 1, try_exec}, {"chdir", 1, try_chdir}, {"mount", 3, try_mount},
	{"bind", 2, try_bind}, {"remount", 1, try_remount}, {"move", 2, try_move}, {"umount", 1, try_umount},
	{"open-tree", 1, try_open_tree}, {"fsopen", 1, try_fsopen}, {"mount-setattr", 1, try_mount_setattr},
	{"chroot", 1, try_chroot}, {"pivot-root", 1, try_pivot_root}, {NULL, 0, NULL},
};
