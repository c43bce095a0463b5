#!/usr/bin/env python3
"""Render training pictures of people with exact joints, boxes, masks and depth.

    .venv/bin/python scripts/make_people_pictures.py --data ../shared/data --out out/pictures --count 256 --sheet s.png

The bodies and poses are kept in --bank when it is named; with it, neither the data nor Blender is needed again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from people_pictures.bank import load_bank, make_bank, save_bank
from people_pictures.drawing import Renderer
from people_pictures.pictures import make_picture, save_shard, save_sheet

from animepose_blender.errors import AnimePoseError

SHARD = 128


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with humans and mocap")
    parser.add_argument("--bank", type=Path, help="file of bodies and poses; made from --data if it is not there")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="train")
    parser.add_argument("--figures", type=int, default=24)
    parser.add_argument("--poses", type=int, default=150, help="of each figure")
    parser.add_argument(
        "--mixed",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the poses whose limbs come from several recorded ones, and are bent further",
    )
    parser.add_argument(
        "--harsh",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the pictures in which one light is nearly all that there is",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--first", type=int, default=0, help=f"number of the first picture, a multiple of {SHARD}: so "
                        "that several processes, or a later run, go on with others")  # fmt: skip
    parser.add_argument("--size", type=int, nargs=2, default=(512, 512), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--samples", type=int, default=3, help="across a pixel; odd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    if options.first % SHARD:
        parser.error(f"--first must be a multiple of {SHARD}")
    try:
        if options.bank and options.bank.is_file():
            bank = load_bank(options.bank)
        elif options.data:
            counts = options.figures, options.poses, options.seed
            bank = make_bank(options.data, options.split, *counts, options.mixed)
            if options.bank:
                save_bank(bank, options.bank)
        else:
            raise AnimePoseError("There are no bodies.", "Name the data with --data, or a bank with --bank.")
        renderer = Renderer(bank, options.size[0], options.size[1], options.samples)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    people, drawing_s, shown, end = 0, 0.0, [], options.first + options.count
    for start in range(options.first, end, SHARD):
        began = time.perf_counter()
        numbers = range(start, min(start + SHARD, end))
        pictures = [make_picture(bank, renderer, options.seed, number, options.harsh) for number in numbers]
        drawing_s += time.perf_counter() - began
        people += sum(len(p.box_px) for p in pictures)
        shown += pictures[: 16 - len(shown)]
        save_shard(pictures, options.out / f"{options.split}_{start // SHARD:05d}.npz")
    if options.sheet:
        save_sheet(shown, options.sheet)
    rate, figures = options.count / drawing_s, people / drawing_s
    made = f"{options.count} pictures, {people} people on {renderer.device}"
    print(f"{made}: {rate:.1f} pictures/s, {figures:.1f} figures/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
