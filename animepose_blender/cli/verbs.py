"""What each verb of the command line does."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from ..console import note, say
from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest, Request, Result, SolveRequest
from .surroundings import Surroundings

TRUTH_FORMATS = ("truth", "mupots", "human36m", "posetrack18")


def estimate_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of the estimation that the options describe: fields of `JobRequest`.

    Raises:
        AnimePoseError: if a value is out of its range.
    """
    focal_mm, focal_px = arguments.focal
    if arguments.height_of is not None and arguments.height is None:
        raise AnimePoseError("--height-of says whose height, but no height is given.", "Add --height.", ExitCode.USAGE)
    settings: dict[str, Any] = {
        "preset": arguments.preset, "start_s": arguments.start, "end_s": arguments.end, "focal_mm": focal_mm,
        "focal_px": focal_px, "height_m": arguments.height,
        "height_of": 1 if arguments.height_of is None else arguments.height_of, "camera": arguments.camera,
        "smoothness_s": arguments.smoothness, "foot_lock": arguments.foot_lock, "floor": arguments.floor,
        "hold_still_m": arguments.hold_still, "hands": not arguments.no_hands, "max_people": arguments.max_people,
        "device": arguments.device, "detector": arguments.detector, "masks": arguments.masks, "pose": arguments.pose,
        "depth": arguments.depth, "root": arguments.root_network, "lifter": arguments.lifter,
        "predictor": arguments.predictor,
        "commercial_only": arguments.commercial_only, "settings": dict(arguments.set),
    }  # fmt: skip
    JobRequest("clip", "take", **settings)
    return settings


def job_request(arguments: argparse.Namespace, clip: str, take: str) -> JobRequest:
    """The job that the options describe.

    Raises:
        AnimePoseError: if the clip is not there, or a value is out of its range.
    """
    job = JobRequest(clip and os.path.abspath(clip), os.path.abspath(take), **estimate_settings(arguments))
    if job.preset != "dummy" and not os.path.isfile(job.clip):
        raise AnimePoseError(f"There is no file {job.clip}.", "Check the path of the clip.")
    return job


def run_job(job: Request, surroundings: Surroundings, warnings: list[str]) -> Result:
    """Run one job in a worker, showing progress on standard error.

    Args:
        warnings: what the worker warns of is added to it.
    Raises:
        AnimePoseError: what the worker found wrong.
        KeyboardInterrupt: if the job was cancelled.
    """
    from ..console_progress import ConsoleProgress
    from ..host.worker_client import WorkerClient

    client = WorkerClient(surroundings.worker_python(), job, surroundings.log_path)
    with ConsoleProgress(sys.stderr, warnings) as progress:
        return client.result(progress.show)


def estimate(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    job = job_request(arguments, arguments.clip, arguments.output)
    # convert and Import Take know a take by its suffix, and a slip must not overwrite a video
    if not job.take.lower().endswith(".npz"):
        raise AnimePoseError(
            f"The name of a take ends in .npz; this is {job.take}.", "Name the file to write.", ExitCode.USAGE
        )
    result = run_job(job, surroundings, [])
    people = "1 person" if result.people == 1 else f"{result.people} people"
    say(f"{result.take}: {people}, {result.frames} frames, {result.seconds:.1f} s")
    return ExitCode.DONE


def solve(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    source, take = os.path.abspath(arguments.take), os.path.abspath(arguments.output)
    job = SolveRequest(
        source, take, arguments.person, arguments.start, arguments.end, arguments.wrong, arguments.foot_lock,
        arguments.smoothness,
    )  # fmt: skip
    say(run_job(job, surroundings, []).take)
    return ExitCode.DONE


def convert(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """From clips or takes to scenes and exports; see `batch`."""
    from ..batch import command
    from ..batch.local import Programs

    programs = Programs(surroundings.worker_python, surroundings.build_command, surroundings.log_folder)
    return command.convert(arguments, estimate_settings(arguments), programs)


def gather(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Make one report of several, as the last task of a farm."""
    from ..batch.gather import gather as gather_reports
    from ..batch.report import exit_code_of
    from ..batch.watch import summary

    clips = gather_reports(arguments.reports, arguments.output)
    note(summary(clips))
    return exit_code_of(clips)


def serve_builds(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    """Build scenes for a batch, which started this process."""
    from ..host.build_worker import main

    return main()


def evaluate(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    python = surroundings.worker_python()
    if python != sys.executable:
        data_set = [] if arguments.format == TRUTH_FORMATS[0] else ["--format", arguments.format]
        return pass_on(python, ["evaluate", *arguments.takes, "--truth", arguments.truth, *data_set])
    from ..estimate.evaluate_sets import evaluate_set

    say(json.dumps(evaluate_set(arguments.takes, arguments.truth, arguments.format), indent=2, allow_nan=False))
    return ExitCode.DONE


def pass_on(python: str, words: Sequence[str]) -> int:
    """Run a verb in the worker's interpreter, whose packages it needs; relative paths keep their meaning."""
    from ..host.worker_client import worker_environment

    command = [python, "-s", "-m", "animepose_blender.cli", *words]
    try:
        return subprocess.run(command, env=worker_environment(), check=False).returncode
    except OSError as error:
        raise AnimePoseError(
            f"The worker's Python {python} could not be started: {error.strerror}.",
            "Create or repair the environment in the add-on's preferences.",
        ) from error
