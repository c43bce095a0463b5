#!/usr/bin/env python3
"""How far exported joints are from those in Blender: every engine and format, read by readers that are not Blender's.

    .venv/bin/python scripts/bench_exports.py make TAKE OUT [--rig FILE.blend] [--frames N]
    .venv/bin/python scripts/bench_exports.py read OUT... [--write docs/exports.md]

The first half runs in an installed Blender as well: `blender -b -P scripts/bench_exports.py -- make TAKE OUT`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent)]


def main() -> None:
    """Make or read."""
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    making = parts.add_parser("make")
    making.add_argument("take", type=Path)
    making.add_argument("out", type=Path)
    making.add_argument("--rig", default="")
    making.add_argument("--frames", type=int, default=100_000)
    making.add_argument("--formats", default="fbx,glb,bvh,usd")
    reading = parts.add_parser("read")
    reading.add_argument("out", type=Path, nargs="+")
    reading.add_argument("--write", type=Path)
    arguments = parser.parse_args(given)
    if arguments.part == "make":
        from exports_bench.make import make

        make(arguments.take, arguments.rig, arguments.out, arguments.frames, arguments.formats.split(","))
        return
    from exports_bench.report import table_of

    lines = [line for out in arguments.out for line in table_of(out)]
    print("\n".join(lines))
    if arguments.write is not None:
        from scene_bench.marks import put_between

        put_between(arguments.write, "exports", lines)


if __name__ == "__main__":
    main()
