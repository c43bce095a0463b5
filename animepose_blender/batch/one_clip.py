"""All that is made of one clip, stage by stage; each finished stage leaves a record, so that it is not repeated."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from .. import __version__
from ..errors import AnimePoseError, ExitCode
from ..protocol import ESTIMATE_FIELDS, JobRequest
from ..store.installed import look_up
from .build import Build, Built, blender_version
from .order import Order, Rig
from .plan import PlannedClip, PlannedResult, blend_of
from .records import FOLDER, Record, Records, content_hash, key_of
from .report import ClipReport, ResultReport
from .space import require_space, space_kept

ESTIMATE_FACTS = ("warnings", "seconds")
BUILD_FACTS = ("frames", "people", "figures", "profile", "models", "versions", "files", "seconds", "warnings")

Show = Callable[[str, float | None], None]
"""Takes what is being done now, and which part of it is done, if that is known."""


class Tools(Protocol):
    """What carries the stages out, one at a time: processes of this machine, or of others."""

    def estimate(self, job: JobRequest, show: Show) -> list[str]:
        """Write the job's take; warnings. Raises AnimePoseError, or KeyboardInterrupt if cancelled."""
        ...

    def build(self, build: Build, show: Show) -> Built:
        """Make one result; raises as `estimate`."""
        ...

    def preview(self, take: str, clip: str, video: str, show: Show) -> None:
        """Draw the people over the clip; raises as `estimate`."""
        ...

    def cancel(self) -> None:
        """End what runs; called from another thread. What was running raises KeyboardInterrupt."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


def convert_clip(
    planned: PlannedClip, order: Order, tools: Tools, records: Records, resume: bool, show: Show
) -> ClipReport:
    """Do everything for one clip. What fails is told in the report; only a cancel is raised.

    Args:
        records: of the folder of the results; finished stages are noted there.
        resume: whether stages that earlier runs finished are passed over.
    Raises:
        KeyboardInterrupt: if cancelled.
    """
    settings = {} if planned.job is None else _settings(planned.job)
    report = ClipReport(planned.clip.input, planned.name, take=str(planned.take), settings=settings)
    try:
        _require_text(planned.clip.input)
        if planned.job is None or planned.job.preset != "dummy":  # which reads no clip
            if not os.path.isfile(planned.clip.input):
                raise AnimePoseError(f"There is no file {planned.clip.input}.", "Check the path of the clip.")
            report.sha256 = content_hash(planned.clip.input)
        if planned.job is not None:
            _estimate(planned, planned.job, order.output, tools, records, resume, show, report)
        for result in planned.results:
            report.results.append(_result(planned, result, order, tools, records, resume, show, report))
        if planned.preview is not None:
            _preview(planned, planned.preview, tools, records, resume, show, report)
    except AnimePoseError as error:
        report.fail(error)
        return report
    except Exception as error:  # noqa: BLE001 - one clip must not stop the others
        report.fail(_unexpected(error, order.output))
        return report
    failed = [one for one in report.results if one.status != "done"]
    report.status, report.exit_code = ("failed", int(ExitCode.SOME_FAILED)) if failed else ("done", int(ExitCode.DONE))
    if failed:
        report.message, report.remedy = failed[0].message, failed[0].remedy
        if len(failed) == len(report.results):
            report.exit_code = failed[0].exit_code
    return report


def _settings(job: JobRequest) -> dict[str, Any]:
    return {name: value for name, value in asdict(job).items() if name in ESTIMATE_FIELDS}


def _networks(job: JobRequest) -> dict[str, list[str]]:
    """The networks of the store that a job uses, and the hashes of their files; where they lie on other machines of a
    cluster only, their ids alone."""
    parts = job.parts
    found = {name: look_up(name).record for name in parts.needed()}
    return {name: [] if one is None else [file.sha256 for file in one.files] for name, one in found.items()}


def _estimate(
    planned: PlannedClip,
    job: JobRequest,
    output: Path,
    tools: Tools,
    records: Records,
    resume: bool,
    show: Show,
    report: ClipReport,
) -> None:
    # The take tells where its clip is, so the path belongs to what it depends on.
    key = key_of(
        "estimate", clip=report.sha256, path=job.clip, settings=report.settings, version=__version__,
        networks=_networks(job),
    )  # fmt: skip
    place = planned.take
    record = records.finished("estimate", place, key, ESTIMATE_FACTS) if resume else None
    if record is None and resume:
        record = records.mended("estimate", place, key, ESTIMATE_FACTS)
        if record is not None:
            report.warnings.append(f"{place.name} was changed after it was estimated, and is used as it is.")
    if record is None:
        require_space(output)
        report.warnings += records.make_room("estimate", place)
        started = time.monotonic()
        with space_kept(output) as give_back:

            def shown(stage: str, fraction: float | None) -> None:
                if stage == "write":
                    give_back()
                show(stage, fraction)

            warnings = tools.estimate(job, shown)
        if report.sha256 and content_hash(job.clip) != report.sha256:
            raise AnimePoseError(
                f"{job.clip} changed while it was being read.", "Start again with --resume when it is complete."
            )
        facts = {"warnings": warnings, "seconds": round(time.monotonic() - started, 3)}
        record = records.keep("estimate", place, key, [job.take], facts)
    else:
        report.reused = True
    report.warnings += record.facts["warnings"]
    report.seconds["estimate"] = record.facts["seconds"]


def _require_text(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise AnimePoseError(f"The name {path!a} is no text in UTF-8, as Blender needs it.", "Rename it.") from error


def _unexpected(error: Exception, output: Path) -> AnimePoseError:
    """What to tell about an error that nobody foresaw; its traceback goes to a log."""
    message, log = f"Something unexpected went wrong: {error!r}.", output / FOLDER / "errors.log"
    try:
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
    except OSError:  # then there is no log
        return AnimePoseError(message, "Please report this as a bug.", ExitCode.SOME_FAILED)
    return AnimePoseError(message, f"Please report this as a bug, with the log at {log}.", ExitCode.SOME_FAILED)


def _result(
    planned: PlannedClip,
    result: PlannedResult,
    order: Order,
    tools: Tools,
    records: Records,
    resume: bool,
    show: Show,
    report: ClipReport,
) -> ResultReport:
    """One result; a failure of it leaves the clip's other results alone."""
    rigs = {name: order.rigs[name] for name in result.casting.rigs}
    own = ResultReport(result.casting.name, rigs={name: rig.file for name, rig in rigs.items()})
    build = Build(
        str(planned.take), str(result.target), dict(result.casting.people), rigs, order.formats, order.engine,
        order.reduce_keys,
    )  # fmt: skip
    try:
        key = key_of(
            "build", take=content_hash(planned.take), build=_hashed(build), version=__version__,
            blender=blender_version(),
        )  # fmt: skip
        record = records.finished("build", result.target, key, BUILD_FACTS) if resume else None
        own.reused = record is not None
        if record is None:
            put_aside = records.make_room("build", result.target)
            built = tools.build(build, show)
            paths = [path for files in built.files.values() for path in files]
            facts = dict(built.facts) | {"files": _relative(built.files, order.output), "warnings": built.warnings}
            record = records.keep("build", result.target, key, paths, facts)
            own.warnings += put_aside
    except AnimePoseError as error:
        own.status, own.exit_code, own.message, own.remedy = "failed", int(error.exit_code), error.message, error.remedy
        return own
    own.status, own.exit_code = "done", int(ExitCode.DONE)
    own.files = {one: [str(order.output / path) for path in paths] for one, paths in record.facts["files"].items()}
    own.seconds = dict(record.facts["seconds"])
    own.warnings += record.facts["warnings"]
    _tell(report, record)
    return own


