"""Where a machine has no Python that fits, `uv` brings one, into the add-on's own folder. Free of bpy.

uv comes as its wheel, checked against the hashes in `uv_requirement.txt`, and is fetched with the pip of any Python at
hand, into a folder: nothing is installed into that Python. uv checks the Python that it downloads against hashes of
its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import zipfile
from pathlib import Path

from ..errors import AnimePoseError
from .interpreter import Interpreter, environment_python, find_pip, probe
from .setup_commands import Report, run_command

UV_REQUIREMENT = Path(__file__).with_name("uv_requirement.txt")
PYTHON_VERSION = "3.11"
PROGRAM = "uv.exe" if sys.platform == "win32" else "uv"


def python_from_uv(
    runtime: Path, blender_python: str, log_path: Path, report: Report, cancelled: threading.Event
) -> Interpreter:
    """Fetch uv if it is not there yet, and a Python with it.

    Raises:
        Cancelled: if the user wants to stop.
        AnimePoseError: if no pip is at hand, or something cannot be fetched.
    """
    program = runtime / "uv" / PROGRAM
    if not program.exists():
        wheel = _download_wheel(runtime, blender_python, log_path, report, cancelled)
        _unpack_program(wheel, program)
    report(f"Fetching Python {PYTHON_VERSION}", 0.05)
    home = runtime / "python"
    run_command(
        [str(program), "python", "install", PYTHON_VERSION, "--install-dir", str(home), "--no-bin"],
        log_path, cancelled, extra_environment={"UV_CACHE_DIR": str(runtime / "cache"), "UV_NO_CONFIG": "1"},
        failure=f"Python {PYTHON_VERSION} could not be fetched",
    )  # fmt: skip
    name = "python.exe" if sys.platform == "win32" else f"bin/python{PYTHON_VERSION}"
    for folder in sorted(home.glob(f"cpython-{PYTHON_VERSION}*")):
        interpreter = probe(folder / name)
        if interpreter is not None and interpreter.supported:
            return interpreter
    raise AnimePoseError("The Python that uv fetched does not start.", _NAME_ONE)


def _download_wheel(
    runtime: Path, blender_python: str, log_path: Path, report: Report, cancelled: threading.Event
) -> Path:
    interpreter = find_pip(blender_python)
    if interpreter is None:
        raise AnimePoseError("No Python 3.10 to 3.12 was found, and no pip to fetch one with.", _NAME_ONE)
    python = interpreter.path
    bootstrap = runtime / "bootstrap"
    if not interpreter.has_pip:
        # Its ensurepip may carry a pip; that goes into an environment of its own, not into this Python.
        python = str(environment_python(bootstrap))
        run_command(
            [interpreter.path, "-m", "venv", "--clear", str(bootstrap)], log_path, cancelled,
            failure="No pip to fetch uv with could be set up",
        )  # fmt: skip
    report("Fetching uv", 0.03)
    folder = runtime / "uv"
    command = [python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "-d", str(folder), "-r", str(UV_REQUIREMENT)]
    run_command(command, log_path, cancelled, failure="uv could not be fetched")
    shutil.rmtree(bootstrap, ignore_errors=True)
    wheels = sorted(folder.glob("uv-*.whl"))
    if not wheels:
        raise AnimePoseError("uv was fetched, but its wheel is not there.", _NAME_ONE)
    return wheels[-1]


def _unpack_program(wheel: Path, program: Path) -> None:
    """Take the one program out of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(f".data/scripts/{PROGRAM}"))
        temporary = program.with_name(program.name + ".part")
        temporary.write_bytes(archive.read(member))
    temporary.chmod(0o755)
    os.replace(temporary, program)
    wheel.unlink()


_NAME_ONE = "Install Python 3.11, or choose a Python in the add-on's preferences."
