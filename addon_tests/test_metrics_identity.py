"""Identity metrics, by hand and against py-motmetrics."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.metrics.identity import identity_scores

INF = np.inf


def scores(cost):
    cost = np.asarray(cost, dtype=float)
    frames, truths, people = cost.shape
    return identity_scores(cost, np.ones((frames, truths), bool), np.ones((frames, people), bool))


def test_one_person_with_one_id_is_perfect():
    result = scores(np.zeros((10, 1, 1)))
    assert (result.idf1, result.id_switches) == (1.0, 0)


def test_an_id_that_changes_halfway_costs_half_and_counts_one_switch():
    cost = np.full((10, 1, 2), INF)
    cost[:6, 0, 0] = 0
    cost[6:, 0, 1] = 0
    present = np.zeros((10, 2), bool)
    present[:6, 0] = present[6:, 1] = True
    result = identity_scores(cost, np.ones((10, 1), bool), present)
    # 6 frames shared with the longer id; 10 true and 10 estimated person-frames.
    assert result.idf1 == pytest.approx(2 * 6 / 20)
    assert result.id_switches == 1


def test_two_people_who_swap_ids_and_swap_back_count_four_switches():
    cost = np.full((9, 2, 2), INF)
    for frame in range(9):
        swapped = 3 <= frame < 6
        cost[frame, 0, int(swapped)] = cost[frame, 1, int(not swapped)] = 0
    result = scores(cost)
    assert result.id_switches == 4
    assert result.idf1 == pytest.approx(6 / 9)


def test_a_person_who_comes_back_after_a_gap_under_another_id_is_a_switch():
    cost = np.full((6, 1, 2), INF)
    cost[:2, 0, 0] = 0
    cost[4:, 0, 1] = 0
    assert scores(cost).id_switches == 1


def test_a_partner_is_kept_while_another_one_comes_nearer():
    cost = np.full((4, 1, 2), 0.10)
    cost[0, 0, 0] = 0.0
    cost[1:, 0, 1] = 0.01
    assert scores(cost).id_switches == 0


def test_nobody_at_all_is_undefined_and_everybody_missed_is_zero():
    assert scores(np.zeros((3, 0, 0))).idf1 is None
    assert scores(np.zeros((3, 2, 0))).idf1 == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_motmetrics_on_random_crowds(seed):
    motmetrics = pytest.importorskip("motmetrics")
    rng = np.random.default_rng(seed)
    frames, truths, people = 40, 4, 5
    cost = rng.uniform(size=(frames, truths, people))
    cost[rng.uniform(size=cost.shape) < 0.6] = INF
    truth_present = rng.uniform(size=(frames, truths)) < 0.8
    present = rng.uniform(size=(frames, people)) < 0.8

    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for frame in range(frames):
        rows, columns = np.flatnonzero(truth_present[frame]), np.flatnonzero(present[frame])
        distances = cost[frame][np.ix_(rows, columns)]
        accumulator.update(rows, columns, np.where(np.isfinite(distances), distances, np.nan))
    summary = motmetrics.metrics.create().compute(accumulator, metrics=["idf1", "idtp", "num_switches"])

    result = identity_scores(cost, truth_present, present)
    assert result.id_true_positives == int(summary["idtp"].iloc[0])
    assert result.idf1 == pytest.approx(float(summary["idf1"].iloc[0]))
    assert result.id_switches == int(summary["num_switches"].iloc[0])
