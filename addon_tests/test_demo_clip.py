"""The demo clip and its truth agree with each other, with the skeleton and with plain physics."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.skeleton import BONES, CONTACT_JOINTS, JOINT_COUNT, JOINTS, MIRROR, PARENTS, J

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "scripts/demo_clip/salsa.mp4"
TRUTH = ROOT / "scripts/demo_clip/salsa_truth.npz"
SCRIPT = ROOT / "scripts/render_demo_clip.py"
LIMBS = ("upper_arm", "forearm", "thigh", "shin", "hand")


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    with np.load(TRUTH, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


@pytest.fixture(scope="module")
def pixels(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(P, F, J, 2) the true joints in the picture."""
    world_to_camera = np.linalg.inv(truth["camera_to_world"].astype(np.float64))
    camera = np.einsum("fij,pfkj->pfki", world_to_camera[:, :3, :3], truth["joints_world_m"])
    camera += world_to_camera[None, :, None, :3, 3]
    assert np.all(camera[..., 2] > 1.0)
    projected = np.einsum("fij,pfkj->pfki", truth["intrinsics"], camera)
    return projected[..., :2] / projected[..., 2:]


def test_the_truth_has_every_field_in_its_shape(truth: dict[str, np.ndarray]) -> None:
    people, frames = len(truth["person_id"]), len(truth["frame_time_s"])
    assert (people, frames) == (2, 180)
    shapes = {
        "intrinsics": (frames, 3, 3),
        "camera_to_world": (frames, 4, 4),
        "joints_world_m": (people, frames, JOINT_COUNT, 3),
        "visible": (people, frames, JOINT_COUNT),
        "contact": (people, frames, 4),
    }
    assert {name: truth[name].shape for name in shapes} == shapes
    assert tuple(truth["joint_names"]) == JOINTS
    assert np.isfinite(truth["joints_world_m"]).all()
    assert truth["visible"].dtype == truth["contact"].dtype == bool


def test_clip_and_truth_have_the_same_frames(truth: dict[str, np.ndarray]) -> None:
    av = pytest.importorskip("av")
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30)
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        frames = [(float(frame.time), frame.width, frame.height) for frame in container.decode(stream)]
    times, widths, heights = map(np.array, zip(*frames, strict=True))
    np.testing.assert_allclose(times, truth["frame_time_s"], atol=1e-3)
    assert widths.min() >= 640 and heights.min() >= 360
    np.testing.assert_allclose(truth["intrinsics"][:, 0, 2] * 2, widths)
    np.testing.assert_allclose(truth["intrinsics"][:, 1, 2] * 2, heights)


def test_the_clip_tells_its_focal_length(truth: dict[str, np.ndarray]) -> None:
    from animepose_blender.estimate.video import open_clip

    clip = open_clip(CLIP)
    assert clip.focal_35mm is not None
    np.testing.assert_allclose(clip.focal_35mm / 36 * clip.width, truth["intrinsics"][0, 0, 0], rtol=1e-4)


def test_clip_and_truth_are_small() -> None:
    assert CLIP.stat().st_size + TRUTH.stat().st_size < 4_000_000


def test_what_is_seen_lies_in_the_picture_and_feet_always_do(truth: dict[str, np.ndarray], pixels: np.ndarray) -> None:
    size = 2 * truth["intrinsics"][0, :2, 2]
    inside = np.all((pixels >= 0) & (pixels < size), axis=-1)
    assert inside[truth["visible"]].all()
    assert inside[:, :, CONTACT_JOINTS].all()


def test_both_people_are_seen_and_hide_each_other_at_times(truth: dict[str, np.ndarray], pixels: np.ndarray) -> None:
    share = truth["visible"].mean(axis=2)
    assert np.median(share, axis=1).min() > 0.5
    assert truth["visible"].mean(axis=1).max() > 0.9 and not truth["visible"].all()
    tall = np.ptp(pixels[..., 1], axis=2) / (2 * truth["intrinsics"][0, 1, 2])
    assert 0.45 < tall.min() and tall.max() < 0.75


def test_the_camera_is_still_level_and_tilted_down(truth: dict[str, np.ndarray]) -> None:
    pose = truth["camera_to_world"]
    assert np.ptp(pose, axis=0).max() == 0
    np.testing.assert_allclose(pose[0, :3, :3] @ pose[0, :3, :3].T, np.eye(3), atol=1e-6)
    assert abs(pose[0, 2, 0]) < 1e-6  # the camera's right is level
    assert -0.6 < pose[0, 2, 2] < -0.1  # it looks down
    assert pose[0, 2, 3] > 1.0


def test_bones_keep_their_length(truth: dict[str, np.ndarray]) -> None:
    joints = truth["joints_world_m"].astype(np.float64)
    lengths = np.linalg.norm(joints - joints[:, :, PARENTS], axis=-1)[:, :, 1:]
    change = lengths.std(axis=1) / lengths.mean(axis=1)
    assert change.max() < 0.06
    limbs = [index - 1 for index, name in enumerate(BONES) if name.split(".")[0] in LIMBS]
    assert change[:, limbs].max() < 0.001
    # Both sides of a body are alike.
    np.testing.assert_allclose(lengths.mean(axis=1), lengths.mean(axis=1)[:, MIRROR[1:] - 1], rtol=0.05)


