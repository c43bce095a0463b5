#!/usr/bin/env python3
"""How good the motion is: ours beside raw MediaPipe, bare and filtered, against exact truth and against four views.

    .venv/bin/python scripts/bench_motion.py [--dev] [--clips CLIPS/pose2sim_single] [--write docs/benchmarks.md]

Every method has the same person-frames of the same run, and our camera and floor. Clips are run as a user would,
without a word about them. `--write` puts the tables between the marks in the file, and the pictures into the folder
`pictures` beside it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from motion_bench import parts, plots, tune
from motion_bench.aims import aims_table
from motion_bench.figures import ACCURACY, CONTACTS, REPROJECTION, ROUND_TRIP, averaged, plain_table, table
from motion_bench.measure import GAPS, METHODS, UNSMOOTHED, WITH_GAPS, Folders, Measured, load_case, measure
from motion_bench.methods import BEFORE, OURS, RAW
from motion_bench.speed import Length, measure_speed
from motion_bench.views import REFERENCE, measure_views
from scene_bench.marks import put_between

SCRIPTS = Path(__file__).resolve().parent
BENCHMARK, DEMO = SCRIPTS / "benchmark", SCRIPTS / "demo_clip" / "salsa.mp4"
WALKER = "crossing_hand"
"""The test clip whose walker's feet are shown."""
BY_PLACE = {"mpjpe_mm": "mpjpe mm", "mpjpe_body_mm": "limbs mm", "pa_mpjpe_mm": "pa mm", "mrpe_mm": "root mm"}


def of_set(name: str, clips: dict[str, Measured]) -> list[str]:
    """The tables of one set of clips."""
    figures = [m.figures for m in clips.values()]
    rows = [row for row in METHODS if any(row in f for f in figures)]
    title = f"{name}, mean of {len(clips)} clips" if len(clips) > 1 else name
    lines = ["", f"### {name}", *table(title, ACCURACY, [(row, averaged(figures, row, [*ACCURACY])) for row in rows])]
    lines += ["", *table(title, CONTACTS, [(r, averaged(figures, r, [*CONTACTS])) for r in rows if r != rows[-1]])]
    shown = [r for r in (OURS, UNSMOOTHED, BEFORE, RAW) if r in rows]
    lines += ["", *table("in the picture", REPROJECTION, [(r, averaged(figures, r, [*REPROJECTION])) for r in shown])]
    gaps = [(r, averaged(figures, r, [*BY_PLACE])) for r in (OURS, GAPS) if any(r in f for f in figures)]
    lines += ["", *table("observed and filled", BY_PLACE, gaps)]
    if len(clips) > 1:
        lines += ["", *table(f"{name}, ours", ACCURACY, [(n, m.figures[WITH_GAPS]) for n, m in clips.items()])]
        lines += ["", *table(f"{name}, {RAW}", ACCURACY, [(n, m.figures[RAW]) for n, m in clips.items()])]
    replaced = [{parts.AS_IT_IS: m.figures[WITH_GAPS], **m.with_truth} for m in clips.values()]
    columns = ACCURACY | {"contact_precision": "contacts right %", "contact_recall": "found %"}
    known = [part for part in parts.PARTS if any(part in r for r in replaced)]
    if len(known) == 1:
        return lines
    lines += ["", *table(f"{name}, truth put in", columns, [(p, averaged(replaced, p, [*columns])) for p in known])]
    trip = averaged([{"trip": m.round_trip} for m in clips.values()], "trip", [*ROUND_TRIP])
    return [*lines, "", *table("round trips", ROUND_TRIP, [(name, trip)])]


