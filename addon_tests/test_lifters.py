"""The lifters: what goes in, what comes out, and what must not matter."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from animepose_blender.core import cameras
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.lifting import Sequence, default_lifter
from animepose_blender.estimate.lifting.convolution import convolution_lifter, load_network
from animepose_blender.estimate.lifting.encoding import FEATURES, PER_JOINT, encode, middle, mirrored, view_axes
from animepose_blender.estimate.lifting.fusion import with_depths
from animepose_blender.estimate.lifting.network import NetworkLifter
from animepose_blender.estimate.lifting.sides import put_right
from animepose_blender.estimate.lifting.timing import from_grid, grid, pieces, to_grid
from animepose_blender.skeleton import JOINT_COUNT, MIRROR, REST_JOINTS_M, J
from models.attention_lifter import AttentionLifter
from models.attention_lifter import Config as AttentionConfig
from models.residual_lifter import Config as ResidualConfig
from models.residual_lifter import ResidualLifter
from models.temporal_lifter import Config as TemporalConfig
from models.temporal_lifter import TemporalLifter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

NETWORKS = {
    "residual": lambda: ResidualLifter(ResidualConfig(width=32)),
    "temporal": lambda: TemporalLifter(TemporalConfig(blocks=2, channels=16)),
    "attention": lambda: AttentionLifter(AttentionConfig(width=24, layers=2, heads=2, reach=5)),
}
TO_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Somebody who looks at the camera: the rest pose looks along -Y, up is +Z."""


