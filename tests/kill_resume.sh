#!/bin/bash
# kill_resume.sh FOVEA KILLS FOLDER TRAIN_ARGUMENTS... -- trains in one go, then again with SIGKILL at KILLS random moments,
# each followed by --resume auto; says whether last.safetensors has the same SHA-256. Checkpoints are frequent, so that some
# of the kills fall into saves. Exit code 0: the same.
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
inside=0 done=0
while [ "$done" -lt "$kills" ]; do
    train killed &
    pid=$!
    wait=$((RANDOM * 32768 + RANDOM))
    wait=$((wait % (2 * ms / (kills + 1) + 20) + 10)) # so that the last kill falls near the end
    sleep "$((wait / 1000)).$(printf '%03d' $((wait % 1000)))"
    kill -KILL "$pid" 2>/dev/null && done=$((done + 1)) || { wait "$pid"; rm -rf "$folder/killed"; }
    wait "$pid" 2>/dev/null
    if ls "$folder"/killed/*.tmp.* >/dev/null 2>&1; then inside=$((inside + 1)); fi
done
(train killed) || exit 1
whole=$(sha256sum <"$folder/whole/last.safetensors") killed=$(sha256sum <"$folder/killed/last.safetensors")
echo "$done kills, $inside inside a save; whole ${whole%% *}, killed ${killed%% *}"
[ "$whole" = "$killed" ]
