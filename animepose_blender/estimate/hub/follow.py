"""Find and follow everybody through a clip with networks that look at every frame, many frames and people at a time.

Five threads, one batch of frames apart: decoding; the way to the device; the detector and depth; keypoints, identities
and masks; and, in the caller's thread, what BlazePose adds and whoever watches. So the device has work while the
processor is busy, and the other way round; at most a few batches are in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..ahead import Ahead
from ..associate import Associator, worth_posing
from ..backends import PoseObservation
from ..completion import PersonFound, RegionEstimator, complete
from ..depth import DEPTH_EVERY_S, sample_depth
from ..landmarks import to_blazepose
from ..people import Tracklet, Watcher
from .device import Device, Upload
from .protocols import BatchBodies, BatchDepth, BatchDetector, BatchMasks, BatchPose, BatchRoot, PeopleFound
from .stage_times import StageTimes

FRAMES_AT_ONCE = 8
"""Frames of a batch, of 720p and smaller; it takes 22 MB then."""
FRAMES_ON_CPU = 2
"""There, batches save no time, and whoever cancels would wait for them."""
MOST_PIXELS = 3 * FRAMES_AT_ONCE * 1280 * 720
"""Of all frames of a batch together."""
BATCHES_AHEAD = 1
"""Batches that each stage has ready for the next one."""
MOST_FINDS = 3
"""Finds that are looked at in each frame, for each person that may be followed."""


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of a run."""

    device: Device
    detector: BatchDetector
    pose: BatchPose
    masks: BatchMasks | None
    """None = the detector's, or BlazePose's."""
    depth: BatchDepth | None
    completion: RegionEstimator | None
    """None = nothing is left open."""
    times: StageTimes
    most_frames: int = FRAMES_AT_ONCE
    """Of a batch."""
    root: BatchRoot | None = None


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some consecutive frames, and what is known of them so far."""

    first: int
    """Number of the first frame."""
    time_s: list[float]
    rgb: list[np.ndarray]
    pictures: torch.Tensor
    found: list[PeopleFound]
    depth: dict[int, np.ndarray]
    """(h, w) maps by the place of their frames in the batch."""
    people: list[list[PersonFound]] = field(default_factory=list)
    numbers: list[list[int]] = field(default_factory=list)
    """Of the people of each frame."""


def follow_in_batches(
    frames: Iterable[tuple[float, np.ndarray]],
    networks: Networks,
    max_people: int,
    watchers: Sequence[Watcher] = (),
) -> list[Tracklet]:
    """Follow everybody through a clip; as `people.follow`, with other networks.

    Args:
        frames: (time_s, (H, W, 3) uint8 RGB), in order.
        networks: who looks.
        max_people: as many are followed at the same time.
        watchers: are shown every frame.
    Returns:
        All tracklets, in the order in which they begin.
    """
    tracklets: dict[int, Tracklet] = {}
    times = networks.times
    with (
        Ahead(_on_the_way(frames, networks), BATCHES_AHEAD) as on_the_way,
        Ahead(_detected(times.waiting("detect", on_the_way), networks), BATCHES_AHEAD) as detected,
        Ahead(_identified(times.waiting("pose", detected), networks, max_people), BATCHES_AHEAD) as identified,
    ):
        for batch in times.waiting("rest", identified):
            with times("complete", len(batch.rgb)):
                observations = complete(batch.rgb, batch.people, networks.completion)
            with times("watch", len(batch.rgb)):
                for index, time_s in enumerate(batch.time_s):
                    seen = _add(tracklets, batch, index, observations[index])
                    for watch in watchers:
                        watch(batch.first + index, time_s, batch.rgb[index], seen)
    return list(tracklets.values())


def _add(
    tracklets: dict[int, Tracklet], batch: _Batch, index: int, observations: list[PoseObservation]
) -> list[Tracklet]:
    """Give everybody in a frame their observation; those people."""
    rgb = batch.rgb[index]
    seen = []
    for number, observation in zip(batch.numbers[index], observations, strict=True):
        tracklet = tracklets.setdefault(number, Tracklet())
        tracklet.add(batch.first + index, batch.time_s[index], observation)
        if index in batch.depth:
            tracklet.depths[-1] = sample_depth(batch.depth[index], observation, (rgb.shape[1], rgb.shape[0]))
        seen.append(tracklet)
    return seen


def _on_the_way(
    frames: Iterable[tuple[float, np.ndarray]], networks: Networks
) -> Iterator[tuple[list[float], list[np.ndarray], Upload]]:
    """Times and pictures of each batch, and the pictures being copied to the device."""
    for some in _in_groups(networks.times.waiting("upload", frames), networks.most_frames):
        time_s, rgb = [one[0] for one in some], [one[1] for one in some]
        with networks.times("upload", len(rgb)):
            copied = Upload(rgb, networks.device)
        yield time_s, rgb, copied


def _detected(batches: Iterable[tuple[list[float], list[np.ndarray], Upload]], networks: Networks) -> Iterator[_Batch]:
    """Batches with everybody found in them, and depth."""
    times, first, next_depth_s = networks.times, 0, -np.inf
    for time_s, rgb, copied in batches:
        pictures = copied.pictures()
        with times("detect", len(rgb)):
            found = networks.detector.find(pictures)
        depth: dict[int, np.ndarray] = {}
        if networks.depth is not None:
            wanted = []
            for index, moment_s in enumerate(time_s):
                if moment_s >= next_depth_s - 1e-6:
                    wanted.append(index)
                    next_depth_s = moment_s + DEPTH_EVERY_S
            if wanted:
                with times("depth", len(wanted)):
                    depth = dict(zip(wanted, networks.depth.depth(pictures[wanted]), strict=True))
        yield _Batch(first, time_s, rgb, pictures, found, depth)
        first += len(rgb)


def _identified(batches: Iterable[_Batch], networks: Networks, max_people: int) -> Iterator[_Batch]:
    """The same batches with everybody's keypoints, number and mask."""
    associator, times = Associator(max_people), networks.times
    for batch in batches:
        found = [_strongest(one, MOST_FINDS * max_people) for one in batch.found]
        boxes = np.concatenate([one.box_px for one in found])
        picture = np.repeat(np.arange(len(found)), [len(one.box_px) for one in found])
        with times("pose", len(boxes)):
            joints_m = None
            if isinstance(networks.pose, BatchBodies):
                keypoints_px, confidence, joints_m = networks.pose.bodies(batch.pictures, picture, boxes)
            else:
                keypoints_px, confidence = networks.pose.keypoints(batch.pictures, picture, boxes)
        with times("identify", len(found)):
            known = [
                associator.update(
                    time_s, one.box_px, one.score, keypoints_px[picture == index], confidence[picture == index]
                )
                for index, (time_s, one) in enumerate(zip(batch.time_s, found, strict=True))
            ]  # fmt: skip
        kept = [np.flatnonzero(numbers >= 0) for numbers in known]
        masks: list[np.ndarray | None] = [
            None if one.masks is None else one.masks[rows] for one, rows in _zip(found, kept)
        ]
        if networks.masks is not None:
            with times("masks", len(found)):
                masks = list(
                    networks.masks.masks(
                        batch.pictures,
                        [one.box_px[rows] for one, rows in _zip(found, kept)],
                        [numbers[rows] for numbers, rows in _zip(known, kept)],
                    )
                )
        landmarks_px, sure = to_blazepose(networks.pose.skeleton, keypoints_px, confidence)
        landmarks_m = None if joints_m is None else to_blazepose(networks.pose.skeleton, joints_m, confidence)[0]
        depth_per_focal = np.full(len(boxes), np.nan)
        if networks.root is not None:
            somebody = np.flatnonzero(np.concatenate(known) >= 0)
            with times("root", len(somebody)):
                _, depth_per_focal[somebody] = networks.root.roots(batch.pictures, picture[somebody], boxes[somebody])
        people = []
        for index, (one, rows) in enumerate(_zip(found, kept)):
            own, own_masks = np.flatnonzero(picture == index)[rows], masks[index]
            people.append([
                PersonFound(
                    one.box_px[row], float(one.score[row]), landmarks_px[place], sure[place],
                    None if own_masks is None else own_masks[k],
                    None if landmarks_m is None else landmarks_m[place], float(depth_per_focal[place]),
                )
                for k, (row, place) in enumerate(_zip(rows, own))
            ])  # fmt: skip
        numbers = [numbers[rows].tolist() for numbers, rows in _zip(known, kept)]
        # Pictures on the device are let go here: nobody needs them any more.
        yield replace(batch, pictures=torch.empty(0), people=people, numbers=numbers)


def _strongest(found: PeopleFound, count: int) -> PeopleFound:
    """Finds that may be somebody, the strongest of them."""
    rows = worth_posing(found.box_px, found.score, count)
    return PeopleFound(found.box_px[rows], found.score[rows], None if found.masks is None else found.masks[rows])


def frames_at_once(width: int, height: int, most: int = FRAMES_AT_ONCE) -> int:
    """How many frames of a size make a batch."""
    return max(1, min(most, MOST_PIXELS // (width * height)))


def _in_groups(frames: Iterable[tuple[float, np.ndarray]], most: int) -> Iterator[list[tuple[float, np.ndarray]]]:
    """The frames of one batch after the other."""
    group: list[tuple[float, np.ndarray]] = []
    for frame in frames:
        group.append(frame)
        if len(group) == frames_at_once(frame[1].shape[1], frame[1].shape[0], most):
            yield group
            group = []
    if group:
        yield group


def _zip(*each: Iterable) -> Iterator[tuple]:
    return zip(*each, strict=True)
