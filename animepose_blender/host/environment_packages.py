"""The packages of the worker's environment: what every preset needs, and what networks of the store need besides.

Free of bpy. The second set brings PyTorch as the package index has it: with CUDA for Linux, with Metal for macOS on
Apple's processors, and for the processor alone for Windows. A GPU on Windows needs an interpreter of the user's own,
with torch from PyTorch's own index, named in the preferences.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError
from .interpreter import environment_python
from .setup_commands import Report, run_command

_HERE = Path(__file__).parent
_FETCHED = 0.8
"""Share of an installation that goes by until all is fetched; pip says nothing while it unpacks."""


@dataclass(frozen=True)
class Packages:
    """Packages that are installed together."""

    requirements: Path
    """Every package with its version and hashes."""
    modules: tuple[str, ...]
    """What must be importable then: `module`, or `module:name` to ask it for something too."""
    needed_bytes: int
    """Free space that installing them asks for."""
    oldest: tuple[int, int]
    """Python that they exist for, at least."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modules."""
        return tuple(module.partition(":")[0] for module in self.modules)

    def fingerprint(self) -> str:
        """Changes when a version does."""
        return hashlib.sha256(self.requirements.read_bytes()).hexdigest()


BASIC = Packages(
    _HERE / "worker_requirements.lock",
    ("numpy", "scipy", "cv2", "av", "mediapipe"),
    # The environment takes 0.65 GB, its downloads 0.2 GB, a Python of its own 0.2 GB.
    2_000_000_000,
    (3, 10),
)
"""For the preset `offline`, and under every other."""
QUALITY = Packages(
    _HERE / "worker_requirements_quality.lock",
    # transformers imports nearly nothing until it is asked.
    ("torch", "transformers:PreTrainedModel"),
    # On Linux, most of it is CUDA: 2.8 GB are fetched, kept by pip for the next time, and unpacked to 4.9 GB.
    11_000_000_000 if sys.platform == "linux" else 3_000_000_000,
    (3, 11),
)
"""For networks of the weight store, as the preset `quality` uses them; installed after `BASIC`."""


def require_space(folder: Path, needed_bytes: int) -> None:
    """Make a folder if need be, and see whether its disk has room.

    Raises:
        AnimePoseError: if not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise AnimePoseError(f"The folder {folder} cannot be used: {error}.", "Check its permissions.") from error
    if free < needed_bytes:
        raise AnimePoseError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free; the setup needs {needed_bytes / 1e9:.0f} GB.",
            "Make space, then try again.",
        )


def install(
    packages: Packages,
    environment: Path,
    log_path: Path,
    report: Report,
    cancelled: threading.Event,
    span: tuple[float, float],
) -> None:
    """Fetch packages, checked against their hashes, into a virtual environment.

    Args:
        packages: what to install; what is there in the right version already is left as it is.
        environment: folder of the virtual environment.
        log_path: what pip prints is appended here.
        report: takes progress, from the first share of `span` to the second.
        cancelled: stops it.
    Raises:
        Cancelled: if the user wants to stop.
        AnimePoseError: if something cannot be fetched or installed.
    """
    python = str(environment_python(environment))
    first, last = span
    expected = sum(1 for line in packages.requirements.read_text(encoding="utf-8").splitlines() if "==" in line)
    seen = 0

    def progress(text: str, share: float) -> None:
        report(text, first + (last - first) * share)

    def on_line(line: str) -> None:
        nonlocal expected, seen
        if line.startswith("Ignoring "):  # meant for another version of Python
            expected -= 1
        elif line.startswith(("Collecting ", "Processing ", "Requirement already satisfied")):
            seen += 1
            progress(f"Fetching {_package(line)}", _FETCHED * min(seen / max(expected, 1), 1.0))
        elif line.startswith("Downloading ") and line.endswith(" MB)"):
            # Minutes pass with the large ones.
            progress(
                f"Fetching {_package(line)} {line[line.rindex('(') :]}", _FETCHED * min(seen / max(expected, 1), 1.0)
            )
        elif line.startswith("Installing collected"):
            progress("Installing", _FETCHED)

    command = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "-r", str(packages.requirements)]
    run_command(command, log_path, cancelled, on_line, failure="The packages could not be installed")


def _package(line: str) -> str:
    """The package that a line of pip's is about."""
    word = line.removeprefix("Requirement already satisfied:").split()[0 if line.startswith("Requirement") else 1]
    name, named, _ = Path(word).name.partition("==")
    return name if named else name.partition("-")[0]  # else a wheel: name-version-tags
