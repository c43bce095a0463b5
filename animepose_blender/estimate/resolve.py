"""A span of one person solved again from what the take knows, without looking at the clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core import cameras, kinematics
from ..core import quaternions as quat
from ..core.armature_space import body_size
from ..core.retarget.easing import smooth_step
from ..core.swing_twist import slerp
from ..errors import AnimePoseError, ExitCode
from ..skeleton import MIRROR
from ..take import State, Take
from .evidence import Evidence
from .fit.settings import MotionSettings
from .fit.standing import FEWEST, one_foot_stands
from .floor import SOLE_M
from .fuse import Ground, RootEvidence, from_size
from .lift import Lifted
from .lifting import Lifter, default_lifter
from .lifting.sequences import of_lifted
from .lifting.sides import put_right
from .person import Solved, solve_person
from .predict import TrajectoryPredictor, default_predictor
from .span import DOUBTED
from .view import View

MARGIN_S = 2.0
"""How much before and after the span is looked at."""
BLEND_S = 0.3
"""Time in which the new motion passes into the old one, before and after the span."""
LEVEL_SIGMA_RAD = 0.01
"""How far the take's floor may be tilted: it was found once already."""
ROOT_SIGMA_M = (0.1, 0.5)
"""How far a root may be off across the ray and along it, in takes that do not say."""
KEPT_SIGMA_M = (0.02, 0.03)
"""The same beside the span, where the motion stays what it is."""
BOX_MARGIN_M = 0.12
"""What a box holds around the joints of somebody 1.70 m tall who is not seen."""


def solve_again(
    take: Take,
    person: int,
    first: int,
    last: int,
    *,
    wrong: bool = False,
    foot_lock: str | None = None,
    smoothness_s: float | None = None,
    lifter: Lifter | None = None,
    predictor: TrajectoryPredictor | None = None,
) -> Take:
    """Solve the frames `first` to `last` of a person again; what lies outside passes into them softly.

    The keypoints are lifted over time once more, with the depths of the joints that the take has, and the span is
    solved as a run does it: with the person's bone lengths, the take's floor, the motion settings it was made with. So
    after tracks are exchanged or joined, the motion fits the keypoints that the person now has.

    Args:
        take: not changed.
        person: index of the person.
        first, last: frames of the span, both included.
        wrong: what was seen in the span is not this person: it is left out, and the span is filled in like a gap.
        foot_lock, smoothness_s: as in `protocol.SolveRequest`; None = as the take was made. Where feet are let go
            (`never`) the new take's contacts say so, and where they are held (`always`) as well.
        lifter, predictor: None = those of a run.
    Returns:
        The take with another motion of the person in the span.
    Raises:
        AnimePoseError: if the span is not in the clip, nothing is seen of the person in it or near it, or feet are to
            be kept on a floor that the take does not have.
    """
    count = take.frame_count
    if not (0 <= person < take.person_count and 0 <= first <= last < count):
        raise AnimePoseError(
            f"There is no span {first} to {last} of person number {person + 1}: the take has {count} frames and "
            f"{take.person_count} people.",
            "Choose a span of the take.",
            ExitCode.USAGE,
        )
    motion = _settings(take, foot_lock, smoothness_s)
    time_s = take.frame_time_s
    low = int(np.searchsorted(time_s, time_s[first] - MARGIN_S))
    high = int(np.searchsorted(time_s, time_s[last] + MARGIN_S, side="right"))
    window, inside = slice(low, high), np.zeros(count, dtype=bool)
    inside[first : last + 1] = True
    seen = (take.state[person] == State.OBSERVED) & ~(inside & wrong)
    frames = np.flatnonzero(seen[window])
    if not len(frames):
        raise AnimePoseError(
            f"Person {take.person_id[person]} is not seen in the span or near it.", "Choose a longer span."
        )
    view = View(time_s[window], take.intrinsics[window], take.camera_to_world[window])
    lengths_m = take.bone_length_m[person].astype(np.float64)
    size = body_size(lengths_m)
    lifted = _lifted(take, person, low + frames, size, lifter or default_lifter())
    box_px = take.box_px[person, low + frames].astype(np.float64)
    evidence = Evidence(frames, lifted, box_px, np.full(len(frames), np.nan), size)
    others_m = np.delete(take.root_world_m[:, window].astype(np.float64), person, axis=0)
    solved = solve_person(
        evidence,
        view,
        Ground(SOLE_M * size, LEVEL_SIGMA_RAD),
        others_m,
        predictor or default_predictor(),
        [_roots(take, person, low + frames, frames, view, inside[low + frames])],
        motion,
        lengths_m,
    )
    solved = replace(solved, contact=_told_contact(solved, view.time_s, foot_lock))
    return _put_in(take, person, window, inside, seen, solved)


