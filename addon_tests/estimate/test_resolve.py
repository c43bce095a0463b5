"""A span solved again: it comes back from what the keypoints say, nothing else changes, and it passes in softly."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from animepose_blender import cli
from animepose_blender.core import kinematics
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.resolve import BLEND_S, solve_again
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State, Take

from .evidence import Knows

FIRST, LAST = 40, 60


def copied(take: Take) -> Take:
    values = {f.name: getattr(take, f.name) for f in fields(take)}
    return Take(**{name: value.copy() if isinstance(value, np.ndarray) else value for name, value in values.items()})


@pytest.fixture(scope="module")
def walk() -> Take:
    """Two people who are seen all the time."""
    return walking_take(2, 100, gaps=False)


@pytest.fixture(scope="module")
def spoilt(walk) -> Take:
    """The first of them moves like at another time in the span, though the keypoints say what they did."""
    take = copied(walk)
    take.rotations[0, FIRST : LAST + 1] = take.rotations[0, 5 : 5 + LAST + 1 - FIRST]
    joints_m, _ = kinematics.forward(
        take.rotations[0].astype(float), take.root_world_m[0].astype(float), take.bone_length_m[0].astype(float)
    )
    take.joints_world_m[0] = joints_m
    return take


def off_mm(take: Take, truth: Take, person: int = 0) -> np.ndarray:
    """(F,) mean distance of the joints."""
    return 1000 * np.linalg.norm(take.joints_world_m[person] - truth.joints_world_m[person], axis=-1).mean(axis=-1)


def pose_off_mm(take: Take, truth: Take, person: int = 0) -> np.ndarray:
    """(F,) the same with the pelvis on the pelvis."""
    off = take.joints_world_m[person] - truth.joints_world_m[person]
    return 1000 * np.linalg.norm(off - off[:, :1], axis=-1).mean(axis=-1)


def test_a_spoilt_span_comes_back(walk, spoilt):
    again = solve_again(spoilt, 0, FIRST, LAST, lifter=Knows(walk))
    assert off_mm(spoilt, walk)[FIRST : LAST + 1].mean() > 60
    assert off_mm(again, walk)[FIRST : LAST + 1].mean() < 40
    assert pose_off_mm(again, walk)[FIRST : LAST + 1].max() < 15


def test_only_the_span_and_a_little_beside_it_changes_and_only_of_that_person(walk, spoilt):
    again = solve_again(spoilt, 0, FIRST, LAST, lifter=Knows(walk))
    margin = int(BLEND_S * 30) + 1
    outside = np.r_[0 : FIRST - margin, LAST + margin + 1 : 100]
    for name in ("rotations", "root_world_m", "joints_world_m", "state", "contact", "box_camera_m"):
        before, after = getattr(spoilt, name), getattr(again, name)
        np.testing.assert_array_equal(after[0][outside], before[0][outside], err_msg=name)
        np.testing.assert_array_equal(after[1], before[1], err_msg=name)
    np.testing.assert_array_equal(again.bone_length_m, spoilt.bone_length_m)


def test_the_span_passes_in_softly(walk, spoilt):
    again = solve_again(spoilt, 0, FIRST, LAST, lifter=Knows(walk))

    def jerk(take):
        return np.linalg.norm(np.diff(take.joints_world_m[0], n=2, axis=0), axis=-1).max()

    assert jerk(again) < 2.5 * jerk(walk) < jerk(spoilt)


def test_a_wrong_span_is_filled_in_like_a_gap(walk):
    again = solve_again(walk, 0, FIRST, LAST, wrong=True, lifter=Knows(walk))
    assert (again.state[0, FIRST : LAST + 1] == State.PREDICTED).all()
    assert np.isnan(again.keypoints_px[0, FIRST : LAST + 1]).all()
    assert (again.keypoint_confidence[0, FIRST : LAST + 1] == 0).all()
    assert np.isfinite(again.joints_world_m[0, FIRST : LAST + 1]).all()
    assert off_mm(again, walk)[FIRST : LAST + 1].max() < 400
    steps = np.linalg.norm(np.diff(again.joints_world_m[0, :, 0], axis=0), axis=-1)
    assert steps.max() < 3 * np.median(steps)


def test_bones_keep_their_lengths(walk, spoilt):
    again = solve_again(spoilt, 0, FIRST, LAST, lifter=Knows(walk))
    joints_m, _ = kinematics.forward(
        again.rotations[0].astype(float), again.root_world_m[0].astype(float), again.bone_length_m[0].astype(float)
    )
    np.testing.assert_allclose(again.joints_world_m[0], joints_m, atol=1e-4)


def test_the_end_of_a_clip_and_the_whole_of_it_can_be_solved_again(walk):
    for first, last in ((0, 10), (90, 99), (0, 99)):
        again = solve_again(walk, 1, first, last, lifter=Knows(walk))
        assert pose_off_mm(again, walk, 1).max() < 15
        assert off_mm(again, walk, 1).mean() < 60


def test_the_worker_solves_a_span_and_writes_another_take(walk, tmp_path, capsys):
    source = walk.save(tmp_path / "walk.npz")
    before = source.read_bytes()
    words = ["solve", str(source), "-o", str(tmp_path / "again.npz"), "--person", "1", "--start", "1", "--end", "1.5"]
    assert cli.main(words) == 0
    again = Take.load(tmp_path / "again.npz")
    assert (again.rotations[0, 30:46] != walk.rotations[0, 30:46]).any()
    np.testing.assert_array_equal(again.rotations[1], walk.rotations[1])
    assert source.read_bytes() == before
    assert str(tmp_path / "again.npz") in capsys.readouterr().out


def test_the_worker_tells_what_it_cannot_solve(walk, tmp_path, capsys):
    source = str(walk.save(tmp_path / "walk.npz"))
    words = ["solve", source, "-o", str(tmp_path / "again.npz")]
    assert cli.main([*words, "--person", "9"]) == 2
    assert cli.main([*words, "--person", "1", "--start", "60"]) == 2
    assert cli.main([*words, "--person", "1", "--start", "2", "--end", "1"]) == 2
    assert cli.main(["solve", str(tmp_path / "no.npz"), *words[2:], "--person", "1"]) == 3
    assert "knows no person 9" in capsys.readouterr().err
    assert not (tmp_path / "again.npz").exists()


def sliding_mm(take: Take, span: slice = slice(FIRST, LAST + 1)) -> float:
    """How far heels and toes of the first person go while the walk has them stand."""
    feet_m = take.joints_world_m[0][span][:, CONTACT_JOINTS]
    stands = (take.contact[0][span][1:] > 0.5) & (take.contact[0][span][:-1] > 0.5)
    return float(1000 * np.linalg.norm(np.diff(feet_m, axis=0), axis=-1)[stands].sum())


def test_feet_are_let_go_for_a_span_and_its_contacts_say_so(walk):
    again = solve_again(walk, 0, FIRST, LAST, foot_lock="never", lifter=Knows(walk))
    assert (again.contact[0, FIRST : LAST + 1] < 0.3).all()
    np.testing.assert_array_equal(again.contact[0, :FIRST], walk.contact[0, :FIRST])
    pinned = solve_again(walk, 0, FIRST, LAST, lifter=Knows(walk))
    assert (pinned.contact[0, FIRST : LAST + 1] > 0.5).any()
    again.contact[0] = pinned.contact[0]
    assert sliding_mm(again) > 2 * sliding_mm(pinned)


def test_feet_that_are_told_not_to_stand_are_pinned_for_a_span_and_its_contacts_say_so(walk):
    nobody_stands = copied(walk)  # for sure; the foot that stands is still the likelier one
    nobody_stands.contact *= 0.4
    knows = Knows(nobody_stands)
    free = solve_again(walk, 0, FIRST, LAST, foot_lock="auto", lifter=knows)
    again = solve_again(walk, 0, FIRST, LAST, foot_lock="always", lifter=knows)
    assert not (free.contact[0, FIRST : LAST + 1] > 0.5).any()
    assert (again.contact[0, FIRST : LAST + 1] > 0.5).any(axis=1).all()
    free.contact[0] = again.contact[0]
    assert sliding_mm(again) < 0.5 * sliding_mm(free)


def test_a_span_can_be_solved_more_smoothly_than_the_clip_was(walk):
    def jerk(take: Take) -> float:
        return float(np.abs(np.diff(take.joints_world_m[0, FIRST + 3 : LAST - 3], n=3, axis=0)).mean())

    plain = solve_again(walk, 0, FIRST, LAST, foot_lock="never", lifter=Knows(walk))
    smooth = solve_again(walk, 0, FIRST, LAST, foot_lock="never", smoothness_s=0.3, lifter=Knows(walk))
    assert jerk(smooth) < 0.7 * jerk(plain)


def test_nobody_is_kept_on_a_floor_that_is_not_there(walk):
    take = copied(walk)
    take.source["motion"] = {"floor": "none"}
    with pytest.raises(AnimePoseError, match="needs a floor"):
        solve_again(take, 0, FIRST, LAST, foot_lock="grounding", lifter=Knows(walk))


def test_the_worker_solves_as_the_command_line_says(walk, tmp_path):
    source = walk.save(tmp_path / "walk.npz")
    words = ["solve", str(source), "-o", str(tmp_path / "again.npz"), "--person", "1", "--start", "1", "--end", "1.5"]
    assert cli.main([*words, "--foot-lock", "never", "--smoothness", "0.1"]) == 0
    assert (Take.load(tmp_path / "again.npz").contact[0, 30:46] < 0.3).all()
    assert cli.main([*words, "--foot-lock", "glue"]) == 2
    assert cli.main([*words, "--smoothness", "-1"]) == 2


def test_what_cannot_be_solved_is_told(walk):
    with pytest.raises(AnimePoseError, match="no span"):
        solve_again(walk, 0, 50, 100)
    with pytest.raises(AnimePoseError, match="no span"):
        solve_again(walk, 2, 5, 10)
    with pytest.raises(AnimePoseError, match="not seen"):
        solve_again(walk, 0, 0, 99, wrong=True)