def of_views(views: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """The table of the four views."""
    columns = ("mpjpe_mm", "pa_mpjpe_mm", "jitter_10m_s3", "swap_percent", "swap_longest_s")
    rows = []
    for view, figures in views.items():
        for method in [*(m for m in METHODS if m in figures), REFERENCE]:
            of = figures.get(method, {})
            share = of["mpjpe_mm"] / figures[RAW]["mpjpe_mm"] if "mpjpe_mm" in of else None
            cells = ["-" if of.get(key) is None else f"{of[key]:.3g}" for key in columns]
            rows.append((view, method, *cells, "-" if share is None else f"{share:.2f}"))
    head = ("", "", "limbs mm", "pa mm", "jitter", "swapped %", "longest s", "of raw")
    return ["", "### Four views", *plain_table(head, rows)]


def of_speed(speed: list[Length]) -> list[str]:
    """The table of the solve's time and memory."""
    head = ("person-frames", "a second", "a second of one core's work", "peak memory, MiB")
    rows = [
        (str(one.person_frames), f"{one.rate:.0f}", f"{one.processor_rate:.0f}", f"{one.peak_mib:.0f}") for one in speed
    ]
    return ["", "### The solve alone", *plain_table(head, rows)]


def find_parameters(folders: Folders) -> None:
    """Print the filters' parameters as `dev` asks for."""
    clips = sorted((BENCHMARK / "dev").glob("*.mp4"))
    measured = [m for clip in clips if (m := measure(clip, folders, with_parts=False)) is not None]
    for name, parameters in tune.tune([(m.takes[RAW], m.truth) for m in measured]).items():
        print(name, parameters)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="also the clips that were looked at during development")
    parser.add_argument("--clip", action="append", help="only rendered clips of this name")
    parser.add_argument(
        "--clips", type=Path, help="the folder with cam01.mp4 ... and reference.npz: the four views too"
    )
    parser.add_argument("--no-parts", action="store_true", help="leave out the runs on parts of the truth")
    parser.add_argument("--no-speed", action="store_true", help="leave the solve's time out")
    parser.add_argument("--cache", type=Path, help="keep what was observed in this folder, and use what is there")
    parser.add_argument("--takes", type=Path, help="write our takes into this folder")
    parser.add_argument("--before", type=Path, help="a folder of takes of an earlier run, to compare with")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    parser.add_argument("--tune", action="store_true", help="only find the filters' parameters on dev")
    parser.add_argument("--write", type=Path, help="file to put the tables into, pictures beside it")
    arguments = parser.parse_args()
    folders = Folders(arguments.cache, arguments.takes, arguments.before)
    if arguments.tune:
        find_parameters(folders)
        return

    paths = {"test": sorted((BENCHMARK / "test").glob("*.mp4")), "demo clip": [DEMO]}
    if arguments.dev:
        paths["dev"] = sorted((BENCHMARK / "dev").glob("*.mp4"))
    sets: dict[str, dict[str, Measured]] = {}
    for name, clips in paths.items():
        for clip in clips:
            if arguments.clip and clip.stem not in arguments.clip:
                continue
            if (measured := measure(clip, folders, with_parts=not arguments.no_parts)) is not None:
                sets.setdefault(name, {})[clip.stem] = measured
                rows = [(row, measured.figures[row]) for row in METHODS if row in measured.figures]
                print("\n".join(table(clip.stem, ACCURACY, rows)), flush=True)
    views = measure_views(arguments.clips, folders) if arguments.clips else {}
    speed = [] if arguments.no_speed else measure_speed(load_case(DEMO, folders))

    lines = [line for name, clips in sets.items() for line in of_set(name, clips)]
    lines += of_views(views) if views else []
    lines += of_speed(speed) if speed else []
    head = ("aim", *sets, "four views, or the solve alone")
    lines += ["", "### Aims of the motion", *plain_table(head, aims_table(sets, views, speed))]
    print("\n".join(lines))
    if arguments.json:
        arguments.json.write_text(json.dumps(_plain(sets, views, speed), indent=1))
    if arguments.write:
        put_between(arguments.write, "motion", lines)
        draw(arguments.write.parent / "pictures", sets, views, speed)


def draw(
    folder: Path, sets: dict[str, dict[str, Measured]], views: dict[str, dict[str, dict[str, Any]]], speed: list[Length]
) -> None:
    """All pictures."""
    clips = {name: m.figures for of in sets.values() for name, m in of.items()}
    plots.errors(clips | views, folder / "motion_errors.png")
    plots.natural(clips, folder / "motion_natural.png")
    for of in sets.values():
        if WALKER in of:
            plots.foot(of[WALKER], f"{WALKER}: the walker who steps most", folder / "motion_feet.png")
    if speed:
        plots.length(speed, folder / "motion_time.png")


def _plain(sets: dict[str, dict[str, Measured]], views: Any, speed: list[Length]) -> dict[str, Any]:
    return {
        "sets": {
            name: {
                clip: {"figures": m.figures, "with_truth": m.with_truth, "round_trip": m.round_trip}
                for clip, m in clips.items()
            }
            for name, clips in sets.items()
        },
        "views": views,
        "speed": [vars(one) for one in speed],
    }


if __name__ == "__main__":
    main()
