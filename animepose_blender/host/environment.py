"""The worker's own Python environment: make, check, remove, and say how it stands. Free of bpy.

runtime/env/            the virtual environment; `ready.json` inside is written last, so that an environment
                        without it was interrupted
runtime/python/, uv/    a Python that `uv` brought, and uv itself, where the machine has none that fits
runtime/check.json      what the last check found, of this environment or of an interpreter of the user's
runtime/setup.log
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from ..protocol import Error, JobRequest, Result
from .interpreter import Interpreter, environment_python, find_interpreter, probe
from .setup_commands import Report, run_command
from .uv import python_from_uv
from .worker_client import WorkerClient, process_options, worker_environment

REQUIREMENTS = Path(__file__).with_name("worker_requirements.lock")
NEEDED_BYTES = 2_000_000_000
"""Free space a setup asks for: the environment takes 0.65 GB, its downloads 0.2 GB, a Python of its own 0.2 GB."""
CHECKED_MODULES = ("numpy", "scipy", "cv2", "av", "mediapipe")
CHECK_TIMEOUT_S = 180.0
"""The first import of mediapipe on a slow disk takes a minute."""


class State(Enum):
    """How an environment stands."""

    MISSING = "Not created yet"
    UNFINISHED = "Its creation was interrupted"
    OUTDATED = "Made for another version of AnimePose"
    UNCHECKED = "Not checked yet"
    BROKEN = "Does not work"
    READY = "Ready"


@dataclass(frozen=True)
class Status:
    """What is known about the interpreter that would run the worker."""

    state: State
    python: str = ""
    """Path of the interpreter; empty if there is none."""
    base: str = ""
    """The Python it was made from, and where that came from."""
    versions: dict[str, str] = field(default_factory=dict)
    checked: str = ""
    """When it was last checked, local time."""
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether a job may be started; an interpreter of the user's needs no check first."""
        return self.state in (State.READY, State.UNCHECKED)


def environment_status(runtime: Path) -> Status:
    """How the automatic environment stands, from its files alone; starts nothing."""
    environment = runtime / "env"
    python = environment_python(environment)
    if not environment.exists():
        return Status(State.MISSING)
    ready = _read_json(environment / "ready.json")
    if not ready or not python.exists():
        return Status(State.UNFINISHED)
    base = str(ready.get("base", ""))
    if ready.get("requirements") != _requirements_hash():
        return Status(State.OUTDATED, str(python), base)
    return _with_check(runtime, Status(State.READY, str(python), base))


def interpreter_status(runtime: Path, python: str) -> Status:
    """How an interpreter of the user's stands; starts nothing."""
    if not python or not Path(python).is_file():
        return Status(State.MISSING, problem=f"There is no file {python}." if python else "No interpreter is chosen.")
    return _with_check(runtime, Status(State.UNCHECKED, python))


def create_environment(
    runtime: Path, named: str, blender_python: str, report: Report, cancelled: threading.Event
) -> Status:
    """Make the environment anew, from nothing or from whatever an earlier try left.

    Args:
        runtime: folder of its own, made if need be.
        named: the Python to make it from; "" = find one, else have `uv` bring one.
        blender_python: Blender's own Python; used if it fits, never changed.
        report: takes progress.
        cancelled: stops it; what is there then counts as unfinished.
    Raises:
        Cancelled, AnimePoseError: the environment is then unfinished, and a next call starts over.
    """
    try:
        runtime.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(runtime).free
    except OSError as error:
        raise AnimePoseError(f"The folder {runtime} cannot be used: {error}.", "Check its permissions.") from error
    if free < NEEDED_BYTES:
        raise AnimePoseError(
            f"The disk of {runtime} has {free / 1e9:.1f} GB free; the setup needs {NEEDED_BYTES / 1e9:.0f} GB.",
            "Make space, then try again.",
        )
    log_path = runtime / "setup.log"
    log_path.unlink(missing_ok=True)

    report("Looking for Python 3.10 to 3.12", 0.0)
    interpreter = find_interpreter(named, blender_python)
    origin = "chosen in the preferences" if named else "found on this machine"
    if interpreter is None:
        report("None found: fetching one with uv", 0.02)
        interpreter = python_from_uv(runtime, blender_python, log_path, report, cancelled)
        origin = "fetched with uv"
    base = f"{interpreter}, {origin}"
    _stop_if(cancelled)

    environment = runtime / "env"
    report(f"Creating the environment with {base}", 0.1)
    _remove(environment)
    run_command(
        [interpreter.path, "-m", "venv", str(environment)], log_path, cancelled,
        failure="The environment could not be created",
    )  # fmt: skip
    _install(environment, log_path, report, cancelled)

    report("Checking", 0.93)
    python = environment_python(environment)
    versions = check_interpreter(str(python), runtime, cancelled)
    ready = {"requirements": _requirements_hash(), "base": base, "versions": versions}
    _write_json(environment / "ready.json", ready)
    report("Ready", 1.0)
    return environment_status(runtime)


