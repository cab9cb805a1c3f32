#!/bin/bash
# cli_examples.sh -- the programs of doc/examples, run as their readers would.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"
examples=$(dirname "$FOVEA")/examples
says() { # NAME TEXT COMMAND...
    local name=$1 text=$2
    shift 2
    "$@" >out.txt 2>err.txt
    check "$name" $? grep -qF -e "$text" out.txt
}
printf 'P6\n40 30\n255\n' >picture.ppm && head -c 3600 /dev/zero | tr '\0' '\120' >>picture.ppm
for split in train val; do
    for class in dark light; do
        mkdir -p "data/$split/$class"
        for i in 1 2 3 4; do
            { printf 'P6\n32 32\n255\n'; head -c 3072 /dev/zero | tr '\0' "$([ $class = dark ] && echo "$i" || echo '\360')"; } >"data/$split/$class/$i.ppm"
        done
    done
done
says "features: values and gradients by name" "layer4: 2 x 2 x 512" "$examples/features"
says "threads: several plans of one network at once" "the same answers, bit for bit" "$examples/threads"
says "train_steps: a loop of one's own learns" ": learned" "$examples/train_steps" own.safetensors
says "classify: the model file that it left" "picture.ppm: class " "$examples/classify" own.safetensors - picture.ppm
says "train_folder: a whole training" "epoch 2 of 2" "$examples/train_folder" data run
says "own_network: the builder" "block1.project" "$examples/own_network"
says "errors: statuses, lines and a host's memory" "too little memory: out of memory (exit code 71)" "$examples/errors"
if [ -x "$examples/cplusplus" ]; then says "cplusplus: the same header" "shufflenet_v2_x0_5: class " "$examples/cplusplus"
else echo "skip cplusplus: no C++ compiler"; fi
"$examples/classify" own.safetensors - nowhere.ppm >out.txt 2>err.txt
[ $? -eq 66 ] && grep -q 'nowhere.ppm' err.txt
told "classify: a missing picture is named, exit code 66" $?
