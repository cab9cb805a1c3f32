#!/bin/bash
# cli_bits.sh -- the same weights, by SHA-256, for any number of threads and of loader workers, and after SIGKILL at random
# moments (FOVEA_KILLS of them, 4 unless told).
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "$0")" && pwd)
. "$here/expect.sh"
for split in train val; do
    for class in a b c; do
        mkdir -p "data/$split/$class"
        for i in 1 2 3 4 5 6 7; do
            { printf 'P6\n32 32\n255\n'; head -c 3072 <(yes "$class$i$split"); } >"data/$split/$class/$i.ppm"
        done
    done
done
train="data --batch-size 4 --lr 0.01 --seed 5"
for model in resnet20 "mobilenet_v2_035 --stem cifar" "efficientnet_b0 --stem cifar"; do
    name=${model%% *}
    first=
    for how in "--threads 1 --workers 1" "--threads 2 --workers 1" "--threads 2 --workers 4"; do
        # shellcheck disable=SC2086
        "$FOVEA" train $train --model $model --size 32 --epochs 2 $how --output "$name" >out.txt 2>err.txt
        [ $? -eq 0 ] && sum=$(sha256sum <"$name/last.safetensors") && [ "${first:=$sum}" = "$sum" ]
        told "$name: $how gives the weights ${first:0:12}" $?
        rm -rf "$name"
    done
done
# shellcheck disable=SC2086
"$here/../kill_resume.sh" "$FOVEA" "${FOVEA_KILLS:-4}" kills $train --model mobilenet_v2_035 --stem cifar --size 32 --epochs 6 \
    --checkpoint-every 2 >kills.txt 2>err.txt
status=$?
told "killed and resumed: $(cat kills.txt)" $status
