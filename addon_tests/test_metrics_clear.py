"""CLEAR MOT counts and joint MOTA, by hand and against py-motmetrics."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.metrics.clear import ClearCounts
from animepose_blender.estimate.metrics.conventions import POSETRACK_15
from animepose_blender.estimate.metrics.joint_tracking import (
    PoseFrame,
    head_sizes_px,
    joint_counts,
    joint_figures,
)
from animepose_blender.skeleton import REST_JOINTS_M, J

INF = np.inf
NAN = np.nan


def test_hits_misses_inventions_and_switches_are_counted():
    counts = ClearCounts()
    counts.update(np.array([[0.1, INF], [INF, INF]]), [7, 8], [1, 2])  # 8 is missed, 2 is invented
    counts.update(np.array([[0.3]]), [7], [2])  # 7 is taken over
    counts.update(np.zeros((1, 0)), [7], [])
    assert (counts.objects, counts.hits, counts.misses) == (4, 2, 2)
    assert (counts.false_positives, counts.switches) == (1, 1)
    assert counts.distance == pytest.approx(0.4)
    assert counts.mota == pytest.approx(1 - (2 + 1 + 1) / 4)
    assert (counts.precision, counts.recall) == (pytest.approx(2 / 3), 0.5)


def test_without_anybody_the_ratios_are_not_defined():
    counts = ClearCounts()
    counts.update(np.zeros((0, 0)), [], [])
    assert (counts.mota, counts.precision, counts.recall) == (None, None, None)


def test_clips_add_up():
    one, two = ClearCounts(), ClearCounts()
    one.update(np.array([[0.1]]), [1], [1])
    two.update(np.array([[0.2]]), [1], [2])
    both = one + two
    assert (both.hits, both.switches) == (2, 0)
    assert both.distance == pytest.approx(0.3)


@pytest.mark.parametrize("seed", range(8))
def test_all_parts_agree_with_motmetrics_on_random_crowds(seed):
    motmetrics = pytest.importorskip("motmetrics")
    rng = np.random.default_rng(seed)
    accumulator, counts = motmetrics.MOTAccumulator(auto_id=True), ClearCounts()
    for _ in range(60):
        truths = rng.permutation(5)[: rng.integers(0, 5)].tolist()
        people = (10 + rng.permutation(6)[: rng.integers(0, 6)]).tolist()
        cost = rng.uniform(size=(len(truths), len(people)))
        cost[rng.uniform(size=cost.shape) < 0.6] = NAN
        accumulator.update(truths, people, cost)
        counts.update(cost, truths, people)
    names = ["mota", "motp", "num_misses", "num_false_positives", "num_switches", "precision", "recall"]
    expected = motmetrics.metrics.create().compute(accumulator, metrics=names).iloc[0]
    assert counts.mota == pytest.approx(expected["mota"])
    assert counts.distance / counts.hits == pytest.approx(expected["motp"])
    assert counts.misses == expected["num_misses"]
    assert counts.false_positives == expected["num_false_positives"]
    assert counts.switches == expected["num_switches"]
    assert (counts.precision, counts.recall) == (
        pytest.approx(expected["precision"]),
        pytest.approx(expected["recall"]),
    )


def person(x_px):
    return np.stack([x_px + np.arange(15.0), 100 + 10 * np.arange(15.0)], -1)


def test_joint_figures_agree_with_motmetrics_run_joint_by_joint(rng):
    motmetrics = pytest.importorskip("motmetrics")
    frames, accumulators = [], [motmetrics.MOTAccumulator(auto_id=True) for _ in POSETRACK_15]
    for _ in range(30):
        true_ids, ids = (
            rng.permutation(4)[: rng.integers(1, 5)].tolist(),
            rng.permutation(5)[: rng.integers(1, 6)].tolist(),
        )
        truth = np.stack([person(60.0 * name) for name in true_ids])
        ours = np.stack([person(60.0 * (name % 4)) for name in ids]) + rng.normal(0, 6, (len(ids), 15, 2))
        truth[rng.uniform(size=truth.shape[:2]) < 0.2] = NAN
        ours[rng.uniform(size=ours.shape[:2]) < 0.2] = NAN
        head_px = rng.uniform(15, 30, len(true_ids))
        frames.append(PoseFrame(true_ids, truth, head_px, ids, ours))
        for joint, accumulator in enumerate(accumulators):
            rows, columns = (np.flatnonzero(~np.isnan(points[:, joint, 0])) for points in (truth, ours))
            heads = np.linalg.norm(truth[rows, None, joint] - ours[None, columns, joint], axis=-1) / head_px[rows, None]
            names = [true_ids[row] for row in rows], [ids[column] for column in columns]
            accumulator.update(*names, np.where(heads <= 0.5, heads, NAN))
    wanted = ["mota", "motp", "precision", "recall", "num_switches", "num_misses", "num_false_positives"]
    expected = motmetrics.metrics.create().compute_many(accumulators, metrics=wanted)
    figures = joint_figures(joint_counts(frames))
    assert figures["joint_mota"] == pytest.approx(100 * expected["mota"].mean())
    assert figures["joint_motp"] == pytest.approx(100 * (1 - expected["motp"].mean()))
    assert figures["joint_precision"] == pytest.approx(100 * expected["precision"].mean())
    assert figures["joint_recall"] == pytest.approx(100 * expected["recall"].mean())
    for name in ("switches", "misses", "false_positives"):
        assert figures[f"joint_{name}"] == expected[f"num_{name}"].sum() > 0


def test_a_joint_matches_up_to_half_a_head():
    truth, head_px = person(50.0)[None], np.array([20.0])
    for off_px, hits in ((10.0, 1), (10.1, 0)):
        counts = joint_counts([PoseFrame([1], truth, head_px, [5], truth + [off_px, 0.0])])
        assert all(count.hits == hits for count in counts)


def test_joint_figures_of_a_case_worked_out_by_hand():
    truth, head_px = person(50.0)[None], np.array([20.0])
    estimate = truth.copy()
    estimate[0, 0] = NAN  # the right ankle is not estimated
    estimate[0, 1] += [5.0, 0.0]  # the right knee is a quarter of a head off
    estimate[0, 2] += [100.0, 0.0]  # the right hip is wrong: a miss and a false positive
    frames = [PoseFrame([1], truth, head_px, [identity], estimate) for identity in (5, 5, 6)]
    figures = joint_figures(joint_counts(frames))
    assert figures["per_joint_mota"]["right_ankle"] == pytest.approx(0.0)
    assert figures["per_joint_mota"]["right_knee"] == pytest.approx(100 * (1 - 1 / 3))
    assert figures["per_joint_mota"]["right_hip"] == pytest.approx(-100.0)
    assert figures["joint_mota"] == pytest.approx((0 - 100 + 13 * 100 * 2 / 3) / 15)
    # Ankle and hip never match and count as 0.
    assert figures["joint_motp"] == pytest.approx((75 + 12 * 100) / 15)
    # The ankle has no estimates and no precision.
    assert figures["joint_precision"] == pytest.approx(13 * 100 / 14)
    assert figures["joint_recall"] == pytest.approx(13 * 100 / 15)
    assert (figures["joint_misses"], figures["joint_false_positives"], figures["joint_switches"]) == (6, 3, 13)


def test_joints_that_are_not_annotated_are_not_asked_for():
    truth = person(50.0)[None]
    truth[0, 3] = NAN
    counts = joint_counts([PoseFrame([1], truth, np.array([20.0]), [5], person(50.0)[None])])
    assert (counts[3].objects, counts[3].false_positives) == (0, 1)
    assert joint_figures(counts)["per_joint_mota"][POSETRACK_15[3]] is None


def test_the_head_of_a_standing_adult_is_a_fifth_of_a_metre():
    joints_px = np.stack([500 + 1000 * REST_JOINTS_M[:, 0], 2000 - 1000 * REST_JOINTS_M[:, 2]], -1)
    assert head_sizes_px(joints_px) == pytest.approx(200.0, rel=0.1)
    joints_px[J["neck"]] = NAN
    assert np.isnan(head_sizes_px(joints_px))
