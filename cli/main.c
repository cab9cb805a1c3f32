/* main.c -- the command `fovea`: finds the command's row and runs it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "output.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const cli_command cli_commands[] = {
#define COMMAND(name, arguments, help, example) { #name, cmd_##name, options_##name, arguments, help, example },
#include "commands.def"
#undef COMMAND
    { 0 }
};

static const char *command_name(int i, const void *of)
{
    (void)of;
    return cli_commands[i].name;
}

/* Warnings of the library, one line each; the progress bar makes room. */
static void show_log(void *user, fv_log_level level, const char *text)
{
    const cli *c = user;
    cli_progress_clear(c->progress);
    cli_say("%s%s", level == FV_LOG_WARN ? "warning: " : "", text);
}

/* FOVEA_CPU caps the instruction set; false where it names none. */
static bool read_environment(cli *c)
{
    const char *want = getenv("FOVEA_CPU");
    if (!want || !*want) return true;
    for (int level = FV_CPU_REF; level < (int)FV_CPU_COUNT; level++)
        if (strcmp(want, fv_cpu_name((fv_cpu)level)) == 0) {
            c->env.cpu = (fv_cpu)level;
            return true;
        }
    cli_say("FOVEA_CPU is one of ref, avx2, avx512, amx, neon, not '%s'", want);
    return false;
}

/* A full disk shows when the last bytes are written. A reader that left early is no news. */
static int finish(int code)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    const int why = errno;
    if (!failed) return code;
    if (why != EPIPE) cli_say("cannot write to standard output: %s", why ? strerror(why) : "an earlier write failed");
    return code ? code : fv_status_exit(FV_IO);
}

static int dispatch(cli *c, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("fovea %s\n", fv_version());
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) word = "help";
    for (const cli_command *command = cli_commands; command->name; command++)
        if (strcmp(command->name, word) == 0) {
            c->command = command;
            const int code = command->run(c, argc > 1 ? argc - 2 : 0, argv + 2);
            return argc > 1 || code ? code : fv_status_exit(FV_ARG); /* no command at all is a mistake */
        }
    const char *near = cli_nearest(word, command_name, NULL);
    if (near) return cli_usage(c, "there is no command '%s'; did you mean '%s'?", word, near);
    return cli_usage(c, "there is no command '%s'", word);
}

int main(int argc, char **argv)
{
    cli c = { .argc = argc, .argv = argv };
    c.env.log = show_log;
    c.env.log_user = &c;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file past ulimit -f is a failed write like any other */
    if (!read_environment(&c)) return fv_status_exit(FV_ARG);
    /* The parser sorts the words it is given; c.argv stays as it was called. */
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (!words) return cli_nomem(sizeof *words * (size_t)argc);
    for (int i = 0; i < argc; i++) words[i] = argv[i];
    const int code = finish(dispatch(&c, argc, words));
    free(words);
    return code;
}
