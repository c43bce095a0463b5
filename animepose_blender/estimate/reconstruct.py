"""From what was seen in single frames to everybody in one scene: camera, place, identity, floor, sizes, motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..protocol import JobRequest
from .camera import Focal
from .camera_motion import CameraMotion
from .cut import cut_where_looks_change
from .depth import calibrate, sizes_by_looks
from .detections import Placed, Seen, gather, place
from .finger_motion import HandMotion, move_fingers
from .fit.settings import MotionSettings
from .floor import SOLE_M, standing_feet, way_up_of_people
from .fuse import Ground, RootEvidence
from .lean import excess_lean, straightened
from .lifting import Lifter, lifter_of
from .observe import Observed
from .order import depth_order, order_evidence
from .palms import with_palms
from .person import Evidence, Solved, solve_person
from .predict import predictor_of
from .relift import relift
from .reporter import Reporter
from .scene import ADULT_M, Beliefs, Direction, Scene, solve_scene
from .settle import settle
from .shot import better_focal, camera_path, in_metres, intrinsics_of, scaled_path
from .stitch import stitch
from .track import track
from .verticals import up_from_lines
from .view import View

MAX_MISFIT = 0.04
"""Solved people lie at 0.015 to 0.028 of their height off their keypoints, tree trunks and shadows at 0.042 to 0.06."""
COARSE_MISFIT = 0.12
"""The same where keypoints are coarse (`Observed.coarse`), and the detector alone tells people from trees."""
UNPINNED_MISFIT = 0.025
"""The same without pinned feet, for somebody who fits far better so; trees and shadows do not."""
NO_PERSON = "no person by their proportions"
EXPECTED_SIGMA_RAD = np.radians(8.0)
"""How far people's mean stance may be off, where it decides which lines are the upright ones."""
SURE_TILT_RAD = np.radians(3.0)
"""How well the way up must be known to tell people how to stand."""
SMALLEST_SCALE = 0.85
"""A stated height that makes somebody smaller or larger by less than this makes the whole scene so."""
MAX_FEET = 300
"""Standing feet used at most for each person, evenly over the clip."""
FEET_TELL = 0.15
"""How far, as a logarithm, feet may move a guessed focal length: on the benchmark's `dev` clips they make it 2 % better
by that, and worse if they may move it farther."""
SAME_FOCAL = 0.01
"""Change of the focal length below which nothing is placed again."""


@dataclass(frozen=True, eq=False)
class Given:
    """What is known beforehand and need not be found out; for the user's word, and to try stages one at a time."""

    motion: CameraMotion | None = None
    person: np.ndarray | None = None
    """(N,) who each of the gathered person-frames is, -1 for nobody."""
    scene: Scene | None = None
    sizes: np.ndarray | None = None
    """(P,) NaN where not known."""
    lifter: Lifter | None = None
    """Instead of the default one."""


