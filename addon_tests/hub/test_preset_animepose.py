"""The preset `animepose` as a whole, on tiny networks."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from addon_tests.estimate.clips import number_of, numbered_picture, write_clip
from animepose_blender.core import cameras
from animepose_blender.core.crop_axes import crop_to_camera
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError, Cancelled
from animepose_blender.estimate import parts
from animepose_blender.estimate.hub import require_packages
from animepose_blender.estimate.hub.own_detect import OwnDetector
from animepose_blender.estimate.hub.own_pose import OwnPose
from animepose_blender.estimate.hub.own_root import OwnRoot
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.installed import shipped_networks
from animepose_blender.store.record import OWN_ARCHITECTURES
from animepose_blender.take import Take

from .tiny_own import save_tiny_own

FRAMES, SIZE = 24, (640, 360)
SHIPPED = shipped_networks()
TRUTH = walking_take(people=2, frames=FRAMES, gaps=False, size=SIZE)


class Listener:
    def __init__(self, stop_at: float = 2.0) -> None:
        self.warnings: list[str] = []
        self.stages: list[str] = []
        self.stop_at = stop_at

    def progress(self, stage: str, stage_fraction: float) -> None:
        self.stages.append(stage)
        if stage == "detect" and stage_fraction > self.stop_at:
            raise Cancelled

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None: ...


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "walk.mp4"
    return write_clip(path, (numbered_picture(n, SIZE) for n in range(FRAMES)), TRUTH.frame_time_s.tolist(), rate=30)


@pytest.fixture(scope="module")
def whole_store(tmp_path_factory) -> Path:
    store = tmp_path_factory.mktemp("store")
    save_tiny_own(store)
    return store


@pytest.fixture(autouse=True)
def alone(whole_store, monkeypatch):
    """Only these networks: no other store, nothing of MediaPipe's body, no way out of the machine."""
    monkeypatch.setenv(STORE_VARIABLE, str(whole_store))
    # Weights that ship under the same ids would come first.
    monkeypatch.setattr("animepose_blender.store.installed.shipped_networks", _without_papers)

    def refused(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(parts.Body, "networks", property(refused))


def _without_papers() -> dict:
    return {id_: one for id_, one in SHIPPED.items() if one[1].architecture not in OWN_ARCHITECTURES}


def job_of(clip: Path, take: Path, **wishes) -> JobRequest:
    focal_px = float(TRUTH.intrinsics[0, 0, 0])
    own = {"preset": "animepose", "device": "cpu", "hands": False, "focal_px": focal_px, "camera": "still"}
    return JobRequest(str(clip), str(take), **(own | wishes))


def knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the detector and the pose network say the truth, which they know by the number in each picture."""
    joints_m = cameras.transform(cameras.invert(TRUTH.camera_to_world)[None], TRUTH.joints_world_m.astype(float))
    boxes = TRUTH.box_px.astype(float)

    def find(self, pictures):
        found = []
        for picture in pictures.numpy():
            number = number_of(picture)
            masks = np.zeros((2, SIZE[1] // 4, SIZE[0] // 4), np.uint8)
            for mask, (x0, y0, x1, y1) in zip(masks, (boxes[:, number] / 4).astype(int), strict=True):
                mask[max(y0, 0) : y1, max(x0, 0) : x1] = 255
            found.append(PeopleFound(boxes[:, number], np.array([0.9, 0.8]), masks))
        return found

    def bodies(self, pictures, picture, boxes_px):
        px, metres = [], []
        for index, box in zip(picture, boxes_px, strict=True):
            number = number_of(pictures[index].numpy())
            who = int(np.abs(boxes[:, number] - box).sum(axis=1).argmin())
            px.append(TRUTH.keypoints_px[who, number])
            own = joints_m[who, number] - joints_m[who, number, 0]
            metres.append(own @ crop_to_camera((box[:2] + box[2:]) / 2, TRUTH.intrinsics[number]))
        return np.array(px, float), np.full((len(px), 28), 0.9), np.array(metres)

    def roots(self, pictures, picture, boxes_px):
        depth = []
        for index, box in zip(picture, boxes_px, strict=True):
            number = number_of(pictures[index].numpy())
            who = int(np.abs(boxes[:, number] - box).sum(axis=1).argmin())
            depth.append(joints_m[who, number, 0, 2] / TRUTH.intrinsics[number, 0, 0])
        return (boxes_px[:, :2] + boxes_px[:, 2:]) / 2, np.array(depth)

    monkeypatch.setattr(OwnDetector, "find", find)
    monkeypatch.setattr(OwnPose, "bodies", bodies)
    monkeypatch.setattr(OwnRoot, "roots", roots)


@pytest.mark.parametrize("wishes", [{}, {"pose": "cascade"}, {"lifter": "none"}, {"root": "none", "depth": "none"}])
def test_people_are_in_the_take_where_they_walk(clip, tmp_path, monkeypatch, wishes):
    knows(monkeypatch)
    listener = Listener()
    run(job_of(clip, tmp_path / "take.npz", **wishes), listener)
    take = Take.load(tmp_path / "take.npz")
    assert take.person_count == 2 and take.frame_count == FRAMES and listener.warnings == []
    order = np.linalg.norm(take.box_px[:, None, 0] - TRUTH.box_px[:, 0], axis=-1).argmin(axis=1)
    assert sorted(order.tolist()) == [0, 1]
    camera = cameras.invert(take.camera_to_world)[None]
    seen_px = cameras.project(cameras.transform(camera, take.joints_world_m.astype(float)), take.intrinsics[None])
    assert np.median(np.linalg.norm(seen_px - TRUTH.keypoints_px[order], axis=-1)) < 6.0
    named = {"detect-net", wishes.get("pose", "pose-net"), "root-net", "depth-net"}
    if "root" in wishes:
        named -= {"root-net", "depth-net"}
    models = " ".join(take.source["models"])
    assert all(f"Tiny {name}" in models for name in named) and "MediaPipe" not in models
    assert ("lifter" in models) == ("lifter" not in wishes)
    assert ("root" in take.source["profile"]["seconds"]) == ("root" not in wishes)


def test_networks_that_know_nothing_find_nobody_and_write_nothing(clip, tmp_path):
    with pytest.raises(AnimePoseError, match="Nobody was found"):
        run(job_of(clip, tmp_path / "take.npz", end_s=0.2), Listener())
    assert not list(tmp_path.iterdir())


def test_a_run_can_be_cancelled_amid_the_frames(clip, tmp_path, monkeypatch):
    knows(monkeypatch)
    with pytest.raises(Cancelled):
        run(job_of(clip, tmp_path / "take.npz"), Listener(stop_at=0.3))
    assert not list(tmp_path.iterdir())


def test_own_networks_need_no_transformers(monkeypatch):
    from animepose_blender.estimate import hub

    find = hub.util.find_spec
    monkeypatch.setattr(hub.util, "find_spec", lambda name: None if name == "transformers" else find(name))
    require_packages(own_alone=True)
    with pytest.raises(AnimePoseError, match="transformers"):
        require_packages()


def test_a_root_network_beside_mediapipe_is_told_not_to_be_used(clip, tmp_path, monkeypatch):
    monkeypatch.undo()
    listener = Listener()
    job = JobRequest(str(clip), str(tmp_path / "t.npz"), root="root-net", hands=False, device="cpu")
    monkeypatch.setattr("animepose_blender.store.installed.shipped_networks", _without_papers)
    store = tmp_path / "store"
    save_tiny_own(store, "root-net")
    monkeypatch.setenv(STORE_VARIABLE, str(store))
    parts.open_parts(job, listener).close()
    assert any("root-net" in one and "not used" in one for one in listener.warnings)
