"""Look at the hands of everybody who is followed, where they are large enough in the picture.

A hand is sought where the pose has it, and once found where it was in the frame before, moved on with the wrist. What
the network finds is believed if it is sure, if it takes it for a hand of that side, if the hand hangs on the wrist of
the pose and faces about where the pose has the palm face, and if no other wrist has a better claim to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from ..skeleton import BLAZEPOSE_33
from .backends import HandEstimator, HandFind, Hands, PoseObservation
from .people import Tracklet

LOOK_EVERY_S = 0.1
"""Time between looks for hands that are not followed; those that are followed are looked at in every frame."""
MIN_LENGTH_PX = 20.0
"""Length of an open hand from which on it is looked at."""
MIN_WRIST, MIN_PRESENCE, MIN_SIDE = 0.5, 0.5, 0.6
"""Least confidence of the pose's wrist, of there being a hand, and of its being one of the right side. On the four
views of `pose2sim_single` 80 % of the hands that seem to be of the other side are seen back to front."""
MAX_OFF = 0.45
"""Largest distance of the found wrist from the pose's, as a share of the hand's length."""
SAME_HAND = 0.3
"""Mean distance of the points of two finds below which they are one hand, as a share of its length."""
REGION_PER_HAND = 2.0
"""Size of a region in lengths of the hand; with 2.7, MediaPipe Holistic's own for a further network that looks closer,
a third as many hands are found on `park_two_people`."""
AHEAD_OF_KNUCKLES = 0.1
"""How far the region's centre lies beyond the knuckles, in lengths of the hand; the same in `_region_around`."""

_WRIST, _INDEX, _PINKY = (
    [BLAZEPOSE_33.index(f"{side}_{name}") for side in ("left", "right")] for name in ("wrist", "index", "pinky")
)


@dataclass(frozen=True, eq=False)
class _Sought:
    """One hand that is looked for in a frame."""

    person: int
    """Index into those who are seen."""
    side: int
    wrist_px: np.ndarray
    wrist_confidence: float
    length_px: float
    normal: np.ndarray
    """(3,) of the palm by the pose, camera axes."""
    pose_region: np.ndarray
    last_region: np.ndarray | None
    """Where it should be by the frame before, if it was found there."""


class HandWatcher:
    """Looks at hands in the frames of a clip, one after the other; gives the last observation of everybody its `hands`.

    It works beside its caller, one frame behind: a frame's hands are there when the next one is shown, or at the end.

    Args:
        estimator: the network.
    """

    def __init__(self, estimator: HandEstimator) -> None:
        self._estimator = estimator
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="hands")
        self._pending: tuple[list[tuple[Tracklet, int]], Future[list[Hands]]] | None = None
        self._next_look_s = -np.inf

    def __call__(self, number: int, time_s: float, rgb: np.ndarray, seen: Sequence[Tracklet]) -> None:
        """A `people.Watcher`."""
        self.finish()
        sought = [hand for person, tracklet in enumerate(seen) for hand in _sought(person, tracklet, number)]
        if time_s >= self._next_look_s:
            self._next_look_s = time_s + LOOK_EVERY_S
        else:
            sought = [hand for hand in sought if hand.last_region is not None]
        places = [(tracklet, len(tracklet.observations) - 1) for tracklet in seen]
        self._pending = places, self._beside.submit(_look, rgb, sought, len(seen), self._estimator)

    def finish(self) -> None:
        """Wait for the hands of the last frame."""
        if self._pending is None:
            return
        (places, future), self._pending = self._pending, None
        for (tracklet, place), hands in zip(places, future.result(), strict=True):
            tracklet.observations[place] = replace(tracklet.observations[place], hands=hands)

    def close(self) -> None:
        """Stop the thread; nothing can be looked at afterwards."""
        self._beside.shutdown()


def _look(rgb: np.ndarray, sought: Sequence[_Sought], people: int, estimator: HandEstimator) -> list[Hands]:
    """The hands of everybody in one frame."""
    everybody = [Hands.unseen() for _ in range(people)]
    for hand, find in _without_repeats([pair for pair in _find(rgb, sought, estimator) if _score(*pair) > 0]):
        own = everybody[hand.person]
        own.points_px[hand.side], own.points_m[hand.side] = find.points_px, find.points_m
        own.score[hand.side] = _score(hand, find)
    return everybody


