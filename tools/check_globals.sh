#!/bin/sh
# check_globals.sh [BUILD] -- no object of the library or the command owns a mutable variable (.data, .bss, .tdata,
# .tbss). Constant tables that hold pointers lie in .data.rel.ro and are fine.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
objects=$(find "${1:-build}/CMakeFiles/fovea_objects.dir" "${1:-build}/CMakeFiles/fovea.dir" -name '*.o')
if [ -z "$objects" ]; then
    echo "there are no objects in ${1:-build}"
    exit 1
fi
# shellcheck disable=SC2086
objdump -t $objects | awk '
    /file format/ { file = $1; sub(/:$/, "", file) }
    / \.data\.rel\.ro/ { next }
    / O \.(data|bss)/ || (/ \.t(data|bss)/ && $NF !~ /^\./) {
        print file ": mutable variable \047" $NF "\047"
        bad = 1
    }
    END { exit bad }'
