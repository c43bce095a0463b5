"""What comes with weights that ship: a record beside them, their entry in the list of networks, figures on their card.

The weights and their card `NAME.md` lie in one folder, `models/weights` of the repository. Cards are written by hand;
only what stands between `<!-- figures -->` and `<!-- /figures -->`, and likewise `sha256`, is replaced.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from safetensors import safe_open

from animepose_blender.errors import AnimePoseError
from animepose_blender.store.record import ModelFile, ModelRecord, record_text

LICENCE = "GPL-3.0-or-later"
IMAGENET = "its backbone began with weights trained on ImageNet, whose pictures are for non-commercial use"
PHOTOGRAPHS = "trained with photographs of Leeds Sports Pose Extended, which nobody has cleared"
SKELETON = "animepose_28"


def _record(id_: str, title: str, role: str, architecture: str, photographs: bool = False) -> ModelRecord:
    return ModelRecord(
        id_, title, role, architecture, (), LICENCE, not photographs, "AnimePose",
        skeleton=SKELETON if role == "pose" else "", caution=PHOTOGRAPHS if photographs else IMAGENET,
    )  # fmt: skip


RECORDS: Mapping[str, ModelRecord] = {
    "detect_net": _record("detect-net", "DetectNet", "detector", "detect_net"),
    "depth_net": _record("depth-net", "DepthNet", "depth", "depth_net"),
    "root_net": _record("root-net", "RootNet", "root", "root_net"),
    "pose_net": _record("pose-net", "PoseNet", "pose", "pose_net"),
    "cascade": _record("cascade", "Cascade", "pose", "cascade"),
    "pose_net_photos": _record("pose-net-photos", "PoseNet, with photographs", "pose", "pose_net", True),
    "cascade_photos": _record("cascade-photos", "Cascade, with photographs", "pose", "cascade", True),
}
"""By the weights' name, without files."""
WORDS: Mapping[str, str] = {
    "steps": "steps of training", "samples": "pictures or crops seen", "parameters": "parameters, millions",
    "ap50": "AP at an overlap of 0.5, rendered, %", "mask_iou": "overlap of masks, rendered, %",
    "recall": "recall at a score of 0.4, rendered, %", "false": "false people a picture at that score",
    "delta1": "δ1, rendered, %", "delta1_people": "δ1 of people's pixels, rendered, %",
    "relative_people": "relative error of people's pixels, rendered, %",
    "order": "pairs in the right order of depth, rendered, %",
    "z_mm": "error of the distance, rendered, mm", "k_mm": "the same of k alone, mm",
    "z_share": "error of the distance, share of it", "k_share": "the same of k alone",
    "root_px": "error of the root in the crop, pixels",
    "pck05": "PCK at half the torso, rendered, %", "pck02": "PCK at a fifth of the torso, rendered, %",
    "photo_pck05": "PCK at half the torso, photographs 3301-3500, %",
    "photo_pck02": "PCK at a fifth of the torso, photographs 3301-3500, %",
    "depth_mm": "error of depths beyond the pelvis, rendered, mm", "mpjpe_mm": "MPJPE, rendered, mm",
}  # fmt: skip
"""What the figures of a training's log are called on cards, in their order; others are left out."""


def ship(name: str, folder: Path, catalogue: Path, log: Path | None = None) -> ModelRecord:
    """Write the record beside weights, their entry in the list of networks, and the figures on their card.

    Args:
        name: of the weights, a key of `RECORDS`.
        folder: with `NAME.safetensors` and `NAME.md`.
        catalogue: `models.toml`, whose entry of that network is replaced or added.
        log: `log.jsonl` of the training, whose last row goes onto the card; without it the card's table stays as it is.
    Raises:
        AnimePoseError: if weights, card or log are not there or are others.
    """
    weights, card = folder / f"{name}.safetensors", folder / f"{name}.md"
    if not weights.is_file() or not card.is_file():
        raise AnimePoseError(f"{weights} and {card.name} are not both there.", "Export the weights; write their card.")
    parameters = _parameters(weights, RECORDS[name].architecture)
    data = weights.read_bytes()
    file = ModelFile(weights.name, len(data), hashlib.sha256(data).hexdigest())
    record = replace(RECORDS[name], files=(file,))
    text = card.read_text(encoding="utf-8")
    if log is not None:
        text = between(text, "figures", figures_table(_last_row(log) | {"parameters": round(parameters / 1e6, 2)}))
    text = between(text, "sha256", f"- `{file.path}` {file.sha256}")
    _write(card, text)
    _write(weights.with_suffix(".json"), record_text(record))
    _write(catalogue, with_entry(catalogue.read_text(encoding="utf-8"), record, f"{folder.name}/{name}"))
    return record


def figures_table(figures: Mapping[str, float]) -> str:
    """A table of figures of a log, called as on cards."""
    known = {"steps" if key == "step" else key: value for key, value in figures.items()}
    rows = [f"| {words} | {_rounded(known[key])} |" for key, words in WORDS.items() if key in known]
    return "\n".join(["| | |", "|---|---|", *rows])


def between(text: str, mark: str, new: str) -> str:
    """A card with other text between a pair of marks.

    Raises:
        AnimePoseError: if they are not there, once each.
    """
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise AnimePoseError(f"The card has no place for {mark}.", f"Write <!-- {mark} --> and <!-- /{mark} -->.")
    return pattern.sub(lambda found: found[1] + new + found[2], text)


def with_entry(text: str, record: ModelRecord, stem: str) -> str:
    """The list of networks with the entry of a network that ships, where it was or at the end.

    Args:
        stem: path of weights and card without their endings, from the list's folder.
    """
    file = record.files[0]
    values = {
        "id": record.id, "title": record.title, "role": record.role, "architecture": record.architecture,
        "shipped": f"{stem}.safetensors", "licence": record.licence, "commercial": record.commercial,
        "caution": record.caution, "skeleton": record.skeleton, "card": f"{stem}.md",
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value != ""]
    if record.options:
        options = ", ".join(f"{key} = {json.dumps(value)}" for key, value in record.options.items())
        lines.append(f"options = {{ {options} }}")
    hashed = f'{{ path = "{file.path}", size = {file.size}, sha256 = "{file.sha256}" }}'
    entry = "\n".join(["[[model]]", *lines, "files = [", f"    {hashed},", "]"]) + "\n"
    there = re.compile(rf'\[\[model\]\]\nid = "{re.escape(record.id)}"\n(?:.+\n)*')
    if there.search(text):
        return there.sub(lambda _: entry, text)
    return text.rstrip("\n") + "\n\n" + entry


def _rounded(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _parameters(weights: Path, network: str) -> int:
    """Numbers that were learnt, without the running means and deviations."""
    with safe_open(weights, framework="np") as file:
        named = (file.metadata() or {}).get("network", "")
        shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}
    if named != network:
        raise AnimePoseError(f"{weights} holds {named or 'no network'}, not a {network}.", "Export it there again.")
    return sum(math.prod(shape) for key, shape in shapes.items() if "running_" not in key)


def _last_row(log: Path) -> dict[str, float]:
    try:
        return dict(json.loads(log.read_text(encoding="utf-8").splitlines()[-1]))
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise AnimePoseError(f"{log} is no log of a training: {error}.", "Name its log.jsonl.") from error


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
