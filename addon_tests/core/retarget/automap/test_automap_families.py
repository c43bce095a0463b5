"""The automatic map of every family's rigs, whatever their names, rest pose, units and axes."""

from __future__ import annotations

from itertools import islice

import pytest

from .judged import CONTROL_RIGS, FAMILIES, SETS, Judged, judge

ENOUGH = 0.95


def _judged(family: str, name: str) -> dict[str, Judged]:
    """Every fourth rig of a set; `scripts/bench_automap.py` measures them all."""
    return {case: judge(armature, truth) for case, armature, truth in islice(SETS[name](family), 0, None, 4)}


@pytest.mark.parametrize("name", ["own names", "renamed", "other languages"])
@pytest.mark.parametrize("family", FAMILIES)
def test_bones_with_names_are_found_and_no_main_one_is_silently_wrong(family, name):
    judged = _judged(family, name)
    assert {case: one.silently_wrong for case, one in judged.items() if one.silently_wrong} == {}
    assert sum(one.right for one in judged.values()) >= ENOUGH * sum(one.slots for one in judged.values())
    assert all(one.humanoid for one in judged.values())


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in CONTROL_RIGS])
def test_bones_without_names_are_found_by_shape(family):
    judged = _judged(family, "nameless")
    assert {case: one.silently_wrong for case, one in judged.items() if one.silently_wrong} == {}
    least = 0.9 if family.startswith("cmu") else ENOUGH  # thumbs of one bone are not told from fingers
    assert sum(one.right for one in judged.values()) >= least * sum(one.slots for one in judged.values())


@pytest.mark.parametrize("family", CONTROL_RIGS)
def test_controls_without_names_are_doubtful(family):
    judged = _judged(family, "nameless")
    assert all(one.doubtful_main == 15 and not one.silently_wrong for one in judged.values())
