/* file.c -- reading a whole file, and replacing one so that a crash leaves the old or the new, never neither.
 * The order matters: data on disk (fsync) before the name moves (rename), the name on disk (fsync of the folder)
 * before success is told. See Pillai et al. 2014, "All file systems are not created equal", section 4.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_CALL = 1 << 30 }; /* Linux moves at most 2 GiB - 4 KiB in one read or write */

static int open_again(const char *path, int flags, mode_t mode)
{
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Reads up to *len bytes; *len becomes what was there. */
static fv_status read_all(int fd, uint8_t *p, size_t *len, const char *path, fv_err *err)
{
    size_t got = 0;
    while (got < *len) {
        const size_t want = *len - got < LARGEST_CALL ? *len - got : LARGEST_CALL;
        const ssize_t n = read(fd, p + got, want);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fv_fail_io(err, "read", path);
        if (n == 0) break;
        got += (size_t)n;
    }
    *len = got;
    return FV_OK;
}

static fv_status examine(fv_file *f, const char *path, size_t max, fv_err *err)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0) return fv_fail_io(err, "stat", path);
    if (S_ISDIR(st.st_mode)) return fv_fail(err, FV_FORMAT, "%s: is a folder", path);
    if (!S_ISREG(st.st_mode)) return fv_fail(err, FV_FORMAT, "%s: not a regular file", path);
    if ((uint64_t)st.st_size > max)
        return fv_fail(err, FV_FORMAT, "%s: %lld bytes, at most %zu are read", path, (long long)st.st_size, max);
    f->size = (uint64_t)st.st_size;
    f->seconds = st.st_mtim.tv_sec;
    f->nanoseconds = st.st_mtim.tv_nsec;
    return FV_OK;
}

static fv_status read_open(fv_bytes *b, fv_file *f, const char *path, size_t max, const fv_allocator *heap, fv_err *err)
{
    FV_TRY(examine(f, path, max, err));
    size_t len = (size_t)f->size;
    void *p = NULL;
    fv_status s = fv_alloc_or(heap, &p, len, err);
    if (s != FV_OK) return fv_context(err, s, "%s", path);
    s = read_all(f->fd, p, &len, path, err);
    if (s != FV_OK) {
        fv_release(heap, p);
        return s;
    }
    *b = (fv_bytes){ .p = p, .len = len };
    return FV_OK;
}

fv_status fv_file_read(fv_bytes *b, const char *path, size_t max, const fv_allocator *heap, fv_err *err)
{
    *b = (fv_bytes){ 0 };
    /* O_NONBLOCK: the open of a FIFO nobody writes to would wait for ever. Regular files do not mind it. */
    fv_file f = { .fd = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) };
    if (f.fd < 0) return fv_fail_open(err, false, path);
    const fv_status s = read_open(b, &f, path, max, heap, err);
    fv_file_close(&f);
    return s;
}

fv_status fv_file_open(fv_file *f, const char *path, size_t max, fv_err *err)
{
    *f = (fv_file){ .fd = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) };
    if (f->fd < 0) return fv_fail_open(err, false, path);
    const fv_status s = examine(f, path, max, err);
    if (s != FV_OK) fv_file_close(f);
    return s;
}

fv_status fv_file_view(fv_bytes *b, const fv_file *f, const char *path, fv_err *err)
{
    *b = (fv_bytes){ .p = (const uint8_t *)"" };
    if (!f->size) return FV_OK; /* nothing cannot be mapped */
    void *p = mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (p == MAP_FAILED) {
        *b = (fv_bytes){ 0 };
        return errno == ENOMEM ? fv_fail(err, FV_NOMEM, "%s: cannot map %llu bytes", path, (unsigned long long)f->size)
                               : fv_fail_io(err, "map", path);
    }
    (void)madvise(p, (size_t)f->size, MADV_WILLNEED); /* a wish */
    *b = (fv_bytes){ .p = p, .len = (size_t)f->size };
    return FV_OK;
}

static bool changed(const fv_file *f)
{
    struct stat st;
    return fstat(f->fd, &st) != 0 || (uint64_t)st.st_size != f->size || st.st_mtim.tv_sec != f->seconds ||
           st.st_mtim.tv_nsec != f->nanoseconds;
}

