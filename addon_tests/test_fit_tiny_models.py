"""Tiny networks fitted to a clip: the script makes a store that the worker loads, and its labels lie where they should.

That they find the people of a clip takes minutes of fitting and is seen by hand.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.loading import HubClasses, load_network
from animepose_blender.presets import PARTS
from animepose_blender.store.record import read_record

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(scope="module")
def script():
    """The script as a module, with its own package beside it."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("animepose_fit_tiny_models", SCRIPTS / "fit_tiny_models.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Data classes look their module up while it runs.
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(SCRIPTS))


def frames(script) -> list:
    """Two pictures of noise with one and no person."""
    rng = np.random.default_rng(0)
    made = []
    for index, people in enumerate((1, 0)):
        boxes = np.array([[40.0, 20.0, 90.0, 110.0]])[:people]
        points = rng.uniform((40, 20), (90, 110), (people, 17, 2))
        masks = np.zeros((people, 32, 48), dtype=np.uint8)
        masks[:, 5:27, 10:22] = 255
        rgb = rng.integers(0, 255, (128, 192, 3), dtype=np.uint8)
        depth_m = np.full((32, 48), 5.0, dtype=np.float32)
        made.append(script.Labelled(index, rgb, boxes, points, np.ones((people, 17)), masks, depth_m))
    return made


@pytest.mark.slow
def test_a_few_steps_make_a_store_that_the_worker_loads(script, tmp_path):
    work = script.Work(tmp_path, Path("clip.mp4"), frames(script), 1e-6, False)
    for make in script.MAKERS.values():
        make(work)
    device = choose_device("cpu")
    for folder in sorted(tmp_path.iterdir()):
        record = read_record(folder)
        loaded = load_network(folder, HubClasses(record.architecture), device)
        assert loaded.processor
        assert not record.commercial and record.licence == "none"
    missing = set(PARTS["quality"].networks()) - {folder.name for folder in tmp_path.iterdir()}
    assert not missing


def test_heatmaps_are_where_transformers_own_processor_looks_for_them(script):
    vitpose = script.vitpose
    box = np.array([300.0, 100.0, 120.0, 340.0])  # corner and size
    points = np.random.default_rng(1).uniform(box[:2], box[:2] + box[2:], (17, 2))
    maps = vitpose.heatmaps(points, np.ones(17), box)
    processor = vitpose.VitPoseImageProcessorPil(size={"height": vitpose.HEIGHT, "width": vitpose.WIDTH})
    outputs = SimpleNamespace(heatmaps=torch.from_numpy(maps[None].astype(np.float32)))
    found = processor.post_process_pose_estimation(outputs, boxes=[[list(box)]])[0][0]["keypoints"].numpy()
    assert np.abs(found - points).max() < 0.3  # of about 7 pixels to one of the heatmap


def test_a_mask_over_a_region_lands_on_the_same_pixels_of_the_picture(script):
    labels = sys.modules["tiny_models.labels"]
    mask = np.zeros((256, 256), dtype=np.uint8)
    mask[64:192, 96:160] = 255
    # The region's pixels are two of the picture: the rectangle is x 392 to 520, y 228 to 484.
    region = np.array([456.0, 356.0, 512.0, 0.0])
    small = labels._mask(mask, region, (200, 250), np.array([0.0, 0.0, 1000.0, 800.0]))
    rows, columns = np.nonzero(small > 127)
    assert (columns.min() * 4, columns.max() * 4 + 4) == (392, 520)
    assert (rows.min() * 4, rows.max() * 4 + 4) == (228, 484)


def test_the_floor_is_as_far_as_the_camera_says(script):
    labels = sys.modules["tiny_models.labels"]
    intrinsics = np.array([[400.0, 0, 200], [0, 400.0, 200], [0, 0, 1]])
    level = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
    depth = labels._depth((100, 100), intrinsics, level, np.zeros((0, 3)), np.zeros((0, 100, 100), np.uint8))
    # The ray through row 300 of 400 falls a quarter of its depth: it meets the floor, 1.5 m below, after 6 m.
    assert depth[74:76, 50].mean() == pytest.approx(6.0, rel=0.001)
    assert depth[0, 50] == labels._SKY_M
