"""Heatmaps become keypoints as `transformers`' own processor makes them, and lie where the bells are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil
from transformers.models.vitpose.modeling_vitpose import VitPoseEstimatorOutput

from animepose_blender.estimate.hub.person_crops import crops_around
from animepose_blender.estimate.hub.vitpose_heatmaps import LONGEST_STEP, keypoints_of, peaks, steps

PEOPLE, KEYPOINTS, HEIGHT, WIDTH = 6, 17, 64, 48
BOX = np.array([20.0, 30.0, 20.0 + WIDTH - 1, 30.0 + HEIGHT - 1])


def _bells(centres: np.ndarray, height: int = HEIGHT, width: int = WIDTH, sigma: float = 2.0) -> np.ndarray:
    """(..., h, w) float32 heatmaps for centres (..., 2) x, y."""
    rows, columns = np.mgrid[:height, :width]
    square = (columns - centres[..., 0, None, None]) ** 2 + (rows - centres[..., 1, None, None]) ** 2
    return np.exp(-square / (2 * sigma**2)).astype(np.float32)


def _by_processor(heatmaps: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints and scores of `transformers`; boxes x0, y0, x1, y1."""
    boxes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=-1)
    outputs = VitPoseEstimatorOutput(heatmaps=torch.from_numpy(heatmaps))  # type: ignore[arg-type]
    found = VitPoseImageProcessorPil().post_process_pose_estimation(outputs, boxes=[boxes.tolist()])[0]
    return np.stack([one["keypoints"].numpy() for one in found]), np.stack([one["scores"].numpy() for one in found])


def _ours(heatmaps: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by our own code, without its reins."""
    at, score = peaks(torch.from_numpy(heatmaps))
    places = (at + steps(torch.from_numpy(heatmaps), at)).numpy()
    return crops_around(boxes, 192, 256).to_picture(places, heatmaps.shape[-1], heatmaps.shape[-2]), score.numpy()


def _at_rims() -> np.ndarray:
    """(1, 17, h, w) bells in corners, on rims, and outside."""
    xs, ys = (np.array([0.0, 0.3, size / 2, size - 1.4, size - 1.0, size + 0.7]) for size in (WIDTH, HEIGHT))
    centres = np.array([(x, y) for x in xs for y in ys if not WIDTH / 2 == x or y != HEIGHT / 2])
    return _bells(centres[None, :KEYPOINTS])


def _one_box(size: float = 1.0) -> np.ndarray:
    return np.array([[20.0, 30.0, 20.0 + 47 * size, 30.0 + 63 * size]])


def test_random_smooth_heatmaps_give_the_processors_keypoints_and_scores(rng: np.random.Generator) -> None:
    noise = rng.normal(size=(PEOPLE, KEYPOINTS, HEIGHT, WIDTH))
    heatmaps = gaussian_filter(noise, (0, 0, 2.5, 2.5))
    heatmaps = (heatmaps / heatmaps.max(axis=(2, 3), keepdims=True)).astype(np.float32)
    boxes = np.repeat(_one_box(), PEOPLE, axis=0) + rng.uniform(-30, 30, (PEOPLE, 1))
    places, score = _ours(heatmaps, boxes)
    theirs, their_score = _by_processor(heatmaps, boxes)
    # The processor works in float32, whose last digit counts where a heatmap is flat along a line.
    assert np.quantile(abs(places - theirs), 0.99) < 1e-4
    assert abs(places - theirs).max() < 1e-3
    assert (score == their_score).all()


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_bells_give_the_processors_keypoints(rng: np.random.Generator, sigma: float) -> None:
    centres = rng.uniform(-2, (WIDTH + 1, HEIGHT + 1), (PEOPLE, KEYPOINTS, 2))
    heatmaps = _bells(centres, sigma=sigma) * np.float32(0.7)
    boxes = np.repeat(_one_box(3.0), PEOPLE, axis=0)
    assert abs(_ours(heatmaps, boxes)[0] - _by_processor(heatmaps, boxes)[0]).max() < 1e-4


@pytest.mark.parametrize("heatmaps", [_at_rims(), np.full((1, 17, HEIGHT, WIDTH), 0.37, np.float32),
                                      np.full((1, 17, HEIGHT, WIDTH), 1e-5, np.float32)])  # fmt: skip
def test_heatmaps_with_peaks_at_rims_and_flat_ones_give_the_processors_keypoints(heatmaps: np.ndarray) -> None:
    places, score = _ours(heatmaps, _one_box())
    theirs, their_score = _by_processor(heatmaps, _one_box())
    assert abs(places - theirs).max() < 1e-4
    assert (score == their_score).all()


def test_a_heatmap_of_odd_size_and_one_smaller_than_the_blur_work_alike(rng: np.random.Generator) -> None:
    for height, width in ((17, 13), (5, 4)):
        heatmaps = _bells(rng.uniform(0, (width, height), (1, KEYPOINTS, 2)), height, width)
        assert abs(_ours(heatmaps, _one_box())[0] - _by_processor(heatmaps, _one_box())[0]).max() < 1e-4


def test_the_keypoint_of_a_bell_lies_on_its_middle(rng: np.random.Generator) -> None:
    centres = rng.uniform(4, (WIDTH - 5, HEIGHT - 5), (PEOPLE, KEYPOINTS, 2))
    places, confidence = keypoints_of(torch.from_numpy(_bells(centres)))
    assert abs(places.numpy() - centres).max() < 1e-3
    assert (confidence.numpy() > 0.9).all()


def test_places_do_not_depend_on_who_else_is_in_the_batch(rng: np.random.Generator) -> None:
    heatmaps = torch.from_numpy(rng.normal(size=(PEOPLE, KEYPOINTS, HEIGHT, WIDTH)).astype(np.float32))
    heatmaps[2] = -1
    together = keypoints_of(heatmaps)
    for person in range(PEOPLE):
        alone = keypoints_of(heatmaps[person : person + 1])
        for whole, one in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[person], one[0], rtol=0, atol=1e-9)


def test_confidence_is_the_peak_between_0_and_1() -> None:
    heatmaps = _bells(np.full((1, 4, 2), 20.0)) * np.array([0.25, 1.7, 0.0, -1.0], np.float32)[:, None, None]
    assert keypoints_of(torch.from_numpy(heatmaps))[1].numpy() == pytest.approx(np.array([[0.25, 1.0, 0.0, 0.0]]))


@pytest.mark.parametrize("fill", [0.0, -0.5, float("nan"), float("inf")])
def test_heatmaps_of_nothing_give_a_place_inside(fill: float) -> None:
    places, confidence = keypoints_of(torch.full((2, 3, 16, 12), fill))
    assert places.isfinite().all()
    assert ((places >= 0) & (places < 16)).all()
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert fill == float("inf") or (confidence == 0).all()


def test_steps_that_lead_astray_are_not_taken(rng: np.random.Generator) -> None:
    heatmaps = torch.from_numpy(rng.normal(size=(40, KEYPOINTS, HEIGHT, WIDTH)).astype(np.float32))
    at, _ = peaks(heatmaps)
    step = steps(heatmaps, at).norm(dim=-1)
    moved = (keypoints_of(heatmaps)[0] - at).norm(dim=-1)
    assert (step > LONGEST_STEP).any()
    assert (moved[step > LONGEST_STEP] == 0).all()
    torch.testing.assert_close(moved[step <= LONGEST_STEP], step[step <= LONGEST_STEP])
