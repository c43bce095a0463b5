"""Everybody is found and followed under one tracklet, in a made-up world of discs whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import pytest

from animepose_blender.estimate.appearance import ZONES
from animepose_blender.estimate.backends import Candidates, PoseObservation, region_to_picture
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.people import GIVE_UP_S, LOOK_EVERY_S, Tracklet, Watcher, follow

WIDTH, HEIGHT, FPS = 640, 360, 30
SIZE = 120.0
"""Of a person's region, pixels."""
RADIUS = 36.0
"""Of the disc that a person is."""
MASK = 48
BACKGROUND = 128

Place = tuple[float, float] | None
Script = Callable[[float], Place]
"""Where somebody's middle is at a time; None = hidden or away."""


class World:
    """Discs on grey, and a backend that sees exactly them.

    A person is seen where their colour shows in the picture, so that erasing and hiding work as with a real network.
    The first pixel carries the number of the frame.
    """

    def __init__(self, *people: Script, seconds: float = 2.0, fps: float = FPS) -> None:
        self.people = people
        self.times_s = np.arange(round(seconds * fps)) / fps
        self.colors = [(255, 40 + 25 * number, 10) for number in range(len(people))]
        self.hidden_by: dict[int, int] = {}
        """Who does not show to the detector while somebody else is in the picture."""
        self.score = [0.9] * len(people)
        self.detector_score = [0.9] * len(people)
        self.reach = 0.5
        """How far from the middle of a region somebody may be to be seen in it, as a share of its size."""
        self.drawn = 0
        rng = np.random.default_rng(5)
        angle, distance = rng.uniform(0, 2 * np.pi, 33), RADIUS * 0.8 * np.sqrt(rng.uniform(0.1, 1, 33))
        self.body = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * distance[:, None]

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        for number, time_s in enumerate(self.times_s):
            picture = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
            for person, color in zip(self.people, self.colors):
                place = person(float(time_s))
                if place is not None:
                    cv2.circle(picture, (round(place[0]), round(place[1])), round(RADIUS), color, -1)
            picture[0, 0, 0] = number
            self.drawn += 1
            yield float(time_s), picture

    def follow(self, max_people: int = 8, watchers: Sequence[Watcher] = ()) -> list[Tracklet]:
        return follow(self.frames(), self, self, max_people, watchers)

    def _seen(self, rgb: np.ndarray) -> dict[int, np.ndarray]:
        """Places of the people who show in a picture."""
        time_s = float(self.times_s[rgb[0, 0, 0]])
        seen = {}
        for number, (person, color) in enumerate(zip(self.people, self.colors)):
            place = person(time_s)
            if place is None or not (0 <= place[0] < WIDTH and 0 <= place[1] < HEIGHT):
                continue
            if np.abs(rgb[int(place[1]), int(place[0])].astype(int) - color).max() < 12:
                seen[number] = np.array(place)
        return seen

    def detect(self, rgb: np.ndarray, detail: int) -> Candidates:
        seen = self._seen(rgb)
        shown = [n for n in seen if self.hidden_by.get(n) not in seen]
        regions = np.array([[*seen[n], SIZE, 0.0] for n in shown]).reshape(-1, 4)
        return Candidates(regions, np.array([self.detector_score[n] for n in shown]))

    def detect_near(self, rgb: np.ndarray, regions: np.ndarray) -> Candidates:
        everybody = self.detect(rgb, 0)
        near = [
            any(np.abs(place[:2] - region[:2]).max() < region[2] for region in regions) for place in everybody.region
        ]
        return Candidates(everybody.region[near], everybody.score[near])

    def estimate(
        self, rgb: np.ndarray, regions: np.ndarray, mattes: Sequence[np.ndarray | None] | None = None
    ) -> list[PoseObservation | None]:
        hidden = mattes if mattes is not None else [None] * len(regions)
        return [self._estimate(rgb, region, matte) for region, matte in zip(regions, hidden, strict=True)]

    def _estimate(self, rgb: np.ndarray, region: np.ndarray, matte: np.ndarray | None) -> PoseObservation | None:
        to_crop = np.linalg.inv(np.vstack([region_to_picture(region, MASK), [0, 0, 1]]))
        best: tuple[float, int, np.ndarray] | None = None
        for number, place in self._seen(rgb).items():
            u, v, _ = to_crop @ [*place, 1.0]
            inside = max(abs(u / MASK - 0.5), abs(v / MASK - 0.5)) < self.reach
            if inside and (matte is None or matte[int(v), int(u)] < 128):
                distance = float(np.hypot(*(place - region[:2])))
                if best is None or distance < best[0]:
                    best = distance, number, place
        if best is None:
            return None
        _, number, place = best
        rows, columns = np.mgrid[:MASK, :MASK]
        at = to_crop @ [*place, 1.0]
        mask = (np.hypot(columns - at[0], rows - at[1]) < RADIUS * MASK / region[2]).astype(np.uint8) * 255
        return PoseObservation(
            landmarks_px=place + self.body,
            confidence=np.full(33, self.score[number]),
            landmarks_m=np.zeros((33, 3)),
            region=np.asarray(region, float),
            next_region=np.array([*place, SIZE, 0.0]),
            mask=mask,
            box_px=np.array([*(place - RADIUS), *(place + RADIUS)]),
            score=self.score[number],
            colours=np.full((len(ZONES), 3), float(number)),
        )

    def who(self, tracklet: Tracklet) -> list[int]:
        """The person whom each observation of a tracklet shows."""
        return [self.who_at(f, o) for f, o in zip(tracklet.frames, tracklet.observations)]

    def who_at(self, frame: int, observation: PoseObservation) -> int:
        places = [person(float(self.times_s[frame])) for person in self.people]
        middle = observation.next_region[:2]
        return min(
            (n for n, place in enumerate(places) if place is not None), key=lambda n: np.hypot(*(middle - places[n]))
        )


