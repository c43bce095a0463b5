"""Figures of the papers' networks on cases counted by hand, and the page that they make."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.skeleton import JOINTS, J

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setattr(sys, "path", list(sys.path))
    import papers_evaluation
    from papers_evaluation import curves, detect, page, persons, root

    assert papers_evaluation and page and persons and detect and curves and root
    yield papers_evaluation
    for name in [n for n in sys.modules if n.startswith(("papers_", "check_quality"))]:
        del sys.modules[name]


@pytest.fixture
def metrics(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import papers_metrics
    from papers_metrics import depth, keypoints

    assert depth and keypoints
    yield papers_metrics
    for name in [n for n in sys.modules if n.startswith("papers_metrics")]:
        del sys.modules[name]


def standing(count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Joints whose trunk is 100 pixels long, all known."""
    px = np.zeros((count, len(JOINTS), 2))
    px[:, J["right_shoulder"]] = [60, 80]
    return px, np.ones((count, len(JOINTS)), bool)


def test_pck_counts_in_lengths_of_the_trunk(metrics):
    true, known = standing()
    found = true.copy()
    found[0, J["left_wrist"]] += [49.0, 0]
    found[0, J["right_wrist"]] += [51.0, 0]
    whole, each = metrics.keypoints.pck(found, true, known, 0.5, ("left_wrist", "right_wrist"))
    assert (whole, each["left_wrist"], each["right_wrist"]) == (50.0, 100.0, 0.0)


def test_pck_leaves_out_unknown_joints_and_people_without_a_trunk(metrics):
    true, known = standing(2)
    known[0, J["left_wrist"]] = False
    known[1, J["left_hip"]] = False
    found = true + 1000.0
    whole, _ = metrics.keypoints.pck(found, true, known, 0.5, ("left_wrist",))
    assert np.isnan(whole)


def test_order_of_joints_counts_pairs_that_are_apart(metrics):
    true = np.array([[0.0, 0.2, 0.21]])
    # Of the pairs (0, 1) and (0, 2) one is right; (1, 2) are too close to have an order.
    assert metrics.keypoints.order_accuracy(np.array([[0.0, 0.1, -0.1]]), true) == 50.0


def test_depth_errors_of_a_common_factor(metrics):
    truth = np.array([1.0, 2.0, 4.0])
    figures = metrics.depth.errors(1.2 * truth, truth)
    assert figures["delta1"] == 100.0
    assert figures["abs_rel"] == pytest.approx(20.0)
    assert figures["silog"] == pytest.approx(0.0, abs=1e-9)
    assert metrics.depth.errors(1.3 * truth, truth)["delta1"] == 0.0


def test_order_of_people_is_that_of_the_medians(metrics):
    ids = np.repeat(np.array([[1, 2, 3]], np.uint8), 40, axis=0)
    truth = np.where(ids == 1, 2.0, np.where(ids == 2, 3.0, 3.05))
    found = np.where(ids == 1, 2.5, 2.0)
    # 1 before 2 and before 3, both wrong; 2 and 3 are too close to each other.
    assert metrics.depth.person_order(found, truth, ids) == (0, 2)
    assert metrics.depth.person_order(truth, truth, ids) == (2, 2)


def test_masks_are_compared_at_the_size_of_the_truth(parts):
    truth = np.zeros((2, 8, 8), bool)
    truth[0, :, :4], truth[1, :, 4:] = True, True
    found = np.zeros((1, 2, 2), np.uint8)
    found[0, :, 0] = 255
    overlap = parts.detect.mask_iou(found, truth)
    assert overlap.shape == (1, 2)
    assert overlap[0, 0] > 0.8 and overlap[0, 1] < 0.1


def test_masks_of_nobody_compare_with_nothing(parts):
    assert parts.detect.mask_iou(np.zeros((3, 2, 2), np.uint8), np.zeros((0, 8, 8), bool)).shape == (3, 0)
    assert parts.detect.mask_iou(np.zeros((0, 2, 2), np.uint8), np.zeros((2, 8, 8), bool)).shape == (0, 2)


def camera(count: int = 1) -> np.ndarray:
    return np.broadcast_to([[500.0, 0, 200], [0, 500.0, 150], [0, 0, 1]], (count, 3, 3))


