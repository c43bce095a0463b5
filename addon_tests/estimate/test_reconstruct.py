"""From person-frames without error to everybody in one scene: who is who, where, on which floor, how tall."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import Cancelled
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.camera import Focal
from animepose_blender.estimate.camera_motion import CameraMotion
from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.reconstruct import NO_PERSON, Given, Reconstruction, reconstruct
from animepose_blender.estimate.solve import stature_m
from animepose_blender.protocol import STAGES, JobRequest
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State, Take

from .evidence import Knows, colours_of, observations_of, observe_take, piece_of

FRAMES = 100
JOB = JobRequest("walk.mp4", "take.npz", camera="still")
NOTHING = Given()
SIZES = (1.0, 0.92)
"""Of the walkers, as shares of an average adult's."""


@dataclass
class Listener:
    """A reporter that remembers."""

    stages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cancel_at: str | None = None

    def progress(self, stage: str, stage_fraction: float) -> None:
        assert 0 <= stage_fraction <= 1
        if stage == self.cancel_at:
            raise Cancelled
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None:
        pass


def _focal(take: Take) -> Focal:
    return Focal(float(take.intrinsics[0, 0, 0]), "user")


def _reconstruct(
    take: Take, observed: Observed | None = None, job: JobRequest = JOB, given: Given = NOTHING
) -> Reconstruction:
    given = replace(given, lifter=Knows(take))
    found = reconstruct(observed or observe_take(take), _focal(take), job, Listener(), given)
    assert found is not None
    return found


def _who(found: Reconstruction, take: Take) -> list[int]:
    """The person of the truth that each one found is, by their place in the picture in every frame they are seen in."""
    who = []
    for person in found.people:
        frames = person.evidence.frames
        middle_px = (person.evidence.box_px[:, :2] + person.evidence.box_px[:, 2:]) / 2
        true_px = (take.box_px[:, frames, :2] + take.box_px[:, frames, 2:]) / 2
        nearest = np.nanargmin(np.nan_to_num(np.linalg.norm(true_px - middle_px, axis=-1), nan=1e9), axis=0)
        assert len(set(nearest.tolist())) == 1, "two people in one"
        who.append(int(nearest[0]))
    return who


def _to_truth(found: Reconstruction, take: Take) -> np.ndarray:
    """(4, 4) from the world found to that of the truth, by the camera of the first frame."""
    return take.camera_to_world[0] @ cameras.invert(found.view.camera_to_world[0])


def _root_error_m(found: Reconstruction, take: Take) -> np.ndarray:
    """(P,) mean error of the roots of the frames seen, once the first camera is laid onto the true one."""
    to_truth, errors = _to_truth(found, take), []
    for person, number in zip(found.people, _who(found, take)):
        frames = person.evidence.frames
        root_m = cameras.transform(to_truth, person.solved.root_world_m[frames][:, None])[:, 0]
        errors.append(np.linalg.norm(root_m - take.root_world_m[number, frames], axis=1).mean())
    return np.array(errors)


def _tilt_deg(found: Reconstruction, take: Take) -> float:
    return float(np.degrees(np.arccos(np.clip(_to_truth(found, take)[2, 2], -1, 1))))


def _foot_level_m(found: Reconstruction) -> np.ndarray:
    """(P,) median height of the lower foot in the world found."""
    return np.array(
        [np.nanmedian(p.solved.joints_world_m[:, list(CONTACT_JOINTS), 2].min(axis=1)) for p in found.people]
    )


@pytest.fixture(scope="module")
def take() -> Take:
    return walking_take(people=2, frames=FRAMES, gaps=False)


@pytest.fixture(scope="module")
def found(take) -> Reconstruction:
    return _reconstruct(take)


def test_two_walkers_are_two_people_where_they_are(found, take):
    assert sorted(_who(found, take)) == [0, 1]
    assert all((p.solved.state == State.OBSERVED).all() for p in found.people)
    assert _root_error_m(found, take).max() < 0.25
    assert found.dropped[NO_PERSON] == 0