def _standing(x: float, y: float = 180.0) -> Script:
    return lambda time_s: (x, y)


def _walking(x: float, speed_px_s: float, y: float = 180.0) -> Script:
    return lambda time_s: (x + speed_px_s * time_s, y + 6 * np.sin(9 * time_s))


def _between(script: Script, *away: tuple[float, float]) -> Script:
    """Hidden within spans of time."""
    return lambda time_s: None if any(a <= time_s < b for a, b in away) else script(time_s)


def test_everybody_is_found_and_followed_in_every_frame_under_one_tracklet():
    world = World(_walking(80, 70), _walking(560, -60, 90), _walking(320, 20, 290), seconds=3)
    tracklets = world.follow()
    assert len(tracklets) == 3
    for tracklet in tracklets:
        assert tracklet.frames == list(range(90))
        assert len(tracklet.observations) == 90
    assert {tuple(set(world.who(t))) for t in tracklets} == {(0,), (1,), (2,)}


@pytest.mark.parametrize("fps", [12, 24, 60])
def test_somebody_fast_is_followed_at_any_frame_rate(fps):
    world = World(_walking(60, 240), seconds=2, fps=fps)
    (tracklet,) = world.follow()
    assert tracklet.frames == list(range(2 * fps))


@pytest.mark.parametrize("enters_s", [0.35, 0.62, 1.1])
def test_somebody_who_enters_later_is_found_within_the_time_between_looks(enters_s):
    world = World(_standing(150), _between(_standing(450), (0, enters_s)))
    first, second = world.follow()
    assert first.frames == list(range(60))
    found_s = world.times_s[second.frames[0]]
    assert enters_s <= found_s <= enters_s + LOOK_EVERY_S + 2 / FPS
    assert second.frames == list(range(second.frames[0], 60))


def test_somebody_who_is_lost_for_a_moment_comes_back_in_the_same_tracklet():
    away = (1.0, 1.0 + 0.6 * GIVE_UP_S)
    world = World(_between(_walking(100, 80), away), _standing(500, 80))
    walker, _ = world.follow()
    seen_s = world.times_s[walker.frames]
    assert not ((seen_s >= away[0]) & (seen_s < away[1])).any()
    assert seen_s[-1] == world.times_s[-1]
    back_s = seen_s[seen_s >= away[1]][0]
    assert back_s < 1.0 + GIVE_UP_S
    assert set(world.who(walker)) == {0}


