"""The benchmark's clips, truths and maps agree with each other, with their list and with plain physics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animepose_blender.skeleton import BONES, CONTACT_JOINTS, JOINT_COUNT, JOINTS, PARENTS, J

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scripts/benchmark"
SCRIPT = ROOT / "scripts/render_benchmark.py"
CLIPS: list[dict[str, Any]] = json.loads((FOLDER / "clips.json").read_text())
EACH = pytest.mark.parametrize("clip", CLIPS, ids=[clip["name"] for clip in CLIPS])
LIMBS = ("upper_arm", "forearm", "thigh", "shin")

HELD_OUT = ("cmu_martial_", "cmu_007_", "cmu_jumping_")
HELD_OUT_SALSA = {f"cmu_salsa_{number}" for number in (13, 14, 15, 28, 29, 30)}


def held_out(recording: str) -> bool:
    """The rule of the data's own README."""
    return recording.startswith(HELD_OUT) or recording.endswith("_b") or recording in HELD_OUT_SALSA


def read(clip: dict[str, Any], kind: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / clip["split"] / f"{clip['name']}_{kind}.npz", allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def in_camera(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(P, F, J, 3) the true joints in camera axes."""
    world_to_camera = np.linalg.inv(truth["camera_to_world"].astype(np.float64))
    turned = np.einsum("fij,pfkj->pfki", world_to_camera[:, :3, :3], truth["joints_world_m"].astype(np.float64))
    return turned + world_to_camera[None, :, None, :3, 3]


def in_picture(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(P, F, J, 2) the true joints, pixels; of no meaning behind the camera."""
    projected = np.einsum("fij,pfkj->pfki", truth["intrinsics"].astype(np.float64), in_camera(truth))
    with np.errstate(divide="ignore", invalid="ignore"):
        return projected[..., :2] / projected[..., 2:]


def rotation_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle between rotations (..., 3, 3), degrees."""
    trace = np.trace(np.swapaxes(a, -1, -2) @ b, axis1=-2, axis2=-1)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def test_the_list_covers_what_was_asked_for() -> None:
    assert len(CLIPS) >= 12
    assert len({clip["name"] for clip in CLIPS}) == len(CLIPS)
    assert {1, 2, 3, 6} <= {clip["people"] for clip in CLIPS}
    assert {"still", "pan", "hand-held", "dolly"} == {clip["camera"] for clip in CLIPS}
    views = [clip["fov_deg"] for clip in CLIPS]
    assert min(views) == 24 and max(views) == 90
    assert len({clip["place"] for clip in CLIPS}) >= 6
    assert sum(clip["focal_in_file"] for clip in CLIPS) <= len(CLIPS) / 2
    assert all(3.0 <= clip["frames"] / clip["rate"] <= 8.0 for clip in CLIPS)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_each_half_has_every_main_kind(split: str) -> None:
    half = [clip for clip in CLIPS if clip["split"] == split]
    assert len(half) >= 6
    for words in ("couple", "cross", "behind", "out of the picture|leaves the picture", "child", "lies", "six people"):
        assert any(word in clip["tests"] for clip in half for word in words.split("|")), words
    assert sum(clip["camera"] != "still" for clip in half) >= 3
    assert any(clip["focal_in_file"] for clip in half) and not all(clip["focal_in_file"] for clip in half)


def test_dev_plays_no_recording_that_is_held_out_and_test_plays_no_other() -> None:
    for clip in CLIPS:
        for recording in clip["recordings"]:
            assert held_out(recording) == (clip["split"] == "test"), (clip["name"], recording)


def test_files_and_list_are_the_same_and_small() -> None:
    wanted = {
        f"{clip['split']}/{clip['name']}{ending}" for clip in CLIPS for ending in (".mp4", "_truth.npz", "_frames.npz")
    }
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*") if not path.name.startswith(".")}
    assert found == wanted
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 20_000_000


@EACH
def test_a_truth_has_every_field_in_its_shape(clip: dict[str, Any]) -> None:
    truth = read(clip, "truth")
    people, frames = clip["people"], clip["frames"]
    shapes = {
        "frame_time_s": (frames,), "intrinsics": (frames, 3, 3), "camera_to_world": (frames, 4, 4),
        "person_id": (people,), "joints_world_m": (people, frames, JOINT_COUNT, 3), "joint_names": (JOINT_COUNT,),
        "visible": (people, frames, JOINT_COUNT), "covered": (people, frames, JOINT_COUNT),
        "hidden_share": (people, frames), "outside_share": (people, frames), "contact": (people, frames, 4),
    }  # fmt: skip
    assert {name: value.shape for name, value in truth.items()} == shapes
    assert tuple(truth["joint_names"]) == JOINTS
    assert np.isfinite(truth["joints_world_m"]).all()
    assert all(truth[name].dtype == bool for name in ("visible", "covered", "contact"))
    np.testing.assert_allclose(truth["frame_time_s"], np.arange(frames) / clip["rate"])


@EACH
def test_a_clip_has_its_truths_frames_size_and_focal_length(clip: dict[str, Any]) -> None:
    av = pytest.importorskip("av")
    from animepose_blender.estimate.video import open_clip

    truth = read(clip, "truth")
    path = FOLDER / clip["split"] / f"{clip['name']}.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(clip["rate"])
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        times = [float(frame.time) for frame in container.decode(stream)]
    np.testing.assert_allclose(times, truth["frame_time_s"], atol=1e-3)
    opened = open_clip(path)
    assert [opened.width, opened.height] == clip["size_px"]
    np.testing.assert_allclose(truth["intrinsics"][:, :2, 2] * 2, [clip["size_px"]] * clip["frames"])
    focal_px = truth["intrinsics"][:, 0, 0]
    np.testing.assert_allclose(np.degrees(2 * np.arctan(clip["size_px"][0] / 2 / focal_px)), clip["fov_deg"], rtol=1e-4)
    if clip["focal_in_file"]:
        assert opened.focal_35mm is not None
        np.testing.assert_allclose(opened.focal_35mm / 36 * opened.width, focal_px[0], rtol=1e-4)
    else:
        assert opened.focal_35mm is None


@EACH
def test_visible_joints_lie_in_the_picture_and_the_hidden_are_hidden(clip: dict[str, Any]) -> None:
    truth = read(clip, "truth")
    pixels, visible = in_picture(truth), truth["visible"]
    assert np.all(in_camera(truth)[visible][:, 2] > 0.3)
    assert np.all((pixels[visible] >= 0) & (pixels[visible] < clip["size_px"]))
    assert not (visible & truth["covered"]).any()
    # Everybody is seen for a good part of the clip, and big enough to be found.
    assert visible.any(axis=2).mean(axis=1).min() > 0.3
    tall = np.ptp(pixels[..., 1], axis=2)
    whole = truth["outside_share"] == 0
    standing = np.ptp(truth["joints_world_m"][..., 2], axis=2) > 1.2
    assert tall[whole & standing].min() > 90
    wholly_away = truth["hidden_share"] + truth["outside_share"] > 1.999
    assert not visible[wholly_away].any()


def test_people_are_hidden_and_leave_where_the_list_says_so() -> None:
    def longest_s(clip: dict[str, Any], field: str, share: float) -> float:
        truth = read(clip, "truth")
        longest = 0
        for row in truth[field] > share:
            run = 0
            for there in row:
                run = run + 1 if there else 0
                longest = max(longest, run)
        return longest / clip["rate"]

    for clip in CLIPS:
        if "behind" in clip["tests"] and "walks" in clip["tests"]:
            assert 0.2 <= longest_s(clip, "hidden_share", 0.9) <= 2.0, clip["name"]
        if "out of the picture" in clip["tests"] or "leaves the picture" in clip["tests"]:
            assert 0.5 <= longest_s(clip, "outside_share", 0.99) <= 2.5, clip["name"]
            outside = read(clip, "truth")["outside_share"].max(axis=0)
            assert outside[0] < 0.5 and outside[-1] < 0.5  # there before and after
        if "cross" in clip["tests"]:
            assert 0.2 <= longest_s(clip, "hidden_share", 0.3), clip["name"]


@EACH
def test_cameras_move_as_the_list_says(clip: dict[str, Any]) -> None:
    pose = read(clip, "truth")["camera_to_world"].astype(np.float64)
    np.testing.assert_allclose(
        pose[:, :3, :3] @ np.swapaxes(pose[:, :3, :3], 1, 2), np.broadcast_to(np.eye(3), (len(pose), 3, 3)), atol=1e-5
    )
    assert np.all((pose[:, 2, 3] > 1.0) & (pose[:, 2, 3] < 2.35))  # held by somebody, or on a stand
    travelled = np.linalg.norm(pose[:, :3, 3] - pose[0, :3, 3], axis=1).max()
    turned = rotation_deg(pose[0, :3, :3], pose[:, :3, :3]).max()
    step = rotation_deg(pose[:-1, :3, :3], pose[1:, :3, :3])
    if clip["camera"] == "still":
        assert np.ptp(pose, axis=0).max() == 0
    elif clip["camera"] == "pan":
        assert travelled == 0 and turned > 15 and step.max() < 1.5
    elif clip["camera"] == "dolly":
        assert travelled > 1.5
    else:
        assert 0.01 < travelled < 0.3 and 0.5 < turned < 8 and 0.02 < step.mean() < 1.0


@EACH
def test_feet_rest_on_the_floor_and_nobody_sinks_into_it(clip: dict[str, Any]) -> None:
    truth = read(clip, "truth")
    feet = truth["joints_world_m"][:, :, list(CONTACT_JOINTS)].astype(np.float64)
    contact = truth["contact"]
    assert truth["joints_world_m"][..., 2].min() > -0.02
    assert feet[..., 2][contact].max() < 0.04
    speed = np.linalg.norm(np.gradient(feet, truth["frame_time_s"], axis=1), axis=-1)
    assert speed[contact].max() < 0.31
    assert contact.any(axis=2).mean(axis=1).min() > 0.3


@EACH
def test_bodies_keep_their_bones_and_do_not_jump(clip: dict[str, Any]) -> None:
    joints = read(clip, "truth")["joints_world_m"].astype(np.float64)
    lengths = np.linalg.norm(joints - joints[:, :, PARENTS], axis=-1)[:, :, 1:]
    limbs = [index - 1 for index, name in enumerate(BONES) if name.split(".")[0] in LIMBS]
    assert (lengths.std(axis=1) / lengths.mean(axis=1))[:, limbs].max() < 0.001
    speed = np.linalg.norm(np.diff(joints, axis=1), axis=-1) * clip["rate"]
    assert speed.max() < 13  # a kick


@EACH
def test_people_do_not_stand_in_each_other(clip: dict[str, Any]) -> None:
    pelvis = read(clip, "truth")["joints_world_m"][:, :, J["pelvis"]].astype(np.float64)
    gap = np.linalg.norm(pelvis[:, None] - pelvis[None], axis=-1).min(axis=2)
    gap[np.diag_indices(len(gap))] = np.inf
    dancing = np.zeros_like(gap, dtype=bool)
    if "couple" in clip["tests"]:
        dancing[0, 1] = dancing[1, 0] = True
    assert gap[dancing].min(initial=np.inf) > 0.3
    assert gap[~dancing].min(initial=np.inf) > 0.55


def test_a_child_and_a_tall_adult_are_what_they_say() -> None:
    for clip in CLIPS:
        if "child" in clip["tests"] and clip["people"] == 2:
            joints = read(clip, "truth")["joints_world_m"].astype(np.float64)
            tallest = np.percentile(np.ptp(joints[..., 2], axis=2), 98, axis=1)
            assert 0.95 < tallest.min() < 1.25 and 1.7 < tallest.max() < 1.95, clip["name"]


@EACH
def test_maps_agree_with_the_joints(clip: dict[str, Any]) -> None:
    truth, maps = read(clip, "truth"), read(clip, "frames")
    assert set(maps) == {"frame", "depth_m", "person_mask"}
    chosen = maps["frame"]
    size = (clip["size_px"][1] // 2, clip["size_px"][0] // 2)
    assert len(chosen) >= 4 and maps["depth_m"].shape == maps["person_mask"].shape == (len(chosen), *size)
    assert maps["depth_m"].dtype == np.float16 and maps["person_mask"].dtype == np.uint8
    assert maps["person_mask"].max() <= clip["people"]
    camera, pixels = in_camera(truth)[:, chosen], in_picture(truth)[:, chosen]
    person, frame, joint = np.nonzero(truth["visible"][:, chosen])
    column, row = np.clip(pixels[person, frame, joint] // 2, 1, np.array(size)[::-1] - 2).astype(int).T
    # Joints on the skin lie on the outline, so a map's pixel next to theirs will do.
    beside = [(row + dy, column + dx) for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))]
    near = np.stack([maps["person_mask"][frame, y, x] == person + 1 for y, x in beside])
    assert near.any(axis=0).mean() > 0.97
    own = near[0]
    depth_m = maps["depth_m"][frame, row, column].astype(np.float64)
    behind = camera[person, frame, joint, 2] - depth_m
    assert np.median(behind[own]) > 0 and np.percentile(np.abs(behind[own]), 99) < 0.3


def test_the_list_is_what_the_script_would_write() -> None:
    pytest.importorskip("bpy")
    code = "import json, render_benchmark as r; print(json.dumps(r.listing()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout) == CLIPS


def test_the_page_tells_of_every_clip() -> None:
    page = (ROOT / "docs/benchmark_clips.md").read_text()
    for clip in CLIPS:
        assert f"| `{clip['name']}` | {clip['split']} | {clip['people']} | {clip['tests']} |" in page
    assert 10_000 < (ROOT / "docs/pictures/benchmark_clips.jpg").stat().st_size < 300_000


def test_missing_data_and_unknown_clips_are_said_and_nothing_is_made(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    for more, status, words in (
        (["--data", str(tmp_path / "nowhere")], 3, "nowhere"),
        (["--data", str(tmp_path), "--clip", "waltz"], 2, "waltz"),
    ):
        command = [sys.executable, str(SCRIPT), "-o", str(tmp_path / "out"), *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status
        assert words in done.stderr and "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


@pytest.fixture
def data() -> str:
    pytest.importorskip("bpy")
    folder = os.environ.get("ANIMEPOSE_DATA")
    if not folder:
        pytest.skip("set ANIMEPOSE_DATA to the folder with `humans` and `mocap`")
    return folder


@pytest.mark.slow
def test_a_quick_clip_is_two_small_frames(data: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    command = [
        sys.executable,
        str(SCRIPT),
        "--data",
        data,
        "-o",
        str(tmp_path / "out"),
        "--work",
        str(tmp_path / "work"),
    ]
    subprocess.run([*command, "--clip", "solo_crouch", "--quick"], check=True, timeout=300, capture_output=True)
    with av.open(str(tmp_path / "out/dev/solo_crouch_quick.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 2
    assert frames[0].shape[1] == 170 and frames[0].std() > 10
    assert not list((tmp_path / "work").glob("*"))


@pytest.mark.slow
def test_the_same_truth_comes_out_again(data: str, tmp_path: Path) -> None:
    clip = next(clip for clip in CLIPS if clip["name"] == "floor_hand")
    command = [sys.executable, str(SCRIPT), "--data", data, "-o", str(tmp_path), "--clip", clip["name"]]
    subprocess.run([*command, "--truth-only"], check=True, timeout=300, capture_output=True)
    truth = read(clip, "truth")
    with np.load(tmp_path / "test/floor_hand_truth.npz", allow_pickle=False) as again:
        np.testing.assert_allclose(again["joints_world_m"], truth["joints_world_m"], atol=1e-4)
        np.testing.assert_allclose(again["camera_to_world"], truth["camera_to_world"], atol=1e-5)
        assert np.mean(again["visible"] == truth["visible"]) > 0.999
