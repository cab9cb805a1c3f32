/* log.c -- formats a line for the host's log callback.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include <stdio.h>

void fv_log(const fv_env *env, fv_log_level level, const char *fmt, ...)
{
    if (!env || !env->log) return;
    char text[1000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?'; /* names out of files must not break the line */
    env->log(env->log_user, level, text);
}
