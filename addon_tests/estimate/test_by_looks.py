"""How far away people are by their looks (RootNet) tells their size and place, as far as it can be believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from addon_tests.estimate.evidence import Knows, observe_take
from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.camera import Focal
from animepose_blender.estimate.depth import sizes_by_looks
from animepose_blender.estimate.detections import gather, place
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.reconstruct import Given, Reconstruction, reconstruct
from animepose_blender.estimate.reporter import Reporter
from animepose_blender.protocol import JobRequest
from animepose_blender.take import Take

FRAMES, SMALL = 40, 0.6
JOB = JobRequest("clip.mp4", "take.npz", camera="still")


class Silent(Reporter):
    def progress(self, stage: str, stage_fraction: float) -> None: ...

    def warning(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


@pytest.fixture(scope="module")
def take() -> Take:
    return walking_take(people=1, frames=FRAMES, gaps=False)


def with_looks(observed: Observed, depth_m: np.ndarray, focal_px: float) -> Observed:
    """The same, with depths (F,) of the first person by their looks."""
    (tracklet,) = observed.tracklets
    tracklet.observations = [
        replace(one, depth_per_focal=float(depth_m[frame] / focal_px))
        for frame, one in zip(tracklet.frames, tracklet.observations, strict=True)
    ]
    return observed


def depths_of(take: Take) -> np.ndarray:
    camera = cameras.invert(take.camera_to_world)
    return cameras.transform(camera, take.joints_world_m[0].astype(float))[:, 0, 2]


def reconstructed(take: Take, observed: Observed) -> Reconstruction:
    focal = Focal(float(take.intrinsics[0, 0, 0]), "user")
    found = reconstruct(observed, focal, JOB, Silent(), Given(lifter=Knows(take)))
    assert found is not None and len(found.people) == 1
    return found


def size_of(take: Take, factor: float | None) -> float:
    """Size of somebody who is `SMALL` times as large as the estimator takes them for; looks times a factor."""
    observed = observe_take(take, sizes=[SMALL])
    if factor is not None:
        observed = with_looks(observed, factor * depths_of(take), float(take.intrinsics[0, 0, 0]))
    return float(reconstructed(take, observed).scene.size[0])


def test_a_child_alone_comes_out_smaller_by_their_looks(take):
    unseen, seen = size_of(take, None), size_of(take, 1.0)
    assert unseen > 0.9 and seen == pytest.approx(SMALL, rel=0.15)


def test_an_adult_is_made_little_smaller_by_their_looks(take):
    # By looks 15 % smaller, which is as far as looks are wrong; adults are not so different.
    unseen, seen = size_of(take, None), size_of(take, 0.85 / SMALL)
    assert 0.93 < seen / unseen < 0.99


def test_looks_that_cannot_be_are_let_go(take):
    assert size_of(take, 20.0) == pytest.approx(size_of(take, None), rel=0.08)


def test_the_focal_length_does_not_matter_for_sizes():
    depth_m, looks_m = np.array([4.0, 5, 6, 5]), np.array([3.2, 4, 4.8, np.nan])
    person = np.array([0, 0, 0, 1])
    for factor in (1.0, 1.7):
        sizes = sizes_by_looks(factor * looks_m, factor * depth_m, person)
        np.testing.assert_allclose(sizes, [[0.8, 0.0], [np.nan, np.nan]], atol=1e-12)
    assert sizes_by_looks(looks_m, depth_m, np.full(4, -1)).shape == (0, 2)


def test_distances_by_looks_are_brought_to_the_scale_of_the_solve_and_kept_as_evidence(take):
    depth_m = depths_of(take)
    observed = with_looks(observe_take(take), 1.3 * depth_m, float(take.intrinsics[0, 0, 0]))
    (person,) = reconstructed(take, observed).people
    looks_m = person.evidence.looks_depth_m
    assert looks_m is not None and np.corrcoef(looks_m, depth_m)[0, 1] > 0.99
    first_m = person.evidence.where(np.arange(FRAMES) < 3).looks_depth_m
    assert first_m is not None and first_m.tolist() == looks_m[:3].tolist()


def test_looks_of_no_sense_harm_nobody(take, rng):
    nonsense = with_looks(observe_take(take), rng.uniform(2, 9, FRAMES), float(take.intrinsics[0, 0, 0]))
    one, other = (reconstructed(take, observed).people[0] for observed in (nonsense, observe_take(take)))
    apart_m = np.linalg.norm(one.solved.root_world_m - other.solved.root_world_m, axis=-1)
    assert np.nanmedian(apart_m) < 0.15


def test_who_cannot_be_placed_by_their_joints_is_placed_by_their_looks(take):
    depth_m = depths_of(take)
    observed = with_looks(observe_take(take), depth_m, float(take.intrinsics[0, 0, 0]))
    seen = gather(observed.tracklets)
    blind = replace(seen, confidence=np.where(np.arange(FRAMES)[:, None] < 5, 0.0, seen.confidence))
    placed, good = place(blind, take.intrinsics, take.frame_time_s)
    assert good.all()
    np.testing.assert_allclose(placed.root_m[:5, 2], depth_m[:5], rtol=1e-6)
    assert (placed.sigma_m[:5, 1] > 2 * placed.sigma_m[5:, 1].max()).all()
    unseen = replace(blind, depth_per_focal=np.full(FRAMES, np.nan))
    assert not place(unseen, take.intrinsics, take.frame_time_s)[1][:5].any()
