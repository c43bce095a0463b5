"""The MuPoTS-3D protocol, by hand and against a computation person by person."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.metrics import mupots
from animepose_blender.estimate.metrics.conventions import to_convention
from animepose_blender.skeleton import MUPOTS_17, REST_JOINTS_M

BODY_MM = to_convention("mupots_17", REST_JOINTS_M[:, [0, 2, 1]] * [1, -1, 1]) * 1000
PARENT = [2, 16, 2, 3, 4, 2, 6, 7, 15, 9, 10, 15, 12, 13, 15, 15, 2]
"""(1-based) of each joint, as the data set's tools have it."""
ORDER = [16, 2, 1, 17, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]


def people(*roots_mm):
    """(P, 1, 17, 3) people standing at these places, camera axes."""
    return np.stack([BODY_MM - BODY_MM[14] + np.asarray(root) for root in roots_mm])[:, None].astype(float)


def pixels(points_mm):
    return points_mm[..., :2] / points_mm[..., 2:] * 1000 + 500


def one_by_one(true_mm, true_px, valid, predicted_mm, predicted_px, relative):
    """Joint errors as the evaluator describes them, one person and frame after another."""
    errors, matched = [], []
    for frame in range(valid.shape[1]):
        taken = set()
        for person in np.flatnonzero(valid[:, frame]):
            scores = []
            for other in range(len(predicted_px)):
                apart = np.abs(true_px[person, frame, 1:14] - predicted_px[other, frame, 1:14])
                scores.append(0 if other in taken else int(((apart[:, 0] < 40) & (apart[:, 1] < 40)).sum()))
            best = int(np.argmax(scores))
            matched.append(scores[best] > 0)
            if not matched[-1]:
                errors.append([np.inf] * 17)
                continue
            taken.add(best)
            truth, estimate = true_mm[person, frame].copy(), predicted_mm[best, frame].copy()
            if relative:
                truth, estimate = truth - truth[14], estimate - estimate[14]
            moved = estimate.copy()
            for joint in ORDER:
                j, p = joint - 1, PARENT[joint - 1] - 1
                bone = estimate[j] - estimate[p]
                moved[j] = moved[p] + bone * np.linalg.norm(truth[j] - truth[p]) / np.linalg.norm(bone)
            errors.append(np.linalg.norm(moved - truth, axis=-1))
    return np.array(errors), np.array(matched)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_errors_agree_with_the_evaluator_worked_through_person_by_person(seed, relative):
    rng = np.random.default_rng(seed)
    frames = 30
    roots = rng.uniform([-900, -200, 3000], [900, 200, 5000], (3, frames, 3))
    true_mm = BODY_MM - BODY_MM[14] + roots[:, :, None] + rng.normal(0, 20, (3, frames, 17, 3))
    predicted_mm = true_mm[rng.permutation(3)] * 1.05 + rng.normal(0, 60, true_mm.shape)
    predicted_px, true_px = pixels(predicted_mm), pixels(true_mm)
    predicted_px[:, rng.uniform(size=frames) < 0.2] += 500.0
    valid = rng.uniform(size=(3, frames)) < 0.8
    matches = mupots.match(true_px, predicted_px, valid)
    result = mupots.compare(predicted_mm, true_mm, matches, valid, relative=relative)
    expected, matched = one_by_one(true_mm, true_px, valid, predicted_mm, predicted_px, relative)
    # one_by_one goes frame by frame, compare person by person.
    frame_of, person_of = np.nonzero(valid.T)
    order = np.lexsort((frame_of, person_of))
    np.testing.assert_allclose(result.errors_mm, expected[order], rtol=1e-9)
    np.testing.assert_array_equal(result.matched, matched[order])


def test_the_first_in_the_truth_chooses_first_and_nobody_is_taken_twice():
    true_mm = people([0, 0, 4000], [40, 0, 4000])
    predicted_mm = people([30, 0, 4000])
    valid = np.ones((2, 1), bool)
    assert mupots.match(pixels(true_mm), pixels(predicted_mm), valid).tolist() == [[0, -1]]
    valid[0] = False
    assert mupots.match(pixels(true_mm), pixels(predicted_mm), valid).tolist() == [[-1, 0]]


@pytest.mark.parametrize(("off_px", "found"), [(39.9, True), (40.0, False)])
def test_forty_pixels_along_either_axis_are_too_far(off_px, found):
    truth = np.zeros((1, 1, 17, 2))
    for axis in (0, 1):
        estimate = truth.copy()
        estimate[..., axis] += off_px
        assert (mupots.match(truth, estimate, np.ones((1, 1), bool))[0, 0] == 0) == found


def test_one_shared_joint_is_enough_but_head_top_pelvis_and_spine_have_no_say():
    truth = np.zeros((1, 1, 17, 2))
    for joint, name in enumerate(MUPOTS_17):
        estimate = truth + 1000.0
        estimate[..., joint, :] = 0.0
        found = mupots.match(truth, estimate, np.ones((1, 1), bool))[0, 0] == 0
        assert found == (name not in ("head_top", "pelvis", "spine", "head")), name


