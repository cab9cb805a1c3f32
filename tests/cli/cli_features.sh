#!/bin/bash
# cli_features.sh -- fovea features: arrays and names that belong together, whatever the batch; bad pictures, bad nodes.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

net="--model resnet20 --random-weights"
mkdir photos
for i in 1 2 3 4 5; do
    { printf 'P6\n40 36\n255\n'; head -c 4320 /dev/zero | tr '\0' "\\$((i + 1))0$i"; } >photos/$i.ppm
done

"$FOVEA" features $net --output one photos >out.txt 2>err.txt
check "features writes an array and its names" $? grep -q 'shape.: (5, 64)' one.npy
[ "$(cat one.txt)" = "$(printf 'photos/%d.ppm\n' 1 2 3 4 5)" ]
told "a name a row, sorted" $?
"$FOVEA" features $net --output two.npy -b 2 photos >/dev/null && cmp -s one.npy two.npy && cmp -s one.txt two.txt
told "the batch does not show" $?
[ "$(tail -c 1280 one.npy | head -c 256 | cksum)" != "$(tail -c 256 one.npy | cksum)" ]
told "other pictures have other features" $?
"$FOVEA" features $net --nodes layer1,layer3 --output maps photos --json >out.json 2>err.txt
check "several nodes give several arrays" $? grep -q 'shape.: (5, 32, 32, 16)' maps-layer1.npy
grep -q 'shape.: (5, 8, 8, 64)' maps-layer3.npy && [ ! -e maps.npy ]
told "a map keeps its rows and columns" $?
[ "$(json_of out.json "v['n'] == 5 and v['bad'] == 0 and [k['name'] for k in v['nodes']] == ['layer1', 'layer3']")" = True ]
told "features --json has its keys" $?
echo photos/2.ppm >list.txt
"$FOVEA" features $net --output listed --list list.txt >/dev/null && cmp -s listed.txt list.txt
told "pictures from a list" $?

refuses 2 "unknown node, with the nearest" "did you mean 'layer1'" features $net --nodes layr1 --output x photos
refuses 2 "a node twice" "names 'layer1' twice" features $net --nodes layer1,layer1 --output x photos
refuses 2 "features without --output" "--output is missing" features $net photos
refuses 73 "no such folder for the output" "nowhere/x" features $net --output nowhere/x photos
printf 'P6\n40 36\n255\nshort' >photos/3.ppm
"$FOVEA" features $net --output bad photos >out.txt 2>err.txt
[ $? -eq 65 ] && grep -q '3.ppm' err.txt && [ ! -e bad.npy ] && [ ! -e bad.txt ]
told "too many bad pictures: nothing is written" $?
"$FOVEA" features $net --output bad --max-bad 0.2 photos >out.txt 2>err.txt
[ $? -eq 0 ] && grep -q '3.ppm' err.txt && grep -q 'shape.: (4, 64)' bad.npy && [ "$(cat bad.txt)" = "$(printf 'photos/%d.ppm\n' 1 2 4 5)" ]
told "forgiven pictures have no row" $?
