/*
 * Preloaded into a daemon, this makes its disk fail where a test wants it to: a call that writes,
 * syncs, renames or creates below a path fails with an errno, from the n-th one on. It lies below
 * the JVM's files, SQLite and Kiln's own system calls alike, and the daemon has no part in it.
 * The test and this share one page, the file named by FAULTY_DISK.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

static struct rule {
  volatile int active, error, skip, seen;
  char ops[16];   /* of "wsrcb" */
  char path[256]; /* a part of the path */
} *rule;

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("FAULTY_DISK");
  int fd = file ? (int) syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (page != MAP_FAILED) rule = page;
}

static int wanted(char op) { return rule && rule->active && strchr(rule->ops, op) != NULL; }

static int fails(const char *path) {
  if (strstr(path, rule->path) == NULL) return 0;
  if (__atomic_fetch_add(&rule->seen, 1, __ATOMIC_SEQ_CST) < rule->skip) return 0;
  errno = rule->error;
  return 1;
}

static int fails_fd(char op, int fd) {
  char link[64], path[4096];
  if (!wanted(op)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return fails(path);
}

static int fails_at(char op, int dir, const char *name) {
  char link[64], path[8192];
  long n = 0;
  if (!wanted(op) || name == NULL) return 0;
  if (name[0] != '/' && dir != AT_FDCWD) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    n = syscall(SYS_readlinkat, AT_FDCWD, link, path, 4095);
    if (n < 0) n = 0;
  }
  snprintf(path + n, sizeof path - n, "/%s", name);
  return fails(path);
}

ssize_t write(int fd, const void *from, size_t n) {
  return fails_fd('w', fd) ? -1 : syscall(SYS_write, fd, from, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
  return fails_fd('w', fd) ? -1 : syscall(SYS_pwrite64, fd, from, n, at);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
  return fails_fd('w', fd) ? -1 : syscall(SYS_pwrite64, fd, from, n, at);
}

int fsync(int fd) { return fails_fd('s', fd) ? -1 : (int) syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails_fd('s', fd) ? -1 : (int) syscall(SYS_fdatasync, fd); }

int rename(const char *from, const char *to) {
  return fails_at('r', AT_FDCWD, to)
      ? -1
      : (int) syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int fd, const char *from, int dir, const char *to) {
  return fails_at('r', dir, to) ? -1 : (int) syscall(SYS_renameat2, fd, from, dir, to, 0);
}

int mkdir(const char *path, mode_t mode) {
  return fails_at('c', AT_FDCWD, path) ? -1 : (int) syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* A socket's file is made by bind. */
int bind(int fd, const struct sockaddr *to, socklen_t n) {
  char path[sizeof ((struct sockaddr_un *) 0)->sun_path + 1] = {0};
  if (wanted('b') && to->sa_family == AF_UNIX && n > sizeof to->sa_family) {
    memcpy(path, ((const struct sockaddr_un *) to)->sun_path, n - sizeof to->sa_family);
    if (fails(path)) return -1;
  }
  return (int) syscall(SYS_bind, fd, to, n);
}

static int opened(int dir, const char *path, int flags, va_list rest) {
  int mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, int) : 0;
  if (flags & O_CREAT && fails_at('c', dir, path)) return -1;
  return (int) syscall(SYS_openat, dir, path, flags, mode);
}

#define OPEN(name)                               \
  int name(const char *path, int flags, ...) {   \
    va_list rest;                                \
    va_start(rest, flags);                       \
    int fd = opened(AT_FDCWD, path, flags, rest);\
    va_end(rest);                                \
    return fd;                                   \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                    \
  int name(int dir, const char *path, int flags, ...) { \
    va_list rest;                                       \
    va_start(rest, flags);                              \
    int fd = opened(dir, path, flags, rest);            \
    va_end(rest);                                       \
    return fd;                                          \
  }
OPENAT(openat)
OPENAT(openat64)

/* Kiln's one downcall. */
static long faulty_syscall(long n, long a, long b, long c, long d, long e, long f) {
  int fails = 0;
  switch (n) {
    case SYS_write: case SYS_pwrite64: fails = fails_fd('w', (int) a); break;
    case SYS_copy_file_range: fails = fails_fd('w', (int) c); break;
    case SYS_sendfile: fails = fails_fd('w', (int) a); break;
    case SYS_fsync: case SYS_fdatasync: case SYS_syncfs: fails = fails_fd('s', (int) a); break;
    case SYS_renameat2: fails = fails_at('r', (int) c, (const char *) d); break;
    case SYS_mkdirat: case SYS_mknodat: fails = fails_at('c', (int) a, (const char *) b); break;
    case SYS_symlinkat: fails = fails_at('c', (int) b, (const char *) c); break;
    case SYS_linkat: fails = fails_at('c', (int) c, (const char *) d); break;
    case SYS_openat: if (c & O_CREAT) fails = fails_at('c', (int) a, (const char *) b); break;
    case SYS_openat2:
      if (*(unsigned long long *) c & O_CREAT) fails = fails_at('c', (int) a, (const char *) b);
      break;
  }
  return fails ? -1 : syscall(n, a, b, c, d, e, f);
}

/* The JVM looks native functions up by their names. */
void *dlsym(void *handle, const char *name) {
  static void *(*real)(void *, const char *);
  if (!real) {
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
    for (int i = 0; !real && i < 3; i++) real = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
  }
  return strcmp(name, "syscall") == 0 ? (void *) faulty_syscall : real(handle, name);
}
