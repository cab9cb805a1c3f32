#!/bin/bash
# cli_weights.sh -- weights that do not fit, that are not finite, or that bring timm's config.json, as a user meets them.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

mkdir -p photos/train/cat photos/train/dog photos/val/cat photos/val/dog
for f in photos/*/*; do { printf 'P6\n32 32\n255\n'; head -c 3072 /dev/urandom; } >"$f/1.ppm"; done
picture=photos/val/cat/1.ppm
"$FOVEA" train photos --model resnet20 --output run --epochs 1 --batch-size 2 >out.txt 2>err.txt
w=run/last.safetensors
"$FOVEA" convert $w plain.npz >/dev/null 2>err.txt
told "weights are there" $?

# Another network's weights: the closest network is named, whatever the command.
for command in "predict $picture" "eval photos" "bench" "train photos --output no --epochs 1"; do
    read -r name rest <<<"$command"
    # shellcheck disable=SC2086
    refuses 65 "$name names the network that the weights are of" "weights of 'resnet20'" \
        $name $rest --model resnet32 --weights $w
done
"$FOVEA" predict $picture --model resnet32 --weights $w >out.txt 2>err.txt
grep -q 'missing (.*, \.\.\.)' err.txt && grep -q 'misshapen\|extra' err.txt || grep -q 'missing' err.txt
told "and what is missing or extra is counted" $?
refuses 65 "other classes without --classes" "misshapen (linear.weight" predict $picture --model resnet20 --weights plain.npz
"$FOVEA" predict $picture --model resnet20 --weights plain.npz --classes 7 >out.txt 2>err.txt
check "--classes keeps the body and says what starts afresh" $? grep -qF 'classifier for 7 classes starts afresh: linear.weight, linear.bias' err.txt
"$FOVEA" convert plain.npz again.npz --model resnet20 --classes 2 --explain >out.txt 2>err.txt
check "convert --explain lists each name" $? test "$(grep -c '^same ' out.txt)" -ge 97

# The config.json of timm's: network, classes, pre-processing, names.
mkdir -p timm && cp plain.npz timm/
cat >timm/config.json <<'END'
{"architecture": "resnet20", "num_classes": 2, "label_names": ["Katze", "Hund"],
 "pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 1.0, "interpolation": "bicubic", "mean": [0, 0, 0], "std": [1, 1, 1]}}
END
"$FOVEA" predict $picture --model timm/plain.npz >out.txt 2>err.txt
check "config.json names network and classes" $? grep -q Katze out.txt
"$FOVEA" predict $picture --model timm/plain.npz --csv >config.csv 2>err.txt
"$FOVEA" predict $picture --model resnet20 --classes 2 --weights plain.npz --mean 0,0,0 --std 1,1,1 --csv >flags.csv 2>err.txt
[ "$(cut -d, -f5 config.csv)" = "$(cut -d, -f5 flags.csv)" ]
told "and prepares pictures" $?
printf '{"architecture": "resnet20", ' >timm/config.json
refuses 65 "a malformed config.json" "timm/config.json: offset 29" predict $picture --model timm/plain.npz
sed 's/bicubic/hamming/' <<<'{"architecture": "resnet20", "interpolation": "bicubic"}' >timm/config.json
refuses 65 "a filter that is not there" "'hamming'" predict $picture --model timm/plain.npz

# Memory: the same answers, packed from the file; no Winograd, as with --exact.
"$FOVEA" predict photos --model $w --csv --exact >a.csv 2>err.txt && "$FOVEA" predict photos --model $w --csv --low-memory >b.csv 2>>err.txt &&
    cmp -s a.csv b.csv
told "--low-memory answers the same" $?

# NaN among the weights: a warning, no probability, and with --strict a refusal.
if command -v python3 >/dev/null; then
    python3 - "$w" <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n = struct.unpack("<Q", data[:8])[0]
at = 8 + n + json.loads(data[8:8 + n])["linear.bias"]["data_offsets"][0]
data[at:at + 8] = struct.pack("<2f", float("nan"), float("nan"))
open("nan.safetensors", "wb").write(data)
END
    "$FOVEA" predict $picture --model nan.safetensors >out.txt 2>err.txt
    [ $? -eq 70 ] && ! grep -qi nan out.txt && grep -q "invalid" err.txt && grep -q "2 weights are not finite, the first in 'linear.bias'" err.txt
    told "an answer that is no number is called invalid, exit 70" $?
    refuses 65 "--strict" "2 weights are not finite" predict $picture --model nan.safetensors --strict
else
    echo "skip NaN among the weights: there is no python3"
fi
