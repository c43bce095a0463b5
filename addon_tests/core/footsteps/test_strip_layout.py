"""The strip of footsteps: bars lie at their frames, the pointer finds their ends, and drags stop at what is near."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.core.footsteps.strip_layout import Hit, Part, StripLayout, dragged, layout_in

STEPS = [Footstep(10, 20, LEFT), Footstep(18, 30, RIGHT), Footstep(40, 60, LEFT), Footstep(70, 70, LEFT)]
STARTS, ENDS, FEET = (np.array([getattr(one, name) for one in STEPS]) for name in ("start", "end", "foot"))
LAYOUT = StripLayout(low_px=20.0, row_px=12.0, scale=1.0, frame_at_0=-10.0, frames_per_px=0.1)
UPPER_PX, LOWER_PX = 42.0, 28.0
"""Within the left foot's row, and within the right one's."""


def _hit(frame: float, y_px: float = UPPER_PX, layout: StripLayout = LAYOUT) -> Hit | None:
    return layout.hit(STARTS, ENDS, FEET, float(layout.across(np.array(frame))), y_px)


def test_bars_lie_at_their_frames_left_above_right():
    boxes = LAYOUT.boxes(STARTS, ENDS, FEET)
    np.testing.assert_allclose((boxes[:, 0] + boxes[:, 2]) / 2, 10 * ((STARTS + ENDS) / 2 + 10))
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 10 * (ENDS - STARTS) + 6)
    assert (boxes[FEET == LEFT, 1] == 36).all() and (boxes[FEET == RIGHT, 1] == 22).all()
    assert LAYOUT.high_px == 50 and LAYOUT.frame_at(float(LAYOUT.across(np.array(33.25)))) == pytest.approx(33.25)


@pytest.mark.parametrize(
    ("frame", "y_px", "part", "index"),
    [
        (10.1, UPPER_PX, Part.START, 0), (9.5, UPPER_PX, Part.START, 0), (19.9, UPPER_PX, Part.END, 0),
        (20.5, UPPER_PX, Part.END, 0), (15, UPPER_PX, Part.WHOLE, 0), (50, UPPER_PX, Part.WHOLE, 2),
        (70, UPPER_PX, Part.WHOLE, 3), (30, UPPER_PX, Part.EMPTY, -1), (8, UPPER_PX, Part.EMPTY, -1),
        (18, LOWER_PX, Part.START, 1), (24, LOWER_PX, Part.WHOLE, 1), (50, LOWER_PX, Part.EMPTY, -1),
    ],
)  # fmt: skip
def test_the_pointer_finds_bars_and_their_ends(frame, y_px, part, index):
    assert _hit(frame, y_px) == Hit(part, RIGHT if y_px == LOWER_PX else LEFT, index)


@pytest.mark.parametrize("y_px", [0.0, 19.9, 50.0, 300.0])
def test_beside_the_strip_nothing_is_hit(y_px):
    assert _hit(15, y_px) is None


def test_far_out_every_bar_can_still_be_taken():
    far = StripLayout(20.0, 12.0, 1.0, 0.0, 2.0)
    for index, step in enumerate(STEPS):
        found = _hit((step.start + step.end) / 2, UPPER_PX if step.foot == LEFT else LOWER_PX, far)
        assert found is not None and found.index == index
    boxes = far.boxes(STARTS, ENDS, FEET)
    assert (boxes[:, 2] - boxes[:, 0] >= 2).all()


def test_a_strip_without_footsteps_is_empty():
    none = np.zeros(0, dtype=np.int64)
    assert LAYOUT.hit(none, none, none, 100.0, UPPER_PX) == Hit(Part.EMPTY, LEFT, -1)
    assert LAYOUT.boxes(none, none, none).shape == (0, 4)


@pytest.mark.parametrize(
    ("hit", "by", "becomes"),
    [
        (Hit(Part.START, LEFT, 0), -4, Footstep(6, 20, LEFT)),
        (Hit(Part.START, LEFT, 0), 40, Footstep(20, 20, LEFT)),
        (Hit(Part.END, LEFT, 0), 5.4, Footstep(10, 25, LEFT)),
        (Hit(Part.END, LEFT, 0), 40, Footstep(10, 38, LEFT)),
        (Hit(Part.END, LEFT, 0), -40, Footstep(10, 10, LEFT)),
        (Hit(Part.WHOLE, LEFT, 2), -100, Footstep(22, 42, LEFT)),
        (Hit(Part.WHOLE, LEFT, 2), 100, Footstep(48, 68, LEFT)),
        (Hit(Part.WHOLE, RIGHT, 1), -50, Footstep(-32, -20, RIGHT)),
        (Hit(Part.START, LEFT, 2), -100, Footstep(22, 60, LEFT)),
    ],
)
def test_a_drag_stops_short_of_the_neighbours(hit, by, becomes):
    after, now = dragged(STEPS, hit, 33.3, 33.3 + by)
    assert now == becomes
    assert after == sorted([*(one for index, one in enumerate(STEPS) if index != hit.index), becomes])


@pytest.mark.parametrize(
    "hit", [Hit(Part.START, LEFT, 0), Hit(Part.END, RIGHT, 1), Hit(Part.WHOLE, LEFT, 2), Hit(Part.EMPTY, RIGHT, -1)]
)
def test_a_click_without_a_drag_changes_nothing(hit):
    assert dragged(STEPS, hit, 33.3, 33.4) == (STEPS, None)


def test_where_there_is_no_room_nothing_changes():
    tight = [Footstep(1, 4, LEFT), Footstep(6, 9, LEFT)]
    for hit, by in ((Hit(Part.END, LEFT, 0), 5), (Hit(Part.WHOLE, LEFT, 0), 3), (Hit(Part.START, LEFT, 1), -2)):
        assert dragged(tight, hit, 4.0, 4.0 + by) == (tight, None)


def test_a_drag_on_an_empty_row_adds_in_either_direction():
    for frames in ((40.2, 49.8), (49.8, 40.2)):
        after, now = dragged(STEPS, Hit(Part.EMPTY, RIGHT, -1), *frames)
        assert now == Footstep(40, 50, RIGHT) and after == sorted([*STEPS, now])


def test_what_is_drawn_over_others_becomes_one_with_them():
    after, now = dragged(STEPS, Hit(Part.EMPTY, LEFT, -1), 30, 41)
    assert now == Footstep(30, 60, LEFT) and after == sorted([STEPS[0], STEPS[1], STEPS[3], now])


def test_the_strip_needs_room():
    assert layout_in(200, 1.0, 14, 24, 0.0, 0.1) == StripLayout(14, 12.0, 1.0, 0.0, 0.1)
    low = layout_in(64, 1.0, 14, 24, 0.0, 0.1)
    assert low is not None and low.row_px == 10 and low.high_px == 40
    assert layout_in(38, 1.0, 14, 24, 0.0, 0.1) is None and layout_in(200, 1.0, 14, 24, 0.0, 0.0) is None
    large = layout_in(200, 2.0, 28, 48, 0.0, 0.1)
    assert large is not None and large.row_px == 24
