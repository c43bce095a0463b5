"""Where keys stand: set where the error is largest until all errors are allowed, then taken away while they stay so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import spline
from .judges import Judge, Look
from .spline import Pieces

FIRST_SHARE = 0.3
"""Part of the tolerance that each group alone may take before the errors of all are looked at together, where groups
depend on each other."""
_CUTS = (0.2, 0.5, 1.0, 3.0)
"""Keys that cost less than this part of the tolerance are tried in the rounds of thinning, the cheapest first."""
_FINER_CUTS = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
"""The same for channels with keys of their own, of which there are more to choose from. Where keys are shared, these
save 3 % of the keys and take half as long again."""
_SWEEPS = 2
"""Times that all keys are tried: what did not go at first may go once others are gone."""
_CAREFUL_SWEEPS = 3
"""The same for channels with keys of their own."""
_EVENINGS = 2
"""Times that samples are weighed anew by their errors, for the largest error to come down; more gains nothing."""
_LEAST_ERROR = 0.3
"""Smaller errors, in parts of the tolerance, weigh as this one."""
_LIGHTEST, _HEAVIEST = 0.01, 100.0
_BETWEEN_ROUNDS = 2
"""Times that keys are set for errors between two frames alone: where samples leap no keys help."""
_NEARER = 0.97
"""A key stays where it was moved if that leaves less than this part of the squared errors beside it."""
_REACH = 4
"""Keys on either side of a new one, or of one that went, that are fitted anew."""
_ROUNDS = 200
_MENDS = 8
"""Times that single keys are put back after a round of thinning before all of them are."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Samples with keys of their own, one smooth piece after the other; n rows, and N of the lanes keyed there."""

    group: np.ndarray
    """(n,)"""
    sample: np.ndarray
    """(n,) which of the F samples."""
    last: np.ndarray
    """(n,) bool, the last row of a piece."""
    of_lane: np.ndarray
    """(N,) row of the group that each row of a lane belongs to."""
    lane: np.ndarray
    """(N,)"""

    @property
    def first(self) -> np.ndarray:
        """(n,) bool"""
        return np.concatenate([[True], self.last[:-1]]) if len(self.last) else self.last


