/* log.h -- the host's log callback.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_LOG_H
#define FV_LOG_H
#include <fovea.h>
void fv_log(const fv_env *env, fv_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
