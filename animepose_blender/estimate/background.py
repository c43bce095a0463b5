"""Points of the background, followed through a clip while it is decoded.

Corners (Shi and Tomasi, "Good features to track", 1994) are followed by pyramidal Lucas-Kanade from picture to
picture and then laid onto the picture in which they were found, the *anchor*: what does not fit there is let go, so
that errors neither add up nor stay. When too few are left, or they are badly spread, the current picture becomes the
next anchor. Points that were hidden or outside for a while are taken up again from older anchors under their old
numbers, so that a camera that comes back knows where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .backends import PoseObservation, by_index, region_to_picture

LONG_SIDE = 640
"""Pixels of the longer side of the pictures that are compared: points are found to a twentieth of one of them."""
MAX_POINTS = 220
MIN_DISTANCE = LONG_SIDE // 40
"""Pixels between points, so that they spread."""
QUALITY = 0.004
"""Weakest corner that is used, relative to the strongest."""
LEAST_CONTRAST = 2.0
"""Standard deviation of the grey values (0 to 255) from which on there is anything to see around a corner."""
WINDOW = (15, 15)
LEVELS = 3
"""Halvings of the picture: with the window, motions of up to 60 pixels a frame are followed."""
OFF_ANCHOR = 1.0
"""Pixels by which the place found from the last picture may differ from that found from the anchor."""
RETURN_ERROR = 0.5
"""Pixels by which a point followed there and back may miss its start."""
UNLIKE = 20.0
"""Mean difference of the grey values (0 to 255) around a point from which on it is another one; usual are 1 to 10."""
FEW = 0.6
"""Share of an anchor's points below which a new one is made."""
FAR = 0.25
"""Median motion since the anchor, as a share of the longer side, from which on a new one is made."""
REST_FRAMES = 6
"""Frames between anchors, unless hardly any point is left."""
LOST = 0.12
"""Share of points below which the picture counts as another one: a cut, a flash, or blur."""
PATIENCE = 3
"""Frames after which what was lost is given up and followed afresh."""
CUT_LIKENESS = 0.75
"""Correlation of two small pictures below which they show different things."""
OLD_ANCHORS = 12
"""Older pictures kept to take up points again, a quarter of a megabyte each."""
TRY_OLD = 3
"""Older pictures that are tried when a new anchor is made."""
MASK_CELLS = 64
"""People's masks are compared at this size, so that growing one by a cell is growing it by a 64th of its region."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """Points of the background of a clip: N sightings of numbered points."""

    frame: np.ndarray
    """(N,) int32, in order."""
    point: np.ndarray
    """(N,) int32 number of the point that was seen."""
    place_px: np.ndarray
    """(N, 2) float32 where, in pixels of the whole picture."""
    frame_count: int
    size: tuple[int, int]
    """Width and height of the picture, pixels."""
    cuts: tuple[int, ...] = ()
    """Frames with which another shot begins."""

    @property
    def pixel(self) -> float:
        """Pixels of the whole picture in a pixel of comparison."""
        return max(1.0, max(self.size) / LONG_SIDE)

    def between(self, start: int, stop: int) -> Tracks:
        """The sightings of frames `start` to `stop` (not included), counted from `start`."""
        inside = slice(*np.searchsorted(self.frame, (start, stop)))
        return replace(
            self,
            frame=self.frame[inside] - start,
            point=self.point[inside],
            place_px=self.place_px[inside],
            frame_count=stop - start,
            cuts=tuple(cut - start for cut in self.cuts if start < cut < stop),
        )


@dataclass(eq=False)
class _Anchor:
    grey: np.ndarray
    point: np.ndarray
    """(n,) numbers of its points."""
    place: np.ndarray
    """(n, 2) float32 where they are in its picture, OpenCV's pixels."""
    to_next: np.ndarray | None = None
    """(3, 3) homography to the anchor after it, once there is one."""