def walker(count: int = 60, rate: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) and joints (n, J, 3) in camera axes of somebody who swings arms and legs 4 m away."""
    time_s = np.arange(count) / rate
    joints_m = np.repeat((REST_JOINTS_M - REST_JOINTS_M[0]) @ TO_CAMERA.T, count, axis=0).reshape(-1, count, 3)
    joints_m = joints_m.transpose(1, 0, 2).copy()
    swing = 0.2 * np.sin(2 * np.pi * time_s)
    for side, sign in (("left", 1), ("right", -1)):
        for name in ("wrist", "ankle", "heel", "toe", "index_knuckle", "pinky_knuckle"):
            joints_m[:, J[f"{side}_{name}"], 2] += sign * swing
    root_m = np.stack([0.3 * time_s - 0.5, np.full(count, 0.1), np.full(count, 4.0)], axis=-1)
    return time_s, joints_m + root_m[:, None]


def seen(time_s: np.ndarray, camera_m: np.ndarray) -> Sequence:
    rays = camera_m[..., :2] / camera_m[..., 2:]
    confidence = np.full(rays.shape[:-1], 0.9)
    direction = middle(rays, confidence)
    depth_m = np.einsum("njc,nc->nj", camera_m - camera_m[:, :1], view_axes(direction)[..., 2])
    return Sequence(time_s, rays, confidence, depth_m, direction)


@pytest.fixture(scope="module")
def lifter() -> NetworkLifter:
    return convolution_lifter(flip=True)


@pytest.mark.parametrize("kind", NETWORKS)
def test_all_networks_answer_every_frame_in_the_same_shapes(kind: str) -> None:
    network = NETWORKS[kind]().eval()
    joints, log_sigma, contact = network(torch.randn(2, 50, FEATURES))
    assert joints.shape == (2, 50, JOINT_COUNT, 3)
    assert log_sigma.shape == (2, 50, JOINT_COUNT, 2)
    assert contact.shape == (2, 50, 4)
    assert torch.equal(joints[..., 0, :], torch.zeros(2, 50, 3))


@pytest.mark.parametrize(
    ("network", "promised"),
    [
        (TemporalLifter(TemporalConfig(kernel=1, blocks=2, channels=32)), 1),
        (TemporalLifter(TemporalConfig(kernel=3, blocks=2, channels=32)), 27),
        (TemporalLifter(TemporalConfig(kernel=3, blocks=3, channels=32)), 81),
        (TemporalLifter(TemporalConfig(kernel=3, blocks=4, channels=32)), 243),
        (ResidualLifter(ResidualConfig(width=16)), 1),
        (AttentionLifter(AttentionConfig(width=12, layers=2, heads=2, reach=5)), 29),
    ],
)
def test_an_answer_depends_on_the_frames_of_the_receptive_field_only(network, promised: int) -> None:
    network.eval()
    assert network.receptive_field == promised
    torch.manual_seed(1)
    torch.nn.init.normal_(network.heads.out.weight)  # which begins at 0
    x = torch.randn(1, 301, FEATURES, requires_grad=True)
    network(x)[0][0, 150].square().sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(-1))[:, 0]
    assert (int(touched.min()), int(touched.max())) == (150 - promised // 2, 150 + promised // 2)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_along_the_gradient_lowers_the_loss(kind: str) -> None:
    from training.lift_training import losses, tensors, total_of
    from training.lift_windows import Batch

    torch.manual_seed(0)
    time_s, camera_m = walker(40)
    s = seen(time_s, camera_m)
    encoded = encode(s.rays, s.confidence, s.depth_m, s.direction)
    truth = (camera_m - camera_m[:, :1]) @ encoded.axes
    ones = np.ones((1, 40))
    batch = tensors(Batch(encoded.inputs[None], truth[None], np.zeros((1, 40, 4)), ones, ones))
    network = NETWORKS[kind]().eval()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    before = total_of(losses(network, batch))
    before.backward()
    optimizer.step()
    assert float(total_of(losses(network, batch)).detach()) < float(before.detach())


def test_numpy_and_torch_agree(lifter: NetworkLifter) -> None:
    from safetensors.torch import load_file

    weights = load_file(Path(__file__).resolve().parent.parent / "models" / "weights" / "lifter.safetensors")
    channels = weights["first.0.weight"].shape[0]
    blocks = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    network = TemporalLifter(TemporalConfig(weights["first.0.weight"].shape[2], blocks, channels)).eval()
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=False)
    inputs = np.random.default_rng(0).normal(0, 0.4, (1500, FEATURES)).astype(np.float32)
    with torch.no_grad():
        theirs = network(torch.from_numpy(inputs)[None])
    for ours, other in zip(load_network()(inputs), theirs, strict=True):
        np.testing.assert_allclose(ours, other[0].numpy(), atol=1e-4)


def test_of_a_missing_keypoint_nothing_matters() -> None:
    time_s, camera_m = walker()
    s = seen(time_s, camera_m)
    hidden = s.rays.copy()
    hidden[20:30, J["left_wrist"]] = np.nan
    confidence = s.confidence.copy()
    other = confidence.copy()
    other[20:30, J["left_wrist"]] = 0.1
    first, second = (encode(hidden, c, s.depth_m, s.direction).inputs for c in (confidence, other))
    np.testing.assert_array_equal(first, second)
    own = first.reshape(60, -1)[:, PER_JOINT * J["left_wrist"] : PER_JOINT * J["left_wrist"] + 3]
    assert (own[20:30, 2] == 0).all()
    assert (own[:20, 2] > 0).all()
    # What stands in its place lies between what was seen before and after.
    between = np.linspace(own[19, :2], own[30, :2], 12)
    np.testing.assert_allclose(own[19:31, :2], between, atol=1e-5)


def test_without_depths_all_depth_features_are_zero() -> None:
    time_s, camera_m = walker()
    s = seen(time_s, camera_m)
    assert s.depth_m is not None
    none = encode(s.rays, s.confidence, None, s.direction).inputs
    missing = encode(s.rays, s.confidence, np.full_like(s.depth_m, np.nan), s.direction).inputs
    np.testing.assert_array_equal(none, missing)
    assert (none[:, 3 : PER_JOINT * JOINT_COUNT : PER_JOINT] == 0).all()


def test_the_focal_length_does_not_matter(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker()
    answers = []
    for focal in (500.0, 1500.0):
        intrinsics = np.repeat(cameras.intrinsics_of(focal, 640, 360)[None], len(time_s), axis=0)
        rays = cameras.rays(cameras.project(camera_m, intrinsics), intrinsics)
        answers.append(lifter.lift(replace(seen(time_s, camera_m), rays=rays)))
    np.testing.assert_allclose(answers[0].joints_m, answers[1].joints_m, atol=1e-5)


def test_where_in_the_picture_somebody_is_does_not_matter(lifter: NetworkLifter) -> None:
    # Turning the camera about its centre turns the answer, but for the roll of the view axes, which is small.
    time_s, camera_m = walker()
    camera_m = camera_m - [camera_m[:, 0, 0].mean(), 0, 0]
    angle = 0.3
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    straight = lifter.lift(seen(time_s, camera_m)).joints_m
    aside = lifter.lift(seen(time_s, camera_m @ turn.T)).joints_m
    assert np.abs(aside @ turn - straight).max() < 0.03


def test_with_flip_the_mirror_image_gives_the_mirrored_answer(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker()
    camera_m[:, J["left_knee"]] += [0.1, -0.1, -0.2]
    other_m = (camera_m * [-1, 1, 1])[:, MIRROR]
    one, other = lifter.lift(seen(time_s, camera_m)), lifter.lift(seen(time_s, other_m))
    np.testing.assert_allclose(other.joints_m, (one.joints_m * [-1, 1, 1])[:, MIRROR], atol=1e-4)
    np.testing.assert_allclose(other.sigma_m, one.sigma_m[:, MIRROR], atol=1e-4)
    np.testing.assert_allclose(other.contact, one.contact[:, [2, 3, 0, 1]], atol=1e-4)


def test_mirrored_features_are_the_features_of_the_mirrored_person() -> None:
    time_s, camera_m = walker()
    s, m = seen(time_s, camera_m), seen(time_s, (camera_m * [-1, 1, 1])[:, MIRROR])
    ours = mirrored(encode(s.rays, s.confidence, s.depth_m, s.direction).inputs)
    theirs = encode(m.rays, m.confidence, m.depth_m, m.direction).inputs
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_true_keypoints_of_the_rest_pose_come_back(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker()
    lifted = lifter.lift(seen(time_s, camera_m))
    error = np.linalg.norm(lifted.joints_m - (camera_m - camera_m[:, :1]), axis=-1)
    assert error.mean() < 0.1
    assert lifted.sigma_m.min() > 0.003
    assert ((lifted.contact >= 0) & (lifted.contact <= 1)).all()


@pytest.mark.parametrize("rate", [15.0, 25.0, 60.0])
def test_the_frame_rate_hardly_matters(lifter: NetworkLifter, rate: float) -> None:
    # With the same 2 s at 30 frames a second, compared at its beginning.
    reference_s, reference_m = walker(61, 30.0)
    time_s, camera_m = walker(round(2 * rate) + 1, rate)
    reference = lifter.lift(seen(reference_s, reference_m)).joints_m
    found = lifter.lift(seen(time_s, camera_m)).joints_m
    assert len(found) == len(time_s)
    both = np.stack([np.interp(reference_s, time_s, found[:, j, 2]) for j in range(JOINT_COUNT)], axis=-1)
    assert np.abs(both - reference[..., 2]).mean() < 0.02


def test_sides_exchanged_for_a_while_are_put_right_and_crossing_legs_are_left_alone() -> None:
    time_s, camera_m = walker(60)
    s = seen(time_s, camera_m)
    assert not put_right(s)[1].any()
    rays, depth_m = s.rays.copy(), np.array(s.depth_m)
    rays[20:35], depth_m[20:35] = rays[20:35][:, MIRROR], depth_m[20:35][:, MIRROR]
    found, wrong = put_right(replace(s, rays=rays, depth_m=depth_m))
    assert wrong[20:35, J["left_wrist"]].all()
    assert wrong[20:35, J["right_knee"]].all()
    assert not wrong[:20].any()
    assert not wrong[35:].any()
    np.testing.assert_array_equal(found.rays, s.rays)
    assert found.depth_m is not None
    assert np.isnan(found.depth_m[25, J["left_wrist"]])


def test_gaps_and_unseen_frames_get_finite_joints(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker(120)
    s = seen(time_s, camera_m)
    rays, depth_m = s.rays.copy(), np.array(s.depth_m)
    rays[50:55], depth_m[50:55] = np.nan, np.nan
    s = replace(s, rays=rays, depth_m=depth_m, direction=middle(rays, s.confidence))
    kept = np.r_[0:70, 85:120]
    s = Sequence(time_s[kept], s.rays[kept], s.confidence[kept], s.depth_m[kept], s.direction[kept])
    lifted = lifter.lift(s)
    assert lifted.joints_m.shape == (len(kept), JOINT_COUNT, 3)
    assert np.isfinite(lifted.joints_m).all()


def test_a_long_absence_cuts_the_lifting_in_two(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker(60)
    s = seen(np.concatenate([time_s[:30], time_s[30:] + 100.0]), camera_m)
    whole = lifter.lift(s)
    last = Sequence(s.time_s[30:], s.rays[30:], s.confidence[30:], s.depth_m[30:], s.direction[30:])
    np.testing.assert_allclose(whole.joints_m[30:], lifter.lift(last).joints_m, atol=1e-6)


def test_one_frame_alone_can_be_lifted(lifter: NetworkLifter) -> None:
    time_s, camera_m = walker(1)
    assert np.isfinite(lifter.lift(seen(time_s, camera_m)).joints_m).all()


def test_nobody_seen_at_all_gives_nothing(lifter: NetworkLifter) -> None:
    count = 5
    empty = Sequence(
        np.arange(count) / 30, np.full((count, 28, 2), np.nan), np.zeros((count, 28)), None, np.full((count, 3), np.nan)
    )
    assert np.isnan(lifter.lift(empty).joints_m).all()


def test_long_clips_are_answered_in_chunks_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    from animepose_blender.estimate.lifting import convolution

    inputs = np.random.default_rng(0).normal(0, 0.4, (900, FEATURES)).astype(np.float32)
    network = load_network()
    whole = network(inputs)
    monkeypatch.setattr(convolution, "CHUNK", 100)
    for ours, other in zip(network(inputs), whole, strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-4)


def test_resampling_keeps_straight_lines_and_bridges_no_long_gaps() -> None:
    time_s = np.concatenate([np.arange(20) / 24, 2.0 + np.arange(20) / 24])
    values = 3 * time_s[:, None] + 1
    even_s = grid(time_s)
    found = to_grid(time_s, values, even_s)[:, 0]
    known = np.isfinite(found)
    inner = known & (even_s > 0.1) & (even_s < 0.7)
    np.testing.assert_allclose(found[inner], 3 * even_s[inner] + 1, atol=0.03)
    assert not known[(even_s > 0.95) & (even_s < 1.9)].any()
    np.testing.assert_allclose(from_grid(even_s, 3 * even_s + 1, time_s), 3 * time_s + 1, atol=1e-9)
    assert [(p.start, p.stop) for p in pieces(np.array([0.0, 0.1, 5.0, 5.1]))] == [(0, 2), (2, 4)]


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnimePoseError, match="missing"):
        load_network(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(AnimePoseError, match="cannot be read"):
        load_network(tmp_path / "bad.safetensors")


def test_the_card_names_the_weights() -> None:
    from animepose_blender.estimate.lifting.convolution import WEIGHTS

    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert digest in WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")


def test_the_default_lifter_has_a_name_and_answers() -> None:
    lifter = default_lifter()
    assert lifter.name
    assert lifter.lift(seen(*walker(10))).joints_m.shape == (10, JOINT_COUNT, 3)


def test_fused_depths_lie_between_both_and_nearer_to_the_surer() -> None:
    joints_m = np.zeros((2, JOINT_COUNT, 3))
    joints_m[:, 1:, 2] = 1.0
    depth_m = np.zeros((2, JOINT_COUNT))
    depth_m[1] = np.nan
    unsure = np.full((2, JOINT_COUNT, 2), 0.5)
    fused = with_depths(joints_m, unsure, depth_m)
    assert (fused[0, 1:, 2] < 0.5).all()
    np.testing.assert_array_equal(fused[1], joints_m[1])
    assert (with_depths(joints_m, unsure / 50, depth_m)[0, 1:, 2] > 0.9 * (1 - 0.01)).sum() > 20
