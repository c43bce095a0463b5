"""Groups of channels keyed and put together as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import curve as curves
from . import kept
from .curve import Curve
from .judges import Judge, PlainJudge
from .placing import Placer, Rows
from .spline import WIDEST

_LEAST_W = 0.35
"""The first part of a quaternion gets a course of its own where it stays farther from zero than this."""
_PLAIN = 0.15
"""How far that course may be off, in parts of the least value: so much longer or shorter a quaternion becomes."""

Found = tuple[tuple[Curve, ...], tuple[np.ndarray, ...]]
"""A track's curves, and at which samples their keys stand."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of G groups of tracks, each keyed at frames of its own; F frames."""

    frames: np.ndarray
    """(F,)"""
    held: np.ndarray
    """(F,) bool, everything stays as it is until the next frame."""
    rests: np.ndarray
    """(G, F) bool, a group stays as it is until the next frame."""
    wanted: np.ndarray
    """(G, F) bool, frames that keep their keys and values."""
    turns: np.ndarray
    """(G, F) bool, frames that keep their keys."""
    shared: bool
    """All channels of a group are keyed at the same frames."""

    @property
    def exact(self) -> np.ndarray:
        """(G, 2 F - 1) bool, where values are kept; with the middles between frames."""
        fine = np.zeros((len(self.rests), 2 * len(self.frames) - 1), dtype=bool)
        fine[:, ::2] = self.rests | self.wanted
        fine[:, 2::2] |= self.rests[:, :-1]
        fine[:, 1::2] = self.rests[:, :-1]
        return fine

    def freely(self) -> Asked:
        """Without turning points."""
        return replace(self, turns=np.zeros_like(self.turns), shared=True)

    def only(self, groups: np.ndarray) -> Asked:
        """Of some groups."""
        return replace(self, rests=self.rests[groups], wanted=self.wanted[groups], turns=self.turns[groups])


def level(asked: Asked, values: np.ndarray) -> Found:
    """One key for each channel of (F, C) values."""
    made = tuple(curves.from_slopes(asked.frames[:1], first, np.zeros(1), np.zeros(1)) for first in values[:1].T)
    return made, tuple(np.zeros(1, dtype=int) for _ in made)


def reduced(widths: Sequence[int], judge: Judge, asked: Asked) -> tuple[list[Found], np.ndarray]:
    """Curves of R tracks with so many channels that a judge finds good at every frame.

    Returns:
        their curves; (R, S, 4) the curves' values.
    """
    count, groups = len(asked.frames), len(asked.rests)
    values = judge.reference[:, ::2]
    parts: list[tuple[int, np.ndarray, np.ndarray]] = []
    for group in _moving(judge, groups):
        last = asked.rests[group].copy()
        last[-1] = True
        # Within a standstill nothing needs a key, but what the caller wants.
        inside = np.concatenate([[False], asked.rests[group, :-1]]) & asked.rests[group]
        inside &= ~asked.held & ~asked.wanted[group] & ~np.append(False, asked.held[:-1])
        parts.append((int(group), np.flatnonzero(~inside), last[~inside]))
    rows = _rows(parts, judge.group, shared=True)
    pinned, must = (each[rows.group, rows.sample] for each in (asked.wanted, asked.turns))
    placer = Placer(asked.frames, judge.reference, values, rows, must, pinned, judge)
    placer.place()
    if not asked.shared and parts:
        keyed = np.zeros((groups, count), dtype=bool)
        keyed[rows.group[placer.keys], rows.sample[placer.keys]] = True
        rows = _rows(parts, judge.group, shared=False)
        plain, sparse = _plain_quaternions(judge, asked)
        seeds = keyed[rows.group, rows.sample]
        lane = rows.lane[np.searchsorted(rows.of_lane, np.arange(len(rows.group)))]
        for row, own in sparse.items():
            here = lane == row * WIDEST
            seeds[here] = own[rows.sample[here]]
        lanes = plain[:, ::2].transpose(0, 2, 1).reshape(-1, count, 1)
        pinned = asked.wanted[rows.group, rows.sample]
        placer = Placer(asked.frames, plain, lanes, rows, np.zeros_like(pinned), pinned, judge)
        placer.thin(seeds)
    return _curves(asked, widths, values, placer, judge.group), placer.fitted


