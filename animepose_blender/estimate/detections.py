"""Everybody seen in every frame, in arrays: what the stages after decoding work on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from ..core import cameras
from .backends import Hands
from .depth import GRID
from .lift import Lifted, lift_blazepose, onto_rays
from .lift_tracklets import with_missing_joints
from .lifting import Lifter
from .people import Tracklet
from .person_boxes import person_boxes
from .place import NEAREST_M, RAY_SIGMA_M, place_roots, root_sigma

LOOKS_SHARE = 0.2
"""How far off, as a share, people may be who are placed by their looks alone, since their joints do not tell."""


@dataclass(frozen=True, eq=False)
class Seen:
    """N person-frames as the backend gave them, in the order of frames."""

    frame: np.ndarray
    """(N,) index of the frame."""
    tracklet: np.ndarray
    """(N,) index of the tracklet that the follower put it in."""
    landmarks_px: np.ndarray
    """(N, 33, 2)"""
    confidence: np.ndarray
    """(N, 33)"""
    landmarks_m: np.ndarray
    """(N, 33, 3) NaN where the backend has no metric joints; else as in `backends.PoseObservation`."""
    region: np.ndarray
    """(N, 4)"""
    box_px: np.ndarray
    """(N, 4)"""
    score: np.ndarray
    """(N,)"""
    colours: np.ndarray
    """(N, Z, 3) see `appearance`."""
    silhouette: np.ndarray
    """(N, GRID, GRID) bool over the region."""
    depth: np.ndarray
    """(N,) from the depth map, in its own scale; NaN without one."""
    hands_px: np.ndarray
    """(N, 2, 21, 2), `hands_m` (N, 2, 21, 3) and `hand_score` (N, 2): as in `backends.Hands`."""
    hands_m: np.ndarray
    hand_score: np.ndarray
    depth_per_focal: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(N,) as in `backends.PoseObservation`; NaN where nobody says, which is so everywhere unless it is given."""

    def __post_init__(self) -> None:
        if len(self.depth_per_focal) != len(self.frame):
            object.__setattr__(self, "depth_per_focal", np.full(len(self.frame), np.nan))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def hands(self) -> Hands:
        """Of all N."""
        return Hands(self.hands_px, self.hands_m, self.hand_score)

    def where(self, chosen: np.ndarray) -> Seen:
        """Those of a bool or index array."""
        return Seen(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True, eq=False)
