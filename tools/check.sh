#!/bin/sh
# check.sh -- everything that a machine can say about the sources: format, layers, sizes, style, headers, globals,
# exported symbols, the agreed ABI and what Python makes of it, instruction sets, and clean builds by gcc and clang.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
bad=0
step() { # NAME COMMAND...
    name=$1
    shift
    if "$@"; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        bad=1
    fi
}
quietly() {
    log=$(mktemp) || return 1
    "$@" >"$log" 2>&1
    rc=$?
    [ $rc -eq 0 ] || tail -n 60 "$log"
    rm -f "$log"
    return $rc
}
step format tools/check_format.sh
step layers tools/check_layers.sh
step sizes tools/check_size.sh
step style tools/check_style.sh
step headers tools/check_headers.sh
step "gcc -Werror" quietly tools/build.sh gcc-werror all
step "clang -Werror" quietly tools/build.sh clang all
step "instruction sets" tools/check_isa.sh build/gcc
step globals tools/check_globals.sh build/gcc
step exports tools/check_exports.sh build/gcc
step abi tools/check_abi.sh build/gcc
step "python binding" python3 bench/peers/binding.py
step "weights table" tools/weights_doc.sh build/gcc --check
exit $bad
