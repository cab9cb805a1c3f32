#!/bin/sh
# build.sh PRESET TARGET... -- configures a preset once and builds targets; ninja where it is installed.
# SPDX-License-Identifier: Apache-2.0
set -e
cd "$(dirname "$0")/.."
preset=$1
shift
case $preset in
release) folder=build ;;
gcc-werror) folder=build/gcc ;;
*) folder=build/$preset ;;
esac
if ! command -v cmake >/dev/null 2>&1; then
    echo "build: cmake is not installed; 'tools/setup build' installs what the build needs" >&2
    exit 1
fi
if [ ! -f "$folder/build.ninja" ] && [ ! -f "$folder/Makefile" ]; then
    generator='Unix Makefiles'
    if command -v ninja >/dev/null 2>&1; then generator=Ninja; fi
    cmake --preset "$preset" -G "$generator" >"${TMPDIR:-/tmp}/fovea-configure.$$" 2>&1 || {
        cat "${TMPDIR:-/tmp}/fovea-configure.$$" >&2
        rm -f "${TMPDIR:-/tmp}/fovea-configure.$$"
        exit 1
    }
    sed -n 's/^-- not found: /build: not found: /p' "${TMPDIR:-/tmp}/fovea-configure.$$" >&2
    rm -f "${TMPDIR:-/tmp}/fovea-configure.$$"
fi
unset MAKEFLAGS MFLAGS
exec cmake --build "$folder" -j "$(nproc)" --target "$@"
