/* cmd_help.c -- help, the manual page and the shell's completion, all from the command and option rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "output.h"
#include <string.h>

typedef struct help_args {
    bool man;
} help_args;
const cli_option options_help[] = {
    { "man", 0, CLI_FLAG, offsetof(help_args, man), "", "print the manual page", 0, 0 },
    { 0 },
};
const cli_option options_completion[] = { { 0 } };

static void overview(void)
{
    printf("fovea %s - image classification networks on CPUs\n\nusage: fovea COMMAND [arguments] [options]\n\n",
           fv_version());
    for (const cli_command *k = cli_commands; k->name; k++) printf("  %-12s %s\n", k->name, k->help);
    printf("\n'fovea COMMAND --help' shows a command's options and an example; 'fovea --version' the version.\n"
           "Exit codes: 0 done, 1 a check failed, 2 usage, 65 bad data, 66 no such input, 70 internal or diverged,\n"
           "71 out of memory, 73 cannot create, 74 input/output, 75 stopped and resumable, 130 interrupted.\n"
           "FOVEA_CPU=ref|avx2|avx512|amx|neon caps the instruction set.\n");
}

/* As recipes.def has them. */
static void recipes(void)
{
    printf("recipes for 'fovea train --recipe NAME'; every value can be overridden by its option\n");
    for (int i = 0; fv_recipe_at(i); i++) {
        const fv_recipe *r = fv_recipe_at(i);
        int column =
            printf("\n%s%s%s\n  %s\n ", r->name, *r->families ? "  --recipe auto: " : "", r->families, r->source) * 0;
        for (int k = 0; r->values[k]; k++) {
            if (column + (int)strlen(r->values[k]) > 100) column = printf("\n ") * 0;
            column += printf(" %s", r->values[k]);
        }
        printf("\n");
    }
}

/* roff reads a hyphen as a hyphen and a leading dot or quote as a request. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '-') fputs("\\-", stdout);
        else if (*text == '\\') fputs("\\e", stdout);
        else fputc(*text, stdout);
    }
}

static void man_option(const cli_option *o)
{
    fputs(".TP\n.B ", stdout);
    if (o->letter) printf("\\-%c, ", o->letter);
    fputs("\\-\\-", stdout);
    roff(o->name);
    if (o->type != CLI_FLAG) {
        fputs(" ", stdout);
        roff(o->value);
    }
    fputs("\n", stdout);
    roff(o->help);
    fputs("\n", stdout);
}

static void man(void)
{
    printf(
        ".TH FOVEA 1 \"\" \"fovea %s\" \"User Commands\"\n.SH NAME\nfovea \\- image classification networks on CPUs\n"
        ".SH SYNOPSIS\n.B fovea\n.I COMMAND\n[arguments] [options]\n.SH COMMANDS\n",
        fv_version());
    for (const cli_command *k = cli_commands; k->name; k++) {
        printf(".SS fovea %s ", k->name);
        roff(k->arguments);
        fputs("\n", stdout);
        roff(k->help);
        fputs("\n", stdout);
        for (const cli_option *o = k->options; o->name; o++) man_option(o);
        fputs(".PP\nExample:\n.PP\n.nf\n", stdout);
        roff(k->example);
        fputs("\n.fi\n", stdout);
    }
    fputs(
        ".SH ENVIRONMENT\n.TP\n.B FOVEA_CPU\nref, avx2, avx512, amx or neon: the highest instruction set to use.\n"
        ".TP\n.B NO_COLOR\nno colours in the progress bar.\n.SH EXIT STATUS\n0 done, 1 a check failed, 2 usage, "
        "65 bad data, 66 no such input, 70 internal or diverged, 71 out of memory, 73 cannot create, 74 input/output, "
        "75 stopped and resumable, 130 interrupted.\n",
        stdout);
}

int cmd_help(cli *c, int argc, char **argv)
{
    help_args a = { 0 };
    int n = 0;
    const int code = cli_parse(c, &a, argc, argv, &n);
    if (code >= 0) return code;
    if (a.man) {
        man();
        return 0;
    }
    if (n == 0) {
        overview();
        return 0;
    }
    if (strcmp(argv[0], "recipes") == 0) {
        recipes();
        return 0;
    }
    for (const cli_command *k = cli_commands; k->name; k++)
        if (strcmp(k->name, argv[0]) == 0) {
            cli_command_help(k);
            return 0;
        }
    return cli_usage(c, "there is no command '%s'", argv[0]);
}

/* Words of the models come from the command itself, so that the completion never falls behind. */
int cmd_completion(cli *c, int argc, char **argv)
{
    int n = 0;
    const int code = cli_parse(c, NULL, argc, argv, &n);
    if (code >= 0) return code;
    const int wrong = cli_expect(c, n, 1, 1);
    if (wrong >= 0) return wrong;
    if (strcmp(argv[0], "bash") != 0) return cli_usage(c, "there is completion for bash, not for '%s'", argv[0]);
    fputs("# bash completion of fovea\n_fovea() {\n    local word=${COMP_WORDS[COMP_CWORD]} "
          "before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local names=\n    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        names='",
          stdout);
    for (const cli_command *k = cli_commands; k->name; k++) printf("%s ", k->name);
    fputs("--help --version'\n    elif [ \"$before\" = --model ] || [ \"$before\" = summary ] || [ "
          "\"${COMP_WORDS[1]}\" = compare ] && [[ $word != -* ]]; then\n        names='",
          stdout);
    for (int i = 0; fv_model_at(i); i++) printf("%s ", fv_model_at(i)->name);
    fputs("'\n    elif [ \"${COMP_WORDS[1]}\" = study ] && [[ $word != -* ]]; then\n        names='", stdout);
    for (int i = 0; fv_study_at(i); i++) printf("%s ", fv_study_at(i)->name);
    fputs("'\n    elif [[ $word == -* ]]; then\n        case ${COMP_WORDS[1]} in\n", stdout);
    for (const cli_command *k = cli_commands; k->name; k++) {
        printf("        %s) names='", k->name);
        for (const cli_option *o = k->options; o->name; o++) printf("--%s ", o->name);
        printf("%s--json --help' ;;\n", cli_takes_exact(k) ? "--exact " : "");
    }
    fputs("        esac\n    fi\n    mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$word\"; [[ $word == -* ]] || "
          "compgen -f -- \"$word\")\n"
          "}\ncomplete -o filenames -F _fovea fovea\n",
          stdout);
    return 0;
}