class Placer:
    """Keys of groups of tracks, fitted and judged."""

    def __init__(
        self,
        times: np.ndarray,
        reference: np.ndarray,
        values: np.ndarray,
        rows: Rows,
        must: np.ndarray,
        pinned: np.ndarray,
        judge: Judge,
    ) -> None:
        """Begin with the fewest keys.

        Args:
            times: (F,) frames.
            reference: (R, S, 4) the samples and the middles between them.
            values: (L, F, C) the samples of lanes: tracks of four channels, whose keys stand at the same frames, or
                single channels with keys of their own.
            rows: what is fitted; elsewhere the reference is taken as it is. Their tracks are the lanes.
            must: (n,) bool, rows that keep their keys.
            pinned: (n,) bool, rows that keep their keys and values.
        """
        self.rows, self.judge, self._strict = rows, judge.frames_only(), judge
        self.pinned = pinned | rows.first | rows.last
        self.must = must | self.pinned
        self.keys = self.must.copy()
        self.row_weights = np.ones(len(self.keys))
        # Lanes are what is fitted with keys of its own: a track of four channels, or one channel.
        lanes, width = len(reference) * reference.shape[2] // values.shape[2], values.shape[2]
        channels = reference.copy() if width > 1 else np.ascontiguousarray(reference.swapaxes(1, 2))
        self.lanes = channels.reshape(lanes, reference.shape[1], width)
        self.fitted = channels if width > 1 else channels.swapaxes(1, 2)
        self.weights = np.repeat(self.judge.weights, lanes // len(reference), axis=0)
        sample = rows.sample[rows.of_lane]
        last = rows.last[rows.of_lane]
        own = values[rows.lane, sample]
        self.pieces = Pieces(times[sample], own, last, spline.slopes_of(times[sample], own, last))
        self.free = np.zeros((int(judge.group.max()) + 1, reference.shape[1]), dtype=bool)
        self.free[rows.group, 2 * rows.sample] = True
        self.free[rows.group[~rows.last], 2 * rows.sample[~rows.last] + 1] = True
        self.value, self.slope = own.copy(), self.pieces.slopes.copy()
        self._fit_all()

    def thin(self, keys: np.ndarray) -> None:
        """Begin with (n,) bool keys that are enough, and take away what is not needed."""
        if len(keys):
            self.keys = keys | self.must
            self._fit_all()
            self._meet()
            self._thin(careful=True)
            self._finish()

    @property
    def _fine(self) -> bool:
        """Whether middles between frames are looked at as well."""
        return self.judge is self._strict

    def _look(self) -> Look:
        return self.judge.look(self.fitted if self._fine else self.fitted[:, ::2])

    def _finish(self) -> None:
        """What was found by the frames alone has to do between them too."""
        thinned = self.judge
        self.judge = self._strict
        self._fit_all()
        if not self.judge.independent:
            self._meet()
            return
        self._meet(_BETWEEN_ROUNDS)
        self.judge = thinned
        self._meet()
        self.judge = self._strict
        self._fit_all()

    def place(self) -> None:
        """Set keys until every error is allowed, then thin them out."""
        if not len(self.rows.group):
            return
        for _ in range(_ROUNDS):
            shares = self._folded(self._look().shares) / (1.0 if self.judge.independent else FIRST_SHARE)
            if not (shares > 1).any():
                break
            self._fit(self._insert(shares, shares))
        self._meet()
        self._thin()
        self._finish()

    def _meet(self, rounds: int = _ROUNDS) -> None:
        """Set keys until no error is too large, or so many times."""
        blame = np.ones((1, 1), dtype=bool)
        for _ in range(rounds):
            look = self._look()
            blame = self._blame(look, look.shares)
            if not blame.any():
                return
            count = self.keys.sum()
            self._fit(self._insert(self._folded(blame.astype(float)) * 2, self._folded(look.shares)))
            if self.keys.sum() == count:
                break
        if rounds == _ROUNDS:
            bad = blame.any(axis=1) if self.judge.independent else np.ones(len(self.free), dtype=bool)
            self.keys |= bad[self.rows.group]
            self._fit_all()

    def _slide(self) -> None:
        """Move keys by a frame where that brings the curve nearer to the samples; every other key at once."""
        for way, odd in [(way, odd) for way in (1, -1) for odd in (0, 1)]:
            at = np.flatnonzero(self.keys)
            place = np.arange(1 + odd, len(at) - 1, 2)
            place = place[~self.must[at[place]] & ~self.keys[at[place] + way]]
            row, there = at[place], at[place] + way
            if not len(row):
                continue
            before = self._squares(at)
            self.keys[row], self.keys[there] = False, True
            self._fit(there)
            after = self._squares(np.flatnonzero(self.keys))
            kept = after[place - 1] + after[place] < _NEARER * (before[place - 1] + before[place])
            self.keys[there[~kept]], self.keys[row[~kept]] = False, True
            self._fit(row[~kept])

    def _squares(self, at: np.ndarray) -> np.ndarray:
        """(K,) summed squares of what each segment is off its samples."""
        rows, sample = self.rows, self.rows.sample[self.rows.of_lane]
        off = ((self.lanes[rows.lane, 2 * sample] - self.pieces.values) ** 2).sum(axis=1)
        of_rows = np.bincount(rows.of_lane, off, minlength=len(self.keys)) * self.row_weights
        return np.add.reduceat(of_rows, at)

    def _even_out(self) -> None:
        """Weigh samples by their errors: what is least squares then comes near the least of the largest errors.

        Reference: Lawson (1961), as used by Rice and Usow, The Lawson algorithm and extensions (1968).
        """
        group = self.rows.group
        for _ in range(_EVENINGS):
            self.row_weights *= np.maximum(self._folded(self._look().shares), _LEAST_ERROR)
            mean = np.bincount(group, self.row_weights) / np.maximum(np.bincount(group), 1)
            self.row_weights = np.clip(self.row_weights / mean[group], _LIGHTEST, _HEAVIEST)
            self._fit_all()
        self._meet()

    def _fit(self, changed: np.ndarray) -> None:
        """Fit anew around (k,) rows whose keys came or went: a key's pull hardly reaches beyond some others.

        What lies farther off stays; where it begins, value and slope are given.
        """
        rows, at = self.rows, np.flatnonzero(self.keys)
        place = np.searchsorted(at, changed, side="right") - 1
        spans = np.zeros(len(at) + 1, dtype=np.int64)
        np.add.at(spans, np.maximum(place - _REACH, 0), 1)
        np.add.at(spans, np.minimum(place + _REACH, len(at)), -1)
        ends = rows.last[at]
        fresh = (np.cumsum(spans[:-1]) > 0) & ~ends
        before = np.append(False, fresh[:-1])
        # The rows of these segments, with the key that ends the last one.
        mine = fresh[np.cumsum(self.keys) - 1]
        mine[at[before]] = True
        stop, fixed = np.zeros(len(mine), dtype=bool), np.zeros(len(mine), dtype=bool)
        stop[at[before & ~fresh]] = True
        fixed[at[(before & ~fresh & ~ends) | (fresh & ~before & ~rows.first[at])]] = True
        self._fit_rows(mine, stop, fixed)

    def _fit_all(self) -> None:
        every = np.ones(len(self.keys), dtype=bool)
        self._fit_rows(every, self.rows.last, ~every)

    def _fit_rows(self, mine: np.ndarray, stop: np.ndarray, fixed: np.ndarray) -> None:
        """Fit (n,) bool rows that end where `stop` says so; keys that are `fixed` stay as they are."""
        rows = self.rows
        lanes = np.flatnonzero(mine[rows.of_lane])
        if not len(lanes):
            return
        row = rows.of_lane[lanes]
        held = fixed[row]
        own, slopes = self.pieces.values[lanes], self.pieces.slopes[lanes]
        own[held], slopes[held] = self.value[lanes[held]], self.slope[lanes[held]]
        pieces = Pieces(self.pieces.times[lanes], own, stop[row], slopes)
        found = spline.fit(pieces, self.keys[row], self.pinned[row] | held, self.row_weights[row], held)
        lane, sample = rows.lane[lanes], rows.sample[row]
        self.lanes[lane, 2 * sample] = spline.sample(pieces, found, halves=False)
        if self._fine:
            inner = ~pieces.last
            middles = spline.sample(pieces, found, halves=True)[inner]
            self.lanes[lane[inner], 2 * sample[inner] + 1] = middles
        at = lanes[found.at]
        self.value[at], self.slope[at] = found.values, found.slopes

    def _folded(self, fine: np.ndarray) -> np.ndarray:
        """(n,) of (G, S): the larger of a sample's and that of the middle after it."""
        rows = self.rows
        if not self._fine:
            return fine[rows.group, rows.sample]
        at = fine[rows.group, 2 * rows.sample]
        after = fine[rows.group, np.minimum(2 * rows.sample + 1, fine.shape[1] - 1)]
        return np.where(rows.last, at, np.maximum(at, after))

    def _blame(self, look: Look, by: np.ndarray) -> np.ndarray:
        """(G, S) bool: of the groups that a too large error depends on, the one with the most in `by` (G, S)."""
        thing, time = np.nonzero(look.errors() > 1)
        blame = np.zeros(by.shape, dtype=bool)
        if len(thing):
            carriers = self.judge.carriers[thing]
            free = self.free if self._fine else self.free[:, ::2]
            able = (carriers >= 0) & free[carriers, time[:, None]]
            amounts = np.where(able, by[carriers, time[:, None]], -np.inf)
            worst = carriers[np.arange(len(thing)), amounts.argmax(axis=1)]
            blame[worst[able.any(axis=1)], time[able.any(axis=1)]] = True
        return blame

    def _insert(self, need: np.ndarray, amount: np.ndarray) -> np.ndarray:
        """Set a key in every segment with a (n,) need above 1, where the (n,) amount is largest.

        Returns:
            (k,) rows that have new keys.
        """
        at = np.flatnonzero(self.keys)
        segment = np.cumsum(self.keys) - 1
        free = np.where(self.keys, -1.0, amount)
        best = np.maximum.reduceat(free, at)
        wanted = np.maximum.reduceat(need, at) > 1
        # Between neighbouring frames there is no room: the keys on either side decide what happens there.
        stuck = np.flatnonzero(wanted & (best < 0))
        for away in (-3, -2, -1, 1, 2, 3):
            near = stuck + away
            inside = (near >= 0) & (near < len(at))
            near, here = near[inside], stuck[inside]
            wanted[near[self.rows.group[at[near]] == self.rows.group[at[here]]]] = True
        chosen = np.flatnonzero((free >= 0) & (free == best[segment]) & wanted[segment])
        chosen = chosen[np.unique(segment[chosen], return_index=True)[1]]
        self.keys[chosen] = True
        if not len(chosen):
            chosen = np.flatnonzero(np.isin(self.rows.group, self.rows.group[at[wanted]]) & ~self.keys)
            self.keys[chosen] = True
        return chosen

    def _costs(self) -> tuple[np.ndarray, np.ndarray]:
        """About how much of the tolerance it takes to do without a key.

        The key's value and slope are compared with those of the segment that would be in its place.

        Returns:
            (K,) rows of all keys, (K,) cost; infinite for those that stay.
        """
        at = np.flatnonzero(self.keys)
        number = np.cumsum(self.keys) - 1
        # The same for every track: rows of a track follow one another as those of its group do.
        row = self.rows.of_lane
        keyed = np.flatnonzero(self.keys[row])
        removable = ~self.must[row[keyed]]
        middle = np.flatnonzero(removable)
        before, here, after = keyed[middle - 1], keyed[middle], keyed[middle + 1]
        times, value, slope = self.pieces.times, self.value, self.slope
        length = times[after] - times[before]
        share = (times[here] - times[before]) / length
        basis = spline.hermite(share)
        rise_a, rise_b = slope[before] * length[:, None], slope[after] * length[:, None]
        guess = basis[:, :1] * value[before] + basis[:, 1:2] * rise_a
        guess += basis[:, 2:3] * value[after] + basis[:, 3:] * rise_b
        s = share[:, None]
        steep = (6 * s * s - 6 * s) * (value[before] - value[after])
        steep += (3 * s * s - 4 * s + 1) * rise_a + (3 * s * s - 2 * s) * rise_b
        apart = np.linalg.norm(guess - value[here], axis=1)
        bent = np.linalg.norm(steep / length[:, None] - slope[here], axis=1) * length * (4 / 27) / 2
        weight = self.weights[self.rows.lane[here], self.rows.sample[row[here]]]
        cost = np.bincount(number[row[here]], np.maximum(apart, bent) * weight, minlength=len(at))
        return at, np.where(self.must[at], np.inf, cost)

    def _thin(self, careful: bool = False) -> None:
        """Take keys away, many at once but never neighbours, and put back those that were needed."""
        cuts, sweeps = (_FINER_CUTS, _CAREFUL_SWEEPS) if careful else (_CUTS, _SWEEPS)
        tried = self.must.copy()
        shares = self._look().shares
        for sweep, cut in [(sweep, cut) for sweep in range(sweeps) for cut in cuts]:
            if cut == cuts[0] and (sweep or careful):
                if careful:
                    self._slide()
                self._even_out()
                shares = self._look().shares
                tried = self.must.copy()  # what did not go at first may go now
            at, cost = self._costs()
            cost = np.where(tried[at], np.inf, cost)
            around = np.concatenate([[np.inf], cost, [np.inf]])
            cheapest = (cost < cut) & (cost <= around[:-2]) & (cost < around[2:])
            gone = at[cheapest]
            if not len(gone):
                continue
            tried[gone] = True
            self.keys[gone] = False
            self._fit(gone)
            shares = self._mend(gone, shares)

    def _mend(self, gone: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Put keys back until all errors are allowed; (G, S) shares before and after."""
        for attempt in range(_MENDS):
            look = self._look()
            blame = self._blame(look, look.shares - before)
            if not blame.any():
                return look.shares
            missing = gone[~self.keys[gone]]
            back = missing[self._touched(missing, blame, reach=1 + attempt)]
            if not len(back) or attempt == _MENDS - 1:
                back = missing
            self.keys[back] = True
            self._fit(back)
        self._meet()
        return self._look().shares

    def _touched(self, rows: np.ndarray, blame: np.ndarray, reach: int) -> np.ndarray:
        """(k,) bool, whether blame lies within some keys on either side of (k,) rows."""
        at = np.flatnonzero(self.keys)
        place = np.searchsorted(at, rows)
        low, high = at[np.maximum(place - reach, 0)], at[np.minimum(place + reach - 1, len(at) - 1)]
        group, sample = self.rows.group, self.rows.sample
        low_sample = np.where(group[low] == group[rows], sample[low], 0)
        high_sample = np.where(group[high] == group[rows], sample[high], sample.max())
        counts = np.concatenate([np.zeros((len(blame), 1), dtype=int), np.cumsum(blame, axis=1)], axis=1)
        step = 2 if self._fine else 1
        return counts[group[rows], step * high_sample + 1] > counts[group[rows], step * low_sample]
