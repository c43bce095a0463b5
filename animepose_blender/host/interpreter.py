"""Finds a Python that the worker's environment can be made from. Free of bpy.

mediapipe 0.10.21 has wheels for Python 3.9 to 3.12 and this code needs 3.10, while Blender's own Python may be newer.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError
from .worker_client import process_options, worker_environment

PREFERRED: tuple[tuple[int, int], ...] = ((3, 11), (3, 12), (3, 10))
"""Supported versions, best first: 3.11 is the one everything is tested with."""
PROBE_TIMEOUT_S = 20.0

_PROBE = """
import json, sys
from importlib.util import find_spec
have = lambda name: find_spec(name) is not None
print(json.dumps([list(sys.version_info[:3]), have('venv') and have('ensurepip'), have('pip'),
                  sys.executable]))
"""

_PLACES = (
    # programs started from a dock or a start menu often do not have the shell's PATH
    "/opt/homebrew/bin/python3.{minor}",
    "/usr/local/bin/python3.{minor}",
    "/usr/bin/python3.{minor}",
    "/Library/Frameworks/Python.framework/Versions/3.{minor}/bin/python3",
    "~/.pyenv/versions/3.{minor}.*/bin/python",
    "~/.local/share/uv/python/cpython-3.{minor}.*/bin/python3",
    "~/.local/bin/python3.{minor}",
    "~/AppData/Local/Programs/Python/Python3{minor}/python.exe",
    "~/.pyenv/pyenv-win/versions/3.{minor}.*/python.exe",
    "C:/Program Files/Python3{minor}/python.exe",
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that was started once and answered."""

    path: str
    version: tuple[int, int, int]
    makes_environments: bool
    """It has `venv` and `ensurepip`; some Linux distributions leave them out."""
    has_pip: bool

    @property
    def supported(self) -> bool:
        """Whether the worker's environment can be made from it."""
        return self.version[:2] in PREFERRED and self.makes_environments

    def __str__(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} at {self.path}"


def probe(path: str | os.PathLike[str]) -> Interpreter | None:
    """Start a Python and ask what it is; None if it does not answer."""
    try:
        answer = subprocess.run(
            [os.fspath(path), "-s", "-c", _PROBE],
            capture_output=True, timeout=PROBE_TIMEOUT_S, check=True, text=True, stdin=subprocess.DEVNULL,
            env=worker_environment(), **process_options(),  # type: ignore[call-overload]
        )  # fmt: skip
        version, makes_environments, has_pip, executable = json.loads(answer.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    # its own word for where it is: the name it was called by may be a launcher's
    return Interpreter(executable or os.fspath(path), tuple(version), makes_environments, has_pip)


def candidates(blender_python: str) -> Iterator[str]:
    """Paths on this machine that may be a Python of a supported version, best version first, then Blender's own."""
    seen: set[str] = set()
    for major, minor in PREFERRED:
        places = [shutil.which(f"python{major}.{minor}") or ""]
        for place in _PLACES:
            places += sorted(glob.glob(os.path.expanduser(place.format(minor=minor))), reverse=True)
        if sys.platform == "win32":
            places.append(_from_py_launcher(f"{major}.{minor}"))
        for path in filter(None, places):
            if path not in seen:
                seen.add(path)
                yield path
    yield blender_python


def find_interpreter(
    named: str,
    blender_python: str,
    probe: Callable[[str], Interpreter | None] = probe,
    oldest: tuple[int, int] = min(PREFERRED),
) -> Interpreter | None:
    """The Python to make the environment from: the one the user names, else one found on the machine.

    Args:
        named: by the user, or "".
        blender_python: Blender's own, the last resort.
        probe: starts a Python and asks it.
        oldest: version that the packages to be installed exist for.
    Returns:
        None if no name is given and nothing on the machine fits.
    Raises:
        AnimePoseError: if the one the user names does not answer or does not fit.
    """
    if named:
        interpreter = probe(named)
        if interpreter is None:
            raise AnimePoseError(f"{named} is not a Python that can be started.", "Choose another, or leave it empty.")
        if not interpreter.supported or interpreter.version < oldest:
            lack = "" if interpreter.makes_environments else ", and it lacks venv or ensurepip"
            raise AnimePoseError(
                f"The environment needs Python 3.{oldest[1]} to 3.12; this is {interpreter}{lack}.",
                "Choose another, or leave it empty to have one found or fetched.",
            )
        return interpreter
    for path in candidates(blender_python):
        interpreter = probe(path)
        if interpreter is not None and interpreter.supported and interpreter.version >= oldest:
            return interpreter
    return None


def find_pip(blender_python: str, probe: Callable[[str], Interpreter | None] = probe) -> Interpreter | None:
    """Any Python 3 with pip or the means to make an environment that has it, to fetch `uv` with."""
    names = [blender_python, *(shutil.which(name) or "" for name in ("python3", "python"))]
    found = [interpreter for name in names if name and (interpreter := probe(name)) is not None]
    able = [i for i in found if i.version >= (3, 8, 0) and (i.has_pip or i.makes_environments)]
    return next((i for i in able if i.has_pip), able[0] if able else None)


def environment_python(environment: Path) -> Path:
    """The interpreter inside a virtual environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def _from_py_launcher(version: str) -> str:
    """Path that the Windows launcher `py` knows for a version, or ""."""
    launcher = shutil.which("py")
    if launcher is None:
        return ""
    try:
        answer = subprocess.run(
            [launcher, f"-{version}", "-c", "import sys; print(sys.executable)"],
            capture_output=True, timeout=PROBE_TIMEOUT_S, check=True, text=True,
            **process_options(),  # type: ignore[call-overload]
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
