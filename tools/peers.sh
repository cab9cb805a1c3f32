#!/bin/sh
# peers.sh [--venv DIR] [--train] [OPTIONS] -- fovea and other engines, timed in one run (bench/peers/peers.py; with --train
# train_torch.py; OPTIONS are theirs); makes the Python that it needs in DIR (build/peers-venv) with the versions of
# bench/peers/requirements.txt.
# SPDX-License-Identifier: Apache-2.0
set -e
cd "$(dirname "$0")/.."
venv=build/peers-venv
if [ "$1" = --venv ]; then
    [ $# -ge 2 ] || { echo "peers: --venv needs a folder" >&2; exit 2; }
    venv=$2
    shift 2
fi
wanted=bench/peers/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    tools/setup build peers
    echo "peers: installing the other engines into $venv (several GB)" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2
    cp "$wanted" "$venv/installed.txt"
fi
program=peers.py
if [ "$1" = --train ]; then
    program=train_torch.py
    shift
fi
exec "$venv/bin/python" "bench/peers/$program" "$@"
