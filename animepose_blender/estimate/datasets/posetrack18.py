"""PoseTrack18: joint MOTA of estimates in its own form, or of takes, against its annotations.

A file describes one video: `images` (`id`, and perhaps `is_labeled`, `ignore_regions_x`, `ignore_regions_y`),
`annotations` (`image_id`, `track_id`, `keypoints` of x, y, visible; in truth `bbox_head` of x, y, width, height) and
`categories` with the names of the keypoints.

PoseTrack's evaluator has two habits that are part of published figures: the last annotated picture of each video is
left out, and a picture with nobody estimated (or nobody left outside the ignored regions) counts as one miss and one
false positive of each joint. `joint_mota` and the rest follow it; those with `_strict` do neither.

Reference: Andriluka et al., PoseTrack (2018), and its evaluator.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...core import cameras
from ...errors import AnimePoseError
from ...take import Take
from ..metrics.clear import ClearCounts
from ..metrics.conventions import POSETRACK_15, to_convention
from ..metrics.joint_tracking import HEAD_OF_DIAGONAL, PoseFrame, joint_counts, joint_figures
from .takes import check_length, joints_camera_m, stem

_REMEDY = "Give the annotations of PoseTrack18 (posetrack_data/annotations/val, or one file of it)."
_USUAL_NAMES = (
    "nose", "head_bottom", "head_top", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody in a picture."""

    track: int
    points_px: np.ndarray
    """(15, 2) in the order of `POSETRACK_15`; NaN where not given."""
    head_px: float
    """Head size; NaN where not given."""


@dataclass(frozen=True)
class Video:
    """The people of each picture, and the regions in which nobody is annotated."""

    images: list[int]
    labelled: dict[int, bool]
    people: dict[int, list[Person]]
    ignored: dict[int, list[np.ndarray]]
    """Polygons (N, 2), pixels."""


def evaluate_predictions(files: Sequence[str], truth: str) -> dict[str, Any]:
    """Joint MOTA of each video and of all together.

    Args:
        files: .json files in the form of the annotations, folders of them, or takes; their names are those of the
            annotation files, unless there is one of each.
        truth: annotation file, or a folder of them.
    Raises:
        AnimePoseError: if a file cannot be used or has no partner.
    """
    estimates = [path for name in files for path in _files(Path(name), (".json", ".npz"))]
    annotations = {stem(path): path for path in _files(Path(truth), (".json",))}
    single = len(estimates) == len(annotations) == 1
    sequences, total, total_strict = {}, None, None
    for path in estimates:
        name = next(iter(annotations)) if single else stem(path)
        if name not in annotations:
            raise AnimePoseError(f"{path} has no annotation of its name in {truth}.", "Name it like the annotation.")
        if name in sequences:
            raise AnimePoseError(f"There are two estimates of {name}.", "Give one for each video.")
        video = read_video(annotations[name], with_heads=True)
        estimate = _of_take(Take.load(path), video) if path.suffix == ".npz" else read_video(path, with_heads=False)
        counts, strict = joint_counts(frames_of(video, estimate)), joint_counts(frames_of(video, estimate, strict=True))
        sequences[name] = _figures(counts, strict)
        total, total_strict = _added(total, counts), _added(total_strict, strict)
    if total is None or total_strict is None:
        raise AnimePoseError("There is no estimate to evaluate.", "Give .json files, or takes.")
    return {"format": "posetrack18", "sequences": sequences, "average": _figures(total, total_strict)}


