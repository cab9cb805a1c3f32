#!/bin/bash
# test_deep.sh -- the suite under AddressSanitizer and UBSan, the threaded parts under ThreadSanitizer, a clang build, the
# core without any library, the plans at each CPU level (the kernel tests loop over all rows anyway), the accuracy of every
# network, the NEON kernels and what runs on them on an emulated ARM, and 30 s (FOVEA_FUZZ_SECONDS) of each fuzz target.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
bad=0
export FOVEA_TEST_TIMEOUT=${FOVEA_TEST_TIMEOUT:-1800}
step() { # NAME COMMAND...
    local name=$1
    shift
    echo "=== $name"
    if ! "$@"; then
        echo "=== FAILED: $name"
        failures+=("$name")
        bad=1
    fi
}
suite() { # PRESET PATTERN...
    tools/build.sh "$1" all >/dev/null || return 1
    tests/run.sh "build/$1" "${@:2}"
}
# By QEMU, which is some thirty times slower than the machine: kernels, gradients, plans and the logits of networks of up
# to 0.4 GMAC, in about four minutes; neither training nor what has no kernel in it.
arm() {
    if ! tools/setup cross; then
        echo "SKIPPED ARM: the cross compiler, QEMU and cmocka for arm64 are not to be had here"
        skipped+=("ARM")
        return 0
    fi
    tools/build.sh aarch64-clang all >/dev/null || return 1
    tools/build.sh aarch64 all >/dev/null || return 1
    FOVEA_RUNNER=qemu-aarch64 FOVEA_MOST_MACS=4e8 tests/run.sh build/aarch64 test_cpu test_slots test_conv2d \
        test_gradients test_plan test_parity
}
at_level() { # CPU
    FOVEA_CPU=$1 tests/run.sh build plan parity train accuracy learning
}
fuzz() {
    tools/build.sh fuzz all >/dev/null || return 1
    local rc=0 target name
    shopt -s nullglob
    for target in build/fuzz/fuzz/f_*; do
        name=${target##*/}
        mkdir -p "build/fuzz/corpus/$name"
        local seeds=()
        [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
        # Freed memory that the sanitizer holds back counts as resident: little of it, or large pictures look like a leak.
        if ASAN_OPTIONS=quarantine_size_mb=32 "$target" -max_total_time="${FOVEA_FUZZ_SECONDS:-30}" -rss_limit_mb=512 -timeout=5 -artifact_prefix="build/fuzz/" \
            "build/fuzz/corpus/$name" "${seeds[@]}" >"build/fuzz/$name.log" 2>&1; then
            echo "$name: $(grep -c . <(ls "build/fuzz/corpus/$name")) inputs kept, $(sed -n 's/^Done \([0-9]*\) runs.*/\1 runs/p' "build/fuzz/$name.log")"
        else
            echo "$name: found a fault"
            tail -n 30 "build/fuzz/$name.log"
            rc=1
        fi
    done
    return $rc
}
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
step "address and undefined behaviour" suite asan
step "threads" suite tsan threads loader train concurrent gunzip
step "clang" suite clang
step "core" suite core
step "release" tools/build.sh release all
step "accuracy of every network" env FOVEA_DEEP=1 tests/run.sh build accuracy
for level in ref avx2; do step "plans at $level" at_level $level; done
many_kills() {
    FOVEA_KILLS=50 tests/run.sh build bits
}
step "50 kills" many_kills
step "ARM" arm
step "fuzz targets" fuzz
for name in "${skipped[@]}"; do echo "skipped: $name"; done
for name in "${failures[@]}"; do echo "failed: $name"; done
[ "$bad" -eq 0 ] && echo "test-deep: all passed"
exit $bad