def test_they_stand_on_one_floor_below_an_upright_world(found, take):
    assert _tilt_deg(found, take) < 2
    np.testing.assert_allclose(_foot_level_m(found), 0.02, atol=0.03)
    camera_m = found.view.centre_m
    assert camera_m[0, 2] == pytest.approx(take.camera_to_world[0, 2, 3], rel=0.08)
    np.testing.assert_allclose(camera_m, np.tile(camera_m[0], (FRAMES, 1)))
    assert found.camera == "still"


def test_the_solved_joints_lie_on_the_picture(found, take):
    for person in found.people:
        joints_m = cameras.transform(found.view.world_to_camera, person.solved.joints_world_m)
        projected_px = cameras.project(joints_m, found.view.intrinsics)
        frames = person.evidence.frames
        distance_px = np.linalg.norm(projected_px[frames] - person.evidence.lifted.keypoints_px, axis=-1)
        assert np.nanmedian(distance_px) < 3
        assert person.solved.misfit < 0.015


def test_the_order_of_the_stages_is_told(take):
    listener = Listener()
    reconstruct(observe_take(take), _focal(take), JOB, listener)
    assert {"place", "track", "solve"} <= set(listener.stages)
    assert listener.stages == [stage for stage in STAGES if stage in listener.stages]


@pytest.mark.parametrize("stage", ["place", "track", "solve"])
def test_every_stage_can_be_cancelled(take, stage):
    with pytest.raises(Cancelled):
        reconstruct(observe_take(take), _focal(take), JOB, Listener(cancel_at=stage))


def test_who_is_hidden_for_a_while_is_one_person_whose_gap_is_marked():
    # Both are hidden, the second also comes late, and both are away near the end, too.
    take = walking_take(people=2, frames=120)
    found = _reconstruct(take)
    assert sorted(_who(found, take)) == [0, 1]
    for person, number in zip(found.people, _who(found, take)):
        seen = take.state[number] == State.OBSERVED
        np.testing.assert_array_equal(person.solved.state == State.OBSERVED, seen)
        between = slice(np.flatnonzero(seen)[0], np.flatnonzero(seen)[-1])
        assert (person.solved.state[between] != State.ABSENT).all()
        gap = np.flatnonzero(person.solved.state == State.PREDICTED)
        root_m = cameras.transform(_to_truth(found, take), person.solved.root_world_m[gap][:, None])[:, 0]
        truth_m = take.root_world_m[number, gap]
        assert np.nanmedian(np.linalg.norm(root_m - truth_m, axis=1)) < 0.35


def _swapped(observed: Observed, at: int) -> Observed:
    """The follower in the picture takes each for the other from a frame on."""
    pieces = []
    for own, other in (observed.tracklets, observed.tracklets[::-1]):
        one, two = piece_of(own, slice(None, at)), piece_of(other, slice(at, None))
        for name in ("frames", "observations", "silhouettes", "depths"):
            getattr(one, name).extend(getattr(two, name))
        pieces.append(one)
    return replace(observed, tracklets=pieces)


