#!/bin/bash
# cli_convert.sh -- weights from one format into another and back, and what does not fit told in full.
# SPDX-License-Identifier: Apache-2.0
pth=$PWD/tests/data/pth
. "$(dirname "$0")/expect.sh"

"$FOVEA" train --help >/dev/null
mkdir -p photos/train/cat photos/train/dog photos/val/cat photos/val/dog
for f in photos/*/*; do { printf 'P6\n32 32\n255\n'; head -c 3072 /dev/urandom; } >"$f/1.ppm"; done
"$FOVEA" train photos --model resnet20 --output run --epochs 1 --batch-size 2 >out.txt 2>err.txt
"$FOVEA" convert run/last.safetensors a.npz >out.txt 2>err.txt
check "a model file becomes an npz" $? grep -qF 'a.npz: 116 tensors, 0 renamed' out.txt
"$FOVEA" convert a.npz b.npz --model resnet20 --classes 2 2>err.txt >out.txt && cmp -s a.npz b.npz
told "an npz comes back byte for byte" $?
refuses 65 "another network's weights are named" "weights of 'resnet20'" convert run/last.safetensors c.npz --model resnet32
[ ! -e c.npz ]
told "what fails writes nothing" $?
"$FOVEA" convert a.npz d.npz --model resnet32 --classes 2 --explain --json >out.json 2>err.txt
[ $? -eq 65 ] && [ "$(json_of out.json 'v["missing"]')" = 60 ] &&
    [ "$(json_of out.json 'sum(n["kind"] == "missing" for n in v["names"])')" = 60 ]
told "every misfit is listed and counted" $?
"$FOVEA" convert a.npz d.npz --model resnet20 --classes 5 --json >out.json 2>err.txt
check "another head starts afresh, which is said" $? grep -qF 'classifier for 5 classes starts afresh' err.txt
[ "$(json_of out.json 'v["fresh"]')" = 2 ]
told "and counted" $?
refuses 2 "a format that is not written" ".safetensors or .npz" convert a.npz x.pth
refuses 65 "an object that is no data" "argparse.Namespace" convert "$pth/namespace.pth" x.npz
refuses 65 "averages that are not there" "no moving averages" convert a.npz x.npz --model resnet20 --classes 2 --ema
refuses 66 "a file that is not there" "nothere.pth" convert nothere.pth x.npz
