#!/usr/bin/env python3
"""The preset `quality` with real weights on this machine, beside `offline`: every clip with a truth, the same figures.

    animepose models fetch quality
    .venv/bin/python scripts/check_quality.py [--set demo|dev|test] [--device cuda] [--json FILE]

For whoever has the weights and, if possible, a GPU; the machines that this project was made on had neither. Each clip
is run twice as a user would, without a word about it, and measured as `animepose evaluate` does (docs/metrics.md).
Prints what it ran on, the networks with the hashes of their weights, the figures of both presets beside each other,
frames a second, and where the time went. `demo` is `scripts/demo_clip`, `dev` and `test` are those of
`scripts/benchmark` (see docs/benchmark_clips.md); `test` is for measuring, not for choosing networks or settings.

Any part may be another network or `mediapipe` or `none`, as in `animepose estimate`; `--models` is another store.
Ends with 0; 1 if a run failed; 3 if weights or clips are missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from animepose_blender import __version__
from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.estimate.evaluate import evaluate_files
from animepose_blender.estimate.run import run
from animepose_blender.presets import Parts
from animepose_blender.protocol import DEVICES, JobRequest
from animepose_blender.store.folder import choose_store_folder, store_folder
from animepose_blender.store.installed import Presence, look_up
from animepose_blender.take import Take

SCRIPTS = Path(__file__).resolve().parent
SETS = {"demo": SCRIPTS / "demo_clip", "dev": SCRIPTS / "benchmark" / "dev", "test": SCRIPTS / "benchmark" / "test"}
BESIDE, CHECKED = "offline", "quality"
FIGURES = (
    "mpjpe_mm", "mpjpe_body_mm", "pa_mpjpe_mm", "pck150_rel", "pck150_abs", "mrpe_mm", "coverage", "idf1", "hota",
    "id_switches", "jitter_10m_s3", "foot_slide_mm", "penetration_mm", "floor_tilt_deg", "focal_error_percent",
)  # fmt: skip
SUMS = ("id_switches",)
SPEED = "frames_per_s"
PACKAGES = ("torch", "transformers", "safetensors", "mediapipe", "numpy", "av")


class Tells:
    """A reporter that shows the stage on one line and keeps the warnings."""

    def __init__(self, title: str) -> None:
        self.title, self.stage = title, ""
        self.warnings: list[str] = []

    def progress(self, stage: str, stage_fraction: float) -> None:
        if stage != self.stage and sys.stderr.isatty():
            print(f"\r{self.title}: {stage:<20}", end="", file=sys.stderr, flush=True)
        self.stage = stage

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None: ...


@dataclass
class Measured:
    """One clip, run with both presets."""

    name: str
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Preset → figures of `evaluate`, and `SPEED`."""
    profile: dict[str, Any] = field(default_factory=dict)
    """Of the checked preset: `StageTimes.profile`."""
    failed: list[str] = field(default_factory=list)


def clips_of(name: str, only: Sequence[str], folder: Path) -> list[tuple[Path, Path]]:
    """Clips of a set that have a truth: (clip, truth)."""
    pairs = [(path, path.with_name(f"{path.stem}_truth.npz")) for path in sorted(folder.glob("*.mp4"))]
    pairs = [pair for pair in pairs if pair[1].is_file() and (not only or pair[0].stem in only)]
    if not pairs and not only:
        raise AnimePoseError(f"The set {name} has no clips in {folder}.", "Get a whole checkout.", ExitCode.BAD_INPUT)
    return pairs


def require_networks(parts: Parts) -> list[str]:
    """A line about each network that the parts need.

    Raises:
        AnimePoseError: if any is not here, naming all of them.
    """
    lines, missing = [], []
    for id_ in parts.networks():
        found = look_up(id_)
        if found.presence not in (Presence.HERE, Presence.SHIPPED) or not found.record or not found.path:
            missing.append(f"{id_} ({found.presence.value})")
            continue
        record, files = found.record, [found.path] if found.path.is_file() else sorted(found.path.glob("*.safetensors"))
        use = "commercial use allowed" if record.commercial else "not for commercial use"
        lines.append(f"{id_}: {record.source}, {record.licence}, {use}")
        lines += [f"    {file.name} sha256 {sha256_of(file)}" for file in files]
    if missing:
        raise AnimePoseError(
            f"Not ready in the store {store_folder()}: {', '.join(missing)}.",
            f"Fetch them with `animepose models fetch {CHECKED}`, or import them (docs/models.md).",
            ExitCode.BAD_INPUT,
        )
    return lines


