/* options.h -- the command table, and one parser for the options of all commands. Option rows say where a value goes in
 * the command's own struct, so that help, manual page and completion read the same rows as the parser.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include <fovea.h>

typedef enum cli_type {
    CLI_FLAG,   /* bool */
    CLI_INT,    /* int in [min, max] */
    CLI_INT64,  /* int64_t in [min, max] */
    CLI_UINT64, /* uint64_t */
    CLI_REAL,   /* double in [min, max] */
    CLI_REAL2,  /* double[2] in [min, max]: two arguments, or two numbers with a comma */
    CLI_REAL3,  /* float[3]: three arguments, or three numbers with commas */
    CLI_TEXT,   /* const char * */
    CLI_CHOICE  /* int: min + the position in `value`, which reads one|two|three */
} cli_type;

typedef struct cli_option {
    const char *name; /* NULL ends a table */
    char letter;
    cli_type type;
    size_t at;         /* offset in the command's struct */
    const char *value; /* the value's name in help */
    const char *help;
    double min, max;
} cli_option;

/* What every command gets. */
typedef struct cli {
    fv_env env;
    bool json;
    const struct cli_command *command;
    int argc; /* as the program was called */
    char **argv;
    char wisdom[1024];             /* the file of --autotune, where no other is named */
    struct cli_progress *progress; /* cleared before a line is written to stderr; NULL: none */
} cli;

typedef struct cli_command {
    const char *name;
    int (*run)(cli *c, int argc, char **argv); /* returns the exit code */
    const cli_option *options;
    const char *arguments, *help, *example;
} cli_command;
extern const cli_command cli_commands[]; /* ends with a NULL name */

#define COMMAND(name, arguments, help, example)                                                                        \
    int cmd_##name(cli *c, int argc, char **argv);                                                                     \
    extern const cli_option options_##name[];
#include "commands.def"
#undef COMMAND

/* Does --exact say something to the command? */
bool cli_takes_exact(const cli_command *command);
/* Sorts argv into options and other arguments, which stay in argv[0 .. *n). Returns -1, or the exit code to leave with:
 * 0 after --help, 2 after a mistake, which has been told. */
int cli_parse(cli *c, void *into, int argc, char **argv, int *n);
/* Checks the number of arguments; as cli_parse. */
int cli_expect(const cli *c, int n, int least, int most);
/* The name among `count` that is closest to `word`; NULL where none is near. `name(i, of)` gives them. */
const char *cli_nearest(const char *word, const char *(*name)(int i, const void *of), const void *of);
void cli_command_help(const cli_command *command);
/* 2, after one line on stderr that names the command's help. */
int cli_usage(const cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
