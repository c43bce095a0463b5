"""Sampled channels as curves with few keys, within a bound that is never exceeded.

All channels of a bone are keyed at the same frames. Their curves are fitted by least squares (`spline`); keys are set
where errors are too large and taken away again where the bound leaves room (`placing`). For bones the bound is one of
what is seen: millimetres of any joint in the world, degrees of any bone (`judges`). It holds at every frame, and in
the middle between two frames against the samples' own course there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..retarget.armature import Armature
from . import curve as curves
from . import kept, spline
from .curve import Curve
from .judges import Judge, PlainJudge, WorldJudge, between_frames
from .placing import Placer, Rows
from .world import Track, World, padded

TOLERANCE_MM, TOLERANCE_DEG = 5.0, 2.0
STILL_FRAMES = 4
"""A bone that does not move for so many steps is held by constant keys."""
PROMINENCE = 8.0
"""A turning point of a bone is kept if what lies on both sides of it is so many tolerances away."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """Curves of the tracks, in their order."""

    curves: tuple[tuple[Curve, ...], ...]
    """One a channel. A channel that never changes has one key, at the first frame."""
    samples: tuple[tuple[np.ndarray, ...], ...]
    """(K,) int per curve, which of the F samples its keys stand at; a key's type is that of its sample."""

    @property
    def key_count(self) -> int:
        """Keys of all curves."""
        return sum(len(curve.frames) for track in self.curves for curve in track)


def reduce_bones(
    armature: Armature,
    tracks: Sequence[Track],
    frames: np.ndarray,
    tolerance_mm: float | np.ndarray = TOLERANCE_MM,
    tolerance_deg: float | np.ndarray = TOLERANCE_DEG,
    *,
    hold: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    keep_extremes: bool = True,
    shared: bool = True,
) -> Reduced:
    """Fewer keys for an armature's channels.

    Args:
        armature: its `to_world` says how long a unit is in metres.
        tracks: R properties sampled at each of F frames, finite. Bones and properties without a track stay at rest.
        frames: (F,) frame numbers, increasing; steps may differ.
        tolerance_mm: how far the head or tail of any bone may be off in the world; (F,) per frame or (F, N) per bone
            of the armature as well, such as less for a foot on the floor.
        tolerance_deg: how far any bone may be turned off, as `tolerance_mm`.
        hold: (F,) bool, from this frame to the next the values stay as they are, such as where a person is absent.
        keep: (F,) or (F, N) bool, frames at which all or single bones keep their keys and values: contacts' boundaries
            (`kept.boundaries`), the bounds of predicted spans, frames that the user chose.
        keep_extremes: whether bones keep the keys of their large turning points.
        shared: all channels of a bone are keyed at the same frames; otherwise each has only those that it needs (a
            tenth to a quarter less, in twice the time), and turning points keep their keys only where they need them.
    Raises:
        ValueError: if shapes do not fit, a value is not finite, or frames do not increase.
    """
    if not tracks:
        return Reduced((), ())
    count = len(frames)
    _check(frames, [track.values for track in tracks])
    world = World(armature, tracks)
    values = np.stack([padded(np.asarray(track.values, np.float64)) for track in tracks])
    held = np.zeros(count, dtype=bool) if hold is None else np.append(hold[:-1], False)
    mm, deg = (
        between_frames(np.broadcast_to(np.asarray(t, np.float64).reshape(*np.shape(t) or (1,)).T, _wide(t, count)))
        for t in (tolerance_mm, tolerance_deg)
    )
    bones, group = np.unique([track.bone for track in tracks], return_inverse=True)
    rests = _rests(values, group, held)
    judge = WorldJudge(world, _reference(frames, values, rests[group]), mm, np.radians(deg))
    wanted = np.zeros((count, len(armature.names)), dtype=bool)
    if keep is not None:
        wanted |= keep if keep.ndim == 2 else keep[:, None]
    if hold is not None:
        wanted |= kept.boundaries(held | np.append(False, held[:-1]))[:, None]
    return _reduced(frames, tracks, values, judge, held, rests, wanted[:, bones], keep_extremes, shared)


