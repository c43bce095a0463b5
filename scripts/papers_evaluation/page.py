"""The page of tables, made of kept figures: a section that is not measured again stays as it was."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from animepose_blender.errors import AnimePoseError

from . import ablations, aims, curves, depth, detect, pose, preset, root, speed
from .sources import Sources

SECTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "detect": detect.lines,
    "pose": pose.lines,
    "root": root.lines,
    "depth": depth.lines,
    "ablations": ablations.lines,
    "curves": lambda figures: curves.lines(figures, f"pictures/{CURVES}"),
    "speed": speed.lines,
    "preset": lambda figures: preset.lines(figures, {name: f"pictures/{picture_of(name)}" for name in preset.CLIPS}),
}
"""What is measured, in the order of the page, and how it is written down."""
PAGE, FIGURES, CURVES = "papers_tables.md", "papers_tables.json", "papers_curves.png"
INTRODUCTION = [
    "# The papers' own networks: tables",
    "",
    "Written by `scripts/evaluate_papers.py`; docs/animepose_preset.md says what they mean. Rendered pictures are of "
    "the split `test`: other bodies and recordings than those of the training.",
    "",
]
RENDERED, SIZE_PX, FIGURES_DRAWN, SEED = 768, 384, 12, 2
"""As docs/training.md has it."""


def picture_of(clip: str) -> str:
    """File of the picture of a real clip."""
    return f"papers_{clip}.jpg"


def remake(name: str, sources: Sources, sets: tuple[str, ...], docs: Path, work: Path) -> None:
    """Measure a section and write the page again.

    Raises:
        Missing: if what it needs is not there; the page stays.
    """
    began = time.perf_counter()
    pictures = docs / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    if name == "preset":
        figures = preset.measure(sources, sets, work / "takes")
        for clip in figures["clips"]:
            assert sources.clips is not None
            preset.draw(sources.clips / f"{clip}.mp4", work / "takes", pictures / picture_of(clip))
    else:
        modules = {"detect": detect, "pose": pose, "root": root, "depth": depth, "ablations": ablations}
        figures = {**modules, "curves": curves, "speed": speed}[name].measure(sources)
        if name == "curves":
            curves.draw(figures, pictures / CURVES)
    known = kept(docs)
    known[name] = plain(figures)
    _write(docs / FIGURES, json.dumps({key: known[key] for key in SECTIONS if key in known}, indent=1) + "\n")
    _write(docs / PAGE, page(known))
    print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)


def kept(docs: Path) -> dict[str, Any]:
    """Figures of earlier runs, by section."""
    path = docs / FIGURES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def page(known: dict[str, Any]) -> str:
    """The whole page."""
    out = [*INTRODUCTION, *aims.lines(known)]
    for name, lines in SECTIONS.items():
        if name in known:
            out += lines(known[name])
    return "\n".join(out).rstrip() + "\n"


def plain(value: Any) -> Any:
    """Figures as JSON has them: four digits after the point, None for what is no number."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    return round(float(value), 4) if math.isfinite(value) else None


def render_pictures(data: Path, folder: Path) -> Path:
    """Rendered pictures of the split `test`; made if they are not there.

    Raises:
        AnimePoseError: if they cannot be made.
    """
    if any(folder.glob("*.npz")):
        return folder
    script = Path(__file__).resolve().parent.parent / "make_people_pictures.py"
    arguments = ["--data", data, "--split", "test", "--count", RENDERED, "--size", SIZE_PX, SIZE_PX]
    arguments += ["--figures", FIGURES_DRAWN, "--seed", SEED]
    done = subprocess.run([sys.executable, script, *map(str, arguments), "--out", str(folder)], check=False)
    if done.returncode:
        raise AnimePoseError("The pictures could not be rendered.", "See above; --pictures names a folder with some.")
    return folder


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
