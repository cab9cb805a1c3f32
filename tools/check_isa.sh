#!/bin/sh
# check_isa.sh [BUILD] -- instructions beyond the base of x86-64 stand only in the files compiled for them: a CPU without
# AVX2 never meets one. Nothing to look at on other machines.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
[ "$(uname -m)" = x86_64 ] || exit 0
found=$(mktemp)
trap 'rm -f "$found"' EXIT
objects=$build/CMakeFiles/fovea_objects.dir
[ -d "$objects" ] || {
    echo "there is no $objects"
    exit 1
}
find "$objects" -name '*.o' | sort | while read -r object; do
    case $object in
    *_avx512.c.o | *_amx.c.o) continue ;;
    *_avx2.c.o) beyond='%zmm|%[xy]mm(1[6-9]|2[0-9]|3[01])|%k[0-7]' ;;
    *) beyond='%[yz]mm|%k[0-7]|%tmm|	v[a-z0-9]+ ' ;; # a tab, v: every AVX instruction's name
    esac
    objdump -d --no-show-raw-insn "$object" | grep -E -m 1 "$beyond" | sed "s|^|${object#"$objects/"}: |"
done >"$found"
cat "$found"
[ ! -s "$found" ]
