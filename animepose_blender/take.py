"""The take: everything known about one clip, in one file that anyone with numpy can read.

F frames, P people, J = B joints and bones, K = J keypoints (`skeleton.JOINTS`). NaN means not observed. Metres,
seconds, pixels (x right, y down, pixel centres at +0.5), quaternions wxyz. World axes are Blender's: Z up, floor at
z = 0. Camera axes are OpenCV's: x right, y down, z forward.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass, field, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from .errors import AnimePoseError
from .protocol import partial_take_path
from .skeleton import BONE_COUNT, JOINT_COUNT

SCHEMA_VERSION = 1
"""Raised whenever a field changes its meaning; files of a newer version are refused."""


class State(IntEnum):
    """What is known of a person in a frame (`Take.state`)."""

    ABSENT = 0
    OBSERVED = 1
    PREDICTED = 2
    """Hidden, and filled in by the trajectory model."""


_SHAPES: dict[str, tuple[str, ...]] = {
    "frame_time_s": ("F",),
    "intrinsics": ("F", "3", "3"),
    "camera_to_world": ("F", "4", "4"),
    "person_id": ("P",),
    "state": ("P", "F"),
    "keypoints_px": ("P", "F", "J", "2"),
    "keypoint_confidence": ("P", "F", "J"),
    "joints_world_m": ("P", "F", "J", "3"),
    "joint_confidence": ("P", "F", "J"),
    "box_px": ("P", "F", "4"),
    "box_camera_m": ("P", "F", "6"),
    "contact": ("P", "F", "4"),
    "rotations": ("P", "F", "B", "4"),
    "root_world_m": ("P", "F", "3"),
    "bone_length_m": ("P", "B"),
}
_INTEGER_FIELDS = {"person_id": np.int32, "state": np.uint8}
_DOUBLE_FIELDS = ("frame_time_s", "intrinsics", "camera_to_world")
_MUST_BE_FINITE = ("frame_time_s", "intrinsics", "camera_to_world", "bone_length_m")
_HAND_SHAPES: dict[str, tuple[str, ...]] = {
    "hand_keypoints_px": ("P", "F", "2", "21", "2"),
    "hand_confidence": ("P", "F", "2"),
    "hand_rotations": ("P", "F", "2", "15", "4"),
    "hand_bone_length_m": ("P", "2", "20"),
}
"""All or none of these are there."""
_OPTIONAL_PREFIXES = ("hand_", "face_", "root_sigma_m", "thumbnails")
THUMBNAIL_PX = 96
"""Width and height of the pictures in `thumbnails`."""
_UNIT_TOLERANCE = 1e-3


def read_npz(path: str | os.PathLike[str], kind: str, remedy: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz, without unpickling anything.

    Args:
        path: the file.
        kind: what it should be, for the message.
        remedy: what the user can do where it is not.
    Raises:
        AnimePoseError: if the file is missing or is no whole .npz.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no {kind} at {path}.", "Check the path.") from error
    # TypeError: a single array (.npy), which is no archive. zlib.error: damaged bytes.
    except (OSError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise AnimePoseError(f"{path} is not a {kind}: it cannot be read as .npz ({error}).", remedy) from error


@dataclass(eq=False)
class Take:
    """One clip, solved. Arrays are cast on construction (float32; float64 for times and cameras) and validated.

    Raises:
        AnimePoseError: if a shape, a value range or the order of the frame times is wrong.
    """

    source: dict[str, Any]
    """Clip path, sha256, size, frame rate as a fraction, rotation, preset, model cards, versions; JSON.

    `edits`, where somebody made some, are what `core.review` lays over the tracks: the arrays stay as estimated."""
    frame_time_s: np.ndarray
    """(F,) presentation time of each frame, strictly increasing."""
    intrinsics: np.ndarray
    """(F, 3, 3) pinhole matrix of each frame, pixels."""
    camera_to_world: np.ndarray
    """(F, 4, 4) from camera axes to world axes."""
    person_id: np.ndarray
    """(P,) stable, unique ids."""
    state: np.ndarray
    """(P, F) `State`."""
    keypoints_px: np.ndarray
    """(P, F, K, 2) image evidence."""
    keypoint_confidence: np.ndarray
    """(P, F, K) 0 to 1; 0 where the keypoint is NaN."""
    joints_world_m: np.ndarray
    """(P, F, J, 3) the solved joints; NaN where the person is absent."""
    joint_confidence: np.ndarray
    """(P, F, J) 0 to 1."""
    box_px: np.ndarray
    """(P, F, 4) x0, y0, x1, y1."""
    box_camera_m: np.ndarray
    """(P, F, 6) depth-localized 3D box: min corner, max corner, camera axes."""
    contact: np.ndarray
    """(P, F, 4) probability that left heel, left toe, right heel, right toe stand on the floor."""
    rotations: np.ndarray
    """(P, F, B, 4) local bone rotations, wxyz, see `skeleton`; that of the pelvis is in world axes."""
    root_world_m: np.ndarray
    """(P, F, 3) the pelvis."""
    bone_length_m: np.ndarray
    """(P, B) constant bone lengths of each person; the pelvis's is 0."""
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    """Optional arrays: names that begin with `hand_` or `face_`, and `root_sigma_m`, (P, F, 2), how far the root may be
    off across the camera's ray and along it.

    `thumbnails` (P, 96, 96, 3) uint8 RGB, upright: a picture of each person's head and chest, cut out of the frame in
    which they are seen best; black for somebody of whom there is none.

    In a take in which hands were seen (left hand first; points, bones and their order: `core.fingers`):
    `hand_keypoints_px` (P, F, 2, 21, 2), NaN where a hand is not seen, and `hand_confidence` (P, F, 2), 0 there;
    `hand_rotations` (P, F, 2, 15, 4), local rotations of the finger bones in all frames, wxyz, relaxed where a hand is
    not seen; `hand_bone_length_m` (P, 2, 20), constant lengths of the bones that end at all points but the wrist."""

    def __post_init__(self) -> None:
        for name in _SHAPES:
            dtype = _INTEGER_FIELDS.get(name, np.float64 if name in _DOUBLE_FIELDS else np.float32)
            try:
                setattr(self, name, np.asarray(getattr(self, name), dtype=dtype))
            except (ValueError, TypeError) as error:
                raise _invalid(f"{name} does not hold numbers ({error})") from error
        self.validate()

    @property
    def has_fingers(self) -> bool:
        """Whether the take knows how fingers move."""
        return "hand_rotations" in self.extras

    @property
    def frame_count(self) -> int:
        """F."""
        return self.frame_time_s.shape[0]

    @property
    def person_count(self) -> int:
        """P."""
        return self.person_id.shape[0]

    def validate(self) -> None:
        """Check every field against the contract at the top of this module.

        Raises:
            AnimePoseError: naming the field, what was expected and what came.
        """
        sizes = {
            "F": self.frame_time_s.shape[0] if self.frame_time_s.ndim == 1 else -1,
            "P": self.person_id.shape[0] if self.person_id.ndim == 1 else -1,
            "J": JOINT_COUNT,
            "B": BONE_COUNT,
        }
        for name, dimensions in _SHAPES.items():
            expected = tuple(sizes[d] if d in sizes else int(d) for d in dimensions)
            actual = getattr(self, name).shape
            if actual != expected:
                raise _invalid(f"{name} has shape {actual}, expected {dimensions} = {expected}")
        if sizes["F"] < 1:
            raise _invalid("it holds no frames")
        for name in _MUST_BE_FINITE:
            if not np.isfinite(getattr(self, name)).all():
                raise _invalid(f"{name} holds values that are not finite")
        if (np.diff(self.frame_time_s) <= 0).any():
            raise _invalid("frame_time_s does not increase from frame to frame")
        if len(set(self.person_id.tolist())) != self.person_count:
            raise _invalid(f"person_id holds the same id twice: {self.person_id.tolist()}")
        if self.state.size and self.state.max() > max(State):
            raise _invalid(f"state holds {self.state.max()}, expected 0 to {int(max(State))}")
        for name in ("keypoint_confidence", "joint_confidence", "contact"):
            values = getattr(self, name)
            if values.size and ((values < 0) | (values > 1)).any():
                raise _invalid(f"{name} holds values outside 0 to 1")
        present = self.state != State.ABSENT
        for name in ("joints_world_m", "rotations", "root_world_m"):
            if not np.isfinite(getattr(self, name)[present]).all():
                raise _invalid(f"{name} is not finite in frames where the person is present")
        norms = np.linalg.norm(self.rotations[present], axis=-1)
        if norms.size and np.abs(norms - 1).max() > _UNIT_TOLERANCE:
            raise _invalid("rotations holds quaternions that are not of unit length")
        for name, values in self.extras.items():
            if not name.startswith(_OPTIONAL_PREFIXES):
                raise _invalid(f"unknown field {name!r}; optional fields begin with {_OPTIONAL_PREFIXES}")
            # np.load gives a member that is no array as its bytes.
            if not isinstance(values, np.ndarray):
                raise _invalid(f"{name} is not an array")

        self._validate_hands(sizes)
        pictures, expected = self.extras.get("thumbnails"), (self.person_count, THUMBNAIL_PX, THUMBNAIL_PX, 3)
        if pictures is not None and (pictures.shape != expected or pictures.dtype != np.uint8):
            raise _invalid(f"thumbnails is {pictures.dtype} {pictures.shape}, expected uint8 {expected}")

    def _validate_hands(self, sizes: dict[str, int]) -> None:
        given = [name for name in _HAND_SHAPES if name in self.extras]
        if not given:
            return
        if len(given) < len(_HAND_SHAPES):
            raise _invalid(f"of {list(_HAND_SHAPES)} only {given} are there")
        for name, dimensions in _HAND_SHAPES.items():
            expected = tuple(sizes[d] if d in sizes else int(d) for d in dimensions)
            values = self.extras[name]
            if values.shape != expected or not np.issubdtype(values.dtype, np.floating):
                raise _invalid(f"{name} is {values.dtype} {values.shape}, expected floats {dimensions} = {expected}")
        confidence, turns = self.extras["hand_confidence"], self.extras["hand_rotations"]
        if not ((confidence >= 0) & (confidence <= 1)).all():
            raise _invalid("hand_confidence holds values outside 0 to 1")
        norms = np.linalg.norm(turns[self.state != State.ABSENT], axis=-1)
        if not (np.abs(norms - 1) <= _UNIT_TOLERANCE).all():
            raise _invalid("hand_rotations holds quaternions that are not of unit length")
        lengths_m = self.extras["hand_bone_length_m"]
        if not (np.isfinite(lengths_m) & (lengths_m > 0)).all():
            raise _invalid("hand_bone_length_m holds values that are not above 0")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the take; the file appears whole or not at all.

        Returns:
            The path written to.
        Raises:
            AnimePoseError: if the folder cannot be written to or the disk is full.
        """
        path = Path(path)
        temporary = partial_take_path(path, os.getpid())
        arrays = {name: getattr(self, name) for name in _SHAPES} | self.extras
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.savez_compressed(
                    file, schema_version=np.int32(SCHEMA_VERSION), source=np.array(json.dumps(self.source)), **arrays
                )
                file.flush()
                os.fsync(file.fileno())  # a power cut must not leave the name without the bytes
            temporary.replace(path)
        except OSError as error:
            raise AnimePoseError(
                f"The take could not be written to {path}: {error.strerror or error}.",
                "Choose a folder that can be written to and has space left.",
            ) from error
        finally:
            # Where its folder cannot be written to there is nothing to remove, and the error is already on its way.
            with contextlib.suppress(OSError):
                temporary.unlink()
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Take:
        """Read a take.

        Raises:
            AnimePoseError: if the file is missing, is not a take, is of a newer version or breaks the contract.
        """
        arrays = read_npz(path, "take", "Estimate the clip again.")
        version = arrays.pop("schema_version", None)
        if version is None or version.shape != () or not np.issubdtype(version.dtype, np.integer):
            raise AnimePoseError(f"{path} is not a take: it has no schema_version.", "Choose a take.npz.")
        if int(version) > SCHEMA_VERSION:
            raise AnimePoseError(
                f"{path} was written by a newer AnimePose (take version {int(version)}, known up to {SCHEMA_VERSION}).",
                "Update AnimePose, or estimate the clip again with this version.",
            )
        missing = [f.name for f in fields(cls) if f.name != "extras" and f.name not in arrays]
        if missing:
            raise AnimePoseError(
                f"{path} is not a whole take: {', '.join(missing)} missing.", "Estimate the clip again."
            )
        try:
            source = json.loads(str(arrays.pop("source")))
        except ValueError as error:
            raise _invalid(f"source is not JSON ({error})") from error
        if not isinstance(source, dict):
            raise _invalid(f"source is no JSON object but {source!r:.40}")
        known = {name: arrays.pop(name) for name in _SHAPES}
        return cls(source=source, **known, extras=arrays)


def change_source(path: str | os.PathLike[str], changes: dict[str, Any]) -> None:
    """Change entries of `Take.source` in a file; it changes whole or not at all.

    Only that one member of the archive is written again. The arrays are copied as they lie there, compressed, so that
    it takes no longer than a copy of the file.

    Args:
        path: of a take.
        changes: new values; None removes an entry.
    Raises:
        AnimePoseError: if there is no take of a known version, its folder cannot be written to or the disk is full.
    """
    path = Path(path)
    source = {name: value for name, value in (_source_of(path) | changes).items() if value is not None}
    temporary = partial_take_path(path, os.getpid())
    try:
        shutil.copyfile(path, temporary)
        _replace_source(temporary, source)
        temporary.replace(path)
    except OSError as error:
        raise AnimePoseError(
            f"The take at {path} could not be changed: {error.strerror or error}.",
            "Make its folder writable and free some space, or copy the take elsewhere.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _source_of(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            version, source = int(archive["schema_version"]), json.loads(str(archive["source"]))
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no take at {path}.", "Check the path.") from error
    # KeyError: a member is missing. TypeError: a single array, or a version that is no number.
    except (OSError, KeyError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise AnimePoseError(f"{path} is not a take ({error}).", "Choose a take.npz.") from error
    if version > SCHEMA_VERSION or not isinstance(source, dict):
        raise AnimePoseError(
            f"{path} is a take of version {version}, known up to {SCHEMA_VERSION}.",
            "Update AnimePose, or estimate the clip again with this version.",
        )
    return source


def _replace_source(file: Path, source: dict[str, Any]) -> None:
    """Write the member of an archive anew, at its end.

    zipfile can add members, not replace them, so the old one is taken off the directory first. From the second time on
    it lies at the end, and its room is used again.
    """
    data, member = io.BytesIO(), "source.npy"
    np.lib.format.write_array(data, np.array(json.dumps(source)), allow_pickle=False)
    with zipfile.ZipFile(file, "a") as archive:
        old = archive.getinfo(member)
        archive.filelist.remove(old)
        del archive.NameToInfo[member]
        if all(other.header_offset < old.header_offset for other in archive.filelist):
            archive.start_dir = old.header_offset
        # A ZipInfo made by hand has no time of day in it: the same source makes the same bytes.
        archive.writestr(zipfile.ZipInfo(member), data.getvalue(), compress_type=zipfile.ZIP_DEFLATED)


def _invalid(what: str) -> AnimePoseError:
    return AnimePoseError(f"The take is not valid: {what}.", "Estimate the clip again, or report this as a bug.")