def reduce_channels(
    frames: np.ndarray,
    channels: Sequence[np.ndarray],
    tolerance: Sequence[float],
    *,
    hold: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    keep_extremes: bool = True,
    shared: bool = True,
) -> Reduced:
    """Fewer keys for properties that move no bone: each has its own bound, in its own unit.

    Args:
        frames: (F,) increasing.
        channels: R arrays (F, C) with up to four channels each, finite.
        tolerance: R bounds, above 0.
        hold, keep, keep_extremes: as for `reduce_bones`; (F,).
    """
    if not channels:
        return Reduced((), ())
    _check(frames, channels)
    count = len(frames)
    values = np.stack([padded(np.asarray(each, np.float64)) for each in channels])
    held = np.zeros(count, dtype=bool) if hold is None else np.append(hold[:-1], False)
    rests = _rests(values, np.arange(len(channels)), held)
    judge = PlainJudge(_reference(frames, values, rests), np.asarray(tolerance, np.float64))
    wanted = np.zeros((count, len(channels)), dtype=bool)
    if keep is not None:
        wanted |= keep[:, None]
    return _reduced(frames, channels, values, judge, held, rests, wanted, keep_extremes, shared)


def _wide(tolerance: float | np.ndarray, count: int) -> tuple[int, int]:
    shape = np.shape(tolerance)
    return (shape[1] if len(shape) == 2 else 1, count)


def _check(frames: np.ndarray, channels: Sequence[np.ndarray]) -> None:
    if len(frames) == 0 or (np.diff(frames) <= 0).any():
        raise ValueError("frames must increase, and there must be one at least")
    for values in channels:
        if len(values) != len(frames):
            raise ValueError(f"channels have {len(values)} samples, expected {len(frames)}")
        if not np.isfinite(values).all():
            raise ValueError("a channel has values that are not finite")


def _rests(values: np.ndarray, group: np.ndarray, held: np.ndarray) -> np.ndarray:
    """(G, F) bool, where a group of tracks (R, F, 4) keeps its values from this frame to the next."""
    count = values.shape[1]
    groups = [values[group == each].transpose(1, 0, 2).reshape(count, -1) for each in range(int(group.max()) + 1)]
    return np.stack([held | kept.still(own, STILL_FRAMES) for own in groups])


def _reference(frames: np.ndarray, values: np.ndarray, rests: np.ndarray) -> np.ndarray:
    """(R, S, 4) the samples (R, F, 4) and their course in the middles; level where a track (R, F) rests."""
    fine = np.empty((len(values), 2 * len(frames) - 1, values.shape[2]))
    fine[:, ::2] = values
    for row, own, resting in zip(fine, values, rests):
        last = resting.copy()
        last[-1] = True
        pieces = spline.Pieces(frames, own, last, spline.slopes_of(frames, own, last))
        row[1::2] = spline.halfway(pieces)[:-1]
    return fine


