"""`animepose convert`: from the words of a command line to an order, and the run of it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..console import note, say
from ..errors import AnimePoseError, ExitCode
from .inputs import find_inputs, stem_of
from .job_file import load_order, one_a_rig
from .leftovers import clear_leftovers
from .local import LocalTools, Programs
from .lock import only_run_in
from .naming import checked_template
from .one_clip import Tools
from .order import Clip, Order, Rig
from .plan import PlannedClip, plan
from .report import ClipReport, exit_code_of, write_report
from .schedule import convert_all
from .watch import summary, watching

REPORT = "report.json"


def order_of(arguments: argparse.Namespace, estimate: Mapping[str, Any]) -> Order:
    """The order that the words describe; a job file's, where one is named.

    Args:
        estimate: the settings of the estimation that the options tell, as fields of `protocol.JobRequest`.
    Raises:
        AnimePoseError: if words contradict each other, or name what is not there.
    """
    if arguments.job is not None:
        given = [word for word in ("inputs", "rig", "map", "export", "engine", "name") if getattr(arguments, word)]
        if given:
            raise AnimePoseError(
                f"The job file says what is wanted, and so do other words: {', '.join(given)}.",
                "Write them into the job file.", ExitCode.USAGE,
            )  # fmt: skip
        return load_order(arguments.job, arguments.output.absolute() if arguments.output else None)
    if arguments.output is None:
        raise AnimePoseError("There is no folder for the results.", "Name one with -o.", ExitCode.USAGE)
    if not arguments.inputs:
        raise AnimePoseError("No clip is given.", "Name clips, takes, folders, or a job file.", ExitCode.USAGE)
    if arguments.map and not arguments.rig:
        raise AnimePoseError("--map says what a rig's bones are, but no rig is given.", "Add --rig.", ExitCode.USAGE)
    output = arguments.output.absolute()
    rigs = _rigs(arguments)
    return Order(
        clips=tuple(Clip(path) for path in find_inputs(arguments.inputs, leave_out=output)),
        output=output,
        estimate=estimate,
        rigs=rigs,
        castings=one_a_rig(rigs),
        formats=arguments.export or ("blend",),
        engine=arguments.engine or "",
        preview=arguments.preview,
        reduce_keys=arguments.reduce_keys,
        names=checked_template(arguments.name) if arguments.name else "",
    )


def _rigs(arguments: argparse.Namespace) -> dict[str, Rig]:
    """The rigs, called as their files and, where those are alike, as their objects."""
    rigs: dict[str, Rig] = {}
    for text in arguments.rig or ():
        file, _, wanted = text.partition(".blend:")
        name = stem_of(f"{file}.blend" if wanted else text)
        name = f"{name}-{wanted}" if wanted and name in rigs else name
        base, number = name, 1
        while name in rigs:
            number += 1
            name = f"{base}-{number}"
        rigs[name] = Rig(os.path.abspath(text), arguments.map or "", arguments.root, arguments.ik, arguments.keep_hands)
    return rigs


def convert(arguments: argparse.Namespace, estimate: Mapping[str, Any], programs: Programs) -> int:
    """Carry the order out, and write the report.

    Returns:
        0 if all went well, 1 if some of several failed, of a single clip its own exit code, 130 if cancelled.
    Raises:
        AnimePoseError: if the order cannot be carried out at all; nothing is written then.
    """
    started = time.monotonic()
    order = order_of(arguments, estimate)
    planned = plan(order)
    report_path: Path = arguments.report.absolute() if arguments.report else order.output / REPORT
    _refuse_report(report_path, order)
    if arguments.dry_run:
        say(told(planned, order))
        return int(ExitCode.DONE)
    _make_folder(report_path.parent)
    with (
        only_run_in(order.output),
        _tools(arguments, planned, order, programs) as (make_tools, jobs),
        watching(len(planned)) as watcher,
    ):
        clear_leftovers(planned, order.output, report_path)
        # What a killed run leaves must not be the report of the run before it.
        write_report(report_path, [ClipReport(one.clip.input, one.name) for one in planned], _versions(), 0.0)
        reports = convert_all(planned, order, make_tools, jobs, arguments.resume, watcher)
        # Once more: a killed run's builder may still have been writing when this one began.
        clear_leftovers(planned, order.output, report_path)
        unwritten: AnimePoseError | None = None
        try:
            write_report(report_path, reports, _versions(), time.monotonic() - started)
        except AnimePoseError as error:  # the summary is all the more wanted
            unwritten = error
    note(summary(reports))
    if unwritten is not None:
        raise unwritten
    for report in reports:
        for result in report.results:
            for path in (path for files in result.files.values() for path in files):
                say(path)
    return int(exit_code_of(reports))


@contextlib.contextmanager
def _tools(
    arguments: argparse.Namespace, planned: list[PlannedClip], order: Order, programs: Programs
) -> Iterator[tuple[Callable[[int], Tools], int]]:
    """What makes the tools of each slot, and how many slots there are."""
    if arguments.on == "local":
        jobs = arguments.jobs or 1
        yield lambda slot: LocalTools(programs, slot, jobs), jobs
        return
    from .ray_cluster import ray_cluster
    from .ray_engine import RayTools

    with ray_cluster(arguments.ray_address, planned, order.output, arguments.jobs) as cluster:
        yield lambda slot: RayTools(cluster), cluster.jobs


def told(planned: list[PlannedClip], order: Order) -> str:
    """What would be made, as lines."""
    lines = []
    for one in planned:
        lines.append(f"{one.clip.input}")
        if one.job is not None:
            lines.append(f"  estimate  {one.take}")
        for result in one.results:
            lines += [f"  {result.casting.name:<8}  {path}" for path in result.files(order.formats)]
        if one.preview is not None:
            lines.append(f"  preview   {one.preview}")
    return "\n".join(lines)


def _refuse_report(path: Path, order: Order) -> None:
    if os.path.realpath(path) in {os.path.realpath(clip.input) for clip in order.clips}:
        raise AnimePoseError(f"The report would overwrite the input {path}.", "Give it another name.", ExitCode.USAGE)
    if path.is_dir():
        raise AnimePoseError(f"The report cannot be written: {path} is a folder.", "Name a file.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnimePoseError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose a folder that can be written to."
        ) from error


def _versions() -> dict[str, str]:
    return {"animepose": __version__, "python": sys.version.split()[0]}
