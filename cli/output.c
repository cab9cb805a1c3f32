/* output.c -- one-line errors, JSON, and the progress bar.
 * SPDX-License-Identifier: Apache-2.0 */
#include "output.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Length of the UTF-8 sequence at s, 0 where it is malformed (RFC 3629). */
static int utf8(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const int n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
                  : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                  : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0; /* longer than need be */
    if (s[0] == 0xed && s[1] > 0x9f) return 0; /* a surrogate */
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0; /* past U+10FFFF */
    return n;
}

void cli_text(FILE *to, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        const int n = utf8(s);
        const bool control = *s < 0x20 || *s == 0x7f || n == 0 || (*s == 0xc2 && s[1] < 0xa0);
        if (control) {
            fprintf(to, "\\x%02x", *s++);
            continue;
        }
        fwrite(s, 1, (size_t)n, to);
        s += n;
    }
}

void cli_say(const char *fmt, ...)
{
    char text[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fputs("fovea: ", stderr);
    cli_text(stderr, text);
    fputc('\n', stderr);
}

int cli_fail(const fv_err *err)
{
    cli_say("%s", err->msg[0] ? err->msg : fv_status_text(err->status));
    return fv_status_exit(err->status);
}

int cli_nomem(size_t bytes)
{
    cli_say("out of memory: %zu bytes", bytes);
    return fv_status_exit(FV_NOMEM);
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const int n = utf8(s);
        if (n == 0) {
            fputs("\\ufffd", out);
            s++;
        } else if (*s < 0x20 || *s == 0x7f) {
            fprintf(out, "\\u%04x", *s++);
        } else {
            if (*s == '"' || *s == '\\') fputc('\\', out);
            fwrite(s, 1, (size_t)n, out);
            s += n;
        }
    }
    fputc('"', out);
}

static void lead(cli_json *j, const char *key)
{
    if (j->more) fputs(", ", j->out);
    j->more = true;
    if (!key) return;
    quoted(j->out, key);
    fputs(": ", j->out);
}

void json_open(cli_json *j, const char *key, char bracket)
{
    lead(j, key);
    fputc(bracket, j->out);
    j->more = false;
    j->depth++;
}

void json_close(cli_json *j, char bracket)
{
    fputc(bracket, j->out);
    j->more = true;
    if (--j->depth == 0) fputc('\n', j->out);
}

void json_text(cli_json *j, const char *key, const char *text)
{
    lead(j, key);
    if (text) quoted(j->out, text);
    else fputs("null", j->out);
}

void json_int(cli_json *j, const char *key, int64_t v)
{
    lead(j, key);
    fprintf(j->out, "%" PRId64, v);
}

void json_real(cli_json *j, const char *key, double v)
{
    lead(j, key);
    if (isfinite(v)) fprintf(j->out, "%.10g", v);
    else fputs("null", j->out);
}

void json_bool(cli_json *j, const char *key, bool v)
{
    lead(j, key);
    fputs(v ? "true" : "false", j->out);
}

cli_progress cli_progress_new(void)
{
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    const bool on = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    return (cli_progress){ .on = on, .colour = !(plain && *plain) };
}

static int width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
    return 80;
}

void cli_progress_draw(cli_progress *p, int64_t done, int64_t count, const char *fmt, ...)
{
    const double now = p->on ? cli_now() : 0;
    if (!p->on || now < p->next) return;
    char text[200], bar[41];
    va_list args;
    va_start(args, fmt);
    const int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const int columns = width() - 1, room = columns - len - 3;
    const int cells = room > 40 ? 40 : room > 4 ? room : 0;
    const int full = count > 0 ? (int)((double)cells * (double)(done < count ? done : count) / (double)count) : 0;
    for (int i = 0; i < cells; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[cells] = 0;
    if (cells > 0)
        fprintf(stderr, "\r\033[K%s[%s]%s %s", p->colour ? "\033[36m" : "", bar, p->colour ? "\033[0m" : "", text);
    else fprintf(stderr, "\r\033[K%.*s", columns, text);
    fflush(stderr);
    p->drawn = true;
    p->next = now + 0.1;
}

void cli_progress_clear(cli_progress *p)
{
    if (p && p->drawn) fputs("\r\033[K", stderr);
    if (p) p->drawn = false;
}
