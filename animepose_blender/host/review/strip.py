"""Who is there when, as a strip of coloured bars at the foot of the viewport."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import blf
import bpy
import numpy as np

from ...core.review.doubts import Doubt
from ...core.review.people import runs_of
from ...take import State, Take
from ..gpu_drawing import draw_boxes

ROW_PX, GAP_PX, FOOT_PX, SIDE_PX, NAME_PX = 10.0, 3.0, 24.0, 90.0, 11.0
FAINT = 0.35
"""Opacity of predicted spans beside 1 of observed ones."""
FOOTSTEP_PX, FOOTSTEP_COLOUR = 2.0, (0.05, 0.05, 0.05, 0.75)
STANDS = 0.5
"""Probability from which on a heel or toe is drawn as standing."""
DOUBT_COLOUR = (1.0, 0.25, 0.2, 0.9)


@dataclass(frozen=True, eq=False)
class Strip:
    """N bars of P people."""

    span: tuple[float, float]
    """First and last frame of the scene."""
    bars: np.ndarray
    """(N, 2) from frame to frame."""
    row: np.ndarray
    """(N,) whose."""
    alpha: np.ndarray
    """(N,)"""
    contacts: np.ndarray
    """(C, 2) from frame to frame: a foot stands, by heel or toe."""
    contact_row: np.ndarray
    """(C,) whose."""
    contact_foot: np.ndarray
    """(C,) 0 the left foot, 1 the right one."""
    doubts: np.ndarray
    """(D, 2) from frame to frame."""
    doubt_row: np.ndarray
    """(D,)"""


def strip_of(take: Take, found: Sequence[Doubt], frames: np.ndarray) -> Strip:
    """The bars of a take, and what was found doubtful in it; its frames have the numbers (F,)."""
    ends = np.append(frames, 2 * frames[-1] - frames[-2] if len(frames) > 1 else frames[-1] + 1)
    bars, row, alpha = [], [], []
    for person, state in enumerate(take.state):
        for start, stop, value in runs_of(state):
            if value != State.ABSENT:
                bars.append((ends[start], ends[stop]))
                row.append(person)
                alpha.append(1.0 if value == State.OBSERVED else FAINT)
    contacts: list[tuple[float, float, int, int]] = []
    stands = (np.nan_to_num(take.contact) >= STANDS).reshape(*take.contact.shape[:2], 2, 2).any(axis=-1)
    for person, both in enumerate(stands):
        for foot in (0, 1):
            spans = runs_of(both[:, foot].astype(np.int64))
            contacts += [(float(ends[start]), float(ends[stop]), person, foot) for start, stop, on in spans if on]
    held = np.array(contacts).reshape(-1, 4)
    ids = take.person_id.tolist()
    return Strip(
        (float(frames[0]), float(ends[-1])),
        np.array(bars).reshape(-1, 2),
        np.array(row, dtype=np.int64),
        np.array(alpha),
        held[:, :2],
        held[:, 2].astype(np.int64),
        held[:, 3].astype(np.int64),
        np.array([(ends[one.start], ends[one.stop]) for one in found]).reshape(-1, 2),
        np.array([ids.index(one.person) for one in found], dtype=np.int64),
    )


def draw_strip(context: bpy.types.Context, strip: Strip, names: list[str], colours: np.ndarray, frame: float) -> None:
    """Draw the bars across the region, with the current frame."""
    scale = context.preferences.system.ui_scale
    left, right = free_span(context)
    if right <= left or not len(names):
        return
    per_frame = (right - left) / max(strip.span[1] - strip.span[0], 1e-6)

    def across(frames: np.ndarray) -> np.ndarray:
        return left + (frames - strip.span[0]) * per_frame

    def foot(row: np.ndarray) -> np.ndarray:
        return FOOT_PX * scale + (len(names) - 1 - row) * (ROW_PX + GAP_PX) * scale

    tints = np.concatenate([colours[strip.row, :3], strip.alpha[:, None]], axis=1)
    boxes = np.stack([across(strip.bars[:, 0]), foot(strip.row), across(strip.bars[:, 1]),
                      foot(strip.row) + ROW_PX * scale], axis=1)  # fmt: skip
    # The left foot's spans lie above the right one's, as they do on a timeline of footsteps.
    low = foot(strip.contact_row) + (1 + (1 - strip.contact_foot) * (FOOTSTEP_PX + 1)) * scale
    steps = np.stack(
        [across(strip.contacts[:, 0]), low, across(strip.contacts[:, 1]), low + FOOTSTEP_PX * scale], axis=1
    )
    ends = np.maximum(across(strip.doubts[:, 1]), across(strip.doubts[:, 0]) + 2 * scale)
    marks = np.stack([across(strip.doubts[:, 0]), foot(strip.doubt_row) + 0.7 * ROW_PX * scale, ends,
                      foot(strip.doubt_row) + ROW_PX * scale], axis=1)  # fmt: skip
    at = float(across(np.array(frame)))
    line = np.array(
        [[at - scale, (FOOT_PX - GAP_PX) * scale, at + scale, float(foot(np.array(0))) + (ROW_PX + GAP_PX) * scale]]
    )
    everything = np.concatenate([boxes, steps, marks, line])
    tints = np.concatenate(
        [
            tints,
            np.tile(FOOTSTEP_COLOUR, (len(steps), 1)),
            np.tile(DOUBT_COLOUR, (len(marks), 1)),
            [[1.0, 1.0, 1.0, 0.9]],
        ]
    )
    draw_boxes(everything, tints)
    blf.size(0, NAME_PX * scale)
    for row, name in enumerate(names):
        blf.position(0, 8 * scale, float(foot(np.array(row))), 0)
        blf.color(0, *colours[row])
        blf.draw(0, name)


def height(rows: int) -> float:
    """Of a strip with so many rows, from the foot of the region, at interface scale 1."""
    return FOOT_PX + rows * (ROW_PX + GAP_PX)


def free_span(context: bpy.types.Context) -> tuple[float, float]:
    """From where to where, across the region, bars are drawn: beside the names, and up to the sidebar, which lies over
    the region where Blender lets regions overlap."""
    scale = context.preferences.system.ui_scale
    covered = [one.width for one in context.area.regions if one.type == "UI" and one.alignment == "RIGHT"]
    overlaps = context.preferences.system.use_region_overlap
    width = context.region.width - (max(covered, default=0) if overlaps else 0)
    return SIDE_PX * scale, width - FOOT_PX * scale
