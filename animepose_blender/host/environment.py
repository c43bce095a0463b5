"""The worker's own Python environment: make, extend, remove, and say how it stands. Free of bpy.

runtime/env/            the virtual environment; `ready.json` inside is written last, so that an environment
                        without it was interrupted; `wanted.json` says what it is being made for
runtime/python/, uv/    a Python that `uv` brought, and uv itself, where the machine has none that fits
runtime/check.json      what the last check found, of this environment or of an interpreter of the user's
runtime/setup.log
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from ..presets import PARTS
from .environment_check import Check, check_interpreter, last_check
from .environment_files import READY, read_json, remove_folder, write_json
from .environment_packages import BASIC, QUALITY, install, require_space
from .interpreter import environment_python, find_interpreter
from .setup_commands import Report, run_command
from .uv import python_from_uv

_WANTED = "wanted.json"


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
    """Of the packages that can be used; empty if nobody has looked yet."""
    checked: str = ""
    """When it was last checked, local time."""
    problem: str = ""
    quality_problem: str = ""
    """Why the packages for networks of the weight store are there, but cannot be used."""

    @property
    def usable(self) -> bool:
        """Whether a job may be started; an interpreter of the user's needs no check first."""
        return self.state in (State.READY, State.UNCHECKED)

    @property
    def runs_networks(self) -> bool:
        """Whether networks of the weight store can run; yes where nobody has looked yet."""
        return self.usable and (not self.versions or all(name in self.versions for name in QUALITY.names))

    @property
    def presets(self) -> tuple[str, ...]:
        """Presets that can run, as far as packages go; all where nobody has looked yet."""
        return tuple(
            name for name, parts in PARTS.items() if self.usable and (self.runs_networks or not parts.networks())
        )


def environment_status(runtime: Path) -> Status:
    """How the automatic environment stands, from its files alone; starts nothing."""
    environment = runtime / "env"
    python = environment_python(environment)
    if not environment.exists():
        return Status(State.MISSING)
    ready = read_json(environment / READY)
    if not ready or not python.exists():
        return Status(State.UNFINISHED)
    base = str(ready.get("base", ""))
    if ready.get("requirements") != BASIC.fingerprint():
        return Status(State.OUTDATED, str(python), base)
    status = _with_check(runtime, Status(State.READY, str(python), base))
    if ready.get("quality") == QUALITY.fingerprint():
        return status
    # Left behind by an interruption, or of other versions than this AnimePose was tried with.
    versions = {name: version for name, version in status.versions.items() if name not in QUALITY.names}
    return replace(status, versions=versions)


def interpreter_status(runtime: Path, python: str) -> Status:
    """How an interpreter of the user's stands; starts nothing."""
    if not python or not Path(python).is_file():
        return Status(State.MISSING, problem=f"There is no file {python}." if python else "No interpreter is chosen.")
    return _with_check(runtime, Status(State.UNCHECKED, python))


def was_for_quality(runtime: Path) -> bool:
    """Whether the environment has, or was to have, the packages for networks of the weight store; of any version."""
    environment = runtime / "env"
    return any(bool(read_json(environment / name).get("quality")) for name in (READY, _WANTED))


