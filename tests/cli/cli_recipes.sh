#!/bin/bash
# cli_recipes.sh -- recipes by name, what overrides them, a new classifier on a trained body, progressive learning.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"
for split in train val; do
    for class in dark light; do
        mkdir -p "data/$split/$class"
        for i in 1 2 3 4 5 6 7 8; do
            { printf 'P5\n32 32\n255\n'; head -c 1024 /dev/zero | tr '\0' "$([ $class = dark ] && echo "$i" || echo '\360')"; } >"data/$split/$class/$i.pgm"
        done
    done
done
train="train data --model resnet20 --channels 1 --size 32 --seed 3 --epochs 2"
holds() { # WHAT FILE VALUE...: args.json has these lines
    local what=$1 file=$2
    shift 2
    for value in "$@"; do grep -qF "$value" "$file" || { told "$what: $value" 1; return; }; done
    told "$what" 0
}

"$FOVEA" $train --batch-size 8 --recipe auto --output a >out.txt 2>err.txt
[ $? -eq 0 ]
told "a recipe by the network's family" $?
holds "it sets values, and the rate follows the batch" a/args.json '"recipe": "resnet_cifar"' '"sched": "multistep"' \
    '"lr": 0.00625,' '"wd": 0.0001' '"epochs": 2' '"batch": 8'
"$FOVEA" $train --batch-size 8 --lr 0.01 --recipe cifar10 --wd 0.003 --output b >out.txt 2>err.txt
holds "options go before it, wherever they stand" b/args.json '"lr": 0.01,' '"wd": 0.003' '"milestones": "100,150"'
"$FOVEA" $train --batch-size 8 --finetune a/last.safetensors --output c >out.txt 2>err.txt
[ $? -eq 0 ] && grep -q 'the classifier starts afresh (linear.weight' err.txt
told "a new classifier on a trained body, which is told" $?
holds "with the recipe for it" c/args.json '"recipe": "finetune"' '"new_head": true'
"$FOVEA" $train --batch-size 8 --opt adamw --opt-betas 0.8 0.95 --lr 0.001 --model-ema --patience 5 --freeze 'conv1.*' \
    --stages 2 --progressive 16:32 --grad-accum-steps 2 --output d >out.txt 2>err.txt
[ $? -eq 0 ]
told "everything at once" $?
holds "as asked" d/args.json '"opt": "adamw"' '"betas": [0.8, 0.95]' '"progressive": [16, 32]' '"accum": 2' '"model_ema": true'
"$FOVEA" help recipes >out.txt 2>err.txt
check "recipes are listed with their sources" $? grep -q 'torchvision, references/classification' out.txt
"$FOVEA" $train --batch-size 8 --epochs 1 --recipe a2 --output e >out.txt 2>err.txt
[ $? -eq 0 ]
told "ResNet strikes back" $?
holds "with its loss" e/args.json '"loss": "bce"' '"bce_target_thresh": 0.2' '"opt": "lamb"' '"lr": 1.953125e-05'
grep -q 'bce_target_thresh' e/report.html
told "which the report has" $?
"$FOVEA" $train --batch-size 8 --epochs 1 --recipe a3 --progressive 24:24 --output f >out.txt 2>err.txt
[ $? -eq 0 ] && grep -q '32 x 32 x 1' err.txt
told "pictures of one size in training and of another in evaluation" $?
holds "without stages" f/args.json '"stages": 0' '"progressive": [24, 24]' '"size": 32'
refuses 2 "a loss that is none" "is one of softmax|bce" $train --loss hinge --output x
refuses 2 "a threshold of targets without the loss that it is of" "for the loss bce" $train --bce-target-thresh 0.2 --output x
refuses 2 "a threshold of targets that none passes" "bce_target_thresh is 1" $train --loss bce --bce-target-thresh 1 --output x
refuses 2 "a recipe that is none" "there is no recipe 'fast'" $train --recipe fast --output x
refuses 2 "frozen keys that are none" "no key of 'resnet20'" $train --freeze 'layer9.*' --output x
refuses 2 "stages in which nothing changes" "2 stages" $train --stages 2 --output x
refuses 2 "an optimiser that is none" "is one of sgd|rmsprop|adamw|lamb" $train --opt adam --output x
