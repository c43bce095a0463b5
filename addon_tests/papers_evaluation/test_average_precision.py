"""Who was found: average precision and recall on cases counted by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def ap(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from papers_evaluation import average_precision

    yield average_precision
    for name in [name for name in sys.modules if name.startswith("papers_evaluation")]:
        del sys.modules[name]


def one_threshold(ap, score, right, counted=None, asked=1, pictures=1):
    right = np.array([right], bool)
    counted = np.ones_like(right) if counted is None else np.array([counted], bool)
    return ap.Claims(np.array(score, float), right, counted, asked, pictures)


def test_everybody_found_and_nobody_else_is_one(ap):
    assert ap.average_precision(one_threshold(ap, [0.9, 0.8], [True, True], asked=2))[0] == pytest.approx(1.0)


def test_a_false_find_that_is_surest_halves_the_precision_of_the_first(ap):
    # Precision after the finds: 0, 1/2, 2/3; made to fall: 2/3 at every recall.
    found = one_threshold(ap, [0.9, 0.8, 0.7], [False, True, True], asked=2)
    assert ap.average_precision(found)[0] == pytest.approx(2 / 3)


def test_recall_that_is_not_reached_counts_nothing(ap):
    # Of 101 recalls 0, 0.01 ... 0.5 are reached.
    assert ap.average_precision(one_threshold(ap, [0.9], [True], asked=2))[0] == pytest.approx(51 / 101)


def test_finds_that_are_let_alone_change_nothing(ap):
    plain = one_threshold(ap, [0.9, 0.5], [True, False], asked=1)
    more = one_threshold(ap, [0.95, 0.9, 0.5], [False, True, False], [False, True, True], asked=1)
    assert ap.average_precision(more)[0] == ap.average_precision(plain)[0] == 1.0


def test_nobody_asked_for_has_no_precision(ap):
    assert np.isnan(ap.average_precision(one_threshold(ap, [0.9], [False], asked=0))[0])


def test_a_person_is_found_once_and_by_the_surest(ap):
    found = ap.claims(np.array([0.5, 0.9]), np.array([[0.9], [0.6]]), np.zeros(2), np.array([0.5, 0.75]))
    # At 0.5 the surest takes the person although the other lies better; at 0.75 it does not reach.
    assert found.right.tolist() == [[False, True], [True, False]]


def test_each_find_takes_the_free_person_that_it_overlaps_most(ap):
    overlap = np.array([[0.8, 0.7], [0.9, 0.6]])
    found = ap.claims(np.array([0.9, 0.8]), overlap, np.zeros(2), np.array([0.5, 0.65]))
    # The second find would fit the first person better, who is taken.
    assert found.right.tolist() == [[True, True], [True, False]]


def test_what_lies_on_an_ignored_region_is_not_false_but_may_be_right(ap):
    found = ap.claims(np.array([0.9, 0.8]), np.array([[0.0], [0.9]]), np.array([0.8, 0.8]), np.array([0.5]))
    assert found.counted.tolist() == [[False, True]]


def test_recall_at_a_number_of_false_people_a_picture(ap):
    right = [True, False, True, False, False, True]
    found = one_threshold(ap, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], right, asked=4, pictures=2)
    one = ap.at_false(found, 1.0)
    assert (one.least_score, one.recall, one.false) == (0.6, 0.5, 1.0)
    assert ap.at_score(found, 0.75).recall == 0.25


def test_no_false_people_allowed_leaves_those_above_the_first_false_one(ap):
    found = one_threshold(ap, [0.9, 0.8, 0.7], [True, False, True], asked=2)
    assert ap.at_false(found, 0.0).recall == 0.5


def test_without_finds_nothing_is_found(ap):
    found = ap.claims(np.zeros(0), np.zeros((0, 3)), np.zeros(0))
    assert ap.average_precision(found).tolist() == [0.0] * 10
    assert ap.at_false(found, 1.0).recall == 0.0


def test_share_within_regions_is_of_the_find(ap):
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 2, 2]])
    shares = ap.share_within(boxes, np.array([[0.0, 0, 5, 10], [20, 20, 30, 30]]))
    assert shares.tolist() == [0.5, 1.0]
    assert ap.share_within(boxes, np.zeros((0, 4))).tolist() == [0.0, 0.0]