def test_somebody_fast_is_sought_where_the_motion_leads():
    # Hidden for 90 pixels of the way, three quarters of a region.
    world = World(_between(_walking(60, 300), (0.8, 1.1)), seconds=1.6)
    (walker,) = world.follow()
    assert walker.frames == [*range(24), *range(33, 48)]


def test_somebody_whom_the_crop_has_lost_is_found_again_by_a_look_around():
    # Back a quarter of a region aside, too far off the middle of the crop to be seen there.
    world = World(lambda time_s: None if 0.65 <= time_s < 0.8 else (300.0 + 32 * (time_s >= 0.8), 180.0))
    world.reach = 0.2
    (tracklet,) = world.follow()
    seen_s = world.times_s[tracklet.frames]
    assert seen_s[seen_s >= 0.8][0] < 1.0
    assert tracklet.frames[-1] == len(world.times_s) - 1


def test_somebody_who_comes_back_much_later_gets_a_new_tracklet():
    world = World(_between(_standing(300), (0.8, 1.4 + GIVE_UP_S)), seconds=2.5)
    before, after = world.follow()
    assert world.times_s[before.frames[-1]] < 0.8
    assert world.times_s[after.frames[0]] >= 1.4 + GIVE_UP_S


def test_nobody_is_followed_twice_when_one_vanishes_behind_another():
    # The second walks up to the first, is gone behind them, and comes out again.
    world = World(_standing(320), _between(_walking(120, 150), (1.0, 1.75)), seconds=2.2)
    tracklets = world.follow()
    for frame in range(len(world.times_s)):
        bodies = [world.who_at(frame, t.observations[t.frames.index(frame)]) for t in tracklets if frame in t.frames]
        assert len(bodies) == len(set(bodies))
    standing = next(t for t in tracklets if set(world.who(t)) == {0})
    assert standing.frames == list(range(len(world.times_s)))
    assert all(len(set(world.who(t))) == 1 for t in tracklets)


def test_two_who_pass_close_by_keep_their_tracklets():
    world = World(_walking(150, 120, 165), _walking(450, -120, 220), seconds=2.2)
    tracklets = world.follow()
    assert [set(world.who(t)) for t in sorted(tracklets, key=lambda t: world.who(t)[0])] == [{0}, {1}]


def test_no_more_are_followed_at_once_than_asked_for():
    world = World(*(_standing(80 + 120 * n) for n in range(5)))
    tracklets = world.follow(max_people=3)
    assert len(tracklets) == 3
    assert len(world.follow(max_people=5)) == 5


def test_a_place_that_becomes_free_is_taken_by_the_next():
    world = World(_between(_standing(100), (0.5, 9.0)), _standing(300), _standing(500), seconds=2.5)
    tracklets = world.follow(max_people=2)
    in_each_frame = np.zeros(len(world.times_s), int)
    for tracklet in tracklets:
        in_each_frame[tracklet.frames] += 1
    assert in_each_frame.max() <= 2
    assert {world.who(t)[0] for t in tracklets} == {0, 1, 2}


def test_who_stands_behind_somebody_is_found_once_the_front_is_erased():
    world = World(_standing(300), _standing(372), seconds=1)
    world.hidden_by = {1: 0}
    tracklets = world.follow()
    assert sorted(set(world.who(t)).pop() for t in tracklets) == [0, 1]
    assert all(t.frames[0] == 0 for t in tracklets)


def test_a_jump_across_the_picture_is_not_the_same_person():
    world = World(lambda time_s: (120.0, 180.0) if time_s < 1 else (520.0, 180.0))
    tracklets = world.follow()
    assert len(tracklets) == 2
    for tracklet in tracklets:
        x = [o.next_region[0] for o in tracklet.observations]
        assert max(x) - min(x) < 1