@dataclass(frozen=True, eq=False)
class Person:
    """One person, found and solved."""

    number: int
    """Index into the scene's people."""
    evidence: Evidence
    solved: Solved
    silhouettes: np.ndarray
    """(n, GRID, GRID) of the frames that they are seen in."""
    regions: np.ndarray
    """(n, 4)"""
    fingers: HandMotion


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Everybody in one scene."""

    people: list[Person]
    """In the order of their first appearance."""
    view: View
    focal: Focal
    camera: str
    """`still`, `turning` or `moving`."""
    scene: Scene
    dropped: dict[str, int]
    """How many finds were left out, and why."""


def reconstruct(
    observed: Observed, focal: Focal, job: JobRequest, report: Reporter, given: Given = Given()
) -> Reconstruction | None:
    """Solve a clip.

    Args:
        observed: what decoding left behind.
        focal: the best known focal length.
        job: the user's wishes: a height, a camera that stands still, the most people.
        report: told how far it is.
        given: what need not be found out.
    Returns:
        None if nobody was found.
    """
    if not observed.tracklets:
        return None
    report.progress("camera", 0.0)
    everybody = gather(observed.tracklets)
    focal = better_focal(focal, observed, job)
    intrinsics = intrinsics_of(observed, focal)
    path = given.motion or camera_path(observed, intrinsics, job)
    report.progress("place", 0.0)
    lifter = given.lifter or lifter_of(job.parts.lifter)
    placed, usable = place(everybody, intrinsics, observed.time_s, lifter)
    if not usable.any():
        return None
    seen = everybody.where(usable)
    motion = in_metres(path, seen, placed, observed.time_s)
    report.progress("track", 0.0)
    person = given.person[usable] if given.person is not None else _identities(observed, seen, placed, motion)
    short = len(np.setdiff1d(seen.tracklet[person < 0], seen.tracklet[person >= 0]))
    if not (person >= 0).any():
        return None

    report.progress("lift", 0.0)
    estimated, placed = placed, relift(placed, seen, person, observed.time_s, intrinsics, lifter)
    report.progress("solve", 0.0)
    # A focal length that lines or a turn have told is not told better by feet, and a mere guess only by a little.
    sigma = min(focal.sigma, FEET_TELL) if focal.source == "default" else 0.0
    upright = _upright(seen, estimated, person, motion)
    scene = given.scene or _scene(observed, seen, placed, person, intrinsics, motion, upright, sigma, given.sizes)
    if abs(np.log(scene.focal_factor)) > SAME_FOCAL:
        focal = replace(focal, focal_px=focal.focal_px * scene.focal_factor)
        intrinsics = intrinsics_of(observed, focal)
        path = given.motion or camera_path(observed, intrinsics, job)
        placed, usable = place(seen, intrinsics, observed.time_s, lifter)
        seen, person = seen.where(usable), person[usable]
        estimated, placed = placed, relift(placed, seen, person, observed.time_s, intrinsics, lifter)
        motion = in_metres(path, seen, placed, observed.time_s)
        upright = _upright(seen, estimated, person, motion)
        scene = _scene(observed, seen, placed, person, intrinsics, motion, upright, 0.0, given.sizes)
    if path.kind == "moving":
        motion = in_metres(path, seen, placed, observed.time_s, scene)
        scene = given.scene or _scene(observed, seen, placed, person, intrinsics, motion, upright, 0.0, given.sizes)
    turn = _lean(seen, placed, person, motion, scene)
    if turn.any():
        placed = straightened(placed, seen, turn, motion.camera_to_start, intrinsics)
        scene = given.scene or _scene(observed, seen, placed, person, intrinsics, motion, upright, 0.0, given.sizes)
    people, view, dropped = _solve(observed, seen, placed, person, scene, intrinsics, motion, job, report)
    if dropped[NO_PERSON] and people and given.scene is None:
        # Tree trunks stand on no floor, and have no size; without them both come out better.
        person = _only(person, [one.number for one in people])
        scene = _scene(observed, seen, placed, person, intrinsics, motion, upright, 0.0, given.sizes)
        people, view, _ = _solve(observed, seen, placed, person, scene, intrinsics, motion, job, report)
    if job.height_m is not None and people:
        if job.height_of <= len(people):
            # Only now it is known who is who in the take.
            number = people[job.height_of - 1].number
            ratio = job.height_m / ADULT_M / scene.size[number]
            if SMALLEST_SCALE < ratio < 1 / SMALLEST_SCALE:
                scene, motion = scene.scaled(ratio), scaled_path(motion, ratio)
            else:
                # Not the whole scene is of another size, but this person of those in it.
                sizes = np.full(len(scene.size), np.nan)
                sizes[number] = job.height_m / ADULT_M
                scene = _scene(observed, seen, placed, person, intrinsics, motion, upright, 0.0, sizes)
            people, view, _ = _solve(observed, seen, placed, person, scene, intrinsics, motion, job, report)
        else:
            report.warning(f"The height was not used: there is no person {job.height_of}, only {len(people)}.")
    if not people:
        return None
    return Reconstruction(people, view, focal, motion.kind, scene, {"seen too shortly": short, **dropped})


def _identities(observed: Observed, seen: Seen, placed: Placed, motion: CameraMotion) -> np.ndarray:
    """(N,) who each person-frame is, -1 for nobody."""
    time_s, to_start = observed.time_s, motion.camera_to_start
    label = cut_where_looks_change(track(seen, placed, to_start, time_s), seen, time_s)
    person = stitch(label, seen, placed, to_start, time_s, observed.size_px)
    return settle(person, seen, placed, to_start, time_s)


def _only(person: np.ndarray, numbers: list[int]) -> np.ndarray:
    """(N,) people with all but some left out, numbered without gaps."""
    place = {number: k for k, number in enumerate(sorted(numbers))}
    return np.array([place.get(number, -1) for number in person.tolist()])


def _scene(
    observed: Observed,
    seen: Seen,
    placed: Placed,
    person: np.ndarray,
    intrinsics: np.ndarray,
    motion: CameraMotion,
    upright: np.ndarray | None,
    focal_sigma: float,
    sizes: np.ndarray | None,
) -> Scene:
    to_start = motion.camera_to_start[seen.frame]
    relative_m = placed.joints_in(to_start)
    root_m = placed.roots_in(to_start)
    up = upright if upright is not None else np.array([0.0, -1.0, 0.0])
    feet = []
    for number in range(person.max() + 1):
        own = np.flatnonzero(person == number)
        frames = seen.frame[own]
        feet.append(
            standing_feet(
                frames, relative_m[own], root_m[own], placed.lifted.joint_confidence[own],
                observed.time_s[frames], to_start[own], up,
            ).every(1 + len(own) // MAX_FEET)
        )  # fmt: skip
    expected = None if upright is None else (upright, EXPECTED_SIGMA_RAD)
    found = up_from_lines(observed.lines, intrinsics, motion.camera_to_start, expected)
    lines = None if found is None else Direction(*found)
    known = None if sizes is None else sizes[: len(feet)]
    looks = sizes_by_looks(seen.depth_per_focal * intrinsics[seen.frame, 0, 0], placed.root_m[:, 2], person)
    return solve_scene(feet, Beliefs(upright, lines, focal_sigma, known, looks))


def _upright(seen: Seen, estimated: Placed, person: np.ndarray, motion: CameraMotion) -> np.ndarray | None:
    """(3,) people's mean stance, by the estimator's own joints: the lifter takes those who lie for standing."""
    return way_up_of_people(estimated.joints_in(motion.camera_to_start[seen.frame])[person >= 0])


def _lean(seen: Seen, placed: Placed, person: np.ndarray, motion: CameraMotion, scene: Scene) -> np.ndarray:
    """(3,) rotation vector that takes away what everybody leans too much, if the way up is known well enough."""
    upright = way_up_of_people(placed.joints_in(motion.camera_to_start[seen.frame])[person >= 0])
    if upright is None or scene.tilt_sigma_rad > SURE_TILT_RAD:
        return np.zeros(3)
    return excess_lean(upright, scene.start_to_world[2, :3])


def _solve(
    observed: Observed,
    seen: Seen,
    placed: Placed,
    person: np.ndarray,
    scene: Scene,
    intrinsics: np.ndarray,
    motion: CameraMotion,
    job: JobRequest,
    report: Reporter,
) -> tuple[list[Person], View, dict[str, int]]:
    """Everybody who is believed, the camera in the world, and how many are not believed, and why."""
    view = View(observed.time_s, intrinsics, scene.start_to_world @ motion.camera_to_start)
    known = person >= 0
    seen, person, sized = seen.where(known), person[known], placed.where(known).sized(scene.size[person[known]])
    depth_m = calibrate(seen.depth, sized.root_m[:, 2], metric=observed.metric_depth, person=person)
    looks_m = seen.depth_per_focal * intrinsics[seen.frame, 0, 0]
    looks_m = calibrate(looks_m, sized.root_m[:, 2], metric=True, person=person)
    roots_m = np.full((len(scene.size), len(view.time_s), 3), np.nan)
    most_misfit = COARSE_MISFIT if observed.coarse else MAX_MISFIT
    roots_m[person, seen.frame] = sized.roots_in(view.camera_to_world[seen.frame])
    predictor = predictor_of(job.parts.predictor)

    def solve(number: int, further: Sequence[RootEvidence] = ()) -> Person:
        own = np.flatnonzero(person == number)
        lifted = with_palms(sized.where(own).lifted, seen.hands.where(own), intrinsics[seen.frame[own]])
        evidence = Evidence(
            seen.frame[own], lifted, seen.box_px[own], depth_m[own], float(scene.size[number]), looks_m[own]
        )
        ground = Ground(scene.level_m[number] + SOLE_M * scene.size[number], scene.tilt_sigma_rad)
        others_m = np.delete(roots_m, number, axis=0)
        motion_of = MotionSettings.of(job)
        solved = solve_person(evidence, view, ground, others_m, predictor, further, motion_of)
        if solved.misfit > most_misfit and motion_of.foot_lock == "auto":
            # Feet that were wrongly taken for standing can pull somebody off their keypoints.
            loose = replace(motion_of, foot_lock="never")
            unpinned = solve_person(evidence, view, ground, others_m, predictor, further, loose)
            solved = unpinned if unpinned.misfit <= UNPINNED_MISFIT else solved
        fingers = move_fingers(
            seen.hands.where(own), evidence.frames, view.time_s, solved.bone_length_m, job.smoothness_s
        )
        return Person(number, evidence, solved, seen.silhouette[own], seen.region[own], fingers)

    solved: dict[int, Person] = {}
    for step, number in enumerate(numbers := np.unique(person).tolist()):
        report.progress("solve", step / len(numbers))
        solved[number] = solve(number)
        roots_m[number] = solved[number].solved.root_world_m
    order = depth_order(seen, sized.lifted, person, view.time_s)
    for number, evidence in order_evidence(order, roots_m, view).items():
        solved[number] = solve(number, [evidence])
    believed = [one for one in solved.values() if one.solved.misfit <= most_misfit]
    longest = sorted(believed, key=lambda one: -len(one.evidence.frames))[: job.max_people]
    people = sorted(longest, key=lambda one: (int(one.evidence.frames[0]), float(one.evidence.box_px[0, 0])))
    return (
        people,
        view,
        {
            NO_PERSON: len(solved) - len(believed),
            "more than the most people asked for": len(believed) - len(people),
        },
    )
