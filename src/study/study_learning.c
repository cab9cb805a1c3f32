/* study_learning.c -- claims about learning, on pictures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "Learning, measured"

// clang-format off
const fv_study_row fv_studies_learning[] = {
    { { 0 }, NULL },
};
// clang-format on