class Background:
    """Collects the tracks of a clip, picture by picture.

    Args:
        width, height: of the pictures to come, pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        scale = min(1.0, LONG_SIDE / max(width, height))
        self._full = (width, height)
        self._small = (max(16, round(width * scale)), max(16, round(height * scale)))
        self._to_full = np.array([width / self._small[0], height / self._small[1]], np.float32)
        self._frame: list[np.ndarray] = []
        self._point: list[np.ndarray] = []
        self._place: list[np.ndarray] = []
        self._count = 0
        self._cuts: list[int] = []
        self._next_point = 0
        self._anchors: list[_Anchor] = []
        self._anchored_at = 0
        self._last: np.ndarray | None = None
        self._missed = 0
        # The points that are followed: their row in the newest anchor, and where they are in the last picture.
        self._row = np.zeros(0, np.int32)
        self._now = np.zeros((0, 2), np.float32)

    def add(self, rgb: np.ndarray, people: Sequence[PoseObservation]) -> None:
        """Take the next picture, (H, W, 3) uint8, and whom the estimator saw in it; points on people are left out."""
        grey = self._shrunk(rgb)
        people = [person for person in people if person.mask.size]
        if self._last is None:
            self._anchor(grey, people)
        elif not self._follow(self._last, grey, people):
            self._missed += 1
            if self._missed <= PATIENCE:
                self._count += 1
                return
            self._start_again(grey, people)
        self._missed = 0
        self._last = grey
        if self._row.size:
            self._frame.append(np.full(len(self._row), self._count, np.int32))
            self._point.append(self._anchors[-1].point[self._row])
            self._place.append((self._now + 0.5) * self._to_full)
        self._count += 1

    def tracks(self) -> Tracks:
        """What was collected so far."""
        return Tracks(
            np.concatenate([np.zeros(0, np.int32), *self._frame]),
            np.concatenate([np.zeros(0, np.int32), *self._point]),
            np.concatenate([np.zeros((0, 2), np.float32), *self._place]),
            self._count,
            self._full,
            tuple(self._cuts),
        )

    def _shrunk(self, rgb: np.ndarray) -> np.ndarray:
        """The green channel at the size of comparison; halved first, which OpenCV does fast."""
        grey = cv2.extractChannel(rgb, 1)
        while grey.shape[1] >= 2 * self._small[0] and grey.shape[0] >= 2 * self._small[1]:
            grey = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return cv2.resize(grey, self._small, interpolation=cv2.INTER_LINEAR)

    def _follow(self, last: np.ndarray, grey: np.ndarray, people: list[PoseObservation]) -> bool:
        """Find the points of the last picture in the next; False if it is another picture altogether."""
        anchor, before = self._anchors[-1], self._now
        if len(before) == 0:
            self._anchor(grey, people)
            return True
        now, found = _flow(last, grey, before)
        # The anchor decides where exactly: small errors of each step would add up.
        exact, fits = _flow(anchor.grey, grey, anchor.place[self._row], now)
        fits &= found & (np.abs(exact - now).max(axis=1) < OFF_ANCHOR)
        found &= ~fits
        if found.any():
            back, returned = _flow(grey, last, now[found], before[found])
            found[found] = returned & (np.abs(back - before[found]).max(axis=1) < RETURN_ERROR)
        # Followed, but changed since the anchor (nearer, turned): believed until the next anchor, which is due soon.
        followed = fits | (found & (self._count - self._anchored_at < 2 * REST_FRAMES))
        if len(before) >= 20 and (
            followed.sum() < LOST * len(before)
            or (followed.sum() < FEW * len(before) and not _coherent(before[followed], now[followed]))
        ):
            return False
        now = np.where(fits[:, None], exact, now)
        followed &= self._inside(now)
        followed[followed] &= ~self._on_people(now[followed], people)
        self._row, self._now = self._row[followed], now[followed]
        rested = self._count - self._anchored_at
        if rested >= REST_FRAMES * (1 if len(self._row) > FEW / 2 * len(anchor.point) else 0.5) and self._worn(anchor):
            self._anchor(grey, people)
        return True

    def _worn(self, anchor: _Anchor) -> bool:
        """Whether an anchor's points have become few, badly spread, or lie far from where they were."""
        if len(self._row) < max(8, FEW * len(anchor.point)):
            return True
        moved = np.median(np.linalg.norm(self._now - anchor.place[self._row], axis=1))
        return bool(
            moved > FAR * max(self._small)
            or len(np.unique(self._cell(self._now))) < FEW * len(np.unique(self._cell(anchor.place)))
        )

    def _anchor(self, grey: np.ndarray, people: list[PoseObservation]) -> None:
        """Make this picture the anchor: points that are followed, old ones found again, and new ones."""
        point, place = np.zeros(0, np.int32), np.zeros((0, 2), np.float32)
        if self._anchors:
            point, place = self._anchors[-1].point[self._row], self._now
            self._anchors[-1].to_next = _homography(self._anchors[-1].place[self._row], self._now)
            point, place = self._taken_up_again(grey, people, point, place)
        new = self._new_places(grey, people, place)
        numbers = np.arange(self._next_point, self._next_point + len(new), dtype=np.int32)
        self._next_point += len(new)
        point, place = np.concatenate([point, numbers]), np.concatenate([place, new]).astype(np.float32)
        self._anchors = [*self._anchors[-OLD_ANCHORS:], _Anchor(grey, point, place)]
        self._anchored_at = self._count
        self._row, self._now = np.arange(len(point), dtype=np.int32), place

    def _taken_up_again(
        self, grey: np.ndarray, people: list[PoseObservation], point: np.ndarray, place: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The points that are followed, and those of older anchors that are in view again."""
        to_now, views = np.eye(3), []
        for anchor in reversed(self._anchors):
            if anchor.to_next is None:
                break
            to_now = to_now @ anchor.to_next
            shared, here, there = np.intersect1d(anchor.point, point, assume_unique=True, return_indices=True)
            if len(shared) >= 12:
                direct = _homography(anchor.place[here], place[there])
                to_now = to_now if direct is None else direct
            if len(anchor.place):
                expected = cv2.perspectiveTransform(anchor.place[:, None], to_now)[:, 0]
                views.append((self._inside(expected).mean(), anchor, expected.astype(np.float32)))
        # The two with most in view, and of those with enough the oldest, which closes the longest loop.
        enough = [view for view in views if view[0] > 0.3]
        chosen = sorted(enough, key=lambda view: -view[0])[: TRY_OLD - 1]
        for _, anchor, expected in {id(view[1]): view for view in [*chosen, *enough[-1:]]}.values():
            missing = ~np.isin(anchor.point, point) & self._inside(expected)
            if missing.sum() == 0:
                continue
            start = anchor.place[missing]
            found_at, found = _flow(anchor.grey, grey, start, expected[missing], LEVELS)
            back, returned = _flow(grey, anchor.grey, found_at, start, LEVELS)
            found &= returned & (np.abs(back - start).max(axis=1) < RETURN_ERROR) & self._inside(found_at)
            found &= np.abs(found_at - expected[missing]).max(axis=1) < MIN_DISTANCE
            found[found] &= ~self._on_people(found_at[found], people)
            point = np.concatenate([point, anchor.point[missing][found]])
            place = np.concatenate([place, found_at[found]])
        return point, place

    def _new_places(self, grey: np.ndarray, people: list[PoseObservation], taken: np.ndarray) -> np.ndarray:
        """(n, 2) corners off the people and away from the places that are taken."""
        count = MAX_POINTS - len(taken)
        if count <= 0 or grey.std() < LEAST_CONTRAST:
            return np.zeros((0, 2), np.float32)
        allowed = np.full(grey.shape, 255, np.uint8)
        for person in people:
            size = person.mask.shape[0]
            to_small = region_to_picture(person.region, size) / self._to_full[:, None]
            allowed[cv2.warpAffine(person.mask, by_index(to_small), self._small) > 40] = 0
        # Grown, since masks waver and a window reaches seven pixels beyond its point.
        allowed = cv2.erode(allowed, np.ones((9, 9), np.uint8))
        for x, y in np.rint(taken).astype(int):
            cv2.circle(allowed, (int(x), int(y)), MIN_DISTANCE, (0,), -1)
        corners = cv2.goodFeaturesToTrack(grey, count, QUALITY, MIN_DISTANCE, mask=allowed, blockSize=5)
        corners = np.zeros((0, 2), np.float32) if corners is None else corners[:, 0]
        return corners[self._inside(corners)]

    def _on_people(self, place: np.ndarray, people: list[PoseObservation]) -> np.ndarray:
        """(n,) whether places lie in somebody's mask, grown a little."""
        covered = np.zeros(len(place), bool)
        full = (place + 0.5) * self._to_full
        for person in people:
            cells = cv2.resize(person.mask, (MASK_CELLS, MASK_CELLS), interpolation=cv2.INTER_AREA)
            cells = cv2.dilate(cells, np.ones((3, 3), np.uint8)) > 40
            to_cells = cv2.invertAffineTransform(region_to_picture(person.region, MASK_CELLS))
            cell = np.floor(full @ to_cells[:, :2].T + to_cells[:, 2]).astype(int)
            within = ((cell >= 0) & (cell < MASK_CELLS)).all(axis=1)
            cell = cell.clip(0, MASK_CELLS - 1)
            covered |= within & cells[cell[:, 1], cell[:, 0]]
        return covered

    def _inside(self, place: np.ndarray) -> np.ndarray:
        rim = WINDOW[0] // 2
        return ((place >= rim) & (place <= np.array(self._small) - 1 - rim)).all(axis=1)

    def _cell(self, place: np.ndarray) -> np.ndarray:
        """(n,) number of the field of an 8 by 6 grid in which each place lies."""
        column, row = np.floor(place / np.array(self._small) * (8, 6)).astype(int).clip(0, (7, 5)).T
        return row * 8 + column

    def _start_again(self, grey: np.ndarray, people: list[PoseObservation]) -> None:
        """Give up what was followed. If the picture shows something else, a shot began when it was lost."""
        if self._last is not None and _likeness(self._last, grey) < CUT_LIKENESS:
            self._cuts.append(self._count - self._missed + 1)
        self._anchors, self._last = [], grey
        self._row, self._now = np.zeros(0, np.int32), np.zeros((0, 2), np.float32)
        self._anchor(grey, people)


def _flow(
    before: np.ndarray, after: np.ndarray, place: np.ndarray, guess: np.ndarray | None = None, levels: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) where points went and (n,) whether they were found; with a guess, only near it unless levels are given."""
    if len(place) == 0:
        return place, np.zeros(len(place), bool)
    settings = {"winSize": WINDOW, "criteria": (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 15, 0.01)}
    if guess is None:
        found_at, status, error = cv2.calcOpticalFlowPyrLK(
            before, after, place, place.copy(), maxLevel=LEVELS, **settings
        )
    else:
        settings["flags"] = cv2.OPTFLOW_USE_INITIAL_FLOW
        found_at, status, error = cv2.calcOpticalFlowPyrLK(
            before, after, place, guess.copy(), maxLevel=levels, **settings
        )
    return found_at, (status[:, 0] > 0) & (error[:, 0] < UNLIKE)


def _homography(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    if len(a) < 8:
        return None
    matrix, _ = cv2.findHomography(a, b, cv2.RANSAC, 3.0)
    return matrix


def _coherent(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether most points went the way of a plane: after a cut, what seems to be found again went anywhere."""
    if len(a) < 8:
        return False
    _, inlier = cv2.findHomography(a, b, cv2.RANSAC, 3.0)
    return inlier is not None and bool(inlier.mean() > 0.5)


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two pictures at 32 x 18."""
    small = [cv2.resize(picture, (32, 18), interpolation=cv2.INTER_AREA).ravel().astype(float) for picture in (a, b)]
    if min(np.std(small[0]), np.std(small[1])) < 1e-6:
        return 1.0 if abs(small[0].mean() - small[1].mean()) < 20 else 0.0
    return float(np.corrcoef(small)[0, 1])
