#!/bin/bash
# cli_train.sh -- a short training by the command: its files, its answers, signals and resumption.
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
train="train data --model resnet20 --channels 1 --size 32 --batch-size 4 --lr 0.01 --seed 3"

"$FOVEA" $train --epochs 2 --output a >out.txt 2>err.txt
check "train ends well and names the best top-1" $? grep -q '^best top-1 [0-9.]* %$' out.txt
[ "$(grep -c '^epoch ' err.txt)" -eq 2 ]
told "a plain line per epoch where stderr is no terminal" $?
for file in model_best.safetensors last.safetensors results.csv report.html args.json; do
    [ -s "a/$file" ]
    told "it leaves $file" $?
done
[ "$(head -n 1 a/results.csv)" = epoch,step,seconds,train_loss,train_top1,eval_loss,top1,top5,lr,images_per_s ] &&
    [ "$(wc -l <a/results.csv)" -eq 3 ] && [ "$(sed -n 3p a/results.csv | cut -d, -f1,2)" = 2,8 ]
told "results.csv has a row per epoch" $?
offline() { # PAGE: nothing from elsewhere, and every link leads somewhere
    ! grep -qE '<script|<link|src="[^d]|url\(|https?:' "$1" &&
        [ -z "$(comm -23 <(grep -o 'href="#[^"]*"' "$1" | sed 's/href="#/id="/' | sort -u) <(grep -o 'id="[^"]*"' "$1" | sort -u))" ]
}
offline a/report.html && grep -q 'after epoch 2 of 2' a/report.html && grep -q '<td>batch</td>' a/report.html
told "the report needs nothing else" $?
"$FOVEA" eval data --model a/last.safetensors --split val --report page.html >out.txt 2>err.txt && offline page.html &&
    grep -q 'Worst mistakes' page.html && ! grep -q 'Curves' page.html
told "eval --report writes such a page" $?
refuses 73 "page that cannot be made" "nowhere" eval data --model a/last.safetensors --report nowhere/page.html
[ "$(ls a/events.out.tfevents.* | wc -l)" -eq 1 ]
told "it leaves one event file for TensorBoard" $?
"$FOVEA" $train --epochs 2 --log-interval 3 --output a >out.txt 2>err.txt
[ "$(grep -c '^step [36]/8, epoch [12]/2: loss [0-9.]*, train top-1 [0-9.]* %, lr [0-9.]*, [0-9.]* images/s, ETA 0:0[0-9]$' err.txt)" -eq 2 ] &&
    ! grep -q "$(printf '\033')" err.txt && [ "$(ls a/events.out.tfevents.* | wc -l)" -eq 1 ]
told "--log-interval gives plain lines; a new run replaces the event file" $?
if python3 -c 'import pty' 2>/dev/null; then
    terminal() { # how the bar looks: standard error is a terminal of 100 columns
        python3 - "$@" <<'EOF'
import fcntl, os, pty, struct, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
run = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
while True:
    try: piece = os.read(master, 65536)
    except OSError: break
    if not piece: break
    sys.stdout.buffer.write(piece)
sys.exit(run.wait())
EOF
    }
    bar='\[=*> *\].* epoch [12]/2  loss [0-9.]*  top-1 [0-9.]* %  [0-9]* images/s  ETA 0:0[0-9]'
    TERM=xterm NO_COLOR= terminal "$FOVEA" $train --epochs 2 --output a >bar.txt 2>&1
    check "a bar with loss, accuracy, speed and time left on a terminal" $? grep -qE "$bar" bar.txt
    TERM=xterm NO_COLOR=1 terminal "$FOVEA" $train --epochs 2 --output a >plain.txt 2>&1
    [ $? -eq 0 ] && grep -qE "$bar" plain.txt && ! grep -q "$(printf '\033\[[0-9]*m')" plain.txt && grep -q "$(printf '\033\[36m')" bar.txt
    told "without colours where NO_COLOR is set" $?
else
    echo "skip the bar: python3 is not installed"
fi
"$FOVEA" eval data --model a/last.safetensors --split val --per-class >out.txt 2>err.txt
check "the model file evaluates by itself, with class names" $? grep -q '^dark ' out.txt
"$FOVEA" predict --model a/last.safetensors --topk 1 data/val/light/1.pgm >out.txt 2>err.txt
check "and predicts by name" $? grep -qE 'dark|light' out.txt

# A terminated run leaves with 75 and goes on to the same weights.
"$FOVEA" $train --epochs 60 --output b >out.txt 2>stop.txt &
pid=$!
for _ in $(seq 600); do grep -q '^epoch 1/' stop.txt && break || sleep 0.1; done
kill -TERM $pid
wait $pid
[ $? -eq 75 ] && grep -q 'to go on: .* --resume auto' stop.txt
told "SIGTERM saves, tells how to go on, and leaves with 75" $?
ls b/checkpoint-*.fvc >/dev/null 2>&1
told "a checkpoint is there" $?
"$FOVEA" $train --epochs 60 --output c >out.txt 2>interrupt.txt &
pid=$!
for _ in $(seq 600); do grep -q '^epoch 1/' interrupt.txt && break || sleep 0.1; done
kill -INT $pid
wait $pid
[ $? -eq 130 ]
told "an interrupt leaves with 130" $?

"$FOVEA" $train --epochs 2 --output d >out.txt 2>err.txt
rm d/last.safetensors d/checkpoint-8.fvc # as if it had ended after the first epoch
"$FOVEA" $train --epochs 2 --resume auto --output d >out.txt 2>err.txt
[ $? -eq 0 ] && cmp -s a/last.safetensors d/last.safetensors
told "--resume auto comes to the same weights" $?
[ "$(ls d/events.out.tfevents.* | wc -l)" -eq 2 ]
told "and adds an event file of its own" $?
: >wall
refuses 73 "an output folder that cannot be made" "wall" $train --epochs 1 --output wall/x
cp -r data broken && rm -r broken/train/light/* && printf 'junk' >broken/train/light/1.png
"$FOVEA" train broken --model resnet20 --size 32 --epochs 1 --batch-size 4 --output e >out.txt 2>err.txt
[ $? -eq 65 ] && grep -q '1.png' err.txt
told "too many bad pictures end the run with 65 and are named" $?
