#!/bin/sh
# check_style.sh -- habits that a search can see: unique file names, a licence line in each file, no dead code, no
# notes to oneself, one malloc, no mutable surroundings in the library. FILE:LINE of each find.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
report() { # WHY, finds on standard input
    sed "s|^|$1: |"
}
sources=$(find include src cli dist serve tests tools cmake .ci -type f 2>/dev/null | grep -v '/data/' | sort)
code=$(echo "$sources" | grep -E '\.(c|h|inc|def)$')
library=$(echo "$code" | grep -E '^src/')

finds=$(
    echo "$sources" | sed 's|.*/||' | grep -vE '^(README\.md|CMakeLists\.txt)$' | sort | uniq -d | report 'the file name is not unique'
    echo "$sources" | grep -E '(^|/)(utils?|common|misc|internal|helpers?)(\.|/|$)' | report 'the name says nothing'
    # shellcheck disable=SC2086
    echo "$sources" | grep -E '\.(c|h|inc|sh|cmake)$' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' | report 'no licence line'
    for f in $(echo "$code" | grep -E '\.[ch]$'); do
        case $(head -n 1 "$f") in
            "/* ${f##*/} -- "*) ;;
            *) echo "$f:1" ;;
        esac
    done | report "the first line is not '/* name -- what'"
    printf '%s\n' "$code" | xargs grep -nE '^[[:blank:]]*#[[:blank:]]*if[[:blank:]]+0' | report 'dead code'
    printf '%s\n' "$sources" | grep -v check_style.sh | xargs grep -nE '\b(TODO|FIXME|XXX|HACK)\b' | grep -v XXXXXX | report 'a note to oneself'
    printf '%s\n' "$sources" | grep -v check_style.sh | xargs grep -nE '(^|[^.a-z])/(work|home|root)/' | report 'a path of one machine'
    printf '%s\n' "$code" | xargs grep -nE '[[:blank:]]+$' | report 'blanks at the end of a line'
    printf '%s\n' "$library" | grep -v '^src/base/alloc.c$' |
        xargs grep -nE '\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|strndup|asprintf|alloca)[ ]*\(' | report 'memory that is not from base/alloc.c'
    printf '%s\n' "$library" | xargs grep -nE '\b(exit|abort|printf|puts|putchar|getenv|setenv|rand|srand|setlocale|strtok)[ ]*\(' | report 'not in a library'
    printf '%s\n' "$library" | xargs grep -nE '\b(stdout|stderr)\b' | report 'the library does not print'
    printf '%s\n' "$code" | grep -v '^tests/' | xargs grep -nE '\b(gets|strcpy|strcat|sprintf|vsprintf|atoi|atof|atol)[ ]*\(' | report 'a call without a bound'
)
[ -z "$finds" ] || {
    echo "$finds"
    exit 1
}