def _settings(take: Take, foot_lock: str | None, smoothness_s: float | None) -> MotionSettings:
    """Those of the run that made the take, but for what is chosen anew."""
    known = take.source.get("motion") or {}
    names = MotionSettings.__dataclass_fields__
    motion = MotionSettings(**{name: value for name, value in known.items() if name in names})
    if foot_lock is not None:
        motion = replace(motion, foot_lock=foot_lock)
    if smoothness_s is not None:
        motion = replace(motion, smoothness_s=smoothness_s)
    if foot_lock == "grounding" and motion.floor == "none":
        raise AnimePoseError(
            "Grounding needs a floor, and the take was made without one.", "Choose another foot lock.", ExitCode.USAGE
        )
    return motion


def _told_contact(solved: Solved, time_s: np.ndarray, foot_lock: str | None) -> np.ndarray:
    """(F, 4) contacts that agree with what the user says of the feet, so that a rig's feet are not pinned otherwise."""
    if foot_lock == "never":
        return np.minimum(solved.contact, DOUBTED)
    if foot_lock != "always" or len(time_s) < FEWEST:
        return solved.contact
    stands = one_foot_stands(np.nan_to_num(solved.contact), float(np.median(np.diff(time_s))))
    # Nobody sees whether predicted feet stand.
    return np.where((solved.state == State.OBSERVED)[:, None], np.maximum(solved.contact, stands), solved.contact)


def _lifted(take: Take, person: int, frames: np.ndarray, size: float, lifter: Lifter) -> Lifted:
    """The person's keypoints in some frames (n,), lifted again."""
    view = View(take.frame_time_s[frames], take.intrinsics[frames], take.camera_to_world[frames])
    joints_m = take.joints_world_m[person, frames].astype(np.float64)
    relative_m = np.einsum("nji,nkj->nki", view.camera_to_world[:, :3, :3], joints_m - joints_m[:, :1])
    confidence = take.joint_confidence[person, frames].astype(np.float64)
    before = Lifted.of(
        take.keypoints_px[person, frames].astype(np.float64),
        take.keypoint_confidence[person, frames].astype(np.float64),
        relative_m / size,
        confidence,
    )
    sequence, exchanged = put_right(of_lifted(view.time_s, before, view.intrinsics))
    answer = lifter.lift(sequence)
    known = np.isfinite(answer.joints_m).all(axis=(1, 2))[:, None, None]
    return replace(
        before,
        keypoints_px=np.where(exchanged[..., None], before.keypoints_px[:, MIRROR], before.keypoints_px),
        keypoint_confidence=np.where(exchanged, before.keypoint_confidence[:, MIRROR], before.keypoint_confidence),
        joints_m=size * np.where(known, answer.joints_m, before.joints_m),
        sigma_m=size * np.where(known, answer.sigma_m, before.sigma_m),
        contact=answer.contact,
    )


def _roots(take: Take, person: int, frames: np.ndarray, at: np.ndarray, view: View, inside: np.ndarray) -> RootEvidence:
    """Where the take has the root in some of its frames (n,), `at` of the view's; (n,) bool which lie in the span."""
    told = take.extras.get("root_sigma_m")
    sigma_m = np.tile(ROOT_SIGMA_M, (len(frames), 1)) if told is None else told[person, frames].astype(np.float64)
    sigma_m = np.where(np.isfinite(sigma_m) & (sigma_m > 0), sigma_m, ROOT_SIGMA_M)
    sigma_m = np.where(inside[:, None], sigma_m, KEPT_SIGMA_M)
    root_m = take.root_world_m[person, frames].astype(np.float64)
    return from_size(at, root_m, view.centre_m[at], sigma_m, len(view.time_s))


