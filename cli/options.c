/* options.c -- reads the options of a command from its rows, and shows them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "output.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Edits that turn a into b (Levenshtein 1966); long words count as far. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    const int n = (int)strlen(a), m = (int)strlen(b);
    int row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            if (change < row[j]) row[j] = change;
        }
    }
    return row[m];
}

const char *cli_nearest(const char *word, const char *(*name)(int i, const void *of), const void *of)
{
    const char *best = NULL;
    int least = 1 + (int)strlen(word) / 2; /* farther than half the word is a guess, not an answer */
    for (int i = 0; name(i, of); i++) {
        const char *candidate = name(i, of);
        const int d = distance(word, candidate);
        if (d < least) least = d, best = candidate;
    }
    return best;
}

int cli_usage(const cli *c, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cli_say("%s; see 'fovea %s%s--help'", text, c->command ? c->command->name : "", c->command ? " " : "");
    return fv_status_exit(FV_ARG);
}

static const cli_option *find(const cli_option *options, const char *name, size_t len)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0) return options;
    return NULL;
}

/* A command that has threads runs networks. */
static bool runs_networks(const cli_option *options)
{
    return find(options, "threads", strlen("threads")) != NULL;
}

bool cli_takes_exact(const cli_command *command)
{
    return runs_networks(command->options);
}

static const char *option_name(int i, const void *of)
{
    static const char *const everywhere[] = { "help", "json", "exact", NULL };
    const cli_option *options = of;
    int n = 0;
    while (options && options[n].name) n++;
    if (i - n == 2 && !runs_networks(options)) return NULL;
    return i < n ? options[i].name : everywhere[i - n];
}

static bool number(const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return *text && *text != ' ' && !*end && errno == 0 && *out - *out == 0;
}

static bool whole(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text && *text != ' ' && !*end && errno == 0;
}

/* The position of `text` in "one|two|three", or -1. */
static int choice(const char *choices, const char *text)
{
    const size_t len = strlen(text);
    for (int i = 0; *choices; i++) {
        const size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, text, n) == 0) return i;
        choices += n + (choices[n] == '|');
    }
    return -1;
}

static bool whole_in_range(const cli_option *o, const char *text, int64_t *v)
{
    return whole(text, v) && (double)*v >= o->min && (double)*v <= o->max;
}

static int set_number(const cli *c, const cli_option *o, char *to, const char *text)
{
    int64_t v = 0;
    double x = 0;
    if (o->type == CLI_REAL) {
        if (!number(text, &x) || x < o->min || x > o->max)
            return cli_usage(c, "--%s wants a number from %g to %g, not '%s'", o->name, o->min, o->max, text);
        memcpy(to, &x, sizeof x);
        return -1;
    }
    if (!whole_in_range(o, text, &v))
        return cli_usage(c, "--%s wants a whole number from %.0f to %.0f, not '%s'", o->name, o->min, o->max, text);
    const int narrow = (int)v;
    if (o->type == CLI_INT) memcpy(to, &narrow, sizeof narrow);
    else memcpy(to, &v, sizeof v);
    return -1;
}

static int set_seed(const cli *c, const cli_option *o, char *to, const char *text)
{
    char *end;
    errno = 0;
    const uint64_t v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return cli_usage(c, "--%s wants a whole number from 0, not '%s'", o->name, text);
    memcpy(to, &v, sizeof v);
    return -1;
}

static int set_choice(const cli *c, const cli_option *o, char *to, const char *text)
{
    const int i = choice(o->value, text);
    if (i < 0) return cli_usage(c, "--%s is one of %s, not '%s'", o->name, o->value, text);
    const int v = i + (int)o->min;
    memcpy(to, &v, sizeof v);
    return -1;
}

/* `count` numbers: "a,b,c" or "a:b:c", or `text` and the arguments behind it; *i moves on. */
static int several(const cli *c, const cli_option *o, double *v, int count, const char *text, int argc, char **argv,
                   int *i)
{
    const bool joined = strpbrk(text, ",:") != NULL;
    const char *words = count == 2 ? "two" : "three";
    for (int k = 0; k < count; k++) {
        char part[40];
        const size_t len = text ? strcspn(text, ",:") : 0;
        const bool stops = text && text[len] == 0;
        snprintf(part, sizeof part, "%.*s", len < sizeof part ? (int)len : 0, text ? text : "");
        if (!number(part, &v[k]) || stops != (!joined || k == count - 1))
            return cli_usage(c, "--%s wants %s numbers", o->name, words);
        if (o->min < o->max && (v[k] < o->min || v[k] > o->max))
            return cli_usage(c, "--%s wants numbers from %g to %g, not '%s'", o->name, o->min, o->max, part);
        if (joined) text += len + 1;
        else if (k < count - 1) text = *i + 1 < argc ? argv[++*i] : NULL;
    }
    return -1;
}

