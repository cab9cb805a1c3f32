#!/bin/sh
# check_abi.sh [BUILD] -- the interface is the agreed one (tools/abi.txt). A change is deliberate: raise the version in
# CMakeLists.txt and fovea.h (the SONAME follows it), then `tools/abi.sh build >tools/abi.txt`.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
now=$(mktemp)
trap 'rm -f "$now"' EXIT
tools/abi.sh "${1:-build}" >"$now" || exit 1
diff -u tools/abi.txt "$now" && exit 0
echo "the interface differs from tools/abi.txt: see tools/check_abi.sh"
exit 1
