#!/bin/sh
# weights_doc.sh [BUILD [--check]] -- writes doc/WEIGHTS.md from the table of published weights; --check: says whether it
# is current.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
new=$(mktemp) || exit 2
trap 'rm -f "$new"' EXIT
{
    cat <<'TEXT' &&
# Weights from elsewhere

No weights come with Fovea. Those below are offered by their publishers; licences are theirs. `fovea models --published`
prints this table, `tools/weights_doc.sh` writes this file.

| publisher | where |
|---|---|
| torchvision | the models page of PyTorch's documentation, https://pytorch.org/vision/stable/models.html |
| timm | PyTorch Image Models, https://github.com/huggingface/pytorch-image-models |
| TensorFlow Slim | https://github.com/tensorflow/models, research/slim |
| TensorFlow TPU | https://github.com/tensorflow/tpu, models/official/efficientnet |
| Google AutoML | https://github.com/google/automl, efficientnetv2 |
| Megvii | https://github.com/megvii-model/ShuffleNet-Series |
| VGG, converted from Caffe | https://github.com/jcjohnson/pytorch-vgg |

    fovea predict --model resnet50 --weights resnet50-11ad3fa6.safetensors cat.jpg

A picture is scaled so that its shorter side has the length given, by the filter named and antialiased, and its centre is
cropped. Colours: "ImageNet" subtracts (0.485, 0.456, 0.406) from x / 255 and divides by (0.229, 0.224, 0.225); "-1 to 1" is
x / 127.5 - 1; "0 to 255, BGR" leaves the bytes as they are, blue first; "Caffe, BGR" subtracts (103.939, 116.779, 123.68)
from them. Megvii scaled by OpenCV, without antialiasing. The file's name chooses the row, whatever its folder and extension;
a file of another name is prepared for as the first row of its network. A model file that Fovea wrote carries its own
preparation. Files of TensorFlow's are checkpoints of TensorFlow; timm offers them converted. Accuracies are the publisher's, of one centre crop of ImageNet's validation set.

TEXT
        "${1:-build}/fovea" models --published
} >"$new" || exit 1
if [ "$2" = --check ]; then
    diff -u doc/WEIGHTS.md "$new" && exit 0
    echo "doc/WEIGHTS.md is not current: run tools/weights_doc.sh"
    exit 1
fi
cat "$new" >doc/WEIGHTS.md