def _moving(judge: Judge, groups: int) -> np.ndarray:
    """Groups with channels that change."""
    changes = (np.ptp(judge.reference[:, ::2], axis=1) > kept.STILL).any(axis=1)
    moving = np.zeros(groups, dtype=bool)
    np.logical_or.at(moving, judge.group, changes)
    return np.flatnonzero(moving)


def _plain_quaternions(judge: Judge, asked: Asked) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Quaternions of another length, for what is not seen needs no keys.

    A quaternion turns the same however long it is. Its first part, where it stays away from zero, may hence follow a
    course with few keys, and the others follow it.

    Returns:
        (R, S, 4) the reference so; and of each track that was changed the (F,) bool frames at which the first part
        has keys.
    """
    plain = judge.reference.copy()
    least = np.abs(plain[..., 0]).min(axis=1)
    rows = np.flatnonzero(judge.quaternions & (least > _LEAST_W) & (np.ptp(plain[..., 0], axis=1) > kept.STILL))
    if not len(rows):
        return plain, {}
    first = np.zeros((len(rows), plain.shape[1], WIDEST))
    first[..., 0] = plain[rows, :, 0]
    found, fitted = reduced(
        [1] * len(rows), PlainJudge(first, _PLAIN * least[rows]), asked.only(judge.group[rows]).freely()
    )
    plain[rows] *= fitted[..., :1] / first[..., :1]
    keyed = {}
    for row, (_, (samples,)) in zip(rows, found, strict=True):
        keyed[int(row)] = np.isin(np.arange(len(asked.frames)), samples)
    return plain, keyed


def _rows(parts: list[tuple[int, np.ndarray, np.ndarray]], group: np.ndarray, shared: bool) -> Rows:
    """What is fitted: of each group (number, samples, last of a piece), keyed at once or one channel at a time."""
    owner, samples, last, of_lane, lanes = [], [], [], [], []
    count = 0
    for own, sample, ends in parts:
        tracks = np.flatnonzero(group == own)
        single = (tracks[:, None] * WIDEST + np.arange(WIDEST)).reshape(-1, 1)
        sets = [tracks] if shared else list(single)
        for together in sets:
            owner.append(np.full(len(sample), own))
            samples.append(sample)
            last.append(ends)
            for lane in together:
                of_lane.append(np.arange(count, count + len(sample)))
                lanes.append(np.full(len(sample), lane))
            count += len(sample)
    joined = [np.concatenate(each) if each else np.zeros(0, dtype=int) for each in (owner, samples, of_lane, lanes)]
    return Rows(joined[0], joined[1], np.concatenate(last) if last else np.zeros(0, dtype=bool), joined[2], joined[3])


def _curves(asked: Asked, widths: Sequence[int], values: np.ndarray, placer: Placer, group: np.ndarray) -> list[Found]:
    rows, frames, single = placer.rows, asked.frames, placer.value.shape[1] == 1
    keyed = np.flatnonzero(placer.keys[rows.of_lane])
    keyed = keyed[np.argsort(rows.lane[keyed], kind="stable")]
    lane_of = rows.lane[keyed]
    made: list[Found] = []
    for row, width in enumerate(widths):
        own, at_own = [], []
        for channel in range(width):
            lane, column = (row * WIDEST + channel, 0) if single else (row, channel)
            here = keyed[np.searchsorted(lane_of, lane) : np.searchsorted(lane_of, lane, side="right")]
            if np.ptp(values[row, :, channel]) <= kept.STILL or not len(here):
                own.append(curves.from_slopes(frames[:1], values[row, :1, channel], np.zeros(1), np.zeros(1)))
                at_own.append(np.zeros(1, dtype=int))
                continue
            at = rows.sample[rows.of_lane[here]]
            slope, resting = placer.slope[here, column], asked.rests[group[row]][at]
            # Beside a standstill the curve is level.
            slope_in = np.where(np.append(False, resting[:-1]), 0.0, slope)
            slope_out = np.where(resting, 0.0, slope)
            kinds = np.where(resting, curves.CONSTANT, curves.BEZIER)
            own.append(curves.from_slopes(frames[at], placer.value[here, column], slope_in, slope_out, kinds))
            at_own.append(at)
        made.append((tuple(own), tuple(at_own)))
    return made