def _tell(report: ClipReport, record: Record) -> None:
    """What a result knows of its take."""
    facts = record.facts
    report.frames, report.people = facts["frames"], list(facts["people"])
    report.figures, report.models = dict(facts["figures"]), list(facts["models"])
    report.versions, report.profile = dict(facts["versions"]), dict(facts["profile"])


def _hashed(build: Build) -> dict[str, Any]:
    """The order with the contents of rigs and maps in the place of their dates."""
    return asdict(build) | {"rigs": {name: _hashed_rig(rig) for name, rig in build.rigs.items()}}


def _hashed_rig(rig: Rig) -> dict[str, Any]:
    rig_map = content_hash(rig.map) if Path(rig.map).is_file() else rig.map
    return asdict(replace(rig, map=rig_map)) | {"content": content_hash(blend_of(rig))}


def _relative(files: Mapping[str, list[str]], output: Path) -> dict[str, list[str]]:
    return {one: [Path(path).relative_to(output).as_posix() for path in paths] for one, paths in files.items()}


def _preview(
    planned: PlannedClip, video: Path, tools: Tools, records: Records, resume: bool, show: Show, report: ClipReport
) -> None:
    key = key_of("preview", take=content_hash(planned.take), clip=planned.clip.input, version=__version__)
    record = records.finished("preview", video, key, ("seconds",)) if resume else None
    if record is None:
        report.warnings += records.make_room("preview", video)
        started = time.monotonic()
        tools.preview(str(planned.take), "" if planned.clip.is_take else planned.clip.input, str(video), show)
        record = records.keep("preview", video, key, [str(video)], {"seconds": round(time.monotonic() - started, 3)})
    report.preview, report.seconds["preview"] = str(video), record.facts["seconds"]
