/*
 * A disk that forgets. Preloaded into a process, it writes down what each fsync and fdatasync below $UNSYNCED_ROOT
 * makes durable: of a file its bytes and modification time, of a directory its entries. What nobody synced is not
 * written down, and `powerLoss` makes it as if it had never been. Nothing reaches the real disk any sooner.
 *
 * Below $UNSYNCED_STATE: `keep/INODE` is a second name of each synced file, so that no inode is used again while it is
 * remembered; `data/INODE` holds its modification time in nanoseconds, in 32 characters, and its bytes; `dirs/INODE-BIRTH` lists a directory, entries ending in a NUL:
 * `f INODE 0 NAME` and `d INODE BIRTH NAME`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  abort();
}

static unsigned long long birthOf(int at, const char *name) {
  struct statx found;
  if (statx(at, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BTIME, &found) != 0) return 0;
  return (unsigned long long)found.stx_btime.tv_sec * 1000000000ULL + found.stx_btime.tv_nsec;
}

/* A name for what is being written, this thread's alone. */
static void temporary(char *into, const char *state) {
  snprintf(into, PATH_MAX, "%s/tmp-%d-%ld", state, getpid(), syscall(SYS_gettid));
}

static void rememberFile(int fd, const struct stat *stat, const char *state) {
  char own[64], keep[PATH_MAX], data[PATH_MAX], part[PATH_MAX], head[40], bytes[65536];
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  snprintf(keep, sizeof keep, "%s/keep/%lu", state, (unsigned long)stat->st_ino);
  snprintf(data, sizeof data, "%s/data/%lu", state, (unsigned long)stat->st_ino);
  /* One that has no name any more has none after the power is back either. */
  if (stat->st_nlink == 0) return;
  if (access(keep, F_OK) != 0) linkat(AT_FDCWD, own, AT_FDCWD, keep, AT_SYMLINK_FOLLOW);
  temporary(part, state);
  int from = open(own, O_RDONLY | O_CLOEXEC);
  int to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (from < 0 || to < 0) die("unsynced: open");
  snprintf(head, sizeof head, "%-32lld", (long long)stat->st_mtim.tv_sec * 1000000000LL + stat->st_mtim.tv_nsec);
  if (write(to, head, 32) != 32) die("unsynced: write");
  for (ssize_t n; (n = read(from, bytes, sizeof bytes)) != 0;)
    if (n < 0 || write(to, bytes, n) != n) die("unsynced: copy");
  close(from);
  close(to);
  if (rename(part, data) != 0) die("unsynced: rename");
}

static void rememberDirectory(int fd, const struct stat *stat, const char *state) {
  char list[PATH_MAX], part[PATH_MAX];
  snprintf(list, sizeof list, "%s/dirs/%lu-%llu", state, (unsigned long)stat->st_ino, birthOf(fd, ""));
  temporary(part, state);
  FILE *to = fopen(part, "we");
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = own < 0 ? NULL : fdopendir(own);
  if (to == NULL || directory == NULL) die("unsynced: list");
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct stat found;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    unsigned long inode = (unsigned long)found.st_ino;
    if (S_ISDIR(found.st_mode)) fprintf(to, "d %lu %llu %s", inode, birthOf(fd, entry->d_name), entry->d_name);
    else if (S_ISREG(found.st_mode)) fprintf(to, "f %lu 0 %s", inode, entry->d_name);
    else continue;
    fputc(0, to);
  }
  closedir(directory);
  if (fclose(to) != 0 || rename(part, list) != 0) die("unsynced: keep list");
}

static int remember(int fd) {
  const char *root = getenv("UNSYNCED_ROOT"), *state = getenv("UNSYNCED_STATE");
  char own[64], path[PATH_MAX];
  struct stat stat;
  if (root == NULL || state == NULL) return 0;
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(own, path, sizeof path - 1);
  if (length < 0 || fstat(fd, &stat) != 0) return -1;
  path[length] = 0;
  size_t prefix = strlen(root);
  if (strncmp(path, root, prefix) != 0 || (path[prefix] != '/' && path[prefix] != 0)) return 0;
  if (S_ISREG(stat.st_mode)) rememberFile(fd, &stat, state);
  else if (S_ISDIR(stat.st_mode)) rememberDirectory(fd, &stat, state);
  return 0;
}

int fsync(int fd) { return remember(fd); }
int fdatasync(int fd) { return remember(fd); }
