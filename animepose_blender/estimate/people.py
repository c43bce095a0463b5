"""Find everybody and follow each person from frame to frame in a crop of their own.

A full look at the picture finds everybody, twice: once as it is, and once with the people found so far blurred out,
so that whoever stands behind them comes to light (*detect and erase*). Between looks each person is followed in the
region that their last pose asks for. A second look comes early where somebody was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .backends import Candidates, PersonDetector, PoseEstimator, PoseObservation, region_overlap, region_to_picture
from .depth import GRID
from .erase import erase, matte_of_others

LOOK_EVERY_S = 0.3
"""Time between full looks: someone who enters is picked up within this time when large in the picture."""
DETAIL_EVERY = (1, 3, 12)
"""Every so many looks, people are sought at detail 0, 1 and 2; from 1 on also behind everybody, who is erased."""
LOOK_AGAIN_S = 0.1
"""Time between looks around the place where somebody was lost."""
GIVE_UP_S = 0.4
"""Time after which someone who is not found again is no longer followed."""
SEEK_S = 3.0
"""Time for which they are still sought, with each look, where they should be, behind whoever is in front of them."""
MIN_NEW_SCORE = 0.6
"""Mean landmark confidence that a new person needs; wrong finds lie at 0.6 to 0.85 and are weeded out by `INSIDE`."""
UPRIGHT_RAD = 0.6
"""Turn of a region up to which somebody counts as upright."""
MIN_UPRIGHT, MIN_ASKEW = 0.6, 0.85
"""Detector's score that a new person needs, upright and otherwise: most wrong finds are upside down, and made up of
parts of two people."""
MIN_SCORE = 0.35
"""Mean landmark confidence below which a followed person counts as not seen."""
KNOWN_OVERLAP = 0.6
"""Overlap with somebody's region from which on a find is not worth estimating: it is that person, as a rule."""
INSIDE = 0.6
"""Share of a find's visible landmarks inside somebody's mask, from which on it is that person, or their arm."""
WHOLE_SCORE, SMALLER = 0.85, 0.75
"""Score and size, as a share of the other's, with which a find inside somebody's mask is a person of its own."""
MAX_JUMP = 0.35
"""Largest move of the hips between two frames, in region sizes, beyond the expected one."""
MAX_GROWTH = 1.6
"""Largest change of a region's size between two frames."""


@dataclass(eq=False)
class Tracklet:
    """One person for as long as they were followed without a break."""

    frames: list[int] = field(default_factory=list)
    """Indices into the frames that were read, counted from 0."""
    observations: list[PoseObservation] = field(default_factory=list)
    """Without their masks, but for the last one."""
    silhouettes: list[np.ndarray] = field(default_factory=list)
    """(GRID * GRID / 8,) uint8 each: a coarse mask, a bit a pixel."""
    depths: list[float] = field(default_factory=list)
    """What the depth map shows of the person, see `depth.sample_depth`."""
    velocity_px: np.ndarray = field(default_factory=lambda: np.zeros(2))
    """Motion of the region's centre a frame, smoothed."""
    last_seen_s: float = 0.0

    def expected_region(self, frame: int) -> np.ndarray:
        """(4,) where the person should be in a frame."""
        region = self.observations[-1].next_region.copy()
        region[:2] += self.velocity_px * (frame - self.frames[-1])
        return region

    def add(self, frame: int, time_s: float, observation: PoseObservation) -> None:
        """Append an observation; of the one before, the mask is let go so that memory doesn't grow."""
        if self.observations:
            before = self.observations[-1]
            move = (observation.next_region[:2] - before.next_region[:2]) / (frame - self.frames[-1])
            self.velocity_px = 0.5 * self.velocity_px + 0.5 * move
            self.observations[-1] = replace(before, mask=_NO_MASK)
        self.frames.append(frame)
        self.observations.append(observation)
        coarse = cv2.resize(observation.mask, (GRID, GRID), interpolation=cv2.INTER_AREA)
        self.silhouettes.append(np.packbits(coarse > 127))
        self.depths.append(float("nan"))
        self.last_seen_s = time_s


_NO_MASK = np.zeros((0, 0), dtype=np.uint8)

