"""The networks that an environment holds: MediaPipe's, which come inside its package."""

from __future__ import annotations

import base64
import hashlib
from importlib import metadata
from pathlib import Path

from ..errors import AnimePoseError

PACKAGE = "mediapipe"
LICENCE = "Apache-2.0"
_FOLDERS = tuple(f"mediapipe/modules/{name}/" for name in ("pose_landmark", "pose_detection", "hand_landmark"))
_REPAIR = "Repair the environment, or install mediapipe again."


def list_models() -> list[str]:
    """Name, licence and place of every model file, as lines for the user."""
    distribution, files = _model_files()
    title = f"MediaPipe Pose and Hands  licence {LICENCE}, commercial use allowed  {PACKAGE} {distribution.version}"
    return [title, *(f"  {distribution.locate_file(file)}" for file in files)]


def verify_models() -> list[str]:
    """Compare every model file with the sha256 that its package was installed with.

    Returns:
        A line for each.
    Raises:
        AnimePoseError: if one is missing or differs.
    """
    lines: list[str] = []
    distribution, files = _model_files()
    for file in files:
        path = Path(str(distribution.locate_file(file)))
        if not path.is_file():
            raise AnimePoseError(f"The model file {path} is missing.", _REPAIR)
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        if file.hash is None or file.hash.value != digest:
            raise AnimePoseError(f"The model file {path} is not the one that was installed.", _REPAIR)
        lines.append(f"ok  {path}")
    return lines


def _model_files() -> tuple[metadata.Distribution, list[metadata.PackagePath]]:
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise AnimePoseError(f"The package {PACKAGE} is not in this environment.", _REPAIR) from error
    files = [f for f in distribution.files or [] if f.suffix == ".tflite" and f.as_posix().startswith(_FOLDERS)]
    if not files:
        raise AnimePoseError(f"The package {PACKAGE} {distribution.version} holds no pose model.", _REPAIR)
    return distribution, files
