"""The table of one folder that `make` filled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .compare import Compared, compare, of_person, read
from .make import MADE


def table_of(out: Path) -> list[str]:
    """Markdown lines: deviation, size and time of every engine and format."""
    made = json.loads((out / MADE).read_text())
    frames, rate, people = made["frames"], made["rate"], made["people"]
    truth = {}
    for person in people:
        with np.load(out / f"{person}.npz") as data:
            truth[person] = dict(zip(data["names"].tolist(), data["joints_m"], strict=True))
    bones = len(truth[people[0]])
    lines = [
        f"### {out.name}: {len(people)} people, {bones} bones, {frames} frames at {rate:.3f} a second, "
        f"Blender {made['blender']}",
        "",
        f"Reading the bones took {made['read_s']:.1f} s.",
        "",
        "| engine | format | joints off, mm | bones | root | scales off | files | MB | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in made["files"]:
        contents = {path: read(Path(path), range(frames), rate) for path in one["files"]}
        for path, content in contents.items():
            length = content.last_s - content.first_s
            if abs(content.rate / rate - 1) > 1e-5 or abs(length * rate - (frames - 1)) > 1e-3:
                raise SystemExit(f"{path} has {length * rate + 1:.3f} frames at {content.rate:.4f} a second")
        found: list[Compared] = [compare(of_person(contents, person), person, truth[person]) for person in people]
        size_mb = sum(Path(path).stat().st_size for path in one["files"]) / 1e6
        engine = "(any)" if one["format"] == "bvh" else one["engine"] or "(none)"
        lines.append(
            f"| {engine} | {one['format']} | {max(f.furthest_mm for f in found):.4f} "
            f"| {found[0].bones} | {'/'.join(sorted({root for f in found for root in f.roots}))} "
            f"| {max(f.scale_off for f in found):.0e} | {len(one['files'])} | {size_mb:.2f} | {one['seconds']:.1f} |"
        )
    return [*lines, ""]