Watcher = Callable[[int, float, np.ndarray, list[Tracklet]], None]
"""Is shown each frame's number, time and picture, and everybody seen in it, whose masks are there then."""


def follow(
    frames: Iterable[tuple[float, np.ndarray]],
    detector: PersonDetector,
    estimator: PoseEstimator,
    max_people: int,
    watchers: Sequence[Watcher] = (),
) -> list[Tracklet]:
    """Follow everybody through a clip.

    Args:
        frames: (time_s, (H, W, 3) uint8 RGB), in order.
        detector, estimator: the backend.
        max_people: as many are followed at the same time.
        watchers: are shown every frame.
    Returns:
        All tracklets, in the order in which they begin.
    """
    tracklets: list[Tracklet] = []
    active: list[Tracklet] = []
    lost: list[Tracklet] = []
    next_look_s, next_search_s, looks = -np.inf, -np.inf, 0
    for number, (time_s, rgb) in enumerate(frames):
        found = _continue(active, number, time_s, rgb, estimator)
        lost += [t for t in active if time_s - t.last_seen_s > GIVE_UP_S]
        lost = [t for t in lost if time_s - t.last_seen_s <= SEEK_S]
        active = [t for t in active if time_s - t.last_seen_s <= GIVE_UP_S]
        missing = [t for t in active if t.frames[-1] != number]
        new: list[PoseObservation] = []
        if time_s >= next_look_s:
            detail = max(level for level, every in enumerate(DETAIL_EVERY) if looks % every == 0)
            new = _look(rgb, found, detector, estimator, detail, [t.observations[-1].next_region for t in lost])
            looks, next_look_s, next_search_s = looks + 1, time_s + LOOK_EVERY_S, time_s + LOOK_AGAIN_S
        elif missing and time_s >= next_search_s:
            expected = np.array([t.expected_region(number) for t in missing])
            new = _new_people(rgb, found, detector.detect_near(rgb, expected), estimator)
            next_search_s = time_s + LOOK_AGAIN_S
        for observation in new:
            tracklet = _continued_by(observation, missing, number)
            if tracklet is not None:
                missing.remove(tracklet)
            elif len(active) < max_people:
                tracklet = Tracklet()
                active.append(tracklet)
                tracklets.append(tracklet)
            else:
                continue
            tracklet.add(number, time_s, observation)
            lost = [t for t in lost if region_overlap(observation.next_region, t.observations[-1].next_region) == 0]
        seen = [t for t in active if t.frames[-1] == number]
        for watch in watchers:
            watch(number, time_s, rgb, seen)
    return tracklets


def _continue(
    active: list[Tracklet], number: int, time_s: float, rgb: np.ndarray, estimator: PoseEstimator
) -> list[PoseObservation]:
    """Look for each followed person where they should be; of two who claim the same body, the likelier keeps it."""
    if not active:
        return []
    expected = np.array([t.expected_region(number) for t in active])
    last = [(t.observations[-1], region) for t, region in zip(active, expected, strict=True)]
    mattes = [matte_of_others(region, own, [pair for pair in last if pair[0] is not own]) for own, region in last]
    surprises: list[tuple[float, Tracklet, PoseObservation]] = []
    for tracklet, region, observation in zip(active, expected, estimator.estimate(rgb, expected, mattes), strict=True):
        if observation is not None and observation.score >= MIN_SCORE:
            surprise = _surprise(tracklet, region, observation)
            if surprise < 1:
                surprises.append((surprise, tracklet, observation))
    accepted: list[PoseObservation] = []
    for _, tracklet, observation in sorted(surprises, key=lambda item: item[0]):
        if not any(_same_pose(observation, other) for other in accepted):
            tracklet.add(number, time_s, observation)
            accepted.append(observation)
    return accepted


def _surprise(tracklet: Tracklet, expected: np.ndarray, observation: PoseObservation) -> float:
    """0 where a person is just where expected, 1 at the limit of what a person can do between two frames."""
    jump = np.hypot(*(observation.next_region[:2] - expected[:2])) / (MAX_JUMP * expected[2])
    growth = abs(np.log(observation.next_region[2] / expected[2])) / np.log(MAX_GROWTH)
    return float(max(jump, growth))


