#!/bin/sh
# check_exports.sh [BUILD] -- libfovea.so exports what fovea.h declares: no more, no less.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
declared=$(mktemp) exported=$(mktemp)
trap 'rm -f "$declared" "$exported"' EXIT
# A declaration starts with FV_API; its name is the first word before a bracket.
sed -n 's/^FV_API[^(]*\(fv_[a-z0-9_]*\)(.*/\1/p' include/fovea.h | sort >"$declared"
nm -D --defined-only "$build/libfovea.so" | awk '{ print $NF }' | sort >"$exported"
comm -13 "$declared" "$exported" | sed 's/^/exported, but not in fovea.h: /'
comm -23 "$declared" "$exported" | sed 's/^/in fovea.h, but not exported: /'
grep -nE '^[a-z].*\bfv_[a-z0-9_]+\(.*\).*;' include/fovea.h | grep -vE 'typedef' | sed 's/^/declared without FV_API: fovea.h:/' >&2
cmp -s "$declared" "$exported"