def test_a_body_of_another_size_is_right_after_its_bones_are_rescaled():
    truth = people([0, 0, 4000])
    bigger = truth[..., 14:15, :] + 1.3 * (truth - truth[..., 14:15, :])
    np.testing.assert_allclose(mupots.rescale_bones(bigger, truth), truth, atol=1e-9)


def test_a_missed_person_is_wrong_for_all_and_left_out_for_matched():
    true_mm = people([0, 0, 4000], [2000, 0, 4000])
    valid = np.ones((2, 1), bool)
    matches = mupots.match(pixels(true_mm), pixels(true_mm[:1]), valid)
    figures = mupots.pck_figures(true_mm[:1], true_mm, matches, valid)
    assert (figures["pck150_rel"], figures["pck150_rel_matched"]) == (50.0, 100.0)
    assert (figures["pck150_abs"], figures["pck150_abs_matched"]) == (50.0, 100.0)
    # Of the 31 thresholds only 0 finds nothing.
    assert figures["auc_abs"] == pytest.approx(50.0 * 30 / 31)


def test_the_root_matters_for_the_absolute_figure_alone():
    true_mm, predicted_mm = people([0, 0, 4000]), people([0, 0, 4200])
    valid = np.ones((1, 1), bool)
    figures = mupots.pck_figures(predicted_mm, true_mm, np.zeros((1, 1), int), valid)
    assert (figures["pck150_rel"], figures["pck150_abs"]) == (100.0, 0.0)


def test_percentages_are_over_the_fourteen_scored_joints_and_the_threshold_itself_is_wrong():
    errors = np.zeros((1, 17))
    errors[0, [0, 5]] = [150.0, 149.9]
    errors[0, 14:] = 1e9
    assert mupots.pck(errors) == pytest.approx(100 * 13 / 14)
    errors[0, :14] = 72.0
    assert mupots.auc(errors) == pytest.approx(100 * 16 / 31)  # 75, 80 ... 150
    mask = np.zeros((1, 17), bool)
    mask[0, 0] = True
    errors[0, 0] = 200.0
    assert mupots.pck(errors, mask) == 0.0


def test_joints_that_the_truth_does_not_know_are_not_asked_for():
    true_mm = people([0, 0, 4000])
    true_mm[..., 4, :] = np.nan
    result = mupots.compare(true_mm.copy(), true_mm, np.zeros((1, 1), int), np.ones((1, 1), bool), relative=True)
    assert mupots.pck(result.errors_mm) == 100.0
    missed = mupots.compare(true_mm, true_mm, np.full((1, 1), -1), np.ones((1, 1), bool), relative=True)
    assert np.isnan(missed.errors_mm[0, 4]) and np.isinf(missed.errors_mm[0, 5])


def average_precision(predictions, truths):
    """AP of (frame, root, score) against {frame: roots}, one estimate after another."""
    claimed, right, total = set(), [], sum(len(roots) for roots in truths.values())
    for frame, root, _ in sorted(predictions, key=lambda p: -p[2]):
        if not truths.get(frame):
            continue
        apart = [np.linalg.norm(root - other) for other in truths[frame]]
        nearest = (frame, int(np.argmin(apart)))
        right.append(min(apart) < 250 and nearest not in claimed)
        if right[-1]:
            claimed.add(nearest)
    hits = np.cumsum(right)
    return 100 * sum(hits[i] / (i + 1) / total for i in range(len(right)) if right[i])


@pytest.mark.parametrize("seed", range(5))
def test_ap_root_agrees_with_a_computation_estimate_by_estimate(seed):
    rng = np.random.default_rng(seed)
    frames = 25
    true_mm = rng.uniform(-400, 400, (3, frames, 3))
    predicted_mm = rng.uniform(-400, 400, (4, frames, 3))
    scores = rng.uniform(size=(4, frames))
    present, counted = rng.uniform(size=(4, frames)) < 0.8, rng.uniform(size=(3, frames)) < 0.7
    truths = {f: [true_mm[t, f] for t in np.flatnonzero(counted[:, f])] for f in range(frames)}
    predictions = [(f, predicted_mm[p, f], scores[p, f]) for p, f in zip(*np.nonzero(present))]
    result = mupots.ap_root(predicted_mm, true_mm, scores, present, counted)
    assert result == pytest.approx(average_precision(predictions, truths))


def test_ap_root_of_a_case_worked_out_by_hand():
    true_mm = np.array([[[0.0, 0, 4000]], [[1000.0, 0, 4000]]])
    predicted_mm = np.array([[[0.0, 0, 4100]], [[0.0, 0, 4000]], [[1000.0, 0, 4240]]])
    every = np.ones((3, 1), bool)
    scores = np.array([[0.9], [0.8], [0.7]])
    # Right, wrong (the first root is taken), right: precision 1 and 2/3 at the two steps of recall.
    assert mupots.ap_root(predicted_mm, true_mm, scores, every, every[:2]) == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert mupots.ap_root(predicted_mm, true_mm, scores, ~every, every[:2]) == 0.0
    assert mupots.ap_root(predicted_mm, true_mm, scores, every, ~every[:2]) is None