def test_a_bystander_is_not_taken_for_somebody_who_vanishes():
    # Half a region aside: in the crop, but farther than anybody moves from one frame to the next.
    world = World(_between(_standing(300), (1.0, 9.0)), _between(_standing(355), (0.0, 1.0)))
    tracklets = world.follow()
    assert [set(world.who(t)) for t in tracklets] == [{0}, {1}]


def test_poor_finds_are_no_people():
    world = World(_standing(150), _standing(320), _standing(500))
    world.score[1], world.detector_score[2] = 0.4, 0.3
    (tracklet,) = world.follow()
    assert set(world.who(tracklet)) == {0}


def test_only_the_last_mask_of_each_person_is_kept():
    tracklets = World(_walking(80, 70), _walking(560, -60, 90)).follow()
    for tracklet in tracklets:
        assert all(o.mask.size == 0 for o in tracklet.observations[:-1])
        assert tracklet.observations[-1].mask.size > 0


def test_frames_are_taken_one_at_a_time_and_let_go():
    world = World(_standing(300))
    ahead: list[int] = []

    def counted():
        for number, frame in enumerate(world.frames()):
            ahead.append(world.drawn - number)
            yield frame

    follow(counted(), world, world, 8)
    assert set(ahead) == {1}


def test_an_empty_scene_has_nobody():
    assert World().follow() == []
    assert World(_between(_standing(300), (0, 99))).follow() == []


def test_a_clip_of_one_frame_is_enough_to_be_found():
    world = World(_standing(200), _standing(450), seconds=1 / FPS)
    assert [t.frames for t in world.follow()] == [[0], [0]]


def test_everybody_has_a_coarse_mask_and_colours_for_every_frame():
    world = World(_walking(80, 70), _walking(560, -60, 90))
    for tracklet in world.follow():
        (who,) = set(world.who(tracklet))
        assert len(tracklet.silhouettes) == len(tracklet.depths) == len(tracklet.frames)
        assert np.isnan(tracklet.depths).all()
        for bits, observation in zip(tracklet.silhouettes, tracklet.observations, strict=True):
            coarse = np.unpackbits(bits).reshape(GRID, GRID).astype(bool)
            rows, columns = (np.mgrid[:GRID, :GRID] + 0.5) / GRID - 0.5
            offset = (observation.next_region[:2] - observation.region[:2]) / SIZE
            distance = np.hypot(columns - offset[0], rows - offset[1]) * SIZE
            assert coarse[distance < RADIUS - 6].all() and not coarse[distance > RADIUS + 6].any()
            assert (observation.colours == who).all()


def test_watchers_see_every_frame_with_everybody_in_it_and_their_masks():
    world = World(_standing(150), _between(_standing(450), (0, 0.6), (1.2, 9.0)), seconds=1.8)
    watched: list[tuple[int, float, int]] = []

    def watch(number: int, time_s: float, rgb: np.ndarray, seen: list[Tracklet]) -> None:
        assert rgb[0, 0, 0] == number
        assert all(t.frames[-1] == number and t.observations[-1].mask.size for t in seen)
        for tracklet in seen:
            tracklet.depths[-1] = float(number)
        watched.append((number, time_s, len(seen)))

    second: list[int] = []
    tracklets = world.follow(watchers=(watch, lambda number, *_: second.append(number)))
    assert [number for number, *_ in watched] == second == list(range(len(world.times_s)))
    np.testing.assert_allclose([time_s for _, time_s, _ in watched], world.times_s)
    in_each_frame = np.zeros(len(world.times_s), int)
    for tracklet in tracklets:
        in_each_frame[tracklet.frames] += 1
        assert tracklet.depths == tracklet.frames
    assert [count for *_, count in watched] == in_each_frame.tolist()


def test_watchers_see_frames_without_anybody_too():
    seen: list[int] = []
    World(seconds=0.2).follow(watchers=(lambda number, *_: seen.append(number),))
    assert seen == list(range(6))
