#!/bin/sh
# make_imagenet.sh LIST -- prints src/data/imagenet.inc from a list of ImageNet's classes: a WordNet id, a space and a
# name on each of 1000 lines, sorted by id, which is the order of the outputs of every published network.
# SPDX-License-Identifier: Apache-2.0
set -e
awk '{ print $1 }' "$1" | LC_ALL=C sort -c -u
[ "$(wc -l <"$1")" -eq 1000 ]
echo "/* imagenet.inc -- the 1000 classes of ILSVRC 2012: written by tools/make_imagenet.sh, two to a line. */"
echo "// clang-format off"
awk '{ id = $1; sub(/^[^ ]* /, ""); gsub(/["\\]/, "\\\\&"); printf "CLASS(\"%s\", \"%s\")%s", id, $0, NR % 2 ? " " : "\n" }' "$1"
echo "// clang-format on"
