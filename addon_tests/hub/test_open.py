"""Jobs whose preset, or whose user, names networks of the store."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.estimate.hub import open as hub_open
from animepose_blender.estimate.hub.loading import load_network
from animepose_blender.estimate.observe import observe
from animepose_blender.estimate.parts import open_parts
from animepose_blender.estimate.video import open_clip
from animepose_blender.presets import PARTS
from animepose_blender.protocol import JobRequest
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.record import RECORD, ModelFile, read_record, record_text

from .tiny_detectors import save_tiny_rf_detr_seg, save_tiny_rt_detr
from .tiny_pose_depth import save_tiny_depth_anything, save_tiny_vitpose

CLIP = Path(__file__).parents[2] / "scripts" / "demo_clip" / "salsa.mp4"
DETECTOR, POSE = PARTS["quality"].detector, PARTS["quality"].pose
INDOOR, OUTDOOR = PARTS["quality"].depth.split(",")


class Listener:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def progress(self, stage: str, stage_fraction: float) -> None: ...

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None: ...


def put(folder: Path, **changes) -> None:
    """Give a network's record the name of its folder, and other changes."""
    record = replace(read_record(folder), id=folder.name, **changes)
    (folder / RECORD).write_text(record_text(record))


@pytest.fixture(scope="module")
def whole_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    save_tiny_rf_detr_seg(folder / DETECTOR)
    save_tiny_rt_detr(folder / "rt")
    save_tiny_vitpose(folder / POSE)
    for name, scene in ((INDOOR, "indoor"), (OUTDOOR, "outdoor")):
        save_tiny_depth_anything(folder / name, scene=scene)
    for network in folder.iterdir():
        put(network, title=f"Tiny {network.name}", licence="CC0-1.0", commercial=network.name != "rt")
    return folder


@pytest.fixture
def store(whole_store, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(whole_store))
    return whole_store


def job_of(**wishes) -> JobRequest:
    return JobRequest(str(CLIP), "take.npz", device="cpu", **{"preset": "quality", "end_s": 0.3, **wishes})


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"detector": "rt"},
        {"detector": "rt", "pose": "mediapipe", "depth": "none"},
        {"detector": "mediapipe"},
        {"preset": "offline", "depth": INDOOR},
        {"preset": "offline", "pose": POSE, "hands": False},
    ],
    ids=lambda wishes: "-".join(map(str, wishes.values())) or "quality",
)
def test_any_part_may_be_of_the_store_or_mediapipes(store, wishes):
    listener = Listener()
    observed = observe(job_of(**wishes), open_clip(CLIP), listener)
    assert listener.warnings == [] and len(observed.time_s) == 10
    job = job_of(**wishes)
    used = {name for name in job.parts.networks() if any(name in told for told in observed.networks)}
    # Of two for depth, the one for the scene is told.
    assert used | {INDOOR, OUTDOOR} == set(job.parts.networks()) | {INDOOR, OUTDOOR}
    assert any("BlazePose" in told for told in observed.networks)
    assert observed.metric_depth == (job.parts.depth != "none")
    if wishes.get("preset") == "offline" and "depth" in wishes:
        assert observed.tracklets and all(np.isfinite(one.depths).any() for one in observed.tracklets)


def test_a_run_of_batches_tells_how_long_each_part_took(store):
    profile = observe(job_of(), open_clip(CLIP), Listener()).profile
    assert profile is not None
    assert {"upload", "detect", "pose", "depth", "identify"} <= set(profile["seconds"])


def test_what_is_not_here_is_named_with_the_way_to_get_it(store, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    with pytest.raises(AnimePoseError) as caught:
        open_parts(job_of(), Listener())
    assert all(name in caught.value.message for name in PARTS["quality"].networks())
    assert "animepose models fetch quality" in caught.value.remedy and "offline" in caught.value.remedy
    with pytest.raises(AnimePoseError) as caught:
        open_parts(job_of(preset="offline", pose="my-own"), Listener())
    assert "my-own" in caught.value.message and "fetch my-own" in caught.value.remedy


def test_a_network_is_refused_for_a_part_that_it_is_not_made_for(store):
    with pytest.raises(AnimePoseError, match=f"Tiny {POSE} cannot be used as detector"):
        open_parts(job_of(detector=POSE), Listener())


def test_a_network_that_is_not_for_commercial_use_is_refused_where_that_is_asked_for(store):
    open_parts(job_of(commercial_only=True), Listener()).close()
    with pytest.raises(AnimePoseError, match="does not allow commercial use"):
        open_parts(job_of(detector="rt", commercial_only=True), Listener())


@pytest.mark.parametrize("part", ["detector", "pose"])
def test_a_job_needs_a_detector_and_a_pose(part):
    with pytest.raises(AnimePoseError, match=f"names no {part}") as caught:
        open_parts(job_of(preset="offline", **{part: "none"}), Listener())
    assert caught.value.exit_code == ExitCode.USAGE


def test_names_of_parts_are_checked_before_anything_else():
    with pytest.raises(AnimePoseError, match="unknown pose"):
        job_of(pose="../elsewhere")


def test_a_process_that_stays_loads_its_networks_once(store, monkeypatch):
    loads = []
    monkeypatch.setattr(hub_open, "load_network", lambda *args: loads.append(args[0]) or load_network(*args))
    hub_open._loaded.cache_clear()
    for _ in range(2):
        open_parts(job_of(), Listener()).close()
    assert len(loads) == 4


def test_weights_that_were_replaced_are_loaded_anew(store, tmp_path, monkeypatch):
    shutil.copytree(store, tmp_path / "store")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    names = []
    for seed in (0, 1):
        shutil.rmtree(tmp_path / "store" / POSE)
        save_tiny_vitpose(tmp_path / "store" / POSE, seed=seed)
        weights = tmp_path / "store" / POSE / "model.safetensors"
        told = ModelFile(weights.name, weights.stat().st_size, hashlib.sha256(weights.read_bytes()).hexdigest())
        put(weights.parent, title=f"Pose {seed}", licence="CC0-1.0", files=(told,))
        parts = open_parts(job_of(), Listener())
        names += [name for name in parts.names() if name.startswith("Pose")]
        parts.close()
    assert names == ["Pose 0 (CC0-1.0)", "Pose 1 (CC0-1.0)"]
