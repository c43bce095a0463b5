"""HOTA and its parts, by hand and against TrackEval."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.metrics.hota import hota_scores, picture_iou


def present(frames, people):
    return np.ones((frames, people), bool)


def test_a_perfect_track_scores_one_everywhere():
    result = hota_scores(np.ones((10, 1, 1)), present(10, 1), present(10, 1))
    assert (result.hota, result.det_a, result.ass_a, result.loc_a) == (1.0, 1.0, 1.0, 1.0)


def test_a_person_whose_id_changes_halfway_is_found_but_half_associated():
    similarity = np.zeros((10, 1, 2))
    similarity[:5, 0, 0] = similarity[5:, 0, 1] = 1.0
    estimated = np.zeros((10, 2), bool)
    estimated[:5, 0] = estimated[5:, 1] = True
    result = hota_scores(similarity, present(10, 1), estimated)
    # Each id shares 5 frames with a track of 10: 5 / (10 + 5 - 5).
    assert result.det_a == pytest.approx(1.0)
    assert result.ass_a == pytest.approx(0.5)
    assert result.hota == pytest.approx(np.sqrt(0.5))


def test_boxes_that_overlap_by_half_are_found_at_half_of_the_thresholds():
    result = hota_scores(np.full((4, 1, 1), 0.5), present(4, 1), present(4, 1))
    assert result.det_a == pytest.approx(10 / 19)
    assert result.hota == pytest.approx(10 / 19)


def test_nobody_at_all_is_undefined_and_everybody_missed_or_invented_is_zero():
    assert hota_scores(np.zeros((3, 0, 0)), present(3, 0), present(3, 0)) is None
    assert hota_scores(np.zeros((3, 2, 0)), present(3, 2), present(3, 0)).hota == 0.0
    assert hota_scores(np.zeros((3, 0, 2)), present(3, 0), present(3, 2)).hota == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_trackeval_on_random_crowds(seed):
    metrics = pytest.importorskip("trackeval.metrics")
    rng = np.random.default_rng(seed)
    frames, truths, people = 40, 4, 5
    similarity = rng.uniform(size=(frames, truths, people))
    similarity[rng.uniform(size=similarity.shape) < 0.5] = 0.0
    # Tracks that go together for a while, so that association matters.
    for track in range(3):
        similarity[: 15 * (track + 1) - 5, track, track] = 0.9
    there, estimated = rng.uniform(size=(frames, truths)) < 0.8, rng.uniform(size=(frames, people)) < 0.8
    data = {
        "num_gt_ids": truths,
        "num_tracker_ids": people,
        "num_gt_dets": int(there.sum()),
        "num_tracker_dets": int(estimated.sum()),
        "gt_ids": [np.flatnonzero(row) for row in there],
        "tracker_ids": [np.flatnonzero(row) for row in estimated],
        "similarity_scores": [similarity[f][np.ix_(there[f], estimated[f])] for f in range(frames)],
    }
    expected = metrics.HOTA().eval_sequence(data)
    result = hota_scores(similarity, there, estimated)
    assert result.hota == pytest.approx(expected["HOTA"].mean(), abs=1e-9)
    assert result.det_a == pytest.approx(expected["DetA"].mean(), abs=1e-9)
    assert result.ass_a == pytest.approx(expected["AssA"].mean(), abs=1e-9)
    assert result.loc_a == pytest.approx(expected["LocA"].mean(), abs=1e-9)


def square(x_px, size_px=10.0):
    return np.array([[x_px, 0.0], [x_px + size_px, size_px]])


def test_boxes_in_the_picture_overlap_by_the_shared_part():
    truth = np.array([[square(0.0), square(0.0)]])
    estimated = np.array([[square(0.0), square(5.0)], [square(20.0), square(0.0) * np.nan]])
    np.testing.assert_allclose(picture_iou(estimated, truth), [[[1.0, 0.0]], [[1 / 3, 0.0]]])


def test_joints_that_the_truth_does_not_know_do_not_widen_the_estimate():
    truth = np.array([[[*square(0.0), [np.nan, np.nan]]]])
    estimated = np.array([[[*square(0.0), [90.0, 90.0]]]])
    assert picture_iou(estimated, truth) == pytest.approx(1.0)
