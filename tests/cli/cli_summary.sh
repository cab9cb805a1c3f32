#!/bin/bash
# cli_summary.sh -- summary in all its forms: what it says of a network and of a list of layers, and what it refuses.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

"$FOVEA" summary resnet20 >out.txt 2>err.txt && grep -qE '^layer2.0.conv1 +conv2d 3x3/2 +16x16x32 ' out.txt &&
    grep -qE '^conv2d +19 ' out.txt && grep -q '^resnet20 (resnet): 269722 parameters, 0.041 GMAC' out.txt
told "summary has layers, operators and totals" $?
[ "$(cut -c1-200 out.txt | awk '/^layer3.2.conv2/ { print $(NF - 1), $NF }')" = "81 4" ]
told "its receptive field and step" $?
"$FOVEA" summary --layers "227x227x3 conv11/4:96 pool3/2 conv5p2g2:256 pool3/2" >out.txt 2>err.txt &&
    [ "$(awk '/^[0-9]\./ { split($0, w, /  +/); for (i in w) if (w[i] ~ /^[0-9]+x[0-9]+x[0-9]+$/) printf "%s ", w[i] }' out.txt)" = \
        "55x55x96 27x27x96 27x27x256 13x13x256 " ]
told "a list of layers has AlexNet's sizes" $?
"$FOVEA" summary --layers "conv3" --size 9 --channels 1 2>err.txt | grep -q ' 7x7x1 '
told "--size and --channels are its input" $?
refuses 2 "kind that does not exist" "layer 2, 'pol3'" summary --layers "conv3 pol3"
refuses 2 "list and network together" "argument" summary resnet20 --layers "conv3"
refuses 65 "window larger than its input" "7x7 window on a 5x5 input" summary --layers "5x5 conv7"
refuses 2 "no network" "argument" summary
refuses 2 "two forms at once" "--dot and --json" summary resnet20 --dot --json

"$FOVEA" summary resnet20 --dot >net.dot 2>err.txt && [ "$(head -1 net.dot)" = 'digraph "resnet20" {' ] && [ "$(tail -1 net.dot)" = '}' ]
told "--dot is a graph" $?
if command -v dot >/dev/null 2>&1; then
    dot -Tplain net.dot >net.plain 2>err.txt && [ "$(grep -c '^node' net.plain)" -eq "$(grep -c 'label=' net.dot)" ]
    told "which Graphviz reads" $?
else
    echo "skip Graphviz: dot is not installed"
fi

"$FOVEA" summary resnet20 --html net.html >out.txt 2>err.txt && grep -q '269,722' net.html && [ "$(tail -c 8 net.html)" = '</html>' ]
told "--html writes a page beside the text" $?
refuses 73 "page that cannot be made" "nowhere" summary resnet20 --html nowhere/net.html

"$FOVEA" compare shufflenet_v2_x0_5 squeezenet1_1 --seconds 0.01 --budget "params<5M" --html cmp.html >out.txt 2>err.txt &&
    grep -qE '^squeezenet1_1 +224 +58.18 +[0-9]' out.txt && grep -q '^best within the budget: shufflenet_v2_x0_5, squeezenet1_1$' out.txt &&
    grep -q 'Published accuracy against the latency' cmp.html
told "compare measures, names the best and writes its page" $?
"$FOVEA" compare shufflenet_v2_x0_5 --seconds 0.01 --budget "params<1M" >out.txt 2>err.txt
[ $? -eq 1 ] && grep -q '^fovea: no network is within params<1M$' err.txt
told "nothing within the budget is exit 1" $?
refuses 2 "budget of something else" "latncy" compare resnet18 --budget "latncy<3ms"
refuses 2 "misspelt network" "did you mean 'resnet18'" compare resnet81
refuses 66 "model file that is not there" "no such model file" compare nothere.safetensors

if ! python3 -c 'import json' 2>/dev/null; then
    echo "skip JSON values: python3 is not installed"
    exit 0
fi
"$FOVEA" summary resnet20 --batch-size 4 --json >four.json 2>err.txt && "$FOVEA" summary resnet20 --json >one.json
"$FOVEA" compare shufflenet_v2_x0_5 resnet20 --seconds 0.01 --json >cmp.json 2>err.txt
[ "$(json_of cmp.json "[m['top1'] for m in v['models']] == [60.552, None] and v['models'][0]['front'] and v['models'][0]['latency_ms'] > 0 and v['models'][0]['source'].startswith('torchvision') and v['models'][1]['params'] == 269722 and v['best'] == ['shufflenet_v2_x0_5', 'resnet20']")" = True ]
told "compare --json has its values" $?
[ "$(json_of one.json "set('name op detail in out params macs memory_access access_bytes activation_bytes receptive_field stride'.split()) <= set(v['layers'][0])")" = True ]
told "--json has its keys" $?
[ "$(json_of one.json "sum(l['params'] for l in v['layers']) == v['params'] == 269722 and sum(o['macs'] for o in v['operators']) == v['macs'] == 40551040 and sum(l['memory_access'] for l in v['layers']) == v['memory_access']")" = True ]
told "its sums are those of the layers" $?
python3 - <<'END'
import json
one, four = json.load(open('one.json')), json.load(open('four.json'))
stored = [4 * one['layers'][i]['access_bytes'] - four['layers'][i]['access_bytes'] for i in range(len(one['layers']))]
size = lambda n: sum(eval('*'.join(map(str, k['shape'])) or '1') for k in one['keys'] if k['name'].startswith(n + '.') and k['dtype'] == 'float32')
ok = all(s == (12 * size(l['name']) if l['op'] in ('conv2d', 'linear', 'batchnorm') else 0) for s, l in zip(stored, one['layers']))
ok = ok and four['activation_bytes'] == 4 * one['activation_bytes'] and four['macs'] == one['macs']
ok = ok and four['peak_activation_bytes'] > one['peak_activation_bytes']
exit(0 if ok else 1)
END
told "bytes grow with the batch, weights do not" $?