static int set_several(const cli *c, const cli_option *o, char *to, const char *text, int argc, char **argv, int *i)
{
    double v[3] = { 0 };
    float narrow[3];
    const int count = o->type == CLI_REAL2 ? 2 : 3, code = several(c, o, v, count, text, argc, argv, i);
    for (int k = 0; k < 3; k++) narrow[k] = (float)v[k];
    if (code < 0 && count == 2) memcpy(to, v, 2 * sizeof *v);
    if (code < 0 && count == 3) memcpy(to, narrow, sizeof narrow);
    return code;
}

static int set(cli *c, const cli_option *o, char *into, char *text, int argc, char **argv, int *i)
{
    char *to = into + o->at;
    switch (o->type) {
    case CLI_FLAG:
        memcpy(to, &(bool){ true }, sizeof(bool));
        return -1;
    case CLI_TEXT:
        memcpy(to, &text, sizeof text);
        return -1;
    case CLI_UINT64:
        return set_seed(c, o, to, text);
    case CLI_CHOICE:
        return set_choice(c, o, to, text);
    case CLI_REAL2:
    case CLI_REAL3:
        return set_several(c, o, to, text, argc, argv, i);
    case CLI_INT:
    case CLI_INT64:
    case CLI_REAL:
        break;
    }
    return set_number(c, o, to, text);
}

static int unknown_option(const cli *c, const char *word, size_t len)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word);
    const char *near = cli_nearest(name, option_name, c->command->options);
    if (near) return cli_usage(c, "there is no option '--%s'; did you mean '--%s'?", name, near);
    return cli_usage(c, "there is no option '--%s'", name);
}

static int long_option(cli *c, char *into, int argc, char **argv, int *i)
{
    char *word = argv[*i] + 2;
    const size_t len = strcspn(word, "=");
    char *value = word[len] ? word + len + 1 : NULL;
    if (strcmp(word, "json") == 0) {
        c->json = true;
        return -1;
    }
    if (strcmp(word, "exact") == 0 && cli_takes_exact(c->command)) {
        c->env.exact = true;
        return -1;
    }
    if (strcmp(word, "help") == 0) {
        cli_command_help(c->command);
        return 0;
    }
    const cli_option *o = find(c->command->options, word, len);
    if (!o && strncmp(word, "no-", 3) == 0) { /* --no-FLAG takes back what is on by default */
        o = find(c->command->options, word + 3, len - 3);
        if (o && o->type == CLI_FLAG && !value) {
            memcpy(into + o->at, &(bool){ false }, sizeof(bool));
            return -1;
        }
        o = NULL;
    }
    if (!o) return unknown_option(c, word, len);
    if (o->type == CLI_FLAG) {
        if (value) return cli_usage(c, "--%s takes no value", o->name);
    } else if (!value) {
        if (*i + 1 >= argc) return cli_usage(c, "--%s wants a value: %s", o->name, o->value);
        value = argv[++*i];
    }
    return set(c, o, into, value, argc, argv, i);
}

static int short_option(cli *c, char *into, int argc, char **argv, int *i)
{
    const char letter = argv[*i][1];
    char *value = argv[*i][2] ? argv[*i] + 2 : NULL;
    if (letter == 'h' && !value) {
        cli_command_help(c->command);
        return 0;
    }
    for (const cli_option *o = c->command->options; o && o->name; o++) {
        if (o->letter != letter) continue;
        if (!value && *i + 1 >= argc) return cli_usage(c, "-%c wants a value: %s", letter, o->value);
        if (!value) value = argv[++*i];
        return set(c, o, into, value, argc, argv, i);
    }
    return cli_usage(c, "there is no option '-%c'", letter);
}

int cli_parse(cli *c, void *into, int argc, char **argv, int *n)
{
    bool options = true;
    *n = 0;
    for (int i = 0; i < argc; i++) {
        int code = -1;
        if (!options || argv[i][0] != '-' || !argv[i][1]) argv[(*n)++] = argv[i];
        else if (strcmp(argv[i], "--") == 0) options = false;
        else if (argv[i][1] == '-') code = long_option(c, into, argc, argv, &i);
        else code = short_option(c, into, argc, argv, &i);
        if (code >= 0) return code;
    }
    return -1;
}

int cli_expect(const cli *c, int n, int least, int most)
{
    if (n >= least && n <= most) return -1;
    const char *wants = c->command->arguments;
    return cli_usage(c, "%s: usage: fovea %s%s%s", n < least ? "an argument is missing" : "too many arguments",
                     c->command->name, *wants ? " " : "", wants);
}

void cli_command_help(const cli_command *command)
{
    printf("fovea %s - %s\n\nusage: fovea %s%s%s [options]\n\noptions:\n", command->name, command->help, command->name,
           *command->arguments ? " " : "", command->arguments);
    for (const cli_option *o = command->options; o && o->name; o++) {
        char left[80], letter[6] = "";
        if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->type == CLI_FLAG ? "" : " ",
                 o->type == CLI_FLAG ? "" : o->value);
        printf("  %-32s %s\n", left, o->help);
    }
    if (cli_takes_exact(command))
        printf("  %-32s %s\n", "--exact", "no Winograd: every sum of products as it is written, more slowly");
    printf("  %-32s %s\n  %-32s %s\n", "--json", "print one JSON value", "-h, --help", "this text");
    printf("\nexample:\n  %s\n", command->example);
}
