#!/bin/sh
# check_headers.sh -- every header compiles alone; fovea.h without extensions from C99 and from C++11 on, by gcc and clang.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
bad=0
one=$(mktemp -d)
trap 'rm -rf "$one"' EXIT
for header in $(find include src cli dist serve -name '*.h' 2>/dev/null | sort); do
    isa=
    case $header in
    *avx512*) isa='-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma' ;;
    *avx2*) isa='-mavx2 -mfma' ;;
    esac
    echo "#include \"$PWD/$header\"" >"$one/alone.c"
    # shellcheck disable=SC2086
    gcc -std=gnu17 -fsyntax-only -Wall -Wextra -Werror -Wno-unused-function $isa -Iinclude -Isrc -I. "$one/alone.c" || bad=1
done
echo "#include \"$PWD/include/fovea.h\"" >"$one/alone.cc"
cp "$one/alone.cc" "$one/alone.c"
strict='-pedantic-errors -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Werror'
for compiler in gcc clang g++ clang++; do
    case $compiler in
    *++) file=$one/alone.cc standards='c++11 c++14 c++17 c++20' ;;
    *) file=$one/alone.c standards='c99 c11 c17' ;;
    esac
    if ! command -v $compiler >/dev/null 2>&1; then
        echo "skipped: fovea.h by $compiler, which is not installed"
        continue
    fi
    # shellcheck disable=SC2086
    for std in $standards; do $compiler -std=$std $strict "$file" || bad=1; done
done
exit $bad
