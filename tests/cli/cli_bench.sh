# cli_bench.sh -- what bench tells: the steps and what lies beside them add up, bytes and bounds are those of the layers.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"

if ! python3 -c 'import json' 2>/dev/null; then
    echo "skip JSON values: python3 is not installed"
    exit 0
fi

"$FOVEA" bench --model resnet20 --explain --json --threads 1 >e.json 2>err.txt
check "the steps and what lies beside them add up to the run" $? json_true e.json \
    'abs(v["steps_ms"] + sum(v["overheads"].values()) - v["explained_ms"]) < 1e-6 * v["explained_ms"]'
check "the steps have all MACs" $? json_true e.json 'sum(s["macs"] for s in v["steps"]) == v["macs"]'
# the first convolution, 3x3 with 16 channels on 32 x 32: input and output once, weights and biases; 16 x 9 x 3 x 1024 MACs
check "bytes are those of the operands" $? json_true e.json \
    'v["steps"][0]["bytes"] - v["steps"][0]["weight_bytes"] == 4 * 32 * 32 * (3 + 16)'
check "intensity is FLOP by byte" $? json_true e.json \
    'abs(v["steps"][0]["flop_per_byte"] - 2 * 16 * 9 * 3 * 1024 / v["steps"][0]["bytes"]) < 1e-4'
check "each step is bound by something, and has a roof" $? json_true e.json \
    'all(s["bound"] in ("compute", "memory") and s["roof_ms"] > 0 for s in v["steps"])'
check "losses are in order" $? json_true e.json \
    '0 < len(v["losses"]) <= 3 and sorted((l["lost_ms"] for l in v["losses"]), reverse=True) == [l["lost_ms"] for l in v["losses"]]'
"$FOVEA" bench --model resnet20 --batch-size 4 --explain --threads 2 >e.txt 2>err.txt
check "the table has a line for each step and the losses" $? \
    sh -c 'grep -q "^most is lost against the roofline in step " e.txt && grep -q "copying images in" e.txt && grep -q "memory\|compute" e.txt'

mkdir cache
export XDG_CACHE_HOME=$PWD/cache
"$FOVEA" bench --model resnet20 --autotune --json --threads 1 >first.json 2>err.txt
first=$?
"$FOVEA" bench --model resnet20 --autotune --json --threads 1 >second.json 2>err.txt
check "what --autotune has timed is kept" $? test -s cache/fovea/wisdom.json
if [ "${FOVEA_CPU:-}" != ref ]; then check "autotune times a network" $first json_true first.json 'v["timed"] > 0'; fi
check "and times it once" 0 json_true second.json 'v["timed"] == 0'
echo '{' >broken.json
"$FOVEA" bench --model resnet20 --wisdom broken.json --threads 1 >out.txt 2>err.txt
check "a broken wisdom file is one warning" $? sh -c 'grep -q "warning: the wisdom in broken.json is not used" err.txt && [ "$(wc -l <err.txt)" = 1 ]'
refuses 2 "autotune is not for training" "for inference" bench --model resnet20 --train --autotune
