#!/bin/bash
# cli_data.sh -- small made data through eval, predict, data and bench: right answers and bad inputs.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/expect.sh"
net="--model resnet20 --random-weights"

# A picture of 4 x 4 pixels per class and split, as PPM.
for split in train val; do
    for class in cat dog; do
        mkdir -p "photos/$split/$class"
        for i in 1 2 3; do
            { printf 'P6\n4 4\n255\n'; head -c 48 /dev/zero | tr '\0' "$i"; } >"photos/$split/$class/$i.ppm"
        done
    done
done
"$FOVEA" eval photos $net --classes 2 >out.txt 2>err.txt
check "eval of an image folder" $? grep -q 'of 6 right' out.txt
"$FOVEA" predict $net --csv photos/val/cat/1.ppm >one.csv 2>err.txt
"$FOVEA" predict $net --csv photos/val >all.csv 2>err.txt
check "a picture's answer does not depend on its company" $? grep -qF "$(sed -n 2p one.csv)" all.csv
[ "$("$FOVEA" predict $net --topk 1 --csv photos/val 2>/dev/null | tail -n +2 | cut -d, -f1 | sort -c && echo sorted)" = sorted ]
told "a folder's pictures come sorted" $?
find photos/val -name '*.ppm' | sort >list.txt
"$FOVEA" predict $net --csv --list list.txt >list.csv 2>err.txt && cmp -s list.csv <("$FOVEA" predict $net --csv @list.txt)
told "--list FILE and @FILE are the same" $?
"$FOVEA" predict $net --csv - <photos/val/cat/1.ppm 2>err.txt | sed 's/^"-"//' | cmp -s - <(sed 's/^"[^"]*"//' one.csv)
told "standard input answers like the file" $?

{ printf 'P6\n6 4\n255\n'; seq 100 200 | tr -d '\n' | head -c 72; } >wide.ppm
for tta in none flip five ten; do "$FOVEA" predict $net --csv --tta $tta wide.ppm >"tta-$tta.csv" 2>>err.txt; done
"$FOVEA" predict $net --csv wide.ppm | cmp -s - tta-none.csv && ! cmp -s tta-none.csv tta-five.csv && ! cmp -s tta-five.csv tta-ten.csv
told "--tta gives other answers, and none by default" $?
"$FOVEA" predict $net --csv --tta ten photos/val/cat/1.ppm wide.ppm photos/val/dog/1.ppm 2>err.txt | grep '^"wide' | cmp -s - <(tail -n +2 tta-ten.csv)
told "views do not depend on a picture's company" $?
"$FOVEA" eval photos $net --classes 2 --tta ten --batch-size 3 >out.txt 2>err.txt
check "eval by ten views" $? grep -q 'of 6 right' out.txt
refuses 2 "views that there are not" "none|flip|five|ten" eval photos $net --tta six
printf 'no picture' >bad.png
: >empty.jpg
"$FOVEA" predict $net --topk 1 --csv bad.png photos/val/cat/1.ppm empty.jpg >out.txt 2>err.txt
[ $? -eq 65 ] && [ "$(wc -l <out.txt)" -eq 2 ] && [ "$(wc -l <err.txt)" -eq 2 ]
told "bad pictures are told, the others answered, exit 65" $?
mkdir -p nothing
refuses 66 "folder without pictures" "nothing" predict $net nothing
cp -r photos spoilt && cp bad.png spoilt/val/cat/bad.png
"$FOVEA" eval spoilt $net --classes 2 >out.txt 2>err.txt
[ $? -eq 65 ] && grep -q 'bad.png' err.txt
told "eval refuses a bad picture and names it" $?
"$FOVEA" eval spoilt $net --classes 2 --max-bad 0.5 >out.txt 2>err.txt
check "--max-bad forgives it" $? grep -q 'bad.png' err.txt
# What cannot be read: told in one line, or in an evaluation counted, and nothing waits for ever.
cp -r photos locked
ln -s nowhere locked/val/cat/dangling.jpg
mkdir locked/val/cat/folder.jpg
mkfifo locked/val/cat/pipe.jpg
ln -s /proc/self/mem locked/val/cat/memory.jpg # regular, says that it is empty, and reading it is an I/O error
chmod 0 locked/val/cat/1.ppm
refuses 66 "a link to nowhere" "dangling.jpg: No such file" predict $net locked/val/cat/dangling.jpg
refuses 66 "a folder with a picture's name" "folder.jpg" predict $net locked/val/cat/folder.jpg
refuses 65 "a pipe without a writer" "pipe.jpg: not a regular file" predict $net locked/val/cat/pipe.jpg
refuses 65 "a file of no bytes that cannot be read" "memory.jpg" predict $net locked/val/cat/memory.jpg
# Permissions do not bind root: there the command runs as nobody, a copy of it, as its folder may be closed to others.
other=() command=$FOVEA
if [ "$(id -u)" -eq 0 ]; then
    other=(setpriv --reuid 65534 --regid 65534 --clear-groups) command=./fovea-of-nobody
    chmod a+rx . && cp "$FOVEA" $command
