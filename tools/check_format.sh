#!/bin/sh
# check_format.sh -- every C file is as clang-format would write it.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
find include src cli dist serve tests -name '*.[ch]' 2>/dev/null | xargs clang-format --dry-run -Werror --ferror-limit=1