def read_video(path: str | Path, *, with_heads: bool) -> Video:
    """Read annotations or estimates.

    Args:
        with_heads: whether every person must have its head box.
    Raises:
        AnimePoseError: if the file is missing or not as described at the top.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        names: list[str] = list(data["categories"][0]["keypoints"] if data.get("categories") else _USUAL_NAMES)
        places = [names.index(name) for name in POSETRACK_15]
        people: dict[int, list[Person]] = {}
        for entry in data["annotations"]:
            person = _person(entry, len(names), places, with_heads)
            if np.isfinite(person.points_px).any():
                people.setdefault(entry["image_id"], []).append(person)
        images = data["images"]
        return Video(
            images=[image["id"] for image in images],
            labelled={image["id"]: bool(image.get("is_labeled", image["id"] in people)) for image in images},
            people=people,
            ignored={image["id"]: _polygons(image) for image in images},
        )
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise AnimePoseError(f"{path} is not in the form of PoseTrack18: {error!r}.", _REMEDY) from error


def frames_of(truth: Video, estimate: Video, *, strict: bool = False) -> list[PoseFrame]:
    """The annotated pictures of a video, as they are scored.

    Args:
        strict: without the two habits of PoseTrack's evaluator.
    """
    frames = []
    for image in truth.images:
        if not (truth.labelled[image] if strict else truth.people.get(image)):
            continue
        regions = truth.ignored[image]
        true = _outside(truth.people.get(image, []), regions)
        ours = _outside(estimate.people.get(image, []), regions)
        if not strict and not (true and ours):
            near = np.zeros((1, len(POSETRACK_15), 2))
            frames.append(PoseFrame([-1], near, np.ones(1), [-1], near + 1e6))
            continue
        frames.append(
            PoseFrame(
                [person.track for person in true],
                _points(true),
                np.array([person.head_px for person in true]),
                [person.track for person in ours],
                _points(ours),
            )
        )
    return frames if strict else frames[:-1]


def _person(entry: dict[str, Any], count: int, places: list[int], with_heads: bool) -> Person:
    values = np.asarray(entry["keypoints"], dtype=np.float64).reshape(count, 3)[places]
    # A joint that is not annotated stands at the corner of the picture and is not visible.
    points_px = np.where((values != 0).any(-1, keepdims=True), values[:, :2], np.nan)
    head_px = np.nan
    if with_heads:
        head_px = HEAD_OF_DIAGONAL * float(np.hypot(*entry["bbox_head"][2:4]))
    return Person(int(entry["track_id"]), points_px, head_px)


def _polygons(image: dict[str, Any]) -> list[np.ndarray]:
    across, down = image.get("ignore_regions_x") or [], image.get("ignore_regions_y") or []
    # Some files have one region without the outer list.
    if across and not isinstance(across[0], list):
        across, down = [across], [down]
    polygons = [np.stack([x, y], axis=-1).astype(np.float32) for x, y in zip(across, down)]
    return [polygon for polygon in polygons if len(polygon) >= 3]


def _outside(people: list[Person], regions: list[np.ndarray]) -> list[Person]:
    """People without their joints in these regions; without those who have no other."""
    if not regions:
        return people
    left = []
    for person in people:
        points_px = person.points_px.copy()
        for joint in np.flatnonzero(np.isfinite(points_px).all(-1)):
            x, y = points_px[joint].tolist()
            if any(cv2.pointPolygonTest(region, (x, y), False) > 0 for region in regions):
                points_px[joint] = np.nan
        if np.isfinite(points_px).any():
            left.append(Person(person.track, points_px, person.head_px))
    return left


def _points(people: list[Person]) -> np.ndarray:
    return np.stack([p.points_px for p in people]) if people else np.zeros((0, len(POSETRACK_15), 2))


def _of_take(take: Take, truth: Video) -> Video:
    """A take's joints in the picture; its frames are the video's pictures in their order."""
    check_length(take, len(truth.images), "The video")
    points_px = to_convention("posetrack_15", cameras.project(joints_camera_m(take), take.intrinsics))
    people = {
        image: [
            Person(int(take.person_id[person]), points_px[person, frame], np.nan)
            for person in range(take.person_count)
            if np.isfinite(points_px[person, frame]).any()
        ]
        for frame, image in enumerate(truth.images)
    }
    return Video(truth.images, truth.labelled, people, {})


def _files(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in suffixes)


def _figures(counts: list[ClearCounts], strict: list[ClearCounts]) -> dict[str, Any]:
    figures, others = joint_figures(counts), joint_figures(strict)
    return {**figures, **{f"{name}_strict": others[name] for name in ("joint_mota", "joint_motp")}}


def _added(total: list[ClearCounts] | None, counts: list[ClearCounts]) -> list[ClearCounts]:
    return counts if total is None else [a + b for a, b in zip(total, counts)]
