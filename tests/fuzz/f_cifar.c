/* f_cifar.c -- any bytes as a CIFAR batch.
 * Property: what is accepted is whole records with labels in range, and every picture can be taken out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/sources.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int labels = 1; labels <= 2; labels++) {
        const size_t record = (size_t)labels + FV_CIFAR_PIXELS;
        int64_t n;
        if (fv_cifar_check((fv_bytes){ data, size }, labels, labels == 1 ? 10 : 100, &n, NULL) != FV_OK) continue;
        if (n < 1 || (size_t)n * record != size) abort();
        for (int64_t i = 0; i < n; i++) {
            fv_image im;
            if (fv_cifar_get(&im, data + (size_t)i * record, labels, i % 2 ? 1 : 3, NULL, NULL) != FV_OK) abort();
            fv_image_free(&im);
        }
    }
    return 0;
}
