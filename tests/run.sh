#!/bin/bash
# run.sh [BUILD [PATTERN...]] -- runs the test programs of a build and the command's scripts (tests/cli), or those whose
# names hold a PATTERN. FOVEA_RUNNER runs the programs of another machine (qemu-aarch64). Shows the output of what fails,
# names what is skipped; last line: N passed, N failed, N skipped.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
build=$(realpath -m "${1:-build}")
shift
limit=${FOVEA_TEST_TIMEOUT:-600}
passed=0 failed=0 skipped=0
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
export CMOCKA_MESSAGE_OUTPUT=stdout FOVEA="$build/fovea" FOVEA_TEST_TMP="$scratch"

# Counts the results in a log: cmocka's lines between its two [==========] lines, a script's ok / not ok / skip, and
# lines "SKIPPED what: why" that name a part that was left out (not where the whole test is skipped as well).
count() {
    awk '
        /^\[==========\].*Running/ { cmocka = 1; next }
        /^\[==========\].*run\.$/ { cmocka = 0; next }
        cmocka && /^\[ RUN/ { parts = "" ; nparts = 0 }
        /^SKIPPED / { parts = parts "\n" substr($0, 9); nparts++; if (!cmocka) { skip++; names = names "\n" substr($0, 9) } }
        cmocka && /^\[       OK/ { ok++; skip += nparts; names = names parts; nparts = 0; parts = "" }
        cmocka && /^\[  FAILED/ { bad++; nparts = 0; parts = "" }
        cmocka && /^\[  SKIPPED/ { skip++; names = names "\n" substr($0, 14); nparts = 0; parts = "" }
        !cmocka && /^ok / { ok++ }
        !cmocka && /^not ok / { bad++ }
        !cmocka && /^skip / { skip++; names = names "\n" substr($0, 6) }
        END { printf "%d %d %d%s\n", ok, bad, skip, names }' "$1"
}

run_one() { # NAME COMMAND...
    local name=$1 log=$scratch/log rc ok bad skip
    shift
    local start=$SECONDS
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null
    rc=$?
    { read -r ok bad skip; mapfile -t names; } < <(count "$log")
    if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
        echo "$name: no end within $limit s"
        bad=$((bad + 1))
    elif [ "$bad" -eq 0 ] && [ "$rc" -ne 0 ]; then
        echo "$name: died with status $rc"
        bad=1
    elif [ $((ok + bad + skip)) -eq 0 ]; then
        echo "$name: reported no test"
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-28s %4d passed %3d failed %3d skipped %5d s\n' "$name" "$ok" "$bad" "$skip" $((SECONDS - start))
    for s in "${names[@]}"; do echo "    SKIPPED $s"; done
    if [ "$bad" -gt 0 ]; then sed 's/^/    | /' "$log"; fi
}

wanted() { # NAME PATTERN...
    local name=$1 pattern
    shift
    [ $# -eq 0 ] && return 0
    for pattern in "$@"; do [[ $name == *$pattern* ]] && return 0; done
    return 1
}

shopt -s nullglob
for program in "$build"/tests/test_*; do
    name=${program##*/}
    [ -x "$program" ] && [ -f "$program" ] && wanted "$name" "$@" &&
        run_one "$name" ${FOVEA_RUNNER:-} "$program"
done
for script in tests/cli/cli_*.sh; do
    name=${script##*/}
    wanted "$name" "$@" || continue
    if [ -x "$build/fovea" ]; then
        mkdir -p "$scratch/$name"
        FOVEA_TEST_TMP="$scratch/$name" run_one "$name" bash "$script"
    else
        echo "$name: there is no $build/fovea"
        failed=$((failed + 1))
    fi
done
if [ $((passed + failed + skipped)) -eq 0 ]; then
    echo "no tests were found in $build/tests"
    failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