def test_a_follower_that_takes_each_for_the_other_is_put_right(take):
    swapped = _reconstruct(take, _swapped(observe_take(take), FRAMES // 2))
    assert sorted(_who(swapped, take)) == [0, 1]


def test_people_come_in_the_order_of_their_appearance_and_then_from_the_left():
    take = walking_take(people=3, frames=FRAMES, gaps=False)
    observed = observe_take(take)
    late = [t for t in observed.tracklets if t is not observed.tracklets[1]]
    first = observed.tracklets[1]
    second = [piece_of(t, slice(20, None)) for t in late]
    found = _reconstruct(take, replace(observed, tracklets=[second[1], first, second[0]]))
    left = np.argsort([take.box_px[n, 20, 0] for n in (0, 2)])
    assert _who(found, take) == [1, *np.array([0, 2])[left]]


def test_what_is_no_person_is_left_out_and_told(found, take, rng):
    observed = observe_take(take)
    without = _root_error_m(found, take).max()

    def scrambled(o: PoseObservation) -> PoseObservation:
        aside = np.array([120.0, 0])
        wrong_px = o.landmarks_px.mean(axis=0) + aside + rng.normal(0, 25, (33, 2))
        box_px = o.box_px + np.tile(aside, 2)
        return replace(
            o, landmarks_px=wrong_px, region=o.region + [120.0, 0, 0, 0], box_px=box_px, colours=colours_of(5)
        )

    trunk = piece_of(observed.tracklets[0], slice(None), scrambled)
    with_trunk = replace(observed, tracklets=[*observed.tracklets, trunk])
    found = _reconstruct(take, with_trunk)
    assert found.dropped[NO_PERSON] >= 1
    assert len(found.people) == 2
    assert sorted(_who(found, take)) == [0, 1]
    # Without the trunk in the scene, the rest is as if it had never been there.
    assert _root_error_m(found, take).max() < without + 0.1
    assert _tilt_deg(found, take) < 2


def test_who_is_seen_too_shortly_is_left_out_and_told(take):
    observed = observe_take(take)
    aside = np.array([-200.0, 0])
    glimpse = piece_of(observed.tracklets[0], slice(40, 44), lambda o: replace(
        o, landmarks_px=o.landmarks_px + aside, region=o.region + [-200.0, 0, 0, 0], box_px=o.box_px + np.tile(aside, 2)
    ))  # fmt: skip
    found = _reconstruct(take, replace(observed, tracklets=[*observed.tracklets, glimpse]))
    assert len(found.people) == 2
    assert found.dropped["seen too shortly"] == 1


def test_who_is_in_the_take_is_not_told_to_be_left_out(take):
    """Single finds of somebody that are of no use are no loss of a person."""
    observed = observe_take(take)
    who = np.tile([0, 1], FRAMES)
    who[[30, 77]] = -1
    found = _reconstruct(take, observed, given=Given(person=who))
    assert len(found.people) == 2
    assert found.dropped["seen too shortly"] == 0


def test_no_more_people_than_asked_for_are_kept_the_longest_seen_first(take):
    observed = observe_take(take)
    short = piece_of(observed.tracklets[0], slice(30))
    found = _reconstruct(take, replace(observed, tracklets=[short, observed.tracklets[1]]), replace(JOB, max_people=1))
    assert _who(found, take) == [1]
    assert found.dropped["more than the most people asked for"] == 1


def test_nobody_is_nobody(take):
    nobody = replace(observe_take(take), tracklets=[])
    assert reconstruct(nobody, _focal(take), JOB, Listener()) is None
    observed = observe_take(take)
    unseen = piece_of(observed.tracklets[0], slice(None), lambda o: replace(o, landmarks_px=np.full((33, 2), np.nan)))
    assert reconstruct(replace(observed, tracklets=[unseen]), _focal(take), JOB, Listener()) is None


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_clip_of_few_frames_is_solved(frames):
    take = walking_take(people=2, frames=frames, gaps=False)
    found = _reconstruct(take)
    assert sorted(_who(found, take)) == [0, 1]
    for person in found.people:
        assert np.isfinite(person.solved.joints_world_m).all()
    np.testing.assert_allclose(_foot_level_m(found), 0.02, atol=0.1)


def _motion(take: Take, kind: str = "moving") -> CameraMotion:
    """The true path of the camera, in metres."""
    path = cameras.invert(take.camera_to_world[0]) @ take.camera_to_world
    return CameraMotion(path, kind, np.zeros(len(path)), 1.0, np.zeros((0, 4)), 0.0)


@pytest.fixture(scope="module")
def drive() -> Take:
    """A camera that pans and drifts, without the zoom, which a clip is not taken to have."""
    take = walking_take(people=2, frames=FRAMES, gaps=False, moving_camera=True)
    intrinsics = np.tile(take.intrinsics[0], (FRAMES, 1, 1))
    joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    keypoints_px = cameras.project(joints_m, np.broadcast_to(intrinsics, (2, FRAMES, 3, 3)))
    box_px = np.concatenate([keypoints_px.min(axis=2) - 6, keypoints_px.max(axis=2) + 6], axis=-1)
    return replace(take, intrinsics=intrinsics, keypoints_px=keypoints_px, box_px=box_px)


def test_with_a_moving_camera_the_world_stands_still(drive):
    found = _reconstruct(drive, given=Given(motion=_motion(drive)))
    assert sorted(_who(found, drive)) == [0, 1]
    assert _root_error_m(found, drive).max() < 0.3
    assert _tilt_deg(found, drive) < 2.5
    np.testing.assert_allclose(_foot_level_m(found), 0.02, atol=0.04)
    to_truth = _to_truth(found, drive)
    turned = np.einsum(
        "fji,fjk->fik", (to_truth @ found.view.camera_to_world)[:, :3, :3], drive.camera_to_world[:, :3, :3]
    )
    assert np.degrees(np.arccos(np.clip((np.trace(turned, axis1=1, axis2=2) - 1) / 2, -1, 1))).max() < 0.1


def test_the_units_of_a_camera_that_travels_do_not_matter(drive):
    path = _motion(drive).camera_to_start.copy()
    path[:, :3, 3] *= 7.0
    found = _reconstruct(drive, given=Given(motion=replace(_motion(drive), camera_to_start=path)))
    assert found.camera in ("moving", "turning")
    assert _root_error_m(found, drive).max() < 0.4
    travel_m = np.linalg.norm(found.view.centre_m[-1] - found.view.centre_m[0])
    truth_m = np.linalg.norm(drive.camera_to_world[-1, :3, 3] - drive.camera_to_world[0, :3, 3])
    assert travel_m < 2.5 * truth_m


def test_a_camera_that_turns_stays_where_it_is(drive):
    path = _motion(drive).camera_to_start.copy()
    path[:, :3, 3] = 0
    found = _reconstruct(drive, given=Given(motion=replace(_motion(drive, "turning"), camera_to_start=path)))
    assert found.camera == "turning"
    np.testing.assert_allclose(found.view.centre_m, np.tile(found.view.centre_m[0], (FRAMES, 1)), atol=1e-9)


def test_the_users_word_that_the_camera_stands_still_is_taken(drive):
    found = _reconstruct(drive)
    assert found.camera == "still"
    np.testing.assert_array_equal(found.view.camera_to_world, np.tile(found.view.camera_to_world[0], (FRAMES, 1, 1)))


@pytest.mark.parametrize("of", [1, 2])
@pytest.mark.parametrize("height_m", [1.2, 1.85])
def test_the_height_of_one_person_sets_the_size_of_everything(take, of, height_m):
    """The estimator takes everybody for as tall as an average adult."""
    observed = observe_take(take, sizes=SIZES)
    found = _reconstruct(take, observed)
    sized = _reconstruct(take, observed, replace(JOB, height_m=height_m, height_of=of))
    assert _who(sized, take) == _who(found, take)
    before_m, after_m = (
        np.array([stature_m(person.solved.bone_length_m) for person in r.people]) for r in (found, sized)
    )
    assert after_m[of - 1] == pytest.approx(height_m, rel=0.03)
    # The other stands on the same floor.
    factor = after_m / before_m
    assert np.sign(factor[2 - of] - 1) == np.sign(factor[of - 1] - 1)
    np.testing.assert_allclose(_foot_level_m(sized), 0.02, atol=0.1)


def test_the_other_follows_a_stated_height_all_the_way(take):
    observed = observe_take(take, sizes=SIZES)
    size = _reconstruct(take, observed, replace(JOB, height_m=1.5, height_of=1)).scene.size
    assert size[1] / size[0] == pytest.approx(SIZES[1] / SIZES[0], abs=0.05)


def test_who_is_smaller_comes_out_smaller():
    take = walking_take(people=2, frames=FRAMES, gaps=False)
    found = _reconstruct(take, observe_take(take, sizes=SIZES))
    heights_m = np.empty(2)
    heights_m[_who(found, take)] = [stature_m(p.solved.bone_length_m) for p in found.people]
    assert heights_m[1] / heights_m[0] == pytest.approx(SIZES[1] / SIZES[0], abs=0.04)


def test_what_is_given_is_taken(found, take):
    observed = observe_take(take)
    seen = gather(observed.tracklets)
    everybody = _reconstruct(take, observed, given=Given(person=1 - seen.tracklet))
    assert [p.number for p in everybody.people] == [1 - found.people[0].number, 1 - found.people[1].number] or (
        sorted(_who(everybody, take)) == [0, 1]
    )
    only_one = _reconstruct(take, observed, given=Given(person=np.where(seen.tracklet == 1, 0, -1)))
    assert _who(only_one, take) == [1]
    scene = replace(found.scene, size=1.01 * found.scene.size)
    assert _reconstruct(take, observed, given=Given(scene=scene)).scene is scene


def test_a_focal_length_that_is_not_known_comes_out_better_than_the_guess():
    """A wide lens seen from above, taken for a longer one; the floor and the uprightness of people tell."""
    take = walking_take(people=3, frames=150, gaps=False)
    truth_px = float(take.intrinsics[0, 0, 0])
    for factor in (0.75, 1.3):
        guess = Focal(truth_px * factor, "default", 0.3)
        found = reconstruct(observe_take(take), guess, JOB, Listener(), Given(lifter=Knows(take)))
        assert found is not None
        assert found.focal.source in ("default", "estimated")
        # It must not run away; how far it comes back depends on what the feet cover.
        assert abs(np.log(found.focal.focal_px / truth_px)) < 1.15 * abs(np.log(factor))
        assert (found.view.intrinsics[:, 0, 0] == found.focal.focal_px).all()


def test_a_second_run_gives_the_same(found, take):
    again = _reconstruct(take)
    for a, b in zip(found.people, again.people, strict=True):
        np.testing.assert_array_equal(a.solved.joints_world_m, b.solved.joints_world_m)


def test_depth_maps_are_brought_to_the_scale_of_the_solve(take):
    observed = observe_take(take)
    joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    for number, tracklet in enumerate(observed.tracklets):
        tracklet.depths = (0.1 * joints_m[number, :, 0, 2] + 3).tolist()
    found = _reconstruct(take, observed)
    for person, number in zip(found.people, _who(found, take)):
        truth_m = joints_m[number, :, 0, 2]
        depth_m = person.evidence.depth_m
        assert np.corrcoef(depth_m, truth_m)[0, 1] > 0.99
        np.testing.assert_allclose(depth_m, truth_m, rtol=0.12)
    assert _root_error_m(found, take).max() < 0.3


def test_observations_are_those_of_a_perfect_estimator(take):
    """The fixture itself: what it shows is where the people are."""
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m[0].astype(float))
    (first, *_) = observations_of(joints_m, take.intrinsics, colours=colours_of(0))
    np.testing.assert_allclose(first.landmarks_px[0], take.keypoints_px[0, 0, 5], atol=1e-3)
    assert np.linalg.norm(first.landmarks_m[23] + first.landmarks_m[24]) == pytest.approx(0, abs=1e-6)
    assert first.mask.any()


@pytest.mark.parametrize("metric", [True, False])
def test_depth_maps_of_no_sense_harm_nobody(take, rng, metric):
    observed = observe_take(take)
    for tracklet in observed.tracklets:
        tracklet.depths = (10.0 + rng.normal(0, 0.01, len(tracklet.frames))).tolist()  # the same, wherever people go
    with_maps = _reconstruct(take, replace(observed, metric_depth=metric))
    without = _reconstruct(take, observe_take(take))
    assert len(with_maps.people) == len(without.people) == take.person_count
    for one, other in zip(with_maps.people, without.people, strict=True):
        apart_m = np.linalg.norm(one.solved.root_world_m - other.solved.root_world_m, axis=-1)
        assert np.nanmedian(apart_m) < 0.1
