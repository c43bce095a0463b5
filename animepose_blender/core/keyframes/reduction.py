"""Sampled channels as curves with few keys, within a bound that is never exceeded.

Curves are fitted by least squares (`spline`); keys are set where errors are too large and taken away again where the
bound leaves room (`placing`). For bones the bound is one of what is seen: millimetres of any joint in the world,
degrees of any bone. Bones are fitted from the root outwards, each making up for those before it (`chain`). The bound
holds at every frame. In the middle between two frames, where the samples' own course is only a guess, more keys are set
where it is exceeded by a fifth; where samples leap that does not help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..retarget.armature import Armature
from . import kept, spline
from .assembling import Asked, Found, level, reduced
from .chain import Chain
from .curve import Curve
from .judges import PlainJudge, WorldJudge, between_frames
from .world import Track, World, padded

TOLERANCE_MM, TOLERANCE_DEG = 5.0, 2.0
STILL_FRAMES = 4
"""A bone that does not move for so many steps is held by constant keys."""
_MET = 1.001
"""Errors are measured in parts of a little less than what is allowed."""
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
        shared: all channels of a bone are keyed at the same frames; otherwise each has only those that it needs, a
            third to a half less in two to four times the time; turning points keep their keys only where they need
            them, and quaternions may become longer or shorter, which is not seen.
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
    turns = _turns(values, judge.weights[:, ::2], group) if keep_extremes else np.zeros_like(rests)
    asked = Asked(frames, held, rests, wanted[:, bones].T, turns, shared)
    found, fitted = _outwards(tracks, judge, asked)
    if judge.look(fitted).errors()[:, ::2].max(initial=0.0) > _MET:
        # Bones that hardly turn cannot make up for others: then each is fitted to its own samples.
        found, _ = reduced([track.values.shape[1] for track in tracks], judge, asked)
    return Reduced(*map(tuple, zip(*found)))


def _outwards(tracks: Sequence[Track], judge: WorldJudge, asked: Asked) -> tuple[list[Found], np.ndarray]:
    """Curves of bones' channels from the root outwards, and their values (R, S, 4)."""
    world, fitted = judge.world, judge.reference.copy()
    changes = np.ptp(fitted[:, ::2], axis=1) > kept.STILL
    varying, turning = np.zeros(len(world.moving), dtype=bool), np.zeros(len(world.moving), dtype=bool)
    varying[world.place[changes.any(axis=1)]] = True
    # A hinge stays one: what turns about fewer than three axes makes up for nothing.
    freely = [track.turns and own[: track.values.shape[1]].all() for track, own in zip(tracks, changes, strict=True)]
    turning[world.place[freely]] = True
    exact = np.ones((len(world.moving), fitted.shape[1]), dtype=bool)
    exact[judge.bones] = asked.exact | ~turning[judge.bones, None]
    chain = Chain(world, judge.reference, *judge.allowed, varying, exact)
    found = [level(asked, track.values) for track in tracks]
    for places in chain.levels():
        bones = places[varying[places]]
        if len(bones):
            rows = np.flatnonzero(np.isin(world.place, bones))
            own = chain.judge(bones, rows, ~exact[bones])
            some = asked.only(np.searchsorted(judge.bones, bones))
            made, fitted[rows] = reduced([tracks[row].values.shape[1] for row in rows], own, some)
            for row, curves in zip(rows, made, strict=True):
                found[row] = curves
        chain.settle(places, fitted)
    return found, fitted


def _turns(values: np.ndarray, weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(G, F) bool, the large turning points of groups of tracks (R, F, 4), weighed by (R, F)."""
    turns = np.zeros((int(group.max()) + 1, values.shape[1]), dtype=bool)
    scaled = values * weights[..., None]
    for each, own in enumerate(turns):
        course = kept.main_course(scaled[group == each].transpose(1, 0, 2).reshape(len(own), -1))
        own[kept.turning_points(course, PROMINENCE)] = True
    return turns


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
    wanted = np.zeros((len(channels), count), dtype=bool)
    if keep is not None:
        wanted |= keep
    group = np.arange(len(channels))
    turns = _turns(values, judge.weights[:, ::2], group) if keep_extremes else np.zeros_like(rests)
    found, _ = reduced([each.shape[1] for each in channels], judge, Asked(frames, held, rests, wanted, turns, shared))
    return Reduced(*map(tuple, zip(*found)))


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
