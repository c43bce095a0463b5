"""What an order comes to: which take each clip gets, which results, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest
from .inputs import TAKE_SUFFIX, stem_of
from .naming import USUAL, USUAL_WITH_RIG, distinct, fill_in
from .order import Casting, Clip, Order, Rig


@dataclass(frozen=True)
class PlannedResult:
    """One result of a clip."""

    casting: Casting
    target: Path
    """Without a suffix."""

    def files(self, formats: tuple[str, ...]) -> list[Path]:
        """The files it will have; BVH, of which each person gets one, stands for one."""
        return [Path(f"{self.target}.{one}") for one in formats]


@dataclass(frozen=True)
class PlannedClip:
    """One clip or take and all that is made of it."""

    clip: Clip
    number: int
    """From 1 on."""
    name: str
    """For messages and progress."""
    take: Path
    """The take: the input itself, or where the estimate is written."""
    job: JobRequest | None
    """None for a take."""
    results: tuple[PlannedResult, ...]
    preview: Path | None


def plan(order: Order) -> list[PlannedClip]:
    """Everything that is to be made, in the order of the clips.

    Raises:
        AnimePoseError: if there is nothing to do, a setting cannot be used, or a result would overwrite an input.
    """
    if not order.clips:
        raise AnimePoseError("No clip is given.", "Name clips, takes or folders.", ExitCode.USAGE)
    for name, rig in order.rigs.items():
        if not blend_of(rig).is_file():
            raise AnimePoseError(
                f"There is no rig {name} at {rig.file}.", "Name a .blend, or FILE.blend:OBJECT.", ExitCode.USAGE
            )
        _refuse_map(rig)
    names = _clip_names(order)
    targets = _targets(order, names)
    planned, at = [], 0
    for number, (clip, name) in enumerate(zip(order.clips, names, strict=True), 1):
        castings = order.castings_of(clip)
        results = tuple(
            PlannedResult(casting, order.output / target)
            for casting, target in zip(castings, targets[at : at + len(castings)], strict=True)
        )
        at += len(castings)
        take = Path(clip.input) if clip.is_take else order.output / f"{name}{TAKE_SUFFIX}"
        job = None if clip.is_take else JobRequest(clip.input, str(take), **order.estimate_of(clip))
        preview = order.output / f"{name}_preview.mp4" if order.preview else None
        planned.append(PlannedClip(clip, number, name, take, job, results, preview))
    _refuse_overwriting(order, planned)
    return planned


def _refuse_map(rig: Rig) -> None:
    if rig.map and not Path(rig.map).is_file():
        from ..rigs import FAMILIES  # which needs numpy; a plan without maps does not

        if rig.map not in FAMILIES:
            raise AnimePoseError(
                f"{rig.map} is neither a saved map nor one of {', '.join(FAMILIES)}.",
                "Name one of these, or a .json.", ExitCode.USAGE,
            )  # fmt: skip


def blend_of(rig: Rig) -> Path:
    """The file of a rig, without its object."""
    end = rig.file.lower().rfind(".blend:")
    return Path(rig.file if end < 0 else rig.file[: end + len(".blend")])


def _clean_stem(clip: Clip) -> str:
    return fill_in("{clip}", {"clip": clip.name or stem_of(clip.input)})


def _clip_names(order: Order) -> list[str]:
    """A name for each clip; none with which its take would overwrite a take that is an input."""
    there = os.path.realpath(order.output)
    takes = [clip.input for clip in order.clips if clip.is_take]
    kept = {stem_of(path).lower() for path in takes if os.path.dirname(os.path.realpath(path)) == there}
    made: list[str] = []
    for clip in order.clips:
        made += distinct([_clean_stem(clip)], [*made, *(() if clip.is_take else kept)])
    return made


def _targets(order: Order, names: list[str]) -> list[str]:
    """Of every result of every clip its path in the folder of the results."""
    made = []
    for number, (clip, name) in enumerate(zip(order.clips, names, strict=True), 1):
        castings = order.castings_of(clip)
        template = order.names or (USUAL if len(castings) == 1 else USUAL_WITH_RIG)
        settings = order.estimate_of(clip)
        for casting in castings:
            values: Mapping[str, object] = {
                "clip": name, "rig": casting.name, "number": number, "engine": order.engine or "blender",
                "start": round(1000 * (settings.get("start_s") or 0.0)), "preset": settings.get("preset", "offline"),
            }  # fmt: skip
            made.append(fill_in(template, values))
    return distinct(made)


def _refuse_overwriting(order: Order, planned: list[PlannedClip]) -> None:
    inputs = {os.path.realpath(clip.input).lower() for clip in order.clips}
    inputs |= {os.path.realpath(blend_of(rig)).lower() for rig in order.rigs.values()}
    for one in planned:
        written = [path for result in one.results for path in result.files(order.formats)]
        written += [one.take] if one.job is not None else []
        written += [one.preview] if one.preview is not None else []
        for path in written:
            if os.path.realpath(path).lower() in inputs:
                raise AnimePoseError(
                    f"The result {path} would overwrite an input.", "Choose another folder or other names.",
                    ExitCode.USAGE,
                )  # fmt: skip
