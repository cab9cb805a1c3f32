/* sweep.c -- what a run that was killed in the middle of a save left behind: FILE.tmp.PID, where FILE is one of ours and
 * no process has the number PID any more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "train/session.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static bool is_ours(const char *name, size_t len)
{
    static const char *const files[] = { "model_best.safetensors", "last.safetensors", "results.csv", "report.html",
                                         "args.json" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strlen(files[i]) == len && memcmp(files[i], name, len) == 0) return true;
    return fv_checkpoint_is_name(name, len);
}

/* The process that a temporary file of ours names, or 0. */
static pid_t writer_of(const char *name)
{
    static const char mark[] = ".tmp.";
    const char *at = strstr(name, mark);
    if (!at || !is_ours(name, (size_t)(at - name))) return 0;
    const char *digits = at + sizeof mark - 1;
    char *end;
    errno = 0;
    const long pid = *digits >= '1' && *digits <= '9' ? strtol(digits, &end, 10) : 0;
    return pid > 0 && pid <= INT_MAX && errno == 0 && *end == 0 ? (pid_t)pid : 0;
}

void fv_session_sweep(const fv_session *s)
{
    char path[PATH_MAX];
    DIR *d = opendir(s->o.output);
    for (const struct dirent *e; d && (e = readdir(d));) {
        const pid_t pid = writer_of(e->d_name);
        if (pid == 0 || kill(pid, 0) == 0 || errno != ESRCH) continue;
        const int n = snprintf(path, sizeof path, "%s/%s", s->o.output, e->d_name);
        if (n > 0 && (size_t)n < sizeof path && unlink(path) == 0)
            fv_log(&s->env, FV_LOG_INFO, "%s: removed, left by a run that was killed", path);
    }
    if (d) closedir(d);
}