def create_environment(
    runtime: Path, named: str, blender_python: str, report: Report, cancelled: threading.Event, quality: bool = False
) -> Status:
    """Make the environment anew, from nothing or from whatever an earlier try left.

    Args:
        runtime: folder of its own, made if need be.
        named: the Python to make it from; "" = find one, else have `uv` bring one.
        blender_python: Blender's own Python; used if it fits, never changed.
        report: takes progress.
        cancelled: stops it; what is there then counts as unfinished.
        quality: with the packages for networks of the weight store too; they are kept where they were.
    Raises:
        Cancelled, AnimePoseError: the environment is then unfinished, and a next call starts over.
    """
    quality = quality or was_for_quality(runtime)
    sets = (BASIC, QUALITY) if quality else (BASIC,)
    require_space(runtime, sum(packages.needed_bytes for packages in sets))
    log_path = runtime / "setup.log"
    log_path.unlink(missing_ok=True)

    oldest = sets[-1].oldest
    report(f"Looking for Python 3.{oldest[1]} to 3.12", 0.0)
    interpreter = find_interpreter(named, blender_python, oldest=oldest)
    origin = "chosen in the preferences" if named else "found on this machine"
    if interpreter is None:
        report("None found: fetching one with uv", 0.02)
        interpreter = python_from_uv(runtime, blender_python, log_path, report, cancelled)
        origin = "fetched with uv"
    base = f"{interpreter}, {origin}"
    _stop_if(cancelled)

    environment = runtime / "env"
    report(f"Creating the environment with {base}", 0.1)
    remove_folder(environment)
    run_command(
        [interpreter.path, "-m", "venv", str(environment)], log_path, cancelled,
        failure="The environment could not be created",
    )  # fmt: skip
    write_json(environment / _WANTED, {"quality": quality})
    # By what is fetched, the second set takes ten times as long as the first.
    spans = ((0.15, 0.25), (0.25, 0.9)) if quality else ((0.15, 0.9),)
    for packages, span in zip(sets, spans, strict=True):
        install(packages, environment, log_path, report, cancelled, span)

    report("Checking", 0.93)
    found = _checked(runtime, cancelled, quality)
    ready = {"requirements": BASIC.fingerprint(), "base": base, "versions": found.versions}
    if quality:
        ready["quality"] = QUALITY.fingerprint()
    write_json(environment / READY, ready)
    report("Ready", 1.0)
    return environment_status(runtime)


def add_quality(runtime: Path, report: Report, cancelled: threading.Event) -> Status:
    """Add the packages for networks of the weight store to an environment that is ready, or renew them.

    Args:
        runtime: folder of the environment.
        report: takes progress.
        cancelled: stops it.
    Raises:
        Cancelled, AnimePoseError: the environment then still runs the preset `offline`.
    """
    environment = runtime / "env"
    if not environment_status(runtime).usable:
        raise AnimePoseError("There is no environment that works, to add packages to.", "Create or repair it first.")
    ready = read_json(environment / READY)
    versions = ready.get("versions")
    python = str(versions.get("python", "")) if isinstance(versions, dict) else ""
    if python and tuple(map(int, python.split(".")[:2])) < QUALITY.oldest:
        raise AnimePoseError(
            f"These packages need Python 3.11 or 3.12; the environment has {python}.",
            "Remove the environment, then create it from a newer Python.",
        )
    require_space(runtime, QUALITY.needed_bytes)
    log_path = runtime / "setup.log"
    log_path.unlink(missing_ok=True)
    # Whatever happens from here on, what was added before no longer counts until all of it is there.
    write_json(environment / READY, {name: value for name, value in ready.items() if name != "quality"})
    install(QUALITY, environment, log_path, report, cancelled, (0.02, 0.9))
    report("Checking", 0.93)
    found = _checked(runtime, cancelled, quality=True)
    write_json(environment / READY, ready | {"versions": found.versions, "quality": QUALITY.fingerprint()})
    report("Ready", 1.0)
    return environment_status(runtime)


def remove_environment(runtime: Path) -> None:
    """Remove everything that was set up.

    Raises:
        AnimePoseError: if a file cannot be removed.
    """
    for name in ("env", "python", "uv", "bootstrap", "cache"):
        remove_folder(runtime / name)
    for name in ("check.json", "setup.log"):
        (runtime / name).unlink(missing_ok=True)


def _checked(runtime: Path, cancelled: threading.Event, quality: bool) -> Check:
    """A check of the environment, which must have the packages for networks of the store if `quality`."""
    found = check_interpreter(str(environment_python(runtime / "env")), runtime, cancelled)
    missing = [name for name in QUALITY.names if name not in found.versions]
    if quality and missing:
        why = found.quality_problem or f"{' and '.join(missing)} cannot be found"
        raise AnimePoseError(
            f"The packages for networks were installed but do not work: {why}.",
            f"Look at {runtime / 'setup.log'}, or use the preset offline.",
        )
    return found


def _with_check(runtime: Path, status: Status) -> Status:
    """The status with what the last check of the same interpreter found."""
    check = last_check(runtime, status.python)
    if check is None:
        return status
    return replace(
        status, state=State.BROKEN if check.problem else State.READY, versions=check.versions, checked=check.checked,
        problem=check.problem, quality_problem=check.quality_problem,
    )  # fmt: skip


def _stop_if(cancelled: threading.Event) -> None:
    if cancelled.is_set():
        raise Cancelled
