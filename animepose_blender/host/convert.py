"""Clips and takes to .blend files and exports, without a window. One clip that fails does not stop the others."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import bpy

from .. import cli
from ..console import complain, note, say
from ..core.retarget.settings import Settings
from ..core.review.edited import load_edited
from ..errors import AnimePoseError, ExitCode
from ..take import Take
from .export import export
from .import_plan import ImportOptions
from .import_take import ImportedTake, import_take
from .key_options import Within
from .retarget.rig_file import RigFile, parse_rig, retarget_people
from .whole_files import write_whole

REPORT_VERSION = 1


@dataclass
class ClipReport:
    """What became of one input; paths are absolute."""

    input: str
    status: str = "cancelled"
    """done, failed or cancelled."""
    take: str = ""
    blend: str = ""
    rig: str = ""
    """What people were put onto; empty: mannequins."""
    exports: dict[str, list[str]] = field(default_factory=dict)
    """Files of each format."""
    people: int = 0
    frames: int = 0
    warnings: list[str] = field(default_factory=list)
    message: str = ""
    remedy: str = ""
    exit_code: int = int(ExitCode.CANCELLED)


def convert(arguments: argparse.Namespace, surroundings: cli.Surroundings) -> int:
    """Convert every input, then write the report.

    Returns:
        0 if all went well, 1 if some of several failed, of a single input its own exit code, 130 if cancelled.
    Raises:
        AnimePoseError: if the folder or the report cannot be written, or the report would overwrite an input.
    """
    folder: Path = arguments.output.absolute()
    report_path: Path = arguments.report.absolute() if arguments.report else folder / "report.json"
    reports = [ClipReport(os.path.abspath(path)) for path in arguments.inputs]
    inputs = {os.path.realpath(report.input) for report in reports}
    rig_file = parse_rig(arguments.rig, arguments.map or "") if arguments.rig else None
    if arguments.map and rig_file is None:
        raise AnimePoseError("--map says what a rig's bones are, but no rig is given.", "Add --rig.", ExitCode.USAGE)
    if os.path.realpath(report_path) in inputs:
        raise AnimePoseError(
            f"The report would overwrite the input {report_path}.", "Give it another name.", ExitCode.USAGE
        )
    _make_folder(folder)
    _make_folder(report_path.parent)
    if report_path.is_dir():
        raise AnimePoseError(f"The report cannot be written: {report_path} is a folder.", "Name a file.")
    stems = distinct_stems([report.input for report in reports], folder)
    try:
        for number, (report, stem) in enumerate(zip(reports, stems, strict=True), 1):
            if len(reports) > 1:
                note(f"[{number}/{len(reports)}] {report.input}")
            _convert_one(report, folder / stem, arguments, surroundings, rig_file)
    finally:
        _write_report(report_path, reports)
    failed = [report for report in reports if report.exit_code != ExitCode.DONE]
    if not failed:
        return int(ExitCode.DONE)
    return failed[0].exit_code if len(reports) == 1 else int(ExitCode.SOME_FAILED)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnimePoseError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose a folder that can be written to."
        ) from error


def distinct_stems(paths: list[str], folder: Path) -> list[str]:
    """A file stem for each path: `walk`, `walk-2`, … where names repeat; a take's `.take` is left out.

    A clip gets no stem with which its take would overwrite one of the paths in `folder`.
    """
    stems: list[str] = []
    inputs = {os.path.realpath(path).lower() for path in paths}
    for path in paths:
        base = Path(path).stem.removesuffix(".take")
        stem, number = base, 1
        while stem.lower() in {s.lower() for s in stems} or (  # some file systems do not tell case apart
            not _is_take(path) and os.path.realpath(_take_path(folder / stem)).lower() in inputs
        ):
            number += 1
            stem = f"{base}-{number}"
        stems.append(stem)
    return stems


def _is_take(path: str) -> bool:
    return path.lower().endswith(".npz")


def _take_path(target: Path) -> str:
    return f"{target}.take.npz"


def _convert_one(
    report: ClipReport,
    target: Path,
    arguments: argparse.Namespace,
    surroundings: cli.Surroundings,
    rig_file: RigFile | None,
) -> None:
    try:
        if _is_take(report.input):
            report.take = report.input
        else:
            job = cli.job_request(arguments, report.input, _take_path(target))
            report.take = cli.run_job(job, surroundings, report.warnings).take
        take = load_edited(report.take)
        report.people, report.frames = take.person_count, take.frame_count
        bpy.ops.wm.read_homefile(use_empty=True)
        if rig_file is None:
            imported = import_take(bpy.context, take, report.take, ImportOptions(reduce=_within(arguments)))
        else:
            imported = _on_rigs(take, report, rig_file, arguments)
        report.warnings += imported.warnings
        report.blend = save_blend(Path(f"{target}.blend"))
        _export_all(report, target, arguments.export, imported)
    except AnimePoseError as error:
        _note_failure(report, error)
        return
    except Exception as error:  # noqa: BLE001 - one clip must not stop the others, whatever is wrong with it
        _note_failure(report, cli.unexpected(error, surroundings))
        return
    report.status, report.exit_code = "done", int(ExitCode.DONE)
    try:
        say(report.blend)
    except AnimePoseError as error:  # the scene is there, and the other clips can still be done
        complain(error.message, error.remedy)


def _on_rigs(take: Take, report: ClipReport, rig_file: RigFile, arguments: argparse.Namespace) -> ImportedTake:
    """Camera, plate and floor of a take, and a copy of the rig for everybody in it."""
    imported = import_take(bpy.context, take, report.take, ImportOptions(people=(), reduce=_within(arguments)))
    settings = Settings(root=arguments.root, keep_hands=arguments.keep_hands, output="ik" if arguments.ik else "fk")
    copies, warnings = retarget_people(bpy.context, take, rig_file, settings, within=_within(arguments))
    report.rig = arguments.rig
    return replace(
        imported,
        armatures=[copy.armature for copy in copies],
        mannequins=[mesh for copy in copies for mesh in copy.meshes],
        warnings=imported.warnings + warnings,
    )


def _within(arguments: argparse.Namespace) -> Within | None:
    return Within(*arguments.reduce_keys) if arguments.reduce_keys is not None else None


def _note_failure(report: ClipReport, error: AnimePoseError) -> None:
    report.status, report.exit_code = "failed", int(error.exit_code)
    report.message, report.remedy = error.message, error.remedy
    complain(error.message, error.remedy)


def _export_all(report: ClipReport, target: Path, formats: tuple[str, ...], imported: ImportedTake) -> None:
    for file_format in formats:
        report.exports[file_format] = export(file_format, target, imported)


def save_blend(path: Path) -> str:
    """Save the scene; the file appears whole or not at all.

    Raises:
        AnimePoseError: if it cannot be written.
    """

    def save(temporary: Path) -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, compress=True, check_existing=False)

    write_whole(path, save)
    return str(path)


def _write_report(path: Path, reports: list[ClipReport]) -> None:
    text = json.dumps({"version": REPORT_VERSION, "clips": [asdict(report) for report in reports]}, indent=2)
    write_whole(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))
