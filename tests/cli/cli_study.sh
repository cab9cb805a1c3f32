#!/bin/bash
# cli_study.sh -- the claims of the literature from the command: their list, one with its findings, its JSON, and what is
# said where the data are missing.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

"$FOVEA" study >list.txt
[ $? -eq 0 ] && grep -q '^  stacked-3x3 ' list.txt && grep -q '^Residual networks$' list.txt
told "the list is by topic" $?
[ "$(grep -c '^  [a-z0-9-]* ' list.txt)" -ge 40 ]
told "there are forty or more" $?
"$FOVEA" study stacked-3x3 >one.txt
[ $? -eq 0 ] && grep -q '^verdict:  holds' one.txt && grep -q '^source: ' one.txt && grep -q '^claim: ' one.txt
told "one study tells claim, source and verdict" $?
"$FOVEA" study stacked-3x3 shuffle-algebra --json >two.json
[ "$(json_of two.json "[s['holds'] for s in v['studies']]")" = "[True, True]" ]
told "two in JSON hold" $?
[ "$(json_of two.json "sorted(set(['name', 'claim', 'expected', 'measured', 'holds']) - set(v['studies'][0]))")" = "[]" ]
told "a study has its keys" $?
"$FOVEA" study --json >all.json
[ "$(json_of all.json "len(v['studies']) == len(set(s['name'] for s in v['studies']))")" = True ]
told "names are unique" $?
refuses 2 "an unknown study, with the nearest" "did you mean 'stacked-3x3'" study stacked-3x4
"$FOVEA" study relu-spiral --html one.html >/dev/null
[ $? -eq 0 ] && grep -q '<svg' one.html && ! grep -qE 'https?://[^"]*\.(js|css)|<script' one.html
told "a page has its plot and needs nothing else" $?
"$FOVEA" study stacked-3x3 hard-swish --html site >/dev/null
[ $? -eq 0 ] && grep -q 'href="hard-swish.html"' site/index.html && grep -q 'href="index.html"' site/stacked-3x3.html
told "several make a small site" $?
refuses 73 "a page that cannot be written" "nowhere" study stacked-3x3 --html nowhere/page.html
"$FOVEA" study degradation --data nowhere/ >none.txt
[ $? -eq 66 ] && grep -q '^not run: ' none.txt
told "a study without its data is told as not run" $?
