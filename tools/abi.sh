#!/bin/sh
# abi.sh [BUILD] -- prints what programs that are linked to libfovea.so rely on: its functions, the sizes and offsets of the
# structs in fovea.h, the values of its enumerators. tools/abi.txt is the agreed state.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "${1:-build}/libfovea.so" | awk '{ print "function", $NF }' | sort
clang -x c -std=gnu17 -fsyntax-only -Xclang -fdump-record-layouts-complete include/fovea.h 2>/dev/null |
    awk '/^\*\*\* Dumping/ { keep = 0; next } / struct fv_| union fv_/ && /^ *0 \|/ { keep = 1 } keep && /\|/ { sub(/[ \t]+$/, ""); print "layout", $0 }'
clang -E -P -x c include/fovea.h | tr '\n' ' ' | grep -o 'typedef enum [^}]*}' | grep -o 'FV_[A-Z0-9_]*' | sort -u >"$work/names"
{
    echo '#include <fovea.h>'
    echo '#include <stdio.h>'
    echo 'int main(void) {'
    sed 's/.*/printf("enumerator & %d\\n", (int)&);/' "$work/names"
    echo 'return 0; }'
} >"$work/enumerators.c"
clang -Iinclude "$work/enumerators.c" -o "$work/enumerators" && "$work/enumerators"
