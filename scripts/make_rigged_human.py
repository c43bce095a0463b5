#!/usr/bin/env python3
"""A dressed MakeHuman person on a rig that animators use, as a .blend: to try the retargeting on.

    .venv/bin/python scripts/make_rigged_human.py --data DATA --rig mixamo|rigify [--person anna] -o FILE.blend

DATA holds `humans` (MakeHuman's base mesh, morphs, rigs and skin maps, CC0). People are those of the rendered
benchmark (`scenes/cast.py`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project, when it is not installed
sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenes import rigged
from scenes.cast import CAST
from scenes.clothing import dress
from scenes.makehuman_rigs import read_rig
from scenes.mesh import load_base, shape_body
from scenes.render import new_scene

from animepose_blender.errors import AnimePoseError, ExitCode

RIGS = ("mixamo", "rigify")


def make(data: Path, rig: str, person: str, output: Path) -> None:
    """Build the person and save the file; it appears whole or not at all.

    Raises:
        AnimePoseError: if the data folder is not complete.
    """
    shape, outfit = CAST[person]
    dressed = dress(shape_body(load_base(data / "humans"), shape), outfit)
    scene = new_scene()
    if rig == "rigify":
        armature = rigged.add_rigify(dressed.body)
    else:
        armature = rigged.add_rig(scene, person, read_rig(dressed.body, rig))
    armature.name = f"{person} {rig}"
    armature.show_in_front = True
    rigged.bind(scene, f"{person} body", dressed, armature)
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f"part_{output.name}")
    bpy.ops.wm.save_as_mainfile(filepath=str(part.resolve()), copy=True)
    part.replace(output)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with `humans`")
    parser.add_argument("--rig", choices=RIGS, required=True)
    parser.add_argument("--person", choices=sorted(CAST), default="anna")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        make(options.data, options.rig, options.person, options.output)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