fv_status fv_file_at(const fv_file *f, uint64_t at, void *p, size_t n, const char *path, fv_err *err)
{
    for (size_t got = 0; got < n;) {
        const size_t want = n - got < LARGEST_CALL ? n - got : LARGEST_CALL;
        const ssize_t part = pread(f->fd, (uint8_t *)p + got, want, (off_t)(at + got));
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return fv_fail_io(err, "read", path);
        if (part == 0) return fv_fail(err, FV_FORMAT, "%s: was cut while in use", path);
        got += (size_t)part;
    }
    return changed(f) ? fv_fail(err, FV_FORMAT, "%s: was written to while in use", path) : FV_OK;
}

fv_status fv_file_again(fv_file *copy, const fv_file *f, const char *path, fv_err *err)
{
    *copy = *f;
    copy->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return copy->fd < 0 ? fv_fail_io(err, "hold open", path) : FV_OK;
}

void fv_file_close(fv_file *f)
{
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
}

fv_status fv_file_map(fv_bytes *b, const char *path, size_t max, fv_err *err)
{
    fv_file f;
    *b = (fv_bytes){ 0 };
    FV_TRY(fv_file_open(&f, path, max, err));
    const fv_status s = fv_file_view(b, &f, path, err);
    fv_file_close(&f);
    return s;
}

void fv_file_unmap(fv_bytes b)
{
    if (b.len) munmap((void *)(uintptr_t)b.p, b.len);
}

static fv_status write_all(int fd, const fv_span *parts, int n, const char *path, fv_err *err)
{
    for (int i = 0; i < n; i++) {
        const char *p = parts[i].p;
        for (size_t left = parts[i].len; left > 0;) {
            const ssize_t put = write(fd, p, left < LARGEST_CALL ? left : LARGEST_CALL);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return fv_fail_io(err, "write", path);
            p += put;
            left -= (size_t)put;
        }
    }
    return FV_OK;
}

static fv_status sync_file(int fd, const char *path, fv_err *err)
{
    int e;
    do e = fsync(fd);
    while (e != 0 && errno == EINTR);
    return e == 0 ? FV_OK : fv_fail_io(err, "sync", path);
}

static fv_status write_temporary(const char *temporary, const fv_span *parts, int n, const char *path, fv_err *err)
{
    /* One of a dead process with our number may lie there; O_EXCL also keeps us from following a link. */
    unlink(temporary);
    const int fd = open_again(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) return fv_fail_open(err, true, path);
    fv_status s = write_all(fd, parts, n, path, err);
    if (s == FV_OK) s = sync_file(fd, path, err);
    /* After EINTR the descriptor is gone on Linux, and the data is synced already. */
    if (close(fd) != 0 && errno != EINTR && s == FV_OK) s = fv_fail_io(err, "close", path);
    if (s != FV_OK) unlink(temporary);
    return s;
}

static fv_status sync_folder(const char *path, fv_err *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash) snprintf(folder, sizeof folder, ".");
    else snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    const int fd = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return fv_fail_io(err, "open the folder of", path);
    int e;
    do e = fsync(fd);
    while (e != 0 && errno == EINTR);
    const bool bad = e != 0 && errno != EINVAL; /* EINVAL: this file system syncs no folders */
    const fv_status s = bad ? fv_fail_io(err, "sync the folder of", path) : FV_OK;
    close(fd);
    return s;
}

fv_status fv_file_write(const char *path, const fv_span *parts, int n, fv_err *err)
{
    char temporary[PATH_MAX];
    struct stat st;
    const int len = snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary) return fv_fail(err, FV_CREATE, "%s: file name too long", path);
    /* rename(2) would put a plain file in the place of /dev/null. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return fv_fail(err, FV_CREATE, "%s: exists and is not a regular file", path);
    FV_TRY(write_temporary(temporary, parts, n, path, err));
    if (rename(temporary, path) != 0) {
        const fv_status s = fv_fail_io(err, "rename into place", path);
        unlink(temporary);
        return s;
    }
    return sync_folder(path, err);
}

fv_status fv_file_append(const char *path, fv_span part, fv_err *err)
{
    struct stat st;
    const int fd = open_again(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0666);
    if (fd < 0) return fv_fail_open(err, true, path);
    fv_status s = fstat(fd, &st) == 0 ? FV_OK : fv_fail_io(err, "stat", path);
    if (s == FV_OK) s = write_all(fd, &part, 1, path, err);
    if (s != FV_OK && S_ISREG(st.st_mode) && ftruncate(fd, st.st_size) != 0)
        s = fv_context(err, s, "and cannot be cut back");
    if (close(fd) != 0 && errno != EINTR && s == FV_OK) s = fv_fail_io(err, "close", path);
    return s;
}
