"""Learning curves from the logs of the trainer, as a picture and a short table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot: there may be no screen

import numpy as np
from matplotlib import pyplot as plt

from .sources import Missing, Sources, needed
from .tables import number, table

LOG = "log.jsonl"
NAMES = {
    "pck05": "PCK@0.5, rendered, %", "photo_pck05": "PCK@0.5, photographs, %", "pck02": "PCK@0.2, rendered, %",
    "photo_pck02": "PCK@0.2, photographs, %", "mpjpe_mm": "MPJPE, mm", "depth_mm": "error of relative depth, mm",
    "order": "right order in depth, %", "z_mm": "error of the distance, mm", "k_mm": "the same by k alone, mm",
    "ap50": "AP50, %", "recall": "recall, %", "mask_iou": "overlap of masks, %", "delta1": "δ1, %",
    "delta1_people": "δ1 of people, %",
}  # fmt: skip
"""What the trainer's figures are called here; others are not shown."""
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the training, for the table."""


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`: of each log, samples and values by name of the figure."""
    folder = needed(sources.logs, "logs")
    figures = {path.parent.name: curve_of(path) for path in sorted(folder.glob(f"*/{LOG}"))}
    figures = {name: one for name, one in figures.items() if one["samples"]}
    if not figures:
        raise Missing(f"There are no logs in {folder}.", "Train something: scripts/train_papers.py.")
    return figures


def curve_of(path: Path) -> dict[str, Any]:
    """Samples, and values by name; where a run went on from a checkpoint, the later row of a step counts."""
    rows: dict[int, dict[str, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[int(row["step"])] = row
    some = [rows[step] for step in sorted(rows)]
    values = {name: [row.get(name) for row in some] for name in NAMES if any(name in row for row in some)}
    return {"samples": [row["samples"] for row in some], "values": values}


def draw(figures: dict[str, Any], path: Path) -> None:
    """A picture with one field for each network."""
    columns = min(3, len(figures))
    rows = -(-len(figures) // columns)
    canvas, fields = plt.subplots(rows, columns, figsize=(4.2 * columns, 3.1 * rows), squeeze=False)
    for field, (name, one) in zip(fields.flat, figures.items(), strict=False):
        beside, used = None, False
        for colour, (key, values) in enumerate(one["values"].items()):
            percent = NAMES[key].endswith("%")
            if not percent and beside is None:
                beside = field.twinx()
            axes = field if percent or beside is None else beside
            used |= percent
            known = [(x, y) for x, y in zip(one["samples"], values, strict=True) if y is not None]
            style = "-" if percent else "--"
            axes.plot(*np.array(known).T, style, color=f"C{colour}", label=NAMES[key], linewidth=1.4, marker=".")
        field.set_title(name, fontsize=10)
        field.set_xlabel("samples", fontsize=8)
        field.set_ylim(0, 100)
        field.set_xlim(left=0)
        field.yaxis.set_visible(used)
        handles = [h for axes in (field, beside) if axes is not None for h in axes.get_lines()]
        for axes in (field, beside):
            if axes is not None:
                axes.tick_params(labelsize=7)
        if beside is not None:
            beside.set_ylim(bottom=0)
        field.legend(handles, [str(h.get_label()) for h in handles], fontsize=6, loc="center right")
        field.grid(alpha=0.3)
    for field in list(fields.flat)[len(figures) :]:
        field.set_visible(False)
    canvas.tight_layout()
    canvas.savefig(path, dpi=100)
    plt.close(canvas)


def lines(figures: dict[str, Any], picture: str) -> list[str]:
    """Markdown."""
    rows = []
    for name, one in figures.items():
        samples = np.array(one["samples"])
        places = [int(np.abs(samples - share * samples[-1]).argmin()) for share in SHARES]
        for key, values in one["values"].items():
            cells = [number(values[at], 1) for at in places]
            rows.append([f"`{name}`", NAMES[key], *cells, number(samples[-1])])
    head = ["training", "figure", *(f"after {share:g} of it" for share in SHARES), "samples"]
    return [
        "## Learning curves",
        "",
        "On pictures of the split `validation`, as the trainer checked them on the way. The rate falls to nothing at "
        "the end of a training, so an early point is worse than a short training's end would be.",
        "",
        f"![Learning curves]({picture})",
        "",
        *table(head, rows),
    ]
