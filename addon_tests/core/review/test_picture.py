"""What is drawn over the picture: limbs of who is seen, boxes of who is there, dashes for who is predicted."""

from __future__ import annotations

import numpy as np

from animepose_blender.core.review.picture import SEGMENTS, drawn_at
from animepose_blender.core.synthetic import walking_take
from animepose_blender.take import State


def test_limbs_join_keypoints_that_are_sure_of_people_who_are_observed():
    take = walking_take(2, 30)
    for frame in range(30):
        drawn = drawn_at(take, frame)
        for person in range(2):
            own = drawn.lines_px[drawn.line_person == person]
            points = take.keypoints_px[person, frame]
            sure = (take.keypoint_confidence[person, frame] >= 0.3) & np.isfinite(points).all(-1)
            limbs = points[SEGMENTS][sure[SEGMENTS].all(-1)]
            seen = take.state[person, frame] == State.OBSERVED
            found = [line for line in limbs if (np.abs(own - line).max(axis=(1, 2)) < 1e-6).any()] if len(own) else []
            assert len(found) == (len(limbs) if seen else 0)


def test_boxes_are_whole_for_the_seen_and_dashed_for_the_predicted():
    take = walking_take(2, 60)
    person, frame = np.argwhere(take.state == State.PREDICTED)[0]
    take.box_px[person, frame] = (100, 50, 180, 250)
    drawn = drawn_at(take, int(frame))
    dashes = drawn.lines_px[drawn.line_person == person]
    lengths = np.linalg.norm(dashes[:, 1] - dashes[:, 0], axis=-1)
    assert len(dashes) > 8 and lengths.max() < 30
    np.testing.assert_allclose(lengths.sum(), (80 + 200) * 2 / 2, rtol=1e-6)
    assert drawn.predicted[drawn.label_person == person].all()


def test_nobody_is_drawn_where_nobody_is():
    take = walking_take(1, 10, gaps=False)
    take.state[:] = State.ABSENT
    drawn = drawn_at(take, 3)
    assert not len(drawn.lines_px) and not len(drawn.labels_px)
