#!/bin/sh
# check_headers.sh -- every header compiles alone, and fovea.h also as C++ and as C11.
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
if command -v g++ >/dev/null 2>&1; then g++ -fsyntax-only -Wall -Wextra -Werror "$one/alone.cc" || bad=1; fi
clang -x c++ -fsyntax-only -Wall -Wextra -Werror "$one/alone.cc" || bad=1
cp "$one/alone.cc" "$one/alone.c"
gcc -std=c11 -pedantic -fsyntax-only -Wall -Wextra -Werror "$one/alone.c" || bad=1
exit $bad
