#!/bin/bash
# demo.sh -- a small residual network on Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): trained, evaluated, used.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
data=${FOVEA_DEMO_DATA:-/usr/share/datasets/fashion-mnist}
out=${FOVEA_DEMO_OUTPUT:-build/demo}
epochs=${FOVEA_DEMO_EPOCHS:-2}
tools/build.sh release fovea
fovea=build/fovea
rm -rf "$out"
mkdir -p "$out"
# The ten classes in the order of their numbers, from the data set's description.
cat >"$out/classes.txt" <<'NAMES'
T-shirt/top
Trouser
Pullover
Dress
Coat
Sandal
Shirt
Sneaker
Bag
Ankle boot
NAMES
echo "== training resnet20 on $data ($epochs epochs)"
"$fovea" train "$data" --model resnet20 --stem cifar --channels 1 --epochs "$epochs" --batch-size 64 --pad-crop 0 --lr 0.1 --sched cosine \
    --warmup-epochs 0.2 --wd 5e-4 --nesterov --seed 1 --class-names "$out/classes.txt" --output "$out"
echo "== evaluating on the 10,000 test images"
"$fovea" eval "$data" --split test --model "$out/model_best.safetensors" --batch-size 100 | tee "$out/eval.txt"
echo "test accuracy $(sed -n 's/^top-1 \([0-9.]*\) %.*/\1/p' "$out/eval.txt") %"
echo "== ten test pictures, and what the network says"
"$fovea" data export "$data" "$out/pictures" --split test --count 10 >"$out/pictures.txt"
"$fovea" predict --model "$out/model_best.safetensors" --topk 1 --csv "$out/pictures" >"$out/predictions.csv"
# Each answer beside the true class, by name.
awk -v names="$out/classes.txt" '
    BEGIN { while ((getline line < names) > 0) name[n++] = line }
    FILENAME ~ /pictures.txt$/ { label[$1] = $2; next }
    FNR > 1 {
        split($0, f, ","); gsub(/"/, "", f[1])
        printf "  %-36s %-12s (%5.1f %%)  %s\n", f[1], name[f[3]], 100 * f[5], f[3] == label[f[1]] ? "right" : "it is: " name[label[f[1]]]
    }' "$out/pictures.txt" "$out/predictions.csv"
cat <<END
== everything lies in $out
  model_best.safetensors  the model: try  $fovea predict --model $out/model_best.safetensors $out/pictures
  results.csv, args.json  the course of the training, and how it was called
  eval.txt, predictions.csv, pictures/
END