def test_joints_come_back_from_pixels_and_depths_of_a_crop(parts, rng):
    joints = rng.uniform(-0.6, 0.6, (2, len(JOINTS), 3)) + [[[1.0, -0.3, 4.0]], [[-1.2, 0.2, 6.0]]]
    intrinsics = camera(2)
    px = (joints / joints[..., 2:]) @ np.swapaxes(intrinsics, 1, 2)
    px = px[..., :2]
    boxes = np.concatenate([px.min(axis=1), px.max(axis=1)], axis=1)
    views = parts.persons.Views.of_boxes(boxes, intrinsics)
    relative = (joints - joints[:, J["pelvis"], None]) @ views.turn
    back = views.from_2_5d(px, relative[..., 2], joints[:, J["pelvis"], 2])
    np.testing.assert_allclose(back, relative, atol=1e-9)


def test_a_crop_s_middle_is_the_box_s(parts):
    views = parts.persons.Views.of_boxes(np.array([[100, 50, 140, 130]]), camera())
    assert views.side_px.tolist() == [100.0]
    assert views.to_picture(np.array([[[96.0, 96.0], [0.0, 0.0]]]), 192).tolist() == [[[120.0, 90.0], [70.0, 40.0]]]
    assert views.k_m[0] == pytest.approx(500 * 2.0 / 100)


def test_errors_of_roots_by_axis(parts):
    figures = parts.root.errors(np.array([[0.3, 0.0, 5.4]]), np.array([[0.0, 0.0, 5.0]]))
    assert figures["mrpe_mm"] == pytest.approx(500.0)
    assert (figures["x_mm"], figures["y_mm"]) == (pytest.approx(300.0), 0.0)
    assert figures["z_share"] == pytest.approx(8.0)
    assert (figures["within_tenth"], figures["within_250"]) == (100.0, 0.0)


def test_a_curve_keeps_the_later_row_of_a_step_and_the_order(parts, tmp_path):
    rows = [{"step": 2, "samples": 32, "pck05": 10.0}, {"step": 4, "samples": 64, "pck05": 20.0}]
    rows += [{"step": 2, "samples": 32, "pck05": 12.0, "mpjpe_mm": 90.0}]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    curve = parts.curves.curve_of(tmp_path / "log.jsonl")
    assert curve == {"samples": [32, 64], "values": {"pck05": [12.0, 20.0], "mpjpe_mm": [90.0, None]}}
    parts.curves.draw({"pose_net": curve}, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_figures_that_are_no_numbers_become_none(parts):
    assert parts.page.plain({"a": float("nan"), "b": [np.float32(1.00001), np.int64(3)], "c": "x"}) == {
        "a": None, "b": [1.0, 3], "c": "x",
    }  # fmt: skip


def test_the_page_holds_the_sections_that_were_measured(parts, tmp_path):
    figures = {"depth": {"pictures": 1, "reach_m": 20.0, "pairs": 4, "order": 75.0,
                         **{key: {"delta1": 50.0, "abs_rel": 20.0, "silog": 10.0}
                            for key in ("all", "people", "all_scaled")}}}  # fmt: skip
    text = parts.page.page(figures)
    assert "## DepthNet" in text and "75.0 %" in text and "## RootNet" not in text
    assert parts.page.kept(tmp_path) == {}


def test_aims_are_told_from_what_was_measured(parts):
    variants = {"a": {"variant": "baseline", "mpjpe_mm": 100.0}, "b": {"variant": "full", "mpjpe_mm": 95.0}}
    known = {
        "root": {"true_boxes": {"root_net": {"mrpe_mm": 300.0}, "k": {"mrpe_mm": 700.0}}},
        "ablations": {"cascade": variants},
        "pose": {"cascade": {"pck05": 50.0}, "cascade_photos": {"pck05": 80.0}, "mediapipe": {"pck05_limbs": 90.0}},
    }
    rows = [line for line in parts.page.aims.lines(known) if line.startswith("|")][2:]
    assert [row.split("|")[3].strip() for row in rows] == ["yes", "no", "no", "yes"]
    assert parts.page.aims.lines({}) == []


def test_boxes_drawn_by_hand_are_boxes(parts):
    for frames in json.loads(parts.detect.HAND_BOXES.read_text())["clips"].values():
        for frame in frames.values():
            boxes = np.array(frame["people"] + frame["ignored"], float)
            assert (boxes[:, 2:] > boxes[:, :2]).all()
