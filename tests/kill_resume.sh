#!/bin/bash
# kill_resume.sh FOVEA KILLS FOLDER TRAIN_ARGUMENTS... -- trains in one go, then again with SIGKILL at KILLS random moments,
# each followed by --resume auto; says whether last.safetensors has the same SHA-256. Every second kill is aimed inside a
# save: from its moment on it waits until a temporary file lies there. Whatever a kill leaves must have a checkpoint if
# there was one before. Exit code 0: the same.
# SPDX-License-Identifier: Apache-2.0
fovea=$1 kills=$2 folder=$3
shift 3
mkdir -p "$folder" || exit 2
train() { # OUTPUT; becomes the command, so that in the background its number is the command's
    exec "$fovea" train "${arguments[@]}" --resume auto --output "$folder/$1" >"$folder/$1.out" 2>"$folder/$1.err"
}
arguments=("$@")
start=$(date +%s%N)
(train whole) || exit 2
ms=$((($(date +%s%N) - start) / 1000000))
RANDOM=${FOVEA_KILL_SEED:-20}
inside=0 done=0 had=0
while [ "$done" -lt "$kills" ]; do
    train killed &
    pid=$!
    wait=$((RANDOM * 32768 + RANDOM))
    wait=$((wait % (2 * ms / (kills + 1) + 20) + 10)) # so that the last kill falls near the end
    sleep "$((wait / 1000)).$(printf '%03d' $((wait % 1000)))"
    if [ $((done % 2)) -eq 1 ]; then
        until compgen -G "$folder/killed/*.tmp.$pid" >/dev/null || ! kill -0 "$pid" 2>/dev/null; do :; done
    fi
    kill -KILL "$pid" 2>/dev/null && done=$((done + 1)) || { wait "$pid"; rm -rf "$folder/killed"; had=0; }
    wait "$pid" 2>/dev/null
    if compgen -G "$folder/killed/*.tmp.$pid" >/dev/null; then inside=$((inside + 1)); fi
    if compgen -G "$folder/killed/checkpoint-*.fvc" >/dev/null; then had=1
    elif [ "$had" -eq 1 ]; then
        echo "kill $done left no checkpoint"
        exit 1
    fi
done
(train killed) || exit 1
whole=$(sha256sum <"$folder/whole/last.safetensors") killed=$(sha256sum <"$folder/killed/last.safetensors")
echo "$done kills, $inside inside a save; whole ${whole%% *}, killed ${killed%% *}"
[ "$whole" = "$killed" ]
