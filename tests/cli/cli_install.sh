#!/bin/bash
# cli_install.sh -- an installed copy serves a user's program by pkg-config: shared and static, nothing else in reach.
# SPDX-License-Identifier: Apache-2.0
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/expect.sh"
build=${FOVEA%/*}
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
if [ -n "$(cached CMAKE_TOOLCHAIN_FILE)" ] || ! command -v pkg-config >/dev/null; then
    echo "skip an installed copy: built for another machine, or pkg-config is not installed"
    exit 0
fi
cc=$(cached CMAKE_C_COMPILER) sanitize=$(cached FOVEA_SANITIZE)
flags=(-std=c11 -Wall -Wextra -Wshadow -Werror ${sanitize:+"-fsanitize=$sanitize"})
cmake --install "$build" --prefix "$PWD/prefix" >out.txt 2>err.txt
told "cmake installs into any prefix" $?
pc=$(dirname "$(find "$PWD/prefix" -name fovea.pc)")
export PKG_CONFIG_PATH=$pc
lib=${pc%/pkgconfig}
cp "$source/doc/examples/own_network.c" . # away from the sources' headers

# shellcheck disable=SC2046
"$cc" "${flags[@]}" own_network.c -o shared $(pkg-config --cflags --libs fovea) 2>err.txt
rc=$?
sed 's/^/# /' err.txt
told "a program compiles against the shared library" $rc
LD_LIBRARY_PATH=$lib ./shared >shared.txt 2>err.txt
check "and runs" $? grep -qF 'block1.project' shared.txt
mkdir archive && cp "$lib/libfovea.a" archive # without the shared one beside it
# shellcheck disable=SC2046
"$cc" "${flags[@]}" own_network.c -o static -Larchive $(pkg-config --static --cflags --libs fovea | sed "s/-L[^ ]*pkgconfig[^ ]*//") 2>err.txt
rc=$?
sed 's/^/# /' err.txt
told "and against the static one" $rc
./static >static.txt 2>err.txt
check "with the same answers" $? cmp -s shared.txt static.txt
PATH=$PWD/prefix/bin:$PATH fovea --version >out.txt 2>err.txt
check "the installed command runs" $? grep -q "^fovea $(pkg-config --modversion fovea)" out.txt
[ -s "$(find prefix -name fovea.1)" ] && [ -s "$(find prefix -path '*bash-completion*' -name fovea)" ]
told "with its manual page and completion" $?
