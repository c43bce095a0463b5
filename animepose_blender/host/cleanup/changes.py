"""What the operators do to channels: the filters of `core/cleanup`, with amounts in units that mean something.

Filters see rotations as one thing each, in radians; places in world units, whatever the armature is scaled by; angles
that are keyed alone in radians; other numbers as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...core.cleanup.butterworth import butterworth
from ...core.cleanup.gaps import fill_gaps
from ...core.cleanup.half_life import smooth_half_life
from ...core.cleanup.hold_still import hold_still
from ...core.cleanup.one_euro import one_euro_both_ways
from ...core.cleanup.pops import remove_pops
from ...core.cleanup.rotations import on_rotations
from ...core.cleanup.savitzky_golay import savitzky_golay
from .channels import Batch, Kind
from .run import Change
from .write_back import DENSE_FRAMES, KeyOn

OF_SPAN = 0.1
"""Of numbers without a unit of their own a pop is at least this part of what they range over."""
GAP_STEPS = 1.5
"""Keys further apart than so many usual steps leave a gap."""

ValueFilter = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(F, ..., C) values and (F,) seconds → (F, ..., C)"""


@dataclass(frozen=True)
class Smoothing:
    """How to smooth."""

    method: str = "HALF_LIFE"
    half_life_s: float = 0.05
    cutoff_hz: float = 6.0
    order: int = 2
    min_cutoff_hz: float = 1.5
    beta: float = 1.0
    window_s: float = 0.25
    degree: int = 3

    def __call__(self, values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """(F, ..., C) vectors, smoothed."""
        if self.method == "BUTTERWORTH":
            return butterworth(values, time_s, self.cutoff_hz, self.order)
        if self.method == "ONE_EURO":
            return one_euro_both_ways(values, time_s, self.min_cutoff_hz, self.beta, together=True)
        if self.method == "SAVITZKY_GOLAY":
            return savitzky_golay(values, time_s, self.window_s, self.degree)
        return smooth_half_life(values, time_s, self.half_life_s)


def smooth(how: Smoothing, key_on: KeyOn = KeyOn.KEYS) -> Change:
    """Take out what is fast and small."""
    return Change(lambda batch, time_s: _in_units(batch, time_s, how), key_on=key_on)


def pops(least_rad: float, least_m: float, longest_s: float) -> Change:
    """Take out frames that leap away and back.

    Args:
        least_rad, least_m: smaller leaps stay; the length in world units.
        longest_s: what stays away longer is a move.
    """

    def apply(batch: Batch, time_s: np.ndarray) -> np.ndarray:
        def mended(values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
            if batch.kind is not Kind.SCALAR:
                least = least_rad if batch.kind is Kind.ROTATION else least_m
                return remove_pops(values, time_s, least, longest_s, together=True)[0]
            result = values.copy()
            for number, channel in enumerate(batch.channels):
                known = values[:, number][np.isfinite(values[:, number])]
                least = least_rad if channel.is_angle else OF_SPAN * float(np.ptp(known)) if len(known) else 0.0
                if least > 0:
                    result[:, number] = remove_pops(values[:, number], time_s, least, longest_s)[0]
            return result

        return _in_units(batch, time_s, mended)

    return Change(apply)


def still(zone_rad: float, zone_m: float, shortest_s: float, key_on: KeyOn = KeyOn.KEYS) -> Change:
    """Let stand still what moves less than a zone; numbers that are no angles stay as they are."""

    def apply(batch: Batch, time_s: np.ndarray) -> np.ndarray:
        def held(values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
            zone = zone_m if batch.kind is Kind.LOCATION else zone_rad
            return hold_still(values, time_s, zone, shortest_s, together=True) if zone > 0 else values

        result = _in_units(batch, time_s, held)
        if batch.kind is not Kind.SCALAR:
            return result
        angles = np.array([channel.is_angle for channel in batch.channels])
        return np.where(angles[None, :, None], result, batch.values)

    return Change(apply, key_on=key_on)


def fill(longest_s: float) -> Change:
    """Fill what is not known: frames without keys in a motion that has them otherwise, and broken keys."""

    def apply(batch: Batch, time_s: np.ndarray) -> np.ndarray:
        def filled(values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
            return fill_gaps(values, time_s, longest_s, together=True)

        return _in_units(batch, time_s, filled)

    return Change(apply, key_on=KeyOn.GAPS, prepare=_gaps_marked, abrupt=True)


def fix_rotations() -> Change:
    """The same rotations without flips; `write_back` chooses among the channels that give the same rotation."""
    return Change(lambda batch, _: batch.values, on_keys=True, abrupt=True)


def _in_units(batch: Batch, time_s: np.ndarray, filtered: ValueFilter) -> np.ndarray:
    """(F, N, C) the batch's values filtered."""
    if batch.kind is Kind.ROTATION:
        return on_rotations(filtered, batch.values, time_s)
    units = np.array([channel.unit for channel in batch.channels])[None, :, None]
    return filtered(batch.values * units, time_s) / units


def _gaps_marked(batch: Batch) -> Batch:
    """The batch with frames in gaps as not known."""
    unknown = np.zeros(batch.values.shape[:2], dtype=bool)
    for number, channel in enumerate(batch.channels):
        steps = np.diff(channel.times)
        usual = float(np.median(steps))
        if usual <= DENSE_FRAMES:
            for gap in np.flatnonzero(steps > GAP_STEPS * usual):
                unknown[:, number] |= (batch.frames > channel.times[gap]) & (batch.frames < channel.times[gap + 1])
    return replace(batch, values=np.where(unknown[..., None], np.nan, batch.values))