def _sought(person: int, tracklet: Tracklet, number: int) -> list[_Sought]:
    observation = tracklet.observations[-1]
    before = tracklet.observations[-2] if len(tracklet.frames) > 1 and tracklet.frames[-2] == number - 1 else None
    hands = []
    for side in (0, 1):
        wrist_px = observation.landmarks_px[_WRIST[side]]
        confidence = float(observation.confidence[_WRIST[side]])
        region = _pose_region(observation, side)
        length_px = region[2] / REGION_PER_HAND
        if confidence < MIN_WRIST or not length_px >= MIN_LENGTH_PX:  # NaN where no knuckles are known
            continue
        last = None
        if before is not None and before.hands is not None and before.hands.score[side] > 0:
            moved_px = wrist_px - before.landmarks_px[_WRIST[side]]
            last = _region_around(before.hands.points_px[side] + moved_px)
        normal = _normal(*(observation.landmarks_m[points[side]] for points in (_WRIST, _INDEX, _PINKY)))
        hands.append(_Sought(person, side, wrist_px, confidence, length_px, normal, region, last))
    return hands


def _find(rgb: np.ndarray, sought: Sequence[_Sought], estimator: HandEstimator) -> list[tuple[_Sought, HandFind]]:
    """What is seen where a hand was before, or else where the pose has it, looked at twice for a region that fits."""
    followed = [hand for hand in sought if hand.last_region is not None]
    finds = _estimate(rgb, [hand.last_region for hand in followed if hand.last_region is not None], estimator)
    kept = [(hand, find) for hand, find in zip(followed, finds, strict=True) if _score(hand, find) > 0]
    new = [hand for hand in sought if all(hand is not other for other, _ in kept)]
    finds = _estimate(rgb, [hand.pose_region for hand in new], estimator)
    first = [(hand, find) for hand, find in zip(new, finds, strict=True) if find.presence >= MIN_PRESENCE]
    again = _estimate(rgb, [_region_around(find.points_px) for _, find in first], estimator)
    return kept + [(hand, find) for (hand, _), find in zip(first, again, strict=True)]


def _estimate(rgb: np.ndarray, regions: Sequence[np.ndarray], estimator: HandEstimator) -> list[HandFind]:
    return estimator.find_hands(rgb, np.array(regions)) if len(regions) else []


def _score(hand: _Sought, find: HandFind) -> float:
    """0 where a find is not believed to be the hand, up to 1."""
    own_side = find.right if hand.side == 1 else 1 - find.right
    off = float(np.hypot(*(find.points_px[0] - hand.wrist_px))) / hand.length_px
    # Hands whose back is taken for their palm: 95 % of those that face the other way than the pose's.
    agrees = float(_normal(*find.points_m[[0, 5, 17]]) @ hand.normal) > 0
    if find.presence < MIN_PRESENCE or own_side < MIN_SIDE or off > MAX_OFF or not agrees:
        return 0.0
    return find.presence * own_side * hand.wrist_confidence * (1 - 0.5 * off / MAX_OFF)


def _normal(wrist: np.ndarray, index: np.ndarray, pinky: np.ndarray) -> np.ndarray:
    """(3,) of the plane of a palm, of any length."""
    return np.cross(index - wrist, pinky - wrist)


def _without_repeats(pairs: list[tuple[_Sought, HandFind]]) -> list[tuple[_Sought, HandFind]]:
    """Of finds that are the same hand the one whose wrist has the best claim."""
    kept: list[tuple[_Sought, HandFind]] = []
    for hand, find in sorted(pairs, key=lambda pair: -_score(*pair)):
        distances = [
            np.linalg.norm(find.points_px - other.points_px, axis=-1).mean() / max(hand.length_px, owner.length_px)
            for owner, other in kept
        ]
        if min(distances, default=np.inf) > SAME_HAND:
            kept.append((hand, find))
    return kept


def _pose_region(observation: PoseObservation, side: int) -> np.ndarray:
    """(4,) region about the knuckles, as MediaPipe Holistic places it; a hand is twice as long as its palm."""
    wrist, index, pinky = (observation.landmarks_px[points[side]] for points in (_WRIST, _INDEX, _PINKY))
    palm = (2 * index + pinky) / 3 - wrist
    length = 2 * float(np.hypot(*palm)) + 1e-9
    ahead = palm / (length / 2) * AHEAD_OF_KNUCKLES * length
    return np.array([*(wrist + palm + ahead), REGION_PER_HAND * length, np.arctan2(palm[0], -palm[1])])


def _region_around(points_px: np.ndarray) -> np.ndarray:
    """(4,) region about a found hand (21, 2), as MediaPipe Hands follows it from frame to frame."""
    towards = (points_px[6] + points_px[14]) / 4 + points_px[10] / 2 - points_px[0]
    angle = np.arctan2(towards[0], -towards[1])
    c, s = np.cos(angle), np.sin(angle)
    upright = points_px @ np.array([[c, -s], [s, c]])
    low, high = upright.min(axis=0), upright.max(axis=0)
    extent = high - low
    centre = np.array([[c, -s], [s, c]]) @ ((low + high) / 2 - [0.0, AHEAD_OF_KNUCKLES * extent[1]])
    return np.array([*centre, max(REGION_PER_HAND * extent.max(), 1.0), angle])
