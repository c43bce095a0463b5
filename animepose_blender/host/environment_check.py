"""Tries whether an interpreter can run the worker, and remembers what was found. Free of bpy.

runtime/check.json      what the last check found, of the own environment or of an interpreter of the user's
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from ..protocol import Error, JobRequest, Result
from .environment_files import read_json, write_json
from .environment_packages import BASIC, QUALITY
from .interpreter import probe
from .worker_client import WorkerClient, process_options, worker_environment

CHECK_TIMEOUT_S = 300.0
"""The first import of mediapipe on a slow disk takes a minute, that of torch another."""


@dataclass(frozen=True)
class Check:
    """What a check found."""

    python: str
    """Path of the interpreter."""
    checked: str
    """When, local time."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of each package that can be imported; those that only networks of the store need may be missing."""
    problem: str = ""
    """Why it cannot run the worker; empty if it can."""
    quality_problem: str = ""
    """Why packages for networks of the store are there, but cannot be imported."""


def check_interpreter(python: str, runtime: Path, cancelled: threading.Event | None = None) -> Check:
    """Try whether an interpreter can run the worker: its imports, then a made-up job; the outcome is remembered.

    Raises:
        AnimePoseError: if it cannot, saying why. That the packages for networks of the store are missing is no reason.
    """
    try:
        versions, quality_problem = _check(python, runtime, cancelled or threading.Event())
    except Cancelled:
        raise
    except AnimePoseError as error:
        write_json(runtime / "check.json", asdict(Check(python, _now(), problem=error.message)))
        raise
    found = Check(python, _now(), versions, quality_problem=quality_problem)
    write_json(runtime / "check.json", asdict(found))
    return found


def last_check(runtime: Path, python: str) -> Check | None:
    """What the last check found, if it was of this interpreter."""
    data = read_json(runtime / "check.json")
    if data.get("python") != python:
        return None
    versions = data.get("versions")
    return Check(
        python,
        str(data.get("checked", "")),
        {str(name): str(version) for name, version in versions.items()} if isinstance(versions, dict) else {},
        str(data.get("problem", "")),
        str(data.get("quality_problem", "")),
    )


_IMPORTS = """
import importlib, json, sys
from importlib.util import find_spec
needed, extra = (argument.split(',') for argument in sys.argv[1:])
found, failed = {'python': '.'.join(map(str, sys.version_info[:3]))}, []
for wanted in needed + extra:
    name, _, attribute = wanted.partition(':')
    try:
        if wanted in extra and find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        if attribute:
            getattr(module, attribute)
        found[name] = getattr(module, '__version__', '')
    except Exception as error:
        if wanted in needed:
            sys.exit('cannot import: %s' % error)
        failed.append('%s cannot be imported: %s' % (name, error))
print(json.dumps([found, failed]))
"""


def _check(python: str, runtime: Path, cancelled: threading.Event) -> tuple[dict[str, str], str]:
    """Versions, and why packages for networks of the store cannot be imported."""
    interpreter = probe(python)
    if interpreter is None:
        raise AnimePoseError(f"{python} is not a Python that can be started.", "Choose another or repair it.")
    if interpreter.version[:2] < BASIC.oldest:
        raise AnimePoseError(f"The worker needs Python 3.10 or later; this is {interpreter}.", "Choose another.")
    try:
        answer = subprocess.run(
            [python, "-s", "-c", _IMPORTS, ",".join(BASIC.modules), ",".join(QUALITY.modules)],
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
    versions, failed = json.loads(answer.stdout.splitlines()[-1])
    if cancelled.is_set():
        raise Cancelled
    with tempfile.TemporaryDirectory(prefix="animepose-check-") as folder:
        job = JobRequest("check", os.path.join(folder, "take.npz"), preset="dummy", settings={"frames": 2})
        outcome = WorkerClient(python, job, runtime / "check.log").run()
    if not isinstance(outcome, Result):
        reason = outcome.message if isinstance(outcome, Error) else "it stopped"
        raise AnimePoseError(f"{interpreter} cannot run the worker: {reason}", "Repair it, or choose another.")
    return versions, "; ".join(failed)


def _now() -> str:
    return datetime.now().strftime("%Y-%m-%d %H:%M")
