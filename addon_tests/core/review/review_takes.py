"""Takes and random edits that the tests of track edits share."""

from __future__ import annotations

import numpy as np

from animepose_blender.core.review.edits import Edit, Ignore, MarkWrong, Merge, Rename, Split, Swap
from animepose_blender.core.review.replay import next_person_id, replay, with_edit
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.take import Take


def full_take(people: int = 3, frames: int = 60) -> Take:
    """Walking people with everything a take may hold, every value of every person and frame another."""
    take = walking_take(people, frames)
    rng = np.random.default_rng(people)
    turns = rng.normal(size=(people, frames, 2, 15, 4))
    take.extras.update(
        root_sigma_m=rng.uniform(0.03, 0.4, (people, frames, 2)).astype(np.float32),
        hand_keypoints_px=rng.uniform(0, 600, (people, frames, 2, 21, 2)).astype(np.float32),
        hand_confidence=rng.uniform(0, 1, (people, frames, 2)).astype(np.float32),
        hand_rotations=(turns / np.linalg.norm(turns, axis=-1, keepdims=True)).astype(np.float32),
        hand_bone_length_m=rng.uniform(0.01, 0.09, (people, 2, 20)).astype(np.float32),
        thumbnails=rng.integers(0, 255, (people, 96, 96, 3)).astype(np.uint8),
        face_points_px=rng.uniform(0, 600, (people, frames, 5, 2)).astype(np.float32),
        face_names=np.array(["eye", "brow", "lip", "nose", "chin"]),
    )
    take.joint_confidence *= rng.uniform(0.5, 1.0, take.joint_confidence.shape).astype(np.float32)
    take.validate()
    return take


def arrays_of(take: Take) -> dict[str, np.ndarray]:
    """All arrays by name, extras too."""
    own = {name: value for name in Take.__dataclass_fields__ if isinstance(value := getattr(take, name), np.ndarray)}
    return own | take.extras


def assert_same(a: Take, b: Take) -> None:
    """To the byte."""
    ours, theirs = arrays_of(a), arrays_of(b)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert values.dtype == theirs[name].dtype, name
        assert values.tobytes() == theirs[name].tobytes(), name
    assert a.source == b.source


def random_edit(take: Take, edits: list[Edit], rng: np.random.Generator) -> Edit:
    """An edit of somebody who is there, which may still not fit."""
    ids = list(replay(take, edits).people)
    one, two = (int(person) for person in rng.choice(ids, 2))
    first, last = np.sort(rng.choice(take.frame_time_s, 2)).tolist()
    kinds = [
        Rename(one, f"Name {rng.integers(9)}"),
        Ignore(one, bool(rng.integers(2))),
        Merge(one, two),
        Split(one, first, next_person_id(take, edits)),
        Split(two, last, next_person_id(take, edits)),
        Swap(one, two, first),
        MarkWrong(one, first, last),
        MarkWrong(one, first, min(last, first + 0.4), fill=True),
        MarkWrong(two, first, first, fill=True),
    ]
    return kinds[rng.integers(len(kinds))]


def random_edits(take: Take, count: int, rng: np.random.Generator) -> list[Edit]:
    """A list of edits that fit."""
    edits: list[Edit] = []
    for _ in range(count * 10):
        try:
            edits = with_edit(take, edits, random_edit(take, edits, rng))
        except AnimePoseError:
            continue
        if len(edits) == count:
            break
    return edits