def _reduced(
    frames: np.ndarray,
    tracks: Sequence[Track] | Sequence[np.ndarray],
    values: np.ndarray,
    judge: Judge,
    held: np.ndarray,
    rests: np.ndarray,
    wanted: np.ndarray,
    keep_extremes: bool,
    shared: bool,
) -> Reduced:
    count, groups = len(frames), wanted.shape[1]
    changes = (np.ptp(values, axis=1) > kept.STILL).any(axis=1)
    moving = np.zeros(groups, dtype=bool)
    np.logical_or.at(moving, judge.group, changes)
    parts: list[tuple[int, np.ndarray, np.ndarray]] = []
    turns = np.zeros_like(wanted)
    for group in np.flatnonzero(moving):
        last = rests[group].copy()
        last[-1] = True
        # Within a standstill nothing needs a key, but what the caller wants.
        inside = np.concatenate([[False], rests[group, :-1]]) & rests[group] & ~held & ~wanted[:, group]
        inside &= ~np.append(False, held[:-1])
        parts.append((int(group), np.flatnonzero(~inside), last[~inside]))
        if keep_extremes:
            weight = judge.weights[judge.group == group, ::2].T[:, :, None]
            scaled = values[judge.group == group].transpose(1, 0, 2) * weight
            turns[kept.turning_points(kept.main_course(scaled.reshape(count, -1)), PROMINENCE), group] = True
    rows = _rows(parts, judge.group, shared=True, width=values.shape[2])
    pinned, must = (each[rows.sample, rows.group] for each in (wanted, turns))
    placer = Placer(frames, judge.reference, values, rows, must, pinned, judge)
    placer.place()
    if not shared and parts:
        rows = _rows(parts, judge.group, shared=False, width=values.shape[2])
        keyed = np.zeros((groups, count), dtype=bool)
        keyed[placer.rows.group[placer.keys], placer.rows.sample[placer.keys]] = True
        pinned = wanted[rows.sample, rows.group]
        lanes = values.transpose(0, 2, 1).reshape(-1, count, 1)
        placer = Placer(frames, judge.reference, lanes, rows, np.zeros_like(pinned), pinned, judge)
        placer.thin(keyed[rows.group, rows.sample])
    return _curves(frames, tracks, values, placer, rests, judge.group)


def _rows(parts: list[tuple[int, np.ndarray, np.ndarray]], group: np.ndarray, shared: bool, width: int) -> Rows:
    """What is fitted: of each group (number, samples, last of a piece), keyed at once or one channel at a time."""
    owner, samples, last, of_lane, lanes = [], [], [], [], []
    count = 0
    for own, sample, ends in parts:
        tracks = np.flatnonzero(group == own)
        single = (tracks[:, None] * width + np.arange(width)).reshape(-1, 1)
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


def _curves(
    frames: np.ndarray,
    tracks: Sequence[Track] | Sequence[np.ndarray],
    values: np.ndarray,
    placer: Placer,
    rests: np.ndarray,
    group: np.ndarray,
) -> Reduced:
    made, samples = [], []
    width = 1 if placer.value.shape[1] == 1 else values.shape[2]
    keyed = np.flatnonzero(placer.keys[placer.rows.of_lane])
    keyed = keyed[np.argsort(placer.rows.lane[keyed], kind="stable")]
    lane_of = placer.rows.lane[keyed]
    for row, track in enumerate(tracks):
        own, at_own = [], []
        for channel in range((track.values if isinstance(track, Track) else track).shape[1]):
            lane, column = (row, channel) if width > 1 else (row * values.shape[2] + channel, 0)
            rows = keyed[np.searchsorted(lane_of, lane) : np.searchsorted(lane_of, lane, side="right")]
            if np.ptp(values[row, :, channel]) <= kept.STILL or not len(rows):
                level = values[row, :1, channel]
                own.append(curves.from_slopes(frames[:1], level, np.zeros(1), np.zeros(1)))
                at_own.append(np.zeros(1, dtype=int))
                continue
            at = placer.rows.sample[placer.rows.of_lane[rows]]
            slope, resting = placer.slope[rows, column], rests[group[row]][at]
            # Beside a standstill the curve is level.
            slope_in = np.where(np.append(False, resting[:-1]), 0.0, slope)
            slope_out = np.where(resting, 0.0, slope)
            kinds = np.where(resting, curves.CONSTANT, curves.BEZIER)
            own.append(curves.from_slopes(frames[at], placer.value[rows, column], slope_in, slope_out, kinds))
            at_own.append(at)
        made.append(tuple(own))
        samples.append(tuple(at_own))
    return Reduced(tuple(made), tuple(samples))
