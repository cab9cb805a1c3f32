# expect.sh -- what the scripts of this folder share; works in the folder $FOVEA_TEST_TMP with the command $FOVEA.
# SPDX-License-Identifier: Apache-2.0
cd "$FOVEA_TEST_TMP" || exit 1

told() { # NAME STATUS
    if [ "$2" -eq 0 ]; then echo "ok $1"; else echo "not ok $1"; fi
}
check() { # NAME STATUS COMMAND...: STATUS is 0 and the command succeeds
    local name=$1 status=$2
    shift 2
    [ "$status" -eq 0 ] && "$@" >/dev/null 2>&1
    told "$name" $?
}
refuses() { # CODE NAME TEXT ARGUMENTS...: leaves with CODE, one line on stderr that holds TEXT, nothing on stdout
    local code=$1 name=$2 text=$3 rc
    shift 3
    "$FOVEA" "$@" >out.txt 2>err.txt
    rc=$?
    if [ "$rc" -eq "$code" ] && [ "$(wc -l <err.txt)" -eq 1 ] && [ ! -s out.txt ] && grep -qF -e "$text" err.txt &&
        grep -q '^fovea: ' err.txt; then
        echo "ok $name"
    else
        echo "not ok $name: exit code $rc instead of $code, or:"
        sed 's/^/#   /' err.txt
    fi
}
json_of() { # FILE FILTER: the value by python3, where it is there
    python3 -c "import json,sys; v=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))" "$1" "$2"
}
json_true() { # FILE FILTER: is it true?
    [ "$(json_of "$1" "$2")" = True ]
}