def test_the_people_are_built_differently(truth: dict[str, np.ndarray]) -> None:
    joints = truth["joints_world_m"].astype(np.float64)
    lengths = np.linalg.norm(joints - joints[:, :, PARENTS], axis=-1).mean(axis=1)
    down = [J[name] for name in ("spine", "chest", "neck", "head_top", "left_knee", "left_ankle", "left_heel")]
    man, woman = lengths[:, down].sum(axis=1)
    assert 1.7 < man < 2.0 and 1.5 < woman < 1.75 and man - woman > 0.12
    shoulders = lengths[:, J["left_shoulder"]]
    assert shoulders[0] > 1.1 * shoulders[1]


def test_feet_in_contact_rest_on_the_floor(truth: dict[str, np.ndarray]) -> None:
    feet = truth["joints_world_m"][:, :, list(CONTACT_JOINTS)].astype(np.float64)
    contact = truth["contact"]
    assert feet[..., 2].min() > -0.005
    assert feet[..., 2][contact].max() < 0.04
    speed = np.linalg.norm(np.gradient(feet, truth["frame_time_s"], axis=1), axis=-1)
    assert speed[contact].max() < 0.31
    assert 0.05 < contact.mean() < 0.8
    # Dancers step with both feet, and nearly always stand on one.
    assert contact.any(axis=1).all()
    lowest = feet[..., 2].min(axis=2)
    assert lowest.max() < 0.05


def test_left_is_left(truth: dict[str, np.ndarray]) -> None:
    joints = truth["joints_world_m"].astype(np.float64)
    to_left = joints[:, :, J["left_hip"]] - joints[:, :, J["right_hip"]]
    ahead = np.cross(to_left, [0.0, 0.0, 1.0])
    toes = joints[:, :, [J["left_toe"], J["right_toe"]]] - joints[:, :, [J["left_heel"], J["right_heel"]]]
    nose = joints[:, :, J["nose"]] - 0.5 * (joints[:, :, J["left_ear"]] + joints[:, :, J["right_ear"]])
    for direction in (toes.mean(axis=2), nose):
        assert np.mean(np.sum(ahead * direction, axis=-1) > 0) > 0.95


def test_the_dance_moves_turns_and_joins_hands(truth: dict[str, np.ndarray]) -> None:
    joints = truth["joints_world_m"].astype(np.float64)
    to_left = joints[:, :, J["left_hip"]] - joints[:, :, J["right_hip"]]
    heading = np.unwrap(np.arctan2(to_left[..., 1], to_left[..., 0]), axis=1)
    assert np.degrees(np.abs(np.diff(heading, axis=1)).sum(axis=1)).min() > 360
    wrists = joints[:, :, [J["left_wrist"], J["right_wrist"]]]
    gap = np.linalg.norm(wrists[0][:, :, None] - wrists[1][:, None], axis=-1).min(axis=(1, 2))
    assert 0.2 < np.mean(gap < 0.3) < 1.0
    # Nothing jumps: no joint but a whipping hand or foot is ever faster than 6 m/s.
    speed = np.linalg.norm(np.diff(joints, axis=1), axis=-1) * 30
    assert speed.max() < 8.0 and np.percentile(speed, 99) < 4.0


def test_the_encoder_gives_each_picture_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    cv2 = pytest.importorskip("cv2")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    encode = import_module("scenes.video").encode
    pictures = [tmp_path / f"{k}.png" for k in range(5)]
    for k, picture in enumerate(pictures):
        cv2.imwrite(str(picture), np.full((48, 64, 3), 40 * k, dtype=np.uint8))
    encode(pictures, tmp_path / "clip.mp4", Fraction(30))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        frames = [(float(frame.time), frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    np.testing.assert_allclose([time for time, _ in frames], np.arange(5) / 30, atol=1e-6)
    assert np.all(np.diff([grey for _, grey in frames]) > 20)
    assert sorted(path.name for path in tmp_path.glob("clip*")) == ["clip.mp4"]


def test_a_camera_projects_what_it_looks_at_onto_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    look_at = import_module("scenes.camera").look_at
    target = np.array([0.3, -0.2, 0.9])
    camera = look_at(np.array([2.0, -4.0, 2.5]), target, (640, 360), 700.0)
    np.testing.assert_allclose(camera.project(target), [320.0, 180.0], atol=1e-9)
    assert camera.project(target + [0.0, 0.0, 0.1])[1] < 180.0  # up in the world is up in the picture
    assert camera.project(target + 0.1 * camera.camera_to_world[:3, 0])[0] > 320.0
    assert np.linalg.det(camera.camera_to_world[:3, :3]) == pytest.approx(1.0)


def test_missing_data_is_said_plainly(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    command = [sys.executable, str(SCRIPT), "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 3
    assert "nowhere" in done.stderr and "--data" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_same_truth_comes_out_again(truth: dict[str, np.ndarray], tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    data = os.environ.get("ANIMEPOSE_DATA")
    if not data:
        pytest.skip("set ANIMEPOSE_DATA to the folder with `humans` and `mocap`")
    command = [sys.executable, str(SCRIPT), "--data", data, "-o", str(tmp_path), "--truth-only"]
    subprocess.run(command, check=True, timeout=600)
    with np.load(tmp_path / "salsa_truth.npz", allow_pickle=False) as again:
        assert set(again.files) == set(truth)
        np.testing.assert_allclose(again["joints_world_m"], truth["joints_world_m"], atol=1e-4)
        assert np.mean(again["visible"] == truth["visible"]) > 0.999
        assert np.mean(again["contact"] == truth["contact"]) > 0.999
