"""The small picture of each person: cut out of the frame that shows them best, at the place where their head is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError, Cancelled
from animepose_blender.estimate.thumbnails import SHOWN_JOINTS, clearness, head_squares, thumbnails
from animepose_blender.estimate.video import open_clip
from animepose_blender.take import Take

from .clips import write_clip

SIZE = (320, 240)
FRAMES = 12
RED, GREEN = (220, 30, 30), (30, 200, 30)


def _posed(boxes: list[list[tuple[int, int, int, int]]]) -> Take:
    """A take whose people have these boxes, (P, F, 4), with head and chest in the upper third."""
    take = walking_take(people=len(boxes), frames=FRAMES, gaps=False, size=SIZE)
    box_px = np.array(boxes, dtype=np.float64)
    middle = np.stack([box_px[..., [0, 2]].mean(-1), box_px[..., 1] + 0.15 * (box_px[..., 3] - box_px[..., 1])], -1)
    keypoints = np.repeat(middle[:, :, None], take.keypoints_px.shape[2], axis=2)
    keypoints[:, :, SHOWN_JOINTS[0], 1] -= 0.1 * (box_px[..., 3] - box_px[..., 1])
    return dataclasses.replace(
        take, box_px=box_px, keypoints_px=keypoints, keypoint_confidence=np.ones(keypoints.shape[:3])
    )


@pytest.fixture
def two_people(tmp_path):
    """A red one who is largest in frame 7 and a green one in frame 2, and their clip on grey."""
    boxes = [[(40, 60, 100, 180)] * FRAMES, [(200, 60, 260, 180)] * FRAMES]
    boxes[0][7], boxes[1][2] = (30, 40, 110, 200), (190, 40, 270, 200)
    pictures = np.full((FRAMES, SIZE[1], SIZE[0], 3), 128, dtype=np.uint8)
    for person, colour in zip(boxes, (RED, GREEN)):
        for picture, (x0, y0, x1, y1) in zip(pictures, person):
            picture[y0:y1, x0:x1] = colour
    clip = write_clip(tmp_path / "two.mp4", pictures, (np.arange(FRAMES) / 30).tolist(), rate=30)
    return _posed(boxes), open_clip(clip)


def test_each_person_is_cut_out_where_they_are(two_people):
    take, clip = two_people
    pictures = thumbnails(take, clip)
    assert pictures.shape == (2, 96, 96, 3) and pictures.dtype == np.uint8
    for picture, colour in zip(pictures, (RED, GREEN)):
        assert np.abs(picture[48, 48].astype(int) - colour).max() < 25
    again = dataclasses.replace(take, extras={"thumbnails": pictures})
    again.validate()


def test_the_largest_view_is_taken(two_people):
    take, _ = two_people
    assert clearness(take, head_squares(take), SIZE).argmax(axis=1).tolist() == [7, 2]


@pytest.mark.parametrize(
    "spoilt",
    [(-10, 40, 70, 200), (30, 90, 110, 242), (180, 40, 260, 200)],
    ids=["beyond the left edge", "beyond the lower edge", "before somebody else"],
)
def test_a_large_view_that_is_cut_off_or_shared_is_not(two_people, spoilt):
    take, _ = two_people
    take.box_px[0, 7] = spoilt
    x0, y0, x1, _ = spoilt
    take.keypoints_px[0, 7] = ((x0 + x1) / 2, y0 + 24)
    assert clearness(take, head_squares(take), SIZE)[0].argmax() != 7


def test_an_unsure_view_is_not(two_people):
    take, _ = two_people
    take.keypoint_confidence[0, 7] = 0.2
    assert clearness(take, head_squares(take), SIZE)[0].argmax() != 7


def test_without_keypoints_the_upper_part_of_the_box_is_shown(two_people):
    take, clip = two_people
    take.keypoint_confidence[:] = 0.0
    take.keypoints_px[:] = np.nan
    x0, y0, x1, y1 = head_squares(take)[0, 7]
    assert (x1 - x0, y1 - y0) == (80, 80) and (x0, y0) == (30, 40)
    assert np.abs(thumbnails(take, clip)[0, 48, 48].astype(int) - RED).max() < 25


def test_somebody_who_is_never_seen_is_black_and_decodes_nothing(two_people, monkeypatch):
    take, clip = two_people
    take.box_px[:] = np.nan
    monkeypatch.setattr(type(clip), "frames", lambda *_: 1 / 0)
    assert not thumbnails(take, clip).any()


def test_a_square_larger_than_the_picture_is_cut_to_it(two_people):
    take, clip = two_people
    take.box_px[0, 7] = (-200, -300, 500, 900)
    take.box_px[0, :7] = take.box_px[0, 8:] = np.nan
    assert thumbnails(take, clip)[0].any()


def test_a_cancel_ends_it_and_a_clip_that_is_gone_is_an_error(two_people):
    take, clip = two_people

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        thumbnails(take, clip, cancel)
    clip.path.unlink()
    with pytest.raises(AnimePoseError, match="two"):
        thumbnails(take, clip)