class Placed:
    """The same N person-frames in space, camera axes of their own frame."""

    lifted: Lifted
    """Joints on the rays of their keypoints."""
    root_m: np.ndarray
    """(N, 3)"""
    sigma_m: np.ndarray
    """(N, 2) how far the root may be off across the ray and along it."""
    box_m: np.ndarray
    """(N, 6)"""

    def where(self, chosen: np.ndarray) -> Placed:
        """Those of a bool or index array."""
        lifted = self.lifted.where(chosen)
        return Placed(lifted, self.root_m[chosen], self.sigma_m[chosen], self.box_m[chosen])

    def roots_in(self, camera_to: np.ndarray) -> np.ndarray:
        """(N, 3) roots in other axes, (N, 4, 4) from each one's camera."""
        return cameras.transform(camera_to, self.root_m[:, None])[:, 0]

    def joints_in(self, camera_to: np.ndarray) -> np.ndarray:
        """(N, J, 3) joints relative to the root, turned into other axes."""
        return self.lifted.joints_m @ np.swapaxes(camera_to[:, :3, :3], -1, -2)

    def with_rows(self, other: Placed, rows: np.ndarray) -> Placed:
        """The same with some rows, (N,) bool, taken from another."""

        def mixed(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
            result = ours.copy()
            result[rows] = theirs
            return result

        lifted = {name: mixed(value, getattr(other.lifted, name)) for name, value in vars(self.lifted).items()}
        return Placed(
            Lifted(**lifted),
            mixed(self.root_m, other.root_m),
            mixed(self.sigma_m, other.sigma_m),
            mixed(self.box_m, other.box_m),
        )

    def sized(self, size: np.ndarray) -> Placed:
        """Everything (N,) times as large and as far."""
        own = size[:, None, None]
        lifted = replace(self.lifted, joints_m=self.lifted.joints_m * own, sigma_m=self.lifted.sigma_m * own)
        return Placed(lifted, self.root_m * size[:, None], self.sigma_m * size[:, None], self.box_m * size[:, None])


def gather(tracklets: list[Tracklet]) -> Seen:
    """All observations of all tracklets."""
    pairs = [(number, k) for number, tracklet in enumerate(tracklets) for k in range(len(tracklet.frames))]
    pairs.sort(key=lambda pair: (tracklets[pair[0]].frames[pair[1]], pair[0]))
    observations = [tracklets[number].observations[k] for number, k in pairs]

    def stack(name: str) -> np.ndarray:
        return np.stack([getattr(o, name) for o in observations])

    hands = [o.hands if o.hands is not None else Hands.unseen() for o in observations]
    bits = np.stack([tracklets[number].silhouettes[k] for number, k in pairs])
    return Seen(
        frame=np.array([tracklets[number].frames[k] for number, k in pairs]),
        tracklet=np.array([number for number, _ in pairs]),
        landmarks_px=stack("landmarks_px"),
        confidence=stack("confidence"),
        landmarks_m=stack("landmarks_m"),
        region=stack("region"),
        box_px=stack("box_px"),
        score=np.array([o.score for o in observations]),
        colours=stack("colours"),
        silhouette=np.unpackbits(bits, axis=-1).reshape(-1, GRID, GRID).astype(bool),
        depth=np.array([tracklets[number].depths[k] for number, k in pairs]),
        hands_px=np.stack([one.points_px for one in hands]),
        hands_m=np.stack([one.points_m for one in hands]),
        hand_score=np.stack([one.score for one in hands]),
        depth_per_focal=np.array([o.depth_per_focal for o in observations]),
    )


def place(
    seen: Seen, intrinsics: np.ndarray, time_s: np.ndarray, lifter: Lifter | None = None
) -> tuple[Placed, np.ndarray]:
    """Everybody in space by their own size alone, as an average adult.

    Args:
        seen: the person-frames.
        intrinsics: (F, 3, 3) of all frames.
        time_s: (F,) of all frames.
        lifter: makes the joints of those of whom the pose network gave none; without it they cannot be placed.
    Returns:
        What could be placed, and (N,) bool which of `seen` that is.
    """
    own = intrinsics[seen.frame]
    lifted = lift_blazepose(seen.landmarks_px, seen.confidence, seen.landmarks_m, seen.region, own)
    if lifter is not None:
        lifted = with_missing_joints(lifted, seen.tracklet, time_s[seen.frame], own, lifter)
    placed, good = place_lifted(lifted, seen, own)
    on_rays = onto_rays(placed.lifted, placed.root_m, own[good])
    boxes_m = person_boxes(
        seen.silhouette[good], seen.region[good], on_rays.joints_m + placed.root_m[:, None], own[good]
    )
    return replace(placed, lifted=on_rays, box_m=boxes_m), good


def place_lifted(lifted: Lifted, seen: Seen, intrinsics: np.ndarray) -> tuple[Placed, np.ndarray]:
    """Everybody in space whose joints are known.

    Args:
        lifted: N person-frames.
        seen: the same ones.
        intrinsics: (N, 3, 3) of each.
    Returns:
        What could be placed, and (N,) bool which that is.
    """
    root_m, variance = place_roots(lifted.joints_m, lifted.keypoints_px, lifted.keypoint_confidence, intrinsics)
    unplaced = ~np.isfinite(root_m).all(axis=-1)
    if (unplaced & np.isfinite(seen.depth_per_focal)).any():
        root_m[unplaced], variance[unplaced] = _by_looks(lifted, seen, intrinsics, unplaced)
    good = np.isfinite(root_m).all(axis=-1)
    lifted, root_m, own = lifted.where(good), root_m[good], intrinsics[good]
    boxes_m = person_boxes(seen.silhouette[good], seen.region[good], lifted.joints_m + root_m[:, None], own)
    return Placed(lifted, root_m, root_sigma(root_m, variance[good]), boxes_m), good


def _by_looks(lifted: Lifted, seen: Seen, intrinsics: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Roots (n, 3) of some rows, (N,) bool, on the rays of their pelves as far away as a network says by their looks,
    and the variance factors of `place_roots` (n,); NaN where it says nothing."""
    own = intrinsics[rows]
    depth_m = seen.depth_per_focal[rows] * own[:, 0, 0]
    depth_m = np.where(depth_m > NEAREST_M, depth_m, np.nan)
    rays = cameras.rays(lifted.keypoints_px[rows, :1], own)[:, 0]
    joints = np.isfinite(lifted.joints_m[rows]).all(axis=(1, 2))
    root_m = np.concatenate([rays, np.ones((len(rays), 1))], axis=-1) * depth_m[:, None]
    return np.where(joints[:, None], root_m, np.nan), (LOOKS_SHARE * depth_m / RAY_SIGMA_M) ** 2