def _put_in(take: Take, person: int, window: slice, inside: np.ndarray, seen: np.ndarray, solved: Solved) -> Take:
    """The take with the solved window of a person, whole within the span and softly beside it."""
    time_s, present = take.frame_time_s[window], take.state[person, window] != State.ABSENT
    own = inside[window]
    ends_s = time_s[np.flatnonzero(own)[[0, -1]]]
    away_s = np.maximum(np.maximum(ends_s[0] - time_s, time_s - ends_s[1]), 0.0)
    share = smooth_step(1 - away_s / BLEND_S)
    there = solved.state != State.ABSENT
    share = np.where(own, there.astype(float), np.where(present & there, share, 0.0))
    changed = share > 0

    made = {name: getattr(take, name).copy() for name in _PER_PERSON}
    extras = {name: value.copy() for name, value in take.extras.items()}
    at = np.flatnonzero(changed) + window.start
    weight = np.where(present[changed], share[changed], 1.0)[:, None]
    old = present[changed]
    rotations, roots_m = solved.rotations[changed].copy(), solved.root_world_m[changed].copy()
    before, before_m = take.rotations[person, at].astype(np.float64), take.root_world_m[person, at].astype(np.float64)
    rotations[old] = slerp(before[old], rotations[old], weight[old][:, None])
    roots_m[old] = before_m[old] + weight[old] * (roots_m[old] - before_m[old])
    made["rotations"][person, at] = quat.normalize(rotations)
    made["root_world_m"][person, at] = roots_m
    joints_m, _ = kinematics.forward(rotations, roots_m, take.bone_length_m[person].astype(np.float64))
    made["joints_world_m"][person, at] = joints_m

    span = np.flatnonzero(inside)
    within = np.flatnonzero(own)
    made["state"][person, span] = solved.state[within]
    made["contact"][person, span] = np.nan_to_num(solved.contact[within])
    made["joint_confidence"][person, span] = solved.joint_confidence[within]
    if "root_sigma_m" in extras:
        extras["root_sigma_m"][person, span] = solved.root_sigma_m[within]
    _clear(made, extras, person, span[~seen[span]], span[~there[within]])
    _move_boxes(take, made, person, at)
    return Take(
        take.source, take.frame_time_s, take.intrinsics, take.camera_to_world, take.person_id, **made,
        bone_length_m=take.bone_length_m, extras=extras,
    )  # fmt: skip


_PER_PERSON = (
    "state", "keypoints_px", "keypoint_confidence", "joints_world_m", "joint_confidence", "box_px", "box_camera_m",
    "contact", "rotations", "root_world_m",
)  # fmt: skip


def _clear(
    made: dict[str, np.ndarray], extras: dict[str, np.ndarray], person: int, unseen: np.ndarray, absent: np.ndarray
) -> None:
    """Take away what was said to be seen where nobody is seen, and everything where nobody is."""
    made["keypoints_px"][person, unseen] = np.nan
    made["keypoint_confidence"][person, unseen] = 0
    made["box_px"][person, unseen] = np.nan
    if "hand_confidence" in extras:
        extras["hand_confidence"][person, unseen] = 0
        extras["hand_keypoints_px"][person, unseen] = np.nan
    for name in ("rotations", "root_world_m", "joints_world_m", "box_camera_m"):
        made[name][person, absent] = np.nan
    for name in ("contact", "joint_confidence"):
        made[name][person, absent] = 0


def _move_boxes(take: Take, made: dict[str, np.ndarray], person: int, at: np.ndarray) -> None:
    """3D boxes go with their person; of somebody who is not seen they are drawn around the joints."""
    to_camera = cameras.invert(take.camera_to_world[at])
    joints_m = cameras.transform(to_camera, made["joints_world_m"][person, at].astype(np.float64))
    before_m = cameras.transform(to_camera, take.joints_world_m[person, at].astype(np.float64))
    moved = take.box_camera_m[person, at].astype(np.float64) + np.tile(joints_m[:, 0] - before_m[:, 0], 2)
    margin_m = BOX_MARGIN_M * body_size(take.bone_length_m[person])
    around = np.concatenate([joints_m.min(axis=1) - margin_m, joints_m.max(axis=1) + margin_m], axis=-1)
    known = np.isfinite(moved).all(axis=-1) & np.isfinite(made["box_px"][person, at]).all(axis=-1)
    made["box_camera_m"][person, at] = np.where(known[:, None], moved, around)
