#!/usr/bin/env python3
"""Measure the papers' own networks and the preset made of them; writes docs/papers_tables.md and its pictures.

    .venv/bin/python scripts/evaluate_papers.py --pictures out/pictures/test --photographs DATA/lspet --clips CLIPS \\
        --logs out/training --ablations out/ablations

What a table needs and is not named is left out, and its last figures stay (docs/papers_tables.json keeps them).
Rendered pictures may be made on the way from the data: --data DATA instead of --pictures.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Many small products: more threads than one only wait for each other. To be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from papers_evaluation.page import SECTIONS, remake, render_pictures
from papers_evaluation.sources import Missing, Sources

from animepose_blender.errors import AnimePoseError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=ROOT / "models" / "weights", help="folder of safetensors")
    parser.add_argument("--pictures", type=Path, help="folder of rendered shards of the split test")
    parser.add_argument("--data", type=Path, help="folder with humans and mocap, to render them from")
    parser.add_argument("--photographs", type=Path, help="folder `lspet` of the data")
    parser.add_argument("--clips", type=Path, help="folder of the real clips")
    parser.add_argument("--ablations", type=Path, help="folder of weights, a file for each row")
    parser.add_argument("--logs", type=Path, help="folder of trainings, each with its log.jsonl")
    parser.add_argument("--sets", nargs="*", default=["test"], help="clips that the whole preset runs on; may be none")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="tables to make; default: all")
    parser.add_argument("--most", type=int, default=500, help="pictures, people and photographs that are looked at")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "papers", help="pictures and takes on the way")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page goes")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        pictures = options.pictures
        if pictures is None and options.data:
            pictures = render_pictures(options.data, options.work / "test")
        sources = Sources(
            options.weights, pictures, options.photographs, options.clips, options.ablations, options.logs, options.most
        )
        for name in options.only or SECTIONS:
            try:
                remake(name, sources, tuple(options.sets), options.docs, options.work)
            except Missing as missing:
                print(f"{name}: left out. {missing.message} {missing.remedy}", file=sys.stderr)
    except AnimePoseError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
