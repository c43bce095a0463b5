"""Open what a job's preset names: who finds people, their masks, their keypoints, and depth.

MediaPipe's networks follow people from frame to frame (`people.follow`), and any detector or pose network of the weight
store can stand in for either of them there. Where both come from the store, they look at every frame, many at a time
(`hub.follow`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import AnimePoseError, ExitCode
from ..presets import MEDIAPIPE, NONE, PARTS
from ..protocol import JobRequest
from ..store.folder import store_folder
from ..store.installed import Presence, find_network, look_up
from .backends import HandEstimator, PersonDetector, PoseEstimator
from .depth import DEPTH_EVERY_S, DepthEstimator, sample_depth
from .people import Tracklet, Watcher, follow
from .reporter import Reporter
from .threads import MOST_FOR_MANY, side_by_side

if TYPE_CHECKING:
    from .mediapipe_pose import MediaPipePose

Follower = Callable[[Iterable[tuple[float, np.ndarray]], int, Sequence[Watcher]], list[Tracklet]]
"""Frames (time_s, (H, W, 3) uint8 RGB), most people, and watchers to tracklets."""


@dataclass(frozen=True, eq=False)
class OpenParts:
    """Networks that are ready to run. Whoever opens them closes them."""

    follow: Follower
    hands: HandEstimator | None
    names: Callable[[], tuple[str, ...]]
    """Names of the networks, with their licences; asked when they are done."""
    watchers: tuple[Watcher, ...] = ()
    """Others that must be shown every frame."""
    metric_depth: bool = False
    """Whether depths of tracklets, if there are any, are metres."""
    coarse: bool = False
    """As in `observe.Observed`."""
    profile: Callable[[], Mapping[str, Any] | None] = lambda: None
    closers: tuple[Callable[[], None], ...] = field(default=())

    def close(self) -> None:
        """Free the networks."""
        for close in self.closers:
            close()


class Body:
    """MediaPipe's networks of the body, opened when first asked for: importing them takes seconds.

    Args:
        in_batches: whether many pictures are at hand at once.
    """

    def __init__(self, in_batches: bool) -> None:
        self._in_batches = in_batches

    @cached_property
    def networks(self) -> MediaPipePose:
        """The networks."""
        from .mediapipe_pose import MediaPipePose

        return MediaPipePose(side_by_side(MOST_FOR_MANY)) if self._in_batches else MediaPipePose()

    @property
    def opened(self) -> bool:
        """Whether anybody has asked for them."""
        return "networks" in vars(self)

    def names(self) -> tuple[str, ...]:
        """Their name, if they were opened."""
        from .mediapipe_pose import MODEL_NAME

        return (MODEL_NAME,) if self.opened else ()

    def close(self) -> None:
        """Free them."""
        if self.opened:
            self.networks.close()


def open_parts(job: JobRequest, report: Reporter) -> OpenParts:
    """The networks of a job.

    Raises:
        AnimePoseError: if one is not there, is not made for its part, or may not be used.
    """
    parts = job.parts
    for name in ("detector", "pose"):
        if getattr(parts, name) == NONE:
            raise AnimePoseError(
                f"The job cannot be run: it names no {name}.", f"Choose {MEDIAPIPE}, or another {name}.", ExitCode.USAGE
            )
    _require_networks(job)
    body, hands, hand_names = Body(parts.detector != MEDIAPIPE and parts.pose != MEDIAPIPE), None, ()
    try:
        if parts.networks():
            from .hub import require_packages

            require_packages(own_alone=all(find_network(name)[1].is_own for name in parts.networks()))
            from .hub.open import open_networks

            opened = open_networks(job, body, report)
        else:
            opened = OpenParts(follower(body.networks, body.networks), None, tuple)
        if job.hands:
            # Imported here: it takes seconds, and a clip that cannot be opened should be refused before.
            from .mediapipe_hands import MODEL_NAME, MediaPipeHands

            hands, hand_names = MediaPipeHands(), (MODEL_NAME,)
    except BaseException:
        body.close()
        raise
    return replace(
        opened,
        hands=hands,
        names=lambda: (*opened.names(), *body.names(), *hand_names),
        closers=(body.close, *([hands.close] if hands else [])),
    )


def _require_networks(job: JobRequest) -> None:
    """Refuse a job whose networks are not all here, before anything is loaded."""
    wanted = job.parts.needed()
    missing = [name for name in wanted if look_up(name).presence is Presence.ABSENT]
    if missing:
        names = job.preset if set(missing) <= set(PARTS[job.preset].networks()) else " ".join(missing)
        raise AnimePoseError(
            f"Not in the store of networks {store_folder()}: {', '.join(missing)}.",
            f"Fetch them with `animepose models fetch {names}`, or in Blender's list of networks; "
            "or use the preset offline.",
        )
    for name in wanted:
        find_network(name)


def follower(detector: PersonDetector, estimator: PoseEstimator) -> Follower:
    """What follows people from frame to frame in crops of their own."""
    return lambda frames, most, watchers: follow(frames, detector, estimator, most, watchers)


def depth_watcher(depth: DepthEstimator) -> Watcher:
    """What gives everybody seen their depth, in a frame every `DEPTH_EVERY_S`."""
    next_s = -np.inf

    def watch(_number: int, time_s: float, rgb: np.ndarray, seen: list[Tracklet]) -> None:
        nonlocal next_s
        if not seen or time_s < next_s - 1e-6:
            return
        next_s = time_s + DEPTH_EVERY_S
        depth_map = depth.estimate(rgb)
        for tracklet in seen:
            tracklet.depths[-1] = sample_depth(depth_map, tracklet.observations[-1], (rgb.shape[1], rgb.shape[0]))

    return watch
