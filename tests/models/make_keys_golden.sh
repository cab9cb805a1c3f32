#!/bin/sh
# make_keys_golden.sh -- prints keys_golden.inc from a folder of published key lists (NAME.txt, one state-dict entry
# a line: name, shape, dtype). Usage: make_keys_golden.sh ../shared/spec/keys >tests/models/keys_golden.inc
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
echo '/* keys_golden.inc -- POSIX cksum and number of the lines "name TAB shape TAB dtype" of published state dicts.'
echo ' * Written by make_keys_golden.sh. SPDX-License-Identifier: Apache-2.0 */'
golden() { # NAME FILE
    set -- "$1" "$2" $(cksum <"$folder/$2.txt") "$(wc -l <"$folder/$2.txt")"
    echo "{ \"$1\", \"$2\", $3u, $5 },"
}
for depth in 18 34 50 101 152; do golden resnet$depth resnet$depth; done
for depth in 20 32 44 56 110 1202; do golden resnet$depth cifar_resnet$depth; done
for depth in 50 101 152; do golden resnet${depth}_v1 resnet$depth; done
for name in resnext50_32x4d resnext101_32x8d resnext101_64x4d wide_resnet50_2 wide_resnet101_2; do golden $name $name; done
golden resnetv2_50 timm.resnetv2_50
golden mobilenet_v2 mobilenet_v2
for width in 0.35 0.5 0.75 1.3 1.4; do
    golden mobilenet_v2_"$(printf '%.2f' $width | tr -d .)" mobilenet_v2_w$width
done
for groups in 3 8; do
    stem=$((groups == 3 ? 12 : 16))
    golden shufflenet_v1_g$groups shufflenet_v1_g${groups}_1x_stem24
    golden shufflenet_v1_g${groups}_x0_5 shufflenet_v1_g${groups}_0.5x_stem$stem
    golden shufflenet_v1_g${groups}_x1_5 shufflenet_v1_g${groups}_1.5x_stem24
    golden shufflenet_v1_g${groups}_x2_0 shufflenet_v1_g${groups}_2x_stem48
    golden megvii_shufflenet_v1_g$groups megv1_g${groups}_1.0x
    for width in 0.5 1.5 2.0; do
        golden megvii_shufflenet_v1_g${groups}_x"$(echo $width | tr . _)" megv1_g${groups}_${width}x
    done
done
for width in 0_5 1_0 1_5 2_0; do golden shufflenet_v2_x$width shufflenet_v2_x$width; done
for width in 0.5 1.0 1.5 2.0; do golden megvii_shufflenet_v2_x"$(echo $width | tr . _)" megv2_${width}x; done
for size in Small Medium Large; do
    golden megvii_shufflenet_v2plus_"$(echo $size | tr '[:upper:]' '[:lower:]')" megv2plus_$size
done
for b in 0 1 2 3 4 5 6 7; do golden efficientnet_b$b efficientnet_b$b; done
golden alexnet_2012 alexnet2012_g2
golden alexnet alexnet
for depth in 11 13 16 19; do golden vgg$depth vgg$depth; golden vgg${depth}_bn vgg${depth}_bn; done
golden vgg11_lrn vgg11
golden vgg16_c vgg_C
for form in 0 1; do golden squeezenet1_$form squeezenet1_$form; done
for depth in 121 161 169 201; do golden densenet$depth densenet$depth; done
golden mobilenet_v1 timm.mobilenetv1_100
golden tf_mobilenetv1_100 timm.mobilenetv1_100
for size in large small; do
    golden mobilenet_v3_$size mobilenet_v3_$size
    golden mobilenet_v3_${size}_075 mobilenet_v3_${size}_075
    golden mobilenet_v3_${size}_minimal timm.tf_mobilenetv3_${size}_minimal_100
    golden tf_mobilenetv3_${size}_minimal_100 timm.tf_mobilenetv3_${size}_minimal_100
    for width in 100 075; do golden tf_mobilenetv3_${size}_$width timm.mobilenetv3_${size}_$width; done
done
for width in 035 050 075 100 140; do golden tf_mobilenetv2_$width timm.mobilenetv2_$width; done
for b in 0 2; do golden tf_efficientnet_b$b timm.tf_efficientnet_b$b; done
for b in 0 1 2 3 4; do
    golden efficientnet_lite$b timm.efficientnet_lite$b
    golden tf_efficientnet_lite$b timm.efficientnet_lite$b
done
for size in s m l; do golden efficientnet_v2_$size efficientnet_v2_$size; done
for size in s m l xl b0 b1 b2 b3; do golden tf_efficientnetv2_$size timm.tf_efficientnetv2_$size; done
for size in xl b0 b1 b2 b3; do golden efficientnet_v2_$size timm.tf_efficientnetv2_$size; done
for name in googlenet inception_v3; do golden $name $name; done
for width in 0_5 0_75 1_0 1_3; do golden mnasnet$width mnasnet$width; done
golden semnasnet_100 timm.semnasnet_100
for form in x y; do
    for size in 400mf 800mf 1_6gf 3_2gf 8gf 16gf 32gf; do golden regnet_${form}_$size regnet_${form}_$size; done
done
for deep in 110d 120d; do golden mobilenetv2_$deep timm.mobilenetv2_$deep; done
for form in large_100 small_100 small_075; do golden mobilenetv3_$form timm.mobilenetv3_$form; done
golden mobilenet_v3_small_050 timm.mobilenetv3_small_050
golden tf_efficientnet_b8 timm.tf_efficientnet_b8
golden efficientnetv2_rw_s timm.efficientnetv2_rw_s
