#!/bin/bash
# cli_usage.sh -- mistakes in the call: exit codes, one line on stderr, the nearest right name; help and JSON.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

refuses 2 "unknown command, with the nearest" "did you mean 'models'" modls
refuses 2 "unknown option, with the nearest" "did you mean '--filter'" models --fliter x
refuses 2 "--exact where no network runs" "no option '--exact'; see" models --exact
refuses 2 "--exact misspelt, with the nearest" "did you mean '--exact'" bench --exat
refuses 2 "unknown network, with the nearest" "did you mean 'resnet18'" bench --model resnt18
refuses 2 "option without its value" "--filter wants a value" models --filter
refuses 2 "number that is none" "--batch-size wants a whole number" bench --model resnet18 --batch-size=abc
refuses 2 "number out of range" "from 1 to" bench --model resnet18 --batch-size 0
refuses 2 "not a number as rate" "--lr wants a number" train d --model resnet18 --output o --lr nan
refuses 2 "choice that is none" "cosine|step" train d --model resnet18 --output o --sched=cos
refuses 2 "an order of colours that is none" "rgb|bgr" predict --model resnet20 --random-weights --order gbr x.png
refuses 2 "two numbers where three belong" "wants three numbers" eval d --model resnet18 --mean 1,2
refuses 2 "missing argument" "usage: fovea train" train
refuses 2 "argument too many" "too many arguments" models a
refuses 2 "train without --output" "--output is missing" train d --model resnet18
refuses 2 "predict by name without weights" "has no weights" predict --model resnet18 x.png
refuses 2 "eval by name without weights" "has no weights" eval d --model resnet18
refuses 66 "model file that is not there" "no such model file" bench --model nothere.safetensors
refuses 66 "picture that is not there" "nothere.png" predict --model resnet20 --random-weights nothere.png
refuses 66 "data that are not there" "nothere" eval nothere/ --model resnet20 --random-weights
refuses 66 "array that is not there" "x.npy" run --model resnet20 --input x.npy --output y.npy
FOVEA_CPU=z80 refuses 2 "unknown FOVEA_CPU" "FOVEA_CPU is one of" models

for command in models summary compare train eval predict features run bench data completion help; do
    "$FOVEA" $command --help >help.txt 2>err.txt
    check "$command --help shows an example" $? grep -q '^example:' help.txt
done
"$FOVEA" >/dev/null 2>&1
[ $? -eq 2 ]
told "no command at all is a mistake" $?
[ "$("$FOVEA" --version | head -c 6)" = "fovea " ]
told "--version" $?
"$FOVEA" models >/dev/full 2>err.txt
[ $? -eq 74 ] && grep -q 'cannot write' err.txt
told "a full disk at standard output is 74" $?
"$FOVEA" completion bash >c.bash && bash -n c.bash
told "the completion is a script" $?
printf 'x' >"$(printf 'bad\033name.png')"
"$FOVEA" predict --model resnet20 --random-weights ./bad* 2>err.txt >/dev/null
[ $? -eq 65 ] && ! grep -q "$(printf '\033')" err.txt && grep -q '/bad' err.txt
told "control characters in a file's name are escaped" $?
