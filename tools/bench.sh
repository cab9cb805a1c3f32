#!/bin/sh
# bench.sh -- speed of a few networks, running and training, and of the kernels where their programs are built.
# SPDX-License-Identifier: Apache-2.0
set -e
cd "$(dirname "$0")/.."
for model in resnet18 resnet50; do
    for batch in 1 8; do build/fovea bench --model $model --batch-size $batch; done
done
build/fovea bench --model resnet20 --batch-size 128
build/fovea bench --model resnet20 --batch-size 128 --train
tools/build.sh release all >/dev/null
for program in build/bench/bench_*; do
    [ -x "$program" ] && "$program"
done
exit 0
