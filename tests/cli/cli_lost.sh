#!/bin/bash
# cli_lost.sh -- a training that cannot be lost: damaged checkpoints, disks that are full, losses that are no numbers.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"
for split in train val; do
    for class in dark light; do
        mkdir -p "data/$split/$class"
        for i in 1 2 3 4 5 6 7 8; do
            { printf 'P5\n32 32\n255\n'; head -c 1024 <(yes "$class$i"); } >"data/$split/$class/$i.pgm"
        done
    done
done
train="train data --model resnet20 --channels 1 --size 32 --batch-size 4 --lr 0.01 --seed 3 --epochs 2 --checkpoint-every 3"

"$FOVEA" $train --output whole >out.txt 2>err.txt
[ $? -eq 0 ] && [ "$(ls whole/checkpoint-*.fvc | wc -l)" -eq 2 ]
told "the last two checkpoints are kept" $?
sum=$(sha256sum <whole/last.safetensors)
same() { [ "$(sha256sum <"$1/last.safetensors")" = "$sum" ]; }

# A byte flipped in each section of the newest checkpoint: named, refused by --resume FILE, passed over by --resume auto.
if python3 -c 'import struct' 2>/dev/null; then
    bad=0 sections=0
    for section in $(python3 - whole/checkpoint-8.fvc <<'EOF'
import struct, sys
b = open(sys.argv[1], 'rb').read()
at = 16
while at < len(b) - 16:
    n, = struct.unpack_from('<Q', b, at + 4)
    print(b[at:at + 4].decode() + ':' + str(at + 12 + n // 2 if n else at + 12))
    at += 16 + n
EOF
    ); do
        rm -rf flipped && cp -r whole flipped && rm flipped/last.safetensors
        python3 - flipped/checkpoint-8.fvc "${section#*:}" <<'EOF'
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(int(sys.argv[2]))
    x = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([x ^ 16]))
EOF
        "$FOVEA" $train --resume flipped/checkpoint-8.fvc --output other >out.txt 2>err.txt
        [ $? -eq 65 ] && grep -q "checkpoint-8.fvc: .*section ${section%:*} is damaged" err.txt || bad=$((bad + 1))
        "$FOVEA" $train --resume auto --output flipped >out.txt 2>err.txt
        [ $? -eq 0 ] && grep -q "checkpoint-8.fvc: .*section ${section%:*} .*trying the one before" err.txt && same flipped ||
            bad=$((bad + 1))
        sections=$((sections + 1))
    done
    [ "$bad" -eq 0 ] && [ "$sections" -gt 5 ]
    told "a flipped byte in each of $sections sections is named; --resume auto takes the one before" $?
else
    echo "skip flipped bytes: python3 is not installed"
fi
rm -rf none && cp -r whole none && for f in none/checkpoint-*.fvc; do truncate -s 100 "$f"; done
"$FOVEA" $train --resume auto --output none >out.txt 2>err.txt
[ $? -eq 65 ] && [ "$(ls none/checkpoint-*.fvc | wc -l)" -eq 2 ] && tail -n 1 err.txt | grep -q 'no checkpoint can be gone on with'
told "where none will do the run does not start anew" $?
rm -rf none/*.fvc && "$FOVEA" $train --resume auto --output none >out.txt 2>err.txt && same none
told "where there is none it does" $?

# Every write beyond 100 KiB fails (a checkpoint has some 2 MiB): three saves, then 74, and all that was there stays.
rm -rf short && cp -r whole short && rm short/checkpoint-8.fvc
(cd short && sha256sum -- *.fvc model_best.safetensors last.safetensors) >before.txt
(ulimit -f 100 && "$FOVEA" $train --epochs 9 --checkpoint-every 1 --output short >out.txt 2>err.txt)
[ $? -eq 74 ] && [ "$(grep -c 'cannot save' err.txt)" -eq 3 ] && (cd short && sha256sum --status -c ../before.txt) &&
    ! ls short/*.tmp.* >/dev/null 2>&1
told "saves that fail are told, the third ends the run with 74, old files are whole" $?

# A full disk: a tmpfs without room for a second epoch's files until something else goes. Epochs at 64 pixels take long
# enough for that to go before a third save fails.
cat >full.sh <<'EOF'
mount -t tmpfs -o size=16m none disk || exit 77
dd if=/dev/zero of=disk/ballast bs=1M count=11 2>/dev/null
"$@" --output disk/run >out.txt 2>err.txt &
pid=$!
until grep -q 'cannot save' err.txt || ! kill -0 $pid; do :; done
rm -f disk/ballast
wait $pid
code=$?
cp disk/run/last.safetensors full.safetensors
exit $code
EOF
mkdir disk
slow="$train --size 64 --epochs 8 --checkpoint-every 1000"
unshare -Urm true 2>/dev/null
if [ $? -ne 0 ]; then
    echo "skip a full disk: this user may not mount a tmpfs"
else
    unshare -Urm bash full.sh "$FOVEA" $slow >log.txt 2>&1
    code=$?
    if [ $code -eq 77 ]; then
        echo "skip a full disk: no tmpfs here"
    else
        "$FOVEA" $slow --output long >out2.txt 2>err2.txt
        [ $code -eq 0 ] && grep -q 'cannot save: .*No space left' err.txt && cmp -s full.safetensors long/last.safetensors
        told "a full disk is told, the run goes on, saves once there is room, and ends with the same weights" $?
    fi
fi

# A run that diverges: 70, and the last finite checkpoint by name, which can be gone on from.
"$FOVEA" $train --lr 1000 --warmup-epochs 0 --checkpoint-every 1 --epochs 9 --output wild >out.txt 2>err.txt
[ $? -eq 70 ] && grep -qE 'not finite; the last finite checkpoint is wild/checkpoint-[0-9]+.fvc' err.txt &&
    [ -s "$(sed -n 's/.*last finite checkpoint is //p' err.txt)" ]
told "a loss that is no number ends the run with 70 and names the last finite checkpoint" $?
