#!/bin/sh
# The papers' networks on a machine with one large GPU and some 16 cores: pictures and trainings, in pieces of minutes.
#
#   scripts/train_papers_gpu.sh BANKS OUT [MINUTES]     again and again, until it says that all is done
#
# BANKS   folder with bank_train.npz and bank_validation.npz (docs/training.md): all the data there is, under 64 MB
# OUT     pictures, checkpoints, logs, weights; a later piece goes on from what is there
# MINUTES of a piece, 9 if not said
# PYTHON=, PHOTOGRAPHS= (folder `lspet`; for the networks with photographs), SHARDS= (of 128 pictures), STEPS= (of each)
set -eu
cd "$(dirname "$0")/.."
BANKS=$1 OUT=$2
PYTHON=${PYTHON:-.venv/bin/python}
SHARDS=${SHARDS:-128}
ENDS=$(($(date +%s) + 60 * ${3:-9}))
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
mkdir -p "$OUT"

# One process renders one shard: what is there is not made again.
render() { # split, shards, seed, share of harsh light
    number=0
    while [ $number -lt "$2" ]; do
        [ -f "$OUT/pictures/$1/$(printf '%s_%05d' "$1" $number).npz" ] || echo $((128 * number))
        number=$((number + 1))
    done | xargs -r -P 14 -I FIRST "$PYTHON" scripts/make_people_pictures.py --bank "$BANKS/bank_$1.npz" --split "$1" \
        --size 384 384 --seed "$3" --harsh "$4" --first FIRST --count 128 --out "$OUT/pictures/$1" > "$OUT/render_$1.out"
}
render train "$SHARDS" 0 0.4
render validation 2 1 0
# Unpacked before several trainings would all do it at once.
find "$OUT/pictures" -name '*.npz' | xargs -P 14 -n 1 "$PYTHON" -c \
    'import sys; sys.path[:0] = [".", "scripts"]
from pathlib import Path
from papers_training.pictures import open_shard
open_shard(Path(sys.argv[1]))'

RUNNING="" WANTED=""
finished() { tail -n 1 "$OUT/$1/log.jsonl" 2> /dev/null | grep -q "\"step\": $2,"; }
train() { # folder, steps, network, batch, workers, further options
    folder=$1 steps=${STEPS:-$2} network=$3 batch=$4 workers=$5
    shift 5
    WANTED="$WANTED $folder=$steps"
    finished "$folder" "$steps" && return
    left=$(((ENDS - $(date +%s)) / 60))
    [ $left -ge 1 ] || return 0
    "$PYTHON" scripts/train_papers.py "$network" --pictures "$OUT/pictures/train" --held-out "$OUT/pictures/validation" \
        --steps "$steps" --batch "$batch" --workers "$workers" --threads 1 --check-every 500 --minutes $left \
        --out "$OUT/$folder" --export "$OUT/weights/$folder.safetensors" "$@" > "$OUT/$folder.out" 2>&1 &
    RUNNING="$RUNNING $!"
}
train detect_net 3000 detect_net 16 4
train root_net 3000 root_net 64 3
train pose_net 4000 pose_net 64 3
train cascade 4000 cascade 64 3
if [ -n "${PHOTOGRAPHS:-}" ]; then
    train pose_net_photos 4000 pose_net 64 3 --photographs "$PHOTOGRAPHS"
    train cascade_photos 4000 cascade 64 3 --photographs "$PHOTOGRAPHS"
fi
if finished detect_net "${STEPS:-3000}"; then
    train depth_net 2000 depth_net 16 6 --start "$OUT/weights/detect_net.safetensors"
else
    WANTED="$WANTED depth_net=${STEPS:-2000}" # its encoder is DetectNet's
fi
for process in $RUNNING; do
    wait "$process" || { echo "A training has failed; see $OUT/*.out." >&2; exit 1; }
done
tail -q -n 1 "$OUT"/*/log.jsonl
for one in $WANTED; do
    finished "${one%=*}" "${one#*=}" || { echo "Not done yet: once more."; exit 0; }
done
echo "All is done: $OUT/weights."