def check_interpreter(python: str, runtime: Path, cancelled: threading.Event | None = None) -> dict[str, str]:
    """Try whether an interpreter can run the worker: its imports, then a made-up job; the outcome is remembered.

    Returns:
        Version of each package.
    Raises:
        AnimePoseError: if it cannot, saying why.
    """
    try:
        versions = _check(python, runtime, cancelled or threading.Event())
    except Cancelled:
        raise
    except AnimePoseError as error:
        _write_json(runtime / "check.json", _Check(python, _now(), {}, error.message).as_json())
        raise
    _write_json(runtime / "check.json", _Check(python, _now(), versions, "").as_json())
    return versions


def remove_environment(runtime: Path) -> None:
    """Remove everything that was set up.

    Raises:
        AnimePoseError: if a file cannot be removed.
    """
    for name in ("env", "python", "uv", "bootstrap", "cache"):
        _remove(runtime / name)
    for name in ("check.json", "setup.log"):
        (runtime / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Check:
    python: str
    checked: str
    versions: dict[str, str]
    problem: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def _with_check(runtime: Path, status: Status) -> Status:
    """The status with what the last check of the same interpreter found."""
    check = _read_json(runtime / "check.json")
    if check.get("python") != status.python:
        return status
    problem = str(check.get("problem", ""))
    state = State.BROKEN if problem else State.READY
    versions = check.get("versions")
    return Status(
        state, status.python, status.base, versions if isinstance(versions, dict) else {},
        str(check.get("checked", "")), problem,
    )  # fmt: skip


def _install(environment: Path, log_path: Path, report: Report, cancelled: threading.Event) -> None:
    python = str(environment_python(environment))
    expected = sum(1 for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if "==" in line)
    seen = 0

    def on_line(line: str) -> None:
        nonlocal expected, seen
        if line.startswith("Ignoring "):  # meant for another version of Python
            expected -= 1
        elif line.startswith(("Collecting ", "Processing ")):
            seen += 1
            package = Path(line.split()[1]).name.partition("==")[0].partition("-")[0]
            report(f"Fetching {package}", 0.15 + 0.6 * min(seen / max(expected, 1), 1.0))
        elif line.startswith("Installing collected"):
            report("Installing", 0.78)

    command = [python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "-r", str(REQUIREMENTS)]
    run_command(command, log_path, cancelled, on_line, failure="The packages could not be installed")


_IMPORTS = """
import importlib, json, sys
try:
    found = {n: getattr(importlib.import_module(n), '__version__', '') for n in sys.argv[1:]}
    print(json.dumps({'python': '.'.join(map(str, sys.version_info[:3])), **found}))
except ImportError as error:
    sys.exit('cannot import: %s' % error)
"""


def _check(python: str, runtime: Path, cancelled: threading.Event) -> dict[str, str]:
    interpreter = probe(python)
    if interpreter is None:
        raise AnimePoseError(f"{python} is not a Python that can be started.", "Choose another or repair it.")
    if not _can_run_worker(interpreter):
        raise AnimePoseError(f"The worker needs Python 3.10 or later; this is {interpreter}.", "Choose another.")
    try:
        answer = subprocess.run(
            [python, "-s", "-c", _IMPORTS, *CHECKED_MODULES],
            capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
            env=worker_environment(), **process_options(),  # type: ignore[call-overload]
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AnimePoseError(f"{interpreter} does not answer: {error}.", "Choose another or repair it.") from error
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]
        raise AnimePoseError(
            f"{interpreter} lacks what the worker needs: {last}.", "Repair the environment, or choose another."
        )
    versions = json.loads(answer.stdout.splitlines()[-1])
    _stop_if(cancelled)
    with tempfile.TemporaryDirectory(prefix="animepose-check-") as folder:
        job = JobRequest("check", os.path.join(folder, "take.npz"), preset="dummy", settings={"frames": 2})
        outcome = WorkerClient(python, job, runtime / "check.log").run()
    if not isinstance(outcome, Result):
        reason = outcome.message if isinstance(outcome, Error) else "it stopped"
        raise AnimePoseError(f"{interpreter} cannot run the worker: {reason}", "Repair it, or choose another.")
    return versions


def _can_run_worker(interpreter: Interpreter) -> bool:
    return interpreter.version[:2] >= (3, 10)


def _requirements_hash() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _stop_if(cancelled: threading.Event) -> None:
    if cancelled.is_set():
        raise Cancelled


def _now() -> str:
    return datetime.now().strftime("%Y-%m-%d %H:%M")


def _remove(folder: Path) -> None:
    problems: list[str] = []

    def note(function: Callable[..., object], path: str, error: object) -> None:
        problems.append(path)

    if folder.exists():
        # The marker goes first: whatever happens next, the environment then counts as unfinished.
        (folder / "ready.json").unlink(missing_ok=True)
        shutil.rmtree(folder, onerror=note)
    if folder.exists():
        raise AnimePoseError(
            f"{problems[0] if problems else folder} cannot be removed.", "Close programs that use it, then try again."
        )


def _read_json(path: Path) -> dict[str, object]:
    """The object in a file; empty if there is none or it is damaged, which counts as not written."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_json(path: Path, data: dict[str, object]) -> None:
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise AnimePoseError(f"{path} could not be written: {error}.", "Check that the disk has space left.") from error