fi
if [ "$("${other[@]}" $command --version 2>/dev/null)" != "$("$FOVEA" --version)" ]; then
    echo "skip a picture without read permission: the command does not run as another user here"
else
    "${other[@]}" $command predict $net locked/val/cat/1.ppm >out.txt 2>err.txt
    check "a picture without read permission" $(($? != 66)) grep -qx 'fovea: locked/val/cat/1.ppm: Permission denied' err.txt
    "${other[@]}" $command eval locked $net --classes 2 >out.txt 2>err.txt
    check "eval counts what it cannot read" $(($? != 65)) grep -q '^fovea: 3 of 8 pictures cannot be read' err.txt
    "${other[@]}" $command eval locked $net --classes 2 --max-bad 0.5 >out.txt 2>err.txt
    check "and goes on without them where that is allowed" $? grep -q 'of 5 right' out.txt
    told "and names each" $(($(grep -c '^fovea: locked/val/cat/\(dangling.jpg\|memory.jpg\|1.ppm\): ' err.txt) != 3))
fi
chmod 644 locked/val/cat/1.ppm

mkdir -p more && cp -r photos/* more/ && mkdir -p more/val/wolf && cp photos/val/cat/1.ppm more/val/wolf/
refuses 65 "class in val that train lacks" "wolf" eval more --split val $net
"$FOVEA" data export photos out --split val --count 1 >/dev/null 2>err.txt
if grep -q 'PNG is not written' err.txt; then echo "skip data export: this build is without libpng"
else told "data export writes pictures" "$([ -s out/val-00000.png ] && echo 0 || echo 1)"; fi

"$FOVEA" data augment photos sheet.png --size 8 --count 4 --columns 3 --aa rand-m9 --reprob 1 --mixup 0.2 >out.txt 2>err.txt
if grep -q 'PNG is not written' err.txt; then echo "skip data augment: this build is without libpng"
else
    [ "$(od -An -tu1 -j16 -N8 sheet.png | tr -s ' ')" = " 0 0 0 38 0 0 0 38" ]
    told "data augment draws 4 rows of 1 + 3 pictures" $?
    "$FOVEA" data augment photos again.png --size 8 --count 4 --columns 3 --aa rand-m9 --reprob 1 --mixup 0.2 >out.txt && cmp -s sheet.png again.png
    told "and the same ones again" $?
fi

# The same pictures as shards and as a list: the same answers, for any number of workers.
if tar --version >/dev/null 2>&1; then
    for split in train val; do
        mkdir -p "flat/$split"
        : >"flat/$split.csv"
        n=0
        for file in photos/$split/*/*.ppm; do
            class=$(basename "$(dirname "$file")")
            cp "$file" "flat/$split/$n.ppm" && printf '%s' "$class" >"flat/$split/$n.cls"
            echo "$split/$n.ppm,$class" >>"flat/$split.csv"
            n=$((n + 1))
        done
        mkdir -p tars && tar -C "flat/$split" --sort=name -cf "tars/$split-000.tar" .
        rm "flat/$split/"*.cls
    done
    mkdir -p lists && mv flat/*.csv lists/ && mv flat/train flat/val lists/ 2>/dev/null
    rm -r lists/../flat
    mv lists/train lists/pics-train && mv lists/val lists/pics-val && sed -i 's|^|pics-|' lists/*.csv
    train="--model resnet20 --size 16 --epochs 1 --batch-size 3 --seed 4 --scale 0.5 1 --aa rand-m5"
    "$FOVEA" train photos $train --output from-folder >out.txt 2>err.txt
    "$FOVEA" train tars $train -j 3 --output from-tars >out.txt 2>>err.txt
    "$FOVEA" train lists $train -j 2 --output from-lists >out.txt 2>>err.txt
    cmp -s from-folder/last.safetensors from-tars/last.safetensors && cmp -s from-folder/last.safetensors from-lists/last.safetensors
    told "training from shards and from lists gives the folder's weights" $?
    k=1
    for data in photos tars 'tars/val-{000..000}.tar' lists lists/val.csv; do
        "$FOVEA" eval "$data" --model from-folder/last.safetensors --json | sed 's/"images_per_s.*"bad"/"bad"/' >"eval-$k.json"
        k=$((k + 1))
    done
    cmp -s eval-1.json eval-2.json && cmp -s eval-1.json eval-3.json && cmp -s eval-1.json eval-4.json && cmp -s eval-1.json eval-5.json
    told "and so does evaluation" $?
    head -c 3000 tars/val-000.tar >cut.tar
    : >cut.tar.xz
    refuses 65 "cut shard" "cut at byte" eval cut.tar --split all --model from-folder/last.safetensors
    "$FOVEA" eval cut.tar --split all --model from-folder/last.safetensors --max-bad 1 >out.txt 2>err.txt
    check "--max-bad takes what lies before the cut" $? grep -q 'cut at byte' err.txt

    # The same shards packed by gzip, one of them as two gzip streams.
    mkdir -p gzips
    gzip -c tars/train-000.tar >gzips/train-000.tar.gz
    { head -c 2000 tars/val-000.tar | gzip -c && tail -c +2001 tars/val-000.tar | gzip -c; } >gzips/val-000.tgz
    "$FOVEA" eval gzips --model from-folder/last.safetensors --json >out.txt 2>err.txt
    code=$?
    if grep -q 'without zlib' err.txt; then
        refuses 65 "gzip shards without zlib" "val-000.tgz: gzip is not read: this build is without zlib" eval gzips --model from-folder/last.safetensors
        echo "skip gzip shards: this build is without zlib"
    else
        sed 's/"images_per_s.*"bad"/"bad"/' out.txt | cmp -s - eval-1.json
        told "and from gzip shards" $((code + $?))
        "$FOVEA" train gzips $train -j 3 --output from-gzips >out.txt 2>err.txt
        [ "$(sha256sum <from-gzips/last.safetensors)" = "$(sha256sum <from-tars/last.safetensors)" ]
        told "training from gzip shards gives the weights of the tars" $?
        "$FOVEA" data check tars --tiny 2 --json | sed 's/tars\///g' >plain.json
        "$FOVEA" data check gzips --tiny 2 --json | sed 's/gzips\///g; s/train-000.tar.gz/train-000.tar/g; s/val-000.tgz/val-000.tar/g' | cmp -s - plain.json
        told "data check finds the same in both" $?
        head -c -9 gzips/train-000.tar.gz >cut.tar.gz
        refuses 65 "cut gzip shard" "cut.tar.gz: the shard is cut: its gzip data end early" eval cut.tar.gz --split all --model from-folder/last.safetensors
        "$FOVEA" data check cut.tar.gz --no-near >out.txt 2>err.txt
        check "data check tells it" $(($? != 1)) grep -q '^unreadable .*cut.tar.gz: the shard is cut' out.txt
        { head -c -8 gzips/train-000.tar.gz; printf '\0\0\0\0'; tail -c 4 gzips/train-000.tar.gz; } >crc.tar.gz
        refuses 65 "gzip shard whose checksum is wrong" "crc.tar.gz: damaged gzip data" train crc.tar.gz $train --output from-crc
        { cat gzips/train-000.tar.gz; echo more; } >tail.tar.gz
        refuses 65 "gzip shard with something behind it" "followed by what is no gzip" eval tail.tar.gz --split all --model from-folder/last.safetensors
    fi
    refuses 65 "shard of another compression" "cut.tar.xz: of compressed shards only those of gzip" eval cut.tar.xz --model from-folder/last.safetensors
else
    echo "skip shards: there is no tar"
fi

cp -r photos odd && cp odd/train/cat/1.ppm odd/val/dog/again.ppm && printf 'P6' >odd/val/cat/broken.ppm
"$FOVEA" data check odd --tiny 2 --no-near >out.txt 2>err.txt
[ $? -eq 1 ] && grep -q '^unreadable .*broken.ppm' out.txt && grep -q '^conflict .*again.ppm: the same picture as' out.txt
told "data check lists what it finds and leaves with 1" $?
mkdir -p fine && for split in train val; do
    for class in cat dog; do
        mkdir -p "fine/$split/$class"
        { printf 'P5\n8 8\n255\n'; echo "$split $class and then some more of $class and $split until there are sixty-four bytes of it, as wanted" | head -c 64; } >"fine/$split/$class/1.pgm"
    done
done
"$FOVEA" data check fine --tiny 4 --no-near >out.txt 2>err.txt
check "a clean set leaves with 0" $? grep -q '^4 pictures in 2 splits, 0 findings$' out.txt
refuses 66 "data that are not there" "nowhere" data check nowhere
if python3 -c 'import json' 2>/dev/null; then
    "$FOVEA" data check odd --tiny 2 --no-near --json >out.json 2>err.txt
    [ "$(json_of out.json "v['clean'], v['pictures'], sorted({f['kind'] for f in v['findings']}) == ['conflict', 'leak', 'unreadable'], v['splits'][0]")" = "(False, 14, True, {'split': 'train', 'count': 6})" ]
    told "data check --json" $?
fi

refuses 2 "unknown augmentation" "there are rand" data augment photos s.png --aa rnad
refuses 2 "two numbers wanted" "two numbers" train photos --model resnet20 --output o --scale 0.1
refuses 2 "augmentation out of range" "rand" train photos --model resnet20 --output o --aa rand-n1.5
refuses 2 "unknown thing to do with data" "did you mean 'data export'" data exprt photos out

# IDX with a wrong count: 2 images promised, 1 there.
mkdir -p idx
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abcd' >idx/t10k-images-idx3-ubyte
printf '\0\0\10\1\0\0\0\2\1\2' >idx/t10k-labels-idx1-ubyte
refuses 65 "IDX that promises more than it holds" "t10k-images" eval idx --split test $net --channels 1
printf 'not an array' >x.npy
refuses 65 "array file that is none" "x.npy" run --model resnet20 --input x.npy --output y.npy
[ ! -e y.npy ]
told "and nothing is written" $?
head -c 100 /dev/zero >zero.safetensors
refuses 65 "model file that is none" "zero.safetensors" predict --model zero.safetensors bad.png

# An array of one 32 x 32 image: both layouts of a constant image give the same answer.
header="{'descr': '<f4', 'fortran_order': False, 'shape': (1, 32, 32, 3), }"
turned="{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 32, 32), }"
array() { # HEADER
    printf '\223NUMPY\1\0v\0%-117s\n' "$1"
    head -c $((4 * 3072)) /dev/zero
}
array "$header" >x.npy
array "$turned" >t.npy
"$FOVEA" run --model resnet20 --input x.npy --output y.npy >out.txt 2>err.txt &&
    "$FOVEA" run --model resnet20 --input t.npy --output z.npy --layout nchw >out.txt 2>>err.txt && cmp -s y.npy z.npy
told "run takes both layouts" $?
[ "$(wc -c <y.npy)" -eq $((128 + 40)) ]
told "run writes [1, 10] floats" $?
refuses 65 "array in the wrong layout" "channels" run --model resnet20 --channels 3 --input t.npy --output w.npy
refuses 73 "output that cannot be made" "nowhere" run --model resnet20 --input x.npy --output nowhere/y.npy

if ! python3 -c 'import json' 2>/dev/null; then
    echo "skip JSON values: python3 is not installed"
    exit 0
fi
keys() { # NAME KEYS COMMAND...
    local name=$1 wanted=$2
    shift 2
    "$FOVEA" "$@" --json >out.json 2>err.txt && [ "$(json_of out.json "set('$wanted'.split()) <= set(v)")" = True ]
    told "$name --json has its keys" $?
}
keys summary "params macs keys layers peak_activation_bytes" summary resnet20
keys eval "n correct top1 top5 loss images_per_s" eval photos $net --classes 2
[ "$(json_of out.json "sum(b['n'] for b in v['bins']) == v['n'] and abs(v['weighted']['recall'] - v['top1']) < 1e-6 and 0 <= v['ece'] <= 1 and all(set('name n answered correct precision recall f1'.split()) <= set(c) for c in v['classes']) and sum(c['answered'] for c in v['classes']) == v['n']")" = True ]
told "its classes, means and bins agree" $?
"$FOVEA" eval photos $net --classes 2 --topk 2 --per-class --calibration >out.txt 2>err.txt && grep -q '^top-2 100.00 %' out.txt &&
    grep -q '^cat  *3 ' out.txt && grep -q '^macro mean  *6 ' out.txt && grep -q '^calibration error: expected 0' out.txt
told "eval prints its tables" $?
keys run "input output ms" run --model resnet20 --input x.npy --output y.npy
keys bench "median_ms min_ms images_per_s runs plan_ms load_ms peak_rss_mib macs peak_fraction" bench --model resnet20
"$FOVEA" models --json >out.json && [ "$(json_of out.json "all(set('name family input_size params macs top1'.split()) <= set(m) for m in v)")" = True ]
told "models --json has its keys" $?
[ "$("$FOVEA" models --family vgg --filter '*_bn' | grep -c '^  vgg')" = 4 ]
told "models lists what a pattern and a family have in common" $?
"$FOVEA" models --filter MobileNetV2 --json >out.json &&
    [ "$(json_of out.json "v[0]['name'] + ' ' + ' '.join(v[0]['aliases'])")" = "tf_mobilenetv2_100 MobileNetV2 mobilenet_v2_1.0_224" ]
told "models finds a network by what Keras calls it" $?
"$FOVEA" models --published --filter resnet50 | grep -q 'resnet50-11ad3fa6.pth.* 232 | 224 '
told "models --published tells how a picture is prepared" $?
refuses 2 "unknown family, with the nearest" "did you mean 'resnet'" models --family resnt
refuses 1 "pattern that nothing matches" "no network matches 'xyz'" models --filter xyz
printf 'P6\n4 4\n255\n%048d' 0 >"$(printf 'q"\\\377\001.ppm')"
"$FOVEA" predict $net --json ./q*.ppm >out.json 2>err.txt && [ "$(json_of out.json "len(v['results'][0]['top']) == 5 and v['results'][0]['file'].startswith('./q\"')")" = True ]
told "predict --json stands odd file names" $?