def _look(
    rgb: np.ndarray,
    found: list[PoseObservation],
    detector: PersonDetector,
    estimator: PoseEstimator,
    detail: int,
    lost: list[np.ndarray],
) -> list[PoseObservation]:
    """People in the picture who are not among those found; those behind them in regions where somebody was lost, and
    from detail 1 on behind everybody."""
    seen = detector.detect(rgb, detail)
    unknown = [all(region_overlap(r, o.next_region) < KNOWN_OVERLAP for o in found) for r in seen.region]
    new = _new_people(rgb, found, Candidates(seen.region[unknown], seen.score[unknown]), estimator)
    everybody = found + new
    behind = lost + ([o.next_region for o in everybody] if detail > 0 else [])
    if behind and everybody:
        erased = erase(rgb, everybody)
        new += _new_people(erased, everybody, detector.detect_near(erased, np.array(behind)), estimator)
    return new


def _new_people(
    rgb: np.ndarray, found: list[PoseObservation], candidates: Candidates, estimator: PoseEstimator
) -> list[PoseObservation]:
    """Candidates who are people, and not those found."""
    sure = candidates.score >= np.where(np.abs(candidates.region[:, 3]) < UPRIGHT_RAD, MIN_UPRIGHT, MIN_ASKEW)
    candidates = Candidates(candidates.region[sure], candidates.score[sure])
    # Estimated a second time in the region that the first pose asks for: a detector's region is coarse.
    first = [o for o in estimator.estimate(rgb, candidates.region) if o is not None and o.score >= MIN_SCORE]
    first = _without_repeats(first, found, MIN_SCORE)
    second = estimator.estimate(rgb, np.array([o.next_region for o in first]).reshape(-1, 4))
    return _without_repeats([o for o in second if o is not None], found, MIN_NEW_SCORE)


def _without_repeats(
    finds: list[PoseObservation], found: list[PoseObservation], min_score: float
) -> list[PoseObservation]:
    """Finds that are people of their own; of two that are one, the first."""
    kept: list[PoseObservation] = []
    for find in finds:
        if find.score >= min_score and not any(_repeats(find, other) for other in found + kept):
            kept.append(find)
    return kept


def _repeats(find: PoseObservation, other: PoseObservation) -> bool:
    """Whether a find is somebody who is there already, whole or in part."""
    if _same_pose(find, other):
        return True
    seen = find.landmarks_px[find.confidence > 0.5]
    if len(seen) == 0:
        return True
    size = other.mask.shape[0]
    if size == 0:
        return False
    to_crop = cv2.invertAffineTransform(region_to_picture(other.region, size))
    u = np.floor(seen @ to_crop[:, :2].T + to_crop[:, 2]).astype(int)
    inside = ((u >= 0) & (u < size)).all(axis=1)
    u = u.clip(0, size - 1)
    if find.score >= WHOLE_SCORE and find.next_region[2] < SMALLER * other.next_region[2]:
        # A child right before an adult, whose mask holds both; a part of somebody is not seen from head to toe.
        return False
    # Grown a little, since landmarks lie on the rim of hands and feet.
    mask = cv2.dilate(other.mask, np.ones((9, 9), np.uint8))
    return bool((inside & (mask[u[:, 1], u[:, 0]] > 127)).mean() > INSIDE)


def _same_pose(a: PoseObservation, b: PoseObservation) -> bool:
    """Whether two observations lie on the same body: joints closer than a tenth of its size in the median."""
    distance = np.linalg.norm(a.landmarks_px - b.landmarks_px, axis=1)
    return float(np.median(distance)) < 0.1 * min(_extent(a), _extent(b))


def _extent(observation: PoseObservation) -> float:
    return float(observation.next_region[2]) / 2


def _continued_by(observation: PoseObservation, missing: list[Tracklet], number: int) -> Tracklet | None:
    """The lost person whom an observation fits best, if it fits one."""
    if not missing:
        return None
    surprises = [_surprise(t, t.expected_region(number), observation) for t in missing]
    best = int(np.argmin(surprises))
    return missing[best] if surprises[best] < 1 else None
