/* output.h -- what leaves the command: one-line errors, JSON, and the progress bar.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H
#include <fovea.h>
#include <stdio.h>

/* One line "fovea: ..." on stderr; control characters are escaped, so that a file's name cannot move the cursor. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Says the failure and gives the exit code of its status. */
int cli_fail(const fv_err *err);
/* Text with control characters escaped. */
void cli_text(FILE *to, const char *text);
/* FV_NOMEM in words; gives its exit code. */
int cli_nomem(size_t bytes);

double cli_now(void); /* seconds, monotonic */

/* A JSON writer: values in the order they come. key is NULL in arrays. Numbers that are not finite become null, bytes
 * that are not UTF-8 become U+FFFD. */
typedef struct cli_json {
    FILE *out;
    int depth;
    bool more; /* the next value needs a comma */
} cli_json;
void json_open(cli_json *j, const char *key, char bracket);
void json_close(cli_json *j, char bracket);                     /* the last one ends the line */
void json_text(cli_json *j, const char *key, const char *text); /* NULL: null */
void json_int(cli_json *j, const char *key, int64_t v);
void json_real(cli_json *j, const char *key, double v);
void json_bool(cli_json *j, const char *key, bool v);

/* A line on the terminal that is drawn anew, at most ten times a second; nothing where stderr is no terminal. */
typedef struct cli_progress {
    bool on, colour, drawn;
    double next;
} cli_progress;
cli_progress cli_progress_new(void);
void cli_progress_draw(cli_progress *p, int64_t done, int64_t count, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void cli_progress_clear(cli_progress *p);

#endif
