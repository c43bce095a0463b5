"""AnimePose as a library: `import animepose_blender as animepose`.

Without Blender: `estimate`, `load_take`, `evaluate`. With bpy, in Blender or as a package: `import_take`, `retarget`.
Failures are `AnimePoseError`, whose message is meant for people. See the README for an example.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import AnimePoseError, Cancelled, ExitCode
from .protocol import ESTIMATE_FIELDS, CancelledMessage, Error, JobRequest, Message, Progress, Warning_

if TYPE_CHECKING:
    import bpy

    from .core.retarget.rig_map import RigMap
    from .core.retarget.settings import Offset
    from .host.import_take import ImportedTake
    from .host.retarget.run import Retargeted
    from .take import Take

__all__ = ["AnimePoseError", "estimate", "evaluate", "import_take", "load_take", "retarget"]

PathLike = str | os.PathLike[str]


def estimate(
    clip: PathLike,
    take: PathLike | None = None,
    *,
    on_progress: Callable[[str, float], bool | None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    python: PathLike | None = None,
    **settings: Any,
) -> Take:
    """Estimate the people of a clip, in a process of its own.

    Args:
        clip: path of a video.
        take: where to write the take (.npz); None = it is only returned.
        on_progress: called with the stage and the part of the run that is done, 0 to 1; False cancels.
        on_warning: called with each warning.
        python: interpreter with the worker's packages; None = the one that runs this.
        settings: fields of `protocol.JobRequest`: `preset`, `start_s`, `end_s`, `focal_mm`, `height_m`, `foot_lock` …
    Returns:
        The take.
    Raises:
        AnimePoseError: if the clip cannot be used, nobody is in it, or a setting is out of its range.
        Cancelled: if `on_progress` returned False; nothing is written then.
        TypeError: if a setting is not known.
    """
    from .host.worker_client import WorkerClient
    from .take import Take

    if unknown := sorted(set(settings) - ESTIMATE_FIELDS):
        known = ", ".join(sorted(ESTIMATE_FIELDS))
        raise TypeError(f"estimate() got an unexpected setting {unknown[0]!r}; known are {known}")
    with tempfile.TemporaryDirectory(prefix="animepose-") as folder:
        target = Path(take).absolute() if take is not None else Path(folder, "clip.take.npz")
        job = JobRequest(os.path.abspath(clip), str(target), **settings)
        if job.preset != "dummy" and not os.path.isfile(job.clip):
            raise AnimePoseError(f"There is no file {job.clip}.", "Check the path of the clip.")
        client = WorkerClient(python or sys.executable, job, Path(folder, "worker.log"))

        def on_message(message: Message) -> None:
            if isinstance(message, Warning_) and on_warning is not None:
                on_warning(message.message)
            elif isinstance(message, Progress) and on_progress is not None:
                if on_progress(message.stage, message.fraction) is False:
                    client.cancel()

        outcome = client.run(on_message)
        if isinstance(outcome, CancelledMessage):
            raise Cancelled
        if isinstance(outcome, Error):
            raise AnimePoseError(outcome.message, outcome.remedy, ExitCode(outcome.exit_code))
        return Take.load(outcome.take)


def load_take(path: PathLike, *, edited: bool = True) -> Take:
    """Read a take.

    Args:
        edited: apply the edits that were saved with it (Tracks > Save Edits).
    Raises:
        AnimePoseError: if it is no take, or is newer than this version knows.
    """
    from .core.review.edited import load_edited
    from .take import Take

    return load_edited(path) if edited else Take.load(path)


def evaluate(take: Take | PathLike, truth: PathLike) -> dict[str, Any]:
    """Measure a take against the truth of its clip: every figure of docs/metrics.md.

    Needs the worker's packages.

    Args:
        take: a take, or its path.
        truth: path of a truth.npz.
    Raises:
        AnimePoseError: if either cannot be read, or they have no moment in common.
    """
    from .estimate.evaluate import evaluate as evaluated
    from .estimate.metrics.truth import Truth

    return evaluated(_taken(take)[0], Truth.load(truth))


def import_take(take: Take | PathLike, *, context: bpy.types.Context | None = None, **options: Any) -> ImportedTake:
    """Make the people of a take in a scene: armatures, mannequins, camera, plate, floor.

    Args:
        take: a take, or its path; edits saved in it are applied.
        context: its scene gets the take; None = Blender's own.
        options: fields of `host.import_plan.ImportOptions`: `people`, `make_mannequins`, `start_frame` …
    Raises:
        AnimePoseError: before any change, if the take cannot be imported.
    """
    import bpy

    from .host.import_plan import ImportOptions
    from .host.import_take import import_take as imported

    given, path = _taken(take)
    return imported(context or bpy.context, given, path, ImportOptions(**options))


def retarget(
    source: Take | PathLike | bpy.types.Object,
    rig: bpy.types.Object,
    *,
    person: int | None = None,
    rig_map: RigMap | None = None,
    context: bpy.types.Context | None = None,
    name: str = "",
    as_nla_strip: bool = False,
    root: str = "auto",
    pin_feet: bool = True,
    keep_hands: bool = False,
    fingers: bool = True,
    output: str = "fk",
    offsets: Mapping[str, Offset] | None = None,
) -> Retargeted:
    """Put a motion onto a rig, as a new action or NLA strip; nothing else of the rig changes.

    Args:
        source: a take, its path, or an armature that moves.
        rig: the armature object that gets the motion.
        person: whose motion, an id of the take; None = the only one there is.
        rig_map: which bones of the rig are what; None = found out.
        context: None = Blender's own.
        name: of the new action; empty = the rig's with a word added.
        root, pin_feet, keep_hands, fingers, output, offsets: see `core.retarget.settings.Settings`.
    Raises:
        AnimePoseError: with nothing changed, if source or rig cannot be used.
    """
    import bpy

    from .core.retarget.settings import Settings
    from .host.retarget.run import ArmatureSource, Output, TakeSource, apply, prepare

    context = context or bpy.context
    settings = Settings(root, pin_feet, keep_hands, fingers, output, dict(offsets or {}))
    if isinstance(source, bpy.types.Object):
        prepared = prepare(context, ArmatureSource(source), rig, rig_map, output)
    else:
        take, _ = _taken(source)
        prepared = prepare(context, TakeSource(take, _index_of(take, person)), rig, rig_map, output)
    return apply(prepared, settings, Output(name, as_nla_strip))


def _index_of(take: Take, person: int | None) -> int:
    people = take.person_id.tolist()
    if person is None and len(people) == 1:
        return 0
    if person not in people:
        told = "nobody is named" if person is None else f"there is no person {person}"
        raise AnimePoseError(f"The take has the people {people}, and {told}.", "Name one of them.")
    return people.index(person)


def _taken(take: Take | PathLike) -> tuple[Take, str | None]:
    """The take, and its path if that is known."""
    if isinstance(take, (str, os.PathLike)):
        return load_take(take), os.path.abspath(take)
    return take, None
