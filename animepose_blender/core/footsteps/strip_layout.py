"""Where footsteps lie in a strip along the frames, what the pointer is over, and what a drag makes of them.

Pixels count from the lower left corner of the region, as Blender's do. The left foot's row is above the right one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from .spans import LEFT, Footstep, changed, with_step

ROW_PX, LEAST_ROW_PX, GAP_PX = 12.0, 8.0, 2.0
"""Height of a row, and the least where there is little room; the space around rows. All lengths at scale 1."""
INSIDE_PX, OUTSIDE_PX = 6.0, 4.0
"""How near the pointer has to be to an end, within the bar and beside it."""
LEAST_PAD_PX, MOST_PAD_PX = 1.0, 3.0
"""How far a bar reaches over the middle of its first and last frame: half a frame, within these bounds."""


class Part(Enum):
    """What of the strip the pointer is over."""

    START = auto()
    END = auto()
    WHOLE = auto()
    """Of a bar, away from its ends."""
    EMPTY = auto()
    """A row where no bar is."""


@dataclass(frozen=True)
class Hit:
    """What is under the pointer."""

    part: Part
    foot: int
    index: int
    """Which footstep; -1 on an empty part of a row."""


@dataclass(frozen=True)
class StripLayout:
    """Rows and frames in pixels."""

    low_px: float
    """Lower edge of the strip."""
    row_px: float
    scale: float
    frame_at_0: float
    """Frame at the left edge of the region."""
    frames_per_px: float

    @property
    def high_px(self) -> float:
        """Upper edge of the strip."""
        return self.low_px + 2 * self.row_px + 3 * GAP_PX * self.scale

    def across(self, frames: np.ndarray) -> np.ndarray:
        """Where frames are."""
        return (frames - self.frame_at_0) / self.frames_per_px

    def frame_at(self, x_px: float) -> float:
        """The frame at a place."""
        return self.frame_at_0 + x_px * self.frames_per_px

    def foot_of_row(self, feet: np.ndarray) -> np.ndarray:
        """Lower edges of the rows of feet."""
        return self.low_px + GAP_PX * self.scale + (feet == LEFT) * (self.row_px + GAP_PX * self.scale)

    def boxes(self, starts: np.ndarray, ends: np.ndarray, feet: np.ndarray) -> np.ndarray:
        """(N, 4) x0, y0, x1, y1 of N footsteps."""
        pad = np.clip(0.5 / self.frames_per_px, LEAST_PAD_PX * self.scale, MOST_PAD_PX * self.scale)
        low = self.foot_of_row(feet)
        return np.stack([self.across(starts) - pad, low, self.across(ends) + pad, low + self.row_px], axis=-1)

    def hit(self, starts: np.ndarray, ends: np.ndarray, feet: np.ndarray, x_px: float, y_px: float) -> Hit | None:
        """What is at a place; None beside the strip. Beside bars it is the nearest of the ends that are near."""
        if not self.low_px <= y_px < self.high_px:
            return None
        foot = int(y_px < self.low_px + self.row_px + 1.5 * GAP_PX * self.scale)
        boxes = self.boxes(starts, ends, feet)
        rows = np.flatnonzero(feet == foot)
        left, right = boxes[rows, 0], boxes[rows, 2]
        depth = np.stack([x_px - left, right - x_px])
        over = np.flatnonzero((depth >= 0).all(axis=0))
        if len(over):
            bar = int(over[0])
            reach = min(INSIDE_PX * self.scale, float(right[bar] - left[bar]) / 3)
            nearer = int(depth[1, bar] < depth[0, bar])
            part = (Part.START, Part.END)[nearer] if depth[nearer, bar] <= reach else Part.WHOLE
            return Hit(part, foot, int(rows[bar]))
        beside = np.where(depth < 0, -depth, np.inf)
        if (beside <= OUTSIDE_PX * self.scale).any():
            end, bar = np.unravel_index(int(np.argmin(beside)), beside.shape)
            return Hit((Part.START, Part.END)[int(end)], foot, int(rows[bar]))
        return Hit(Part.EMPTY, foot, -1)


def layout_in(
    height_px: float, scale: float, low_px: float, high_px: float, first: float, frames_per_px: float
) -> StripLayout | None:
    """A strip between what lies at the top and at the foot of a region; None where there is no room for it.

    Args:
        height_px: of the region.
        low_px, high_px: taken at its foot and at its top.
        first: frame at the left edge.
    """
    row_px = min(ROW_PX * scale, (height_px - low_px - high_px - 3 * GAP_PX * scale) / 2)
    if row_px < LEAST_ROW_PX * scale or not frames_per_px > 0:
        return None
    return StripLayout(low_px, row_px, scale, first, frames_per_px)


def dragged(
    steps: Sequence[Footstep], hit: Hit, from_frame: float, to_frame: float
) -> tuple[list[Footstep], Footstep | None]:
    """What dragging from one frame to another makes of the footsteps.

    A drag of an end stops at the other end and short of the neighbours, a drag of the whole stops short of them and
    keeps its length, and what is drawn into an empty row joins those that it meets.

    Returns:
        The footsteps as they would be, and the one that is dragged or was made; None if nothing would change.
    """
    if hit.part == Part.EMPTY:
        first, last = sorted((round(from_frame), round(to_frame)))
        if first == last:
            return list(steps), None
        after = with_step(steps, Footstep(first, last, hit.foot))
        return after, next(one for one in after if one.foot == hit.foot and one.start <= first <= one.end)
    one = steps[hit.index]
    lowest, highest = _room(steps, one)
    by = round(to_frame - from_frame)
    start, end = one.start, one.end
    if hit.part == Part.START:
        start = min(max(start + by, lowest), end)
    elif hit.part == Part.END:
        end = max(min(end + by, highest), start)
    else:
        by = max(min(by, highest - end), lowest - start)
        start, end = start + by, end + by
    if (start, end) == (one.start, one.end):
        return list(steps), None
    return changed(steps, hit.index, start, end), Footstep(start, end, one.foot)


def _room(steps: Sequence[Footstep], one: Footstep) -> tuple[int, int]:
    """First and last frame that a footstep can take without coming near its neighbours."""
    others = [other for other in steps if other.foot == one.foot and other != one]
    far = 1 << 30
    lowest = max((other.end + 2 for other in others if other.end < one.start), default=-far)
    highest = min((other.start - 2 for other in others if other.start > one.end), default=far)
    return min(lowest, one.start), max(highest, one.end)
