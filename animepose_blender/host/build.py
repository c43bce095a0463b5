"""One result of a batch: a take becomes a scene, everybody on what they are cast for, saved and exported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..batch.build import Build, Built
from ..batch.order import IGNORE, MANNEQUIN, Casting, Rig
from ..core.retarget.settings import Settings
from ..core.review.edited import NAMES_KEY, load_edited
from ..core.review.people import people_of
from ..take import State, Take
from .exports import Person, read_imported, write_people
from .import_plan import ImportOptions
from .import_take import ImportedTake, import_take
from .key_options import Within
from .retarget.rig_file import parse_rig, retarget_people
from .whole_files import write_whole


def build(order: Build, on_stage: Callable[[str], None] = lambda name: None) -> Built:
    """Make one result in a scene of its own; whatever was open in this Blender is gone.

    Args:
        on_stage: called with the name of each stage when it begins.
    Raises:
        AnimePoseError: if take or rig cannot be used, or a file cannot be written.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        on_stage(name)
        started = time.monotonic()
        try:
            yield
        finally:
            seconds[name] = round(time.monotonic() - started, 3)

    within = Within(*order.reduce_keys) if order.reduce_keys is not None else None
    with stage("scene"):
        take = load_edited(order.take)
        bpy.ops.wm.read_homefile(use_empty=True)
        casting = Casting("", order.people)
        roles = {person: casting.role_of(person) for person in take.person_id.tolist()}
        unknown = [f"Person {name} is cast, and the take has none." for name in _unknown(order, take)]
        people = tuple(person for person, role in roles.items() if role == MANNEQUIN)
        imported = import_take(bpy.context, take, order.take, ImportOptions(people=people, reduce=within))
    if any(role not in (MANNEQUIN, IGNORE) for role in roles.values()):
        with stage("retarget"):
            imported = _on_rigs(take, imported, roles, order.rigs, within)
    files: dict[str, list[str]] = {}
    moving: list[Person] = []
    if any(one != "blend" for one in order.formats):
        with stage("bones"):
            moving = read_imported(bpy.context, imported)
    for one in order.formats:
        with stage(one):
            path = Path(order.target)
            if one == "blend":
                files[one] = [save_blend(Path(f"{path}.blend"))]
            else:
                files[one] = write_people(bpy.context, one, path, moving, order.engine)
    return Built(files, unknown + imported.warnings, facts_of(take) | {"seconds": seconds})


def _unknown(order: Build, take: Take) -> list[str]:
    known = {str(person) for person in take.person_id.tolist()}
    return [person for person in order.people if person.isdecimal() and person not in known]


def _on_rigs(
    take: Take, imported: ImportedTake, roles: dict[int, str], rigs: Mapping[str, Rig], within: Within | None
) -> ImportedTake:
    """The scene with a copy of a rig for everybody who is cast for one."""
    armatures, meshes, warnings = list(imported.armatures), list(imported.mannequins), list(imported.warnings)
    for name in dict.fromkeys(roles.values()):
        if name in (MANNEQUIN, IGNORE):
            continue
        rig = rigs[name]
        settings = Settings(root=rig.root, keep_hands=rig.keep_hands, output="ik" if rig.ik else "fk")
        people = [person for person, role in roles.items() if role == name]
        copies, told = retarget_people(bpy.context, take, parse_rig(rig.file, rig.map), settings, people, within)
        armatures += [copy.armature for copy in copies]
        meshes += [mesh for copy in copies for mesh in copy.meshes]
        warnings += [text for text in told if text not in warnings]
    return replace(imported, armatures=armatures, mannequins=meshes, warnings=warnings)


def facts_of(take: Take) -> dict[str, Any]:
    """What a report tells of a take: frames, and who is seen how long and how surely."""
    named = take.source.get(NAMES_KEY) or {}
    frames = take.frame_count
    return {
        "frames": frames,
        "figures": dict(take.source.get("figures") or {}),
        "profile": dict(take.source.get("profile") or {}),
        "models": list(take.source.get("models") or []),
        "versions": dict(take.source.get("versions") or {}),
        "people": [
            {
                "id": one.person,
                "name": named.get(str(one.person), one.name),
                "start_s": round(one.start_s, 3),
                "end_s": round(one.end_s, 3),
                "coverage": round(float((take.state[row] != State.ABSENT).mean()), 4) if frames else 0.0,
                "predicted": round(float((take.state[row] == State.PREDICTED).mean()), 4) if frames else 0.0,
                "confidence": round(one.mean_confidence, 3),
            }
            for row, one in enumerate(people_of(take, []))
        ],
    }


def save_blend(path: Path) -> str:
    """Save the scene; the file appears whole or not at all.

    Raises:
        AnimePoseError: if it cannot be written.
    """

    def save(temporary: Path) -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, compress=True, check_existing=False)

    write_whole(path, save)
    return str(path)
