#!/bin/sh
# check_size.sh -- no file over 600 lines (tables, .def and .inc, and the public header: 900), no function over 80 (kernels: 150).
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
files=$(find include src cli dist serve tests tools -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.def' -o -name '*.inc' \) 2>/dev/null)
# shellcheck disable=SC2086
wc -l $files | awk '
    $2 == "total" { next }
    { max = $2 ~ /(\.def|\.inc|^include\/fovea.h)$/ ? 900 : 600 }
    $1 > max { print $2 ": " $1 " lines, " max " are allowed"; bad = 1 }
    END { exit bad }' || bad=1
# shellcheck disable=SC2086
ctags --langmap=C:+.inc --languages=C --c-kinds=f --fields=+ne -f - $files | awk -F '\t' '
    {
        first = last = 0
        for (i = 4; i <= NF; i++) {
            if ($i ~ /^line:/) first = substr($i, 6)
            if ($i ~ /^end:/) last = substr($i, 5)
        }
        max = $2 ~ /^src\/kernels\// ? 150 : 80
        if (last && last - first + 1 > max) {
            print $2 ":" first ": " $1 " has " last - first + 1 " lines, " max " are allowed"
            bad = 1
        }
    }
    END { exit bad }' || bad=1
exit ${bad:-0}
