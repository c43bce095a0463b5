#!/usr/bin/env python3
"""Retargeting beside what a user does by hand: the same motions, the same rigs, measured in Blender.

    .venv/bin/python scripts/bench_retarget.py [--data DATA] [--quick] [--family NAME ...] [--write docs/benchmarks.md]

By hand means a Copy Rotation constraint in world space on every bone and Copy Location on the hips, baked with
`nla.bake`; "by hand, local" is the same with local axes (Owner Orientation). Limbs are measured between the joints of
the bones that deform; feet at the points below heel and toes while the source stands. `--write` puts the tables
between the marks in the file. DATA holds `humans`, for MakeHuman's rigs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' rigs are rigs of the benchmark too

from retarget_bench import cases, compare, maps, report, sources, speed
from scene_bench.marks import put_between

from addon_tests.retarget import rigs_in_blender as rigs
from addon_tests.rigs import catalogue

FRAMES = (600, 1800, 5400)
OWN_RIGS = {
    "T-pose, as an import makes it": lambda rig: rig,
    "A-pose": lambda rig: rigs.posed(rig, rigs.A_POSE_FROM_T),
    "A-pose, rolled, Y up, centimetres": lambda rig: rigs.lying_data(
        rigs.scaled(rigs.rolled(rigs.posed(rig, rigs.A_POSE_FROM_T)), 100.0)
    ),
}


def compare_all(targets: list[cases.Target], quick: bool) -> report.Results:
    """Every motion on every rig by every method."""
    found: report.Results = {}
    for target in targets:
        for motion, (take, person) in cases.motions(quick).items():
            figures = compare.compare(target.build, take, person, target.ik)
            found[target.name, target.variant, motion] = figures
        mine = [f[compare.OURS] for key, f in found.items() if key[:2] == (target.name, target.variant)]
        print(f"{target.name}, {target.variant}: {report.mean_figures(mine)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help="the folder with `humans`")
    parser.add_argument("--family", action="append", help="only rigs of this name")
    parser.add_argument("--quick", action="store_true", help="the walk alone, and no speed")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    parser.add_argument("--write", type=Path, help="file to put the tables into")
    arguments = parser.parse_args()
    cases.use_data(arguments.data)

    families = [name for name in catalogue.families() if not arguments.family or name in arguments.family]
    targets = cases.family_targets((cases.AS_DRAWN, cases.AS_BROUGHT, cases.STRAY), families)
    targets += [t for t in cases.real_targets() if not arguments.family or t.name in arguments.family]
    results = compare_all(targets, arguments.quick)
    straight = {key: value for key, value in results.items() if key[1] != cases.STRAY}
    walk = sources.lively(120)
    proportions = {} if arguments.family else {n: compare.own_proportions(b, walk) for n, b in OWN_RIGS.items()}
    times = []
    if not arguments.quick and not arguments.no_speed:
        speed.measure_speed(60, 1)  # the first of a process loads modules
        times = [speed.measure_speed(frames) for frames in FRAMES]
    mapped = {} if arguments.family else maps.of_all()

    lines = ["", "### By hand, and ours", *report.by_method(results)]
    lines += ["", "### Rig by rig", "Bones along the limbs; by hand in world space.", *report.by_rig(straight)]
    if proportions:
        lines += ["", "### Rigs of the person's own proportions", *report.of_proportions(proportions)]
    if times:
        lines += ["", "### Time", *report.of_speed(times)]
    if mapped:
        lines += ["", "### Maps found", *report.of_maps(mapped)]
    lines += ["", "### Aims of the retargeting", *report.aims(results, proportions, times, mapped)]
    print("\n".join(lines))
    for one in times:
        print(vars(one))
    if arguments.json:
        plain = {", ".join(key): {m: vars(f) for m, f in methods.items()} for key, methods in results.items()}
        arguments.json.write_text(json.dumps({"runs": plain, "times": [vars(one) for one in times]}, indent=1))
    if arguments.write:
        put_between(arguments.write, "retarget", lines)


if __name__ == "__main__":
    main()