def sha256_of(path: Path) -> str:
    """Hex digits of a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def surroundings(device: str) -> list[str]:
    """What this runs on, and with which versions."""
    lines = [f"{platform.platform()}, Python {platform.python_version()}, AnimePose {__version__}"]
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    lines.append(", ".join(versions))
    try:
        from animepose_blender.estimate.hub.device import choose_device

        lines.append(f"device: {choose_device(device).name}")
    except ImportError:
        lines.append("device: CPU (no torch)")
    return lines


def measure(clip: Path, truth: Path, jobs: Mapping[str, Mapping[str, Any]], folder: Path) -> Measured:
    """Run and measure one clip with each preset; a run that fails is told and left out."""
    measured = Measured(clip.stem)
    for preset, settings in jobs.items():
        job = JobRequest(clip=str(clip), take=str(folder / f"{clip.stem}_{preset}.npz"), preset=preset, **settings)
        tells = Tells(f"{clip.stem}, {preset}")
        started = time.perf_counter()
        try:
            result = run(job, tells)
            seconds = time.perf_counter() - started
            figures = evaluate_files(job.take, truth)
        except AnimePoseError as error:
            measured.failed.append(f"{clip.stem}, {preset}: {error.message} {error.remedy}")
            continue
        measured.figures[preset] = figures | {SPEED: result.frames / seconds}
        if preset == CHECKED:
            measured.profile = dict(Take.load(job.take).source.get("profile", {}))
        for warning in tells.warnings:
            print(f"{clip.stem}, {preset}: {warning}", file=sys.stderr)
    return measured


def side_by_side(name: str, clips: Sequence[Measured]) -> list[str]:
    """A Markdown table: a row for each figure, a column for each preset and the truth itself; means over those clips
    that every preset could measure."""
    presets = [preset for preset in (BESIDE, CHECKED) if any(preset in clip.figures for clip in clips)]
    whole = [clip for clip in clips if presets and all(preset in clip.figures for preset in presets)]
    if not whole:
        return []
    title = f"{name}, {whole[0].name}" if len(clips) == 1 else f"{name}, mean of {len(whole)} of {len(clips)} clips"
    lines = [f"| {title} | {' | '.join(presets)} | the truth itself |", "|---" * (len(presets) + 2) + "|"]
    for figure in (*FIGURES, SPEED):
        row = [_mean(figure, [clip.figures[preset].get(figure) for clip in whole]) for preset in presets]
        row.append(_mean(figure, [clip.figures[presets[0]].get(f"{figure}_truth") for clip in whole]))
        lines.append(f"| `{figure}` | {' | '.join(row)} |")
    return lines


def _mean(figure: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    value = float(np.sum(known) if figure in SUMS else np.mean(known))
    return f"{value:.0f}" if figure in SUMS or abs(value) >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def profile_of(clips: Sequence[Measured]) -> dict[str, Any]:
    """One profile of all runs: times, calls and counts added up, the highest peaks of memory."""
    total: dict[str, Any] = {}
    for profile in (clip.profile for clip in clips if clip.profile):
        for key, value in profile.items():
            if isinstance(value, dict):
                sums = total.setdefault(key, {})
                for stage, one in value.items():
                    sums[stage] = one if isinstance(one, str) else sums.get(stage, 0) + one
            elif key == "elapsed_s":
                total[key] = total.get(key, 0.0) + value
            elif isinstance(value, (int, float)):
                total[key] = max(total.get(key, 0), value)
            else:
                total[key] = value
    return total


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, action="append", help="default: demo and dev")
    parser.add_argument("--clip", action="append", default=[], help="only clips of this name")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    for part in fields(Parts):
        parser.add_argument(f"--{part.name}", default="", help="instead of the preset's")
    parser.add_argument("--models", type=Path, help="another folder of the weight store")
    parser.add_argument("--commercial-only", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the preset offline beside it")
    parser.add_argument("--json", type=Path, help="write all figures and profiles here too")
    arguments = parser.parse_args()
    if arguments.models:
        choose_store_folder(arguments.models)
    settings = {part.name: getattr(arguments, part.name) for part in fields(Parts)}
    settings |= {"device": arguments.device, "commercial_only": arguments.commercial_only}
    try:
        parts = JobRequest(clip="clip", take="take", preset=CHECKED, **settings).parts
        networks = require_networks(parts)
        about = surroundings(arguments.device)
        sets = {name: clips_of(name, arguments.clip, SETS[name]) for name in arguments.set or ("demo", "dev")}
    except AnimePoseError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return int(error.exit_code)
    print("\n".join([*about, "", *networks]), flush=True)
    jobs: dict[str, dict[str, Any]] = {} if arguments.alone else {BESIDE: {}}
    jobs[CHECKED] = settings
    results: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, pairs in sets.items():
            results[name] = []
            for clip, truth in pairs:
                results[name].append(measure(clip, truth, jobs, Path(folder)))
                print("\n".join(["", *side_by_side(name, results[name][-1:])]), flush=True)
    everything = [clip for clips in results.values() for clip in clips]
    for name, clips in results.items():
        if len(clips) > 1:
            print("\n".join(["", *side_by_side(name, clips)]))
    if profile := profile_of(everything):
        from animepose_blender.estimate.hub.stage_times import table

        print(f"\nWhere the time of the preset {CHECKED} went, all clips; the first has warming up in it:")
        print(table(profile))
    failed = [line for clip in everything for line in clip.failed]
    print("\n".join(["", "Failed:", *failed]) if failed else "", file=sys.stderr)
    if arguments.json:
        data = {name: {clip.name: vars(clip) for clip in clips} for name, clips in results.items()}
        arguments.json.write_text(json.dumps({"about": about, "networks": networks, "results": data}, indent=1))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
