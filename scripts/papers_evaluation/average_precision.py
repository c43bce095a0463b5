"""Who was found: average precision as COCO counts it, and the recall that a number of false people a picture buys.

Reference: Lin et al., "Microsoft COCO: common objects in context" (2014), and the evaluator that comes with it: the
surest find first, each takes the free person that it overlaps most, if that is enough; precision is made to fall, and
read at 101 recalls. Who need not be found neither helps nor harms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OVERLAPS = np.arange(0.5, 0.96, 0.05)
IGNORED_FROM = 0.5
"""Share of a find that must lie on what need not be found, for it not to be false."""


@dataclass(frozen=True, eq=False)
class Claims:
    """N finds of one or many pictures.

    Attributes:
        score: (N,).
        right: (K, N) bool, by overlap asked for.
        counted: (K, N) bool: neither right nor on what need not be found means not counted.
        asked: people to be found.
        pictures: that were looked at.
    """

    score: np.ndarray
    right: np.ndarray
    counted: np.ndarray
    asked: int
    pictures: int = 1


def claims(score: np.ndarray, overlap: np.ndarray, ignorable: np.ndarray, at: np.ndarray = OVERLAPS) -> Claims:
    """Who of one picture was found.

    Args:
        score: (n,).
        overlap: (n, t) intersection over union with each person who is asked for.
        ignorable: (n,) share of each find that lies on what need not be found.
        at: (K,) overlaps that are enough.
    """
    count, people = overlap.shape
    right = np.zeros((len(at), count), bool)
    free = np.ones((len(at), people), bool)
    if people:
        for find in np.argsort(-score, kind="stable"):
            open_to = np.where(free, overlap[find], -1.0)
            best = open_to.argmax(axis=1)
            taken = np.flatnonzero(open_to[np.arange(len(at)), best] >= at)
            right[taken, find] = True
            free[taken, best[taken]] = False
    return Claims(score, right, right | (ignorable < IGNORED_FROM), people)


def together(parts: list[Claims]) -> Claims:
    """Claims of many pictures as one."""
    return Claims(
        np.concatenate([p.score for p in parts]), np.concatenate([p.right for p in parts], axis=1),
        np.concatenate([p.counted for p in parts], axis=1), sum(p.asked for p in parts), sum(p.pictures for p in parts),
    )  # fmt: skip


def average_precision(found: Claims) -> np.ndarray:
    """(K,) 0 to 1, by overlap asked for; NaN where nobody is asked for."""
    order = np.argsort(-found.score, kind="stable")
    figures = [_area(found.right[k, order], found.counted[k, order], found.asked) for k in range(len(found.right))]
    return np.array(figures)


def _area(right: np.ndarray, counted: np.ndarray, asked: int) -> float:
    if not asked:
        return float("nan")
    right = right[counted]
    hits = right.cumsum()
    precision = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
    place = np.searchsorted(hits / asked, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0.0)[place].mean())


@dataclass(frozen=True)
class Operation:
    """What a threshold of the score gives: shares from 0 to 1, false people a picture."""

    least_score: float
    recall: float
    false: float


def at_score(found: Claims, least_score: float, which: int = 0) -> Operation:
    """What is found with a threshold; `which` is the row of the overlap asked for."""
    sure = found.counted[which] & (found.score >= least_score)
    right = found.right[which] & sure
    return Operation(least_score, right.sum() / max(found.asked, 1), (sure & ~right).sum() / max(found.pictures, 1))


def at_false(found: Claims, false: float, which: int = 0) -> Operation:
    """What the lowest threshold finds that has at most so many false people a picture."""
    scores = np.unique(found.score)
    wrong = np.sort(found.score[found.counted[which] & ~found.right[which]])
    # False people at a threshold: all whose score reaches it.
    number = len(wrong) - np.searchsorted(wrong, scores, side="left")
    allowed = scores[number <= false * found.pictures + 1e-9]
    return at_score(found, float(allowed[0]) if len(allowed) else np.inf, which)


def share_within(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """(n,) largest share of each of (n, 4) boxes that lies in one of (m, 4) regions."""
    if not len(regions) or not len(boxes):
        return np.zeros(len(boxes))
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    return (shared / np.maximum(np.prod(boxes[:, None, 2:] - boxes[:, None, :2], axis=-1), 1e-9)).max(axis=1)
