#!/usr/bin/env python3
"""How good the automatic map is, on every family of the tests' catalogue and on odd rigs, without the families' tables.

    .venv/bin/python scripts/bench_automap.py [--quick] [--write docs/retargeting_maps.md]

Right is the share of the true slots that have their bone. Doubtful is the share of the 15 main slots that are shown as
doubtful, wrong the number of main slots with a wrong bone that are not. `--write` puts the tables between the marks in
the file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' rigs are rigs of the benchmark too

from scene_bench.marks import put_between

from addon_tests.core.retarget.automap.judged import (
    AMOUNTS,
    CONTROL_RIGS,
    FAMILIES,
    ODD_FAMILIES,
    ODDITIES,
    SETS,
    Judged,
    distorted,
    judge,
    odd,
)
from animepose_blender.core.retarget.slots import MAIN


def figures(judged: Iterable[Judged]) -> str:
    """The cells of one set: right, doubtful, silently wrong."""
    rigs = list(judged)
    right = 100 * sum(one.right for one in rigs) / sum(one.slots for one in rigs)
    doubtful = 100 * sum(one.doubtful_main for one in rigs) / (len(MAIN) * len(rigs))
    return f"{right:.1f} | {doubtful:.1f} | {sum(len(one.silently_wrong) for one in rigs)}"


def table(title: str, sets: list[str], rows: dict[str, dict[str, list[Judged]]]) -> list[str]:
    """One row a family or oddity, three columns a set, and a last row for all."""
    head = " | ".join(f"{name}: right % | doubtful % | wrong" for name in sets)
    lines = ["", f"| {title} | {head} |", "|---|" + "--:|" * 3 * len(sets)]
    lines += [f"| {row} | " + " | ".join(figures(cells[name]) for name in sets) + " |" for row, cells in rows.items()]
    everything = {name: [one for cells in rows.values() for one in cells[name]] for name in sets}
    lines.append("| **all** | " + " | ".join(figures(everything[name]) for name in sets) + " |")
    rigs = sum(map(len, everything.values()))
    slowest = max(one.seconds for judged in everything.values() for one in judged)
    return [*lines, "", f"{rigs} rigs, the slowest in {slowest:.2f} s."]


def of_families(step: int) -> list[str]:
    """The table of the families."""
    rows: dict[str, dict[str, list[Judged]]] = {}
    for family in FAMILIES:
        rows[family] = {
            name: [judge(armature, truth) for _, armature, truth in islice(cases(family), 0, None, step)]
            for name, cases in SETS.items()
        }
        print(family, *(figures(judged) for judged in rows[family].values()), sep="  ", flush=True)
    return table("family", list(SETS), rows)


def of_odd_rigs() -> list[str]:
    """The table of the odd rigs."""
    rows: dict[str, dict[str, list[Judged]]] = {}
    for oddity in ODDITIES:
        rows[oddity] = {
            name: [judge(*odd(oddity, family, named)[1:]) for family in ODD_FAMILIES]
            for name, named in (("named", True), ("nameless", False))
        }
        print(oddity, *(figures(judged) for judged in rows[oddity].values()), sep="  ", flush=True)
    return table("odd rig", ["named", "nameless"], rows)


def of_distorted_rigs(seeds: int) -> list[str]:
    """The table of other figures in other rest poses."""
    families = [family for family in FAMILIES if family not in CONTROL_RIGS]
    rows = {
        f"by {amount}": {
            name: [judge(*distorted(f, amount, seed, named)[1:]) for f in families for seed in range(seeds)]
            for name, named in (("named", True), ("nameless", False))
        }
        for amount in AMOUNTS
    }
    return table("distorted", ["named", "nameless"], rows)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every fourth rig of the families")
    parser.add_argument("--write", type=Path, help="file whose marked tables are replaced")
    arguments = parser.parse_args()
    lines = [
        *of_families(4 if arguments.quick else 1),
        *of_odd_rigs(),
        *of_distorted_rigs(2 if arguments.quick else 10),
    ]
    print("\n".join(lines))
    if arguments.write:
        put_between(arguments.write, "automap", lines)


if __name__ == "__main__":
    main()
