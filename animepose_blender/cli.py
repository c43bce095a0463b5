"""The command line: `animepose estimate|convert|evaluate|models`, in a virtual environment and inside Blender.

Nothing heavy is imported before a verb needs it: `--help` answers at once, without torch and without bpy.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import __version__
from .cli_values import EXPORT_FORMATS, focal, formats, reduction, setting
from .console import complain, note, say
from .core.retarget.settings import ROOT_MODES
from .errors import AnimePoseError, ExitCode
from .protocol import (
    CAMERAS,
    DEVICES,
    FLOORS,
    FOOT_LOCKS,
    PRESETS,
    CancelledMessage,
    Error,
    JobRequest,
    Request,
    Result,
    SolveRequest,
)

TRUTH_FORMATS = ("truth", "mupots", "human36m", "posetrack18")
_EXIT_CODES = (
    "exit codes: 0 done, 1 some clips failed (the report says which and why), 2 usage, "
    "3 an input that cannot be used, 130 cancelled"
)


@dataclass(frozen=True)
class Surroundings:
    """Where the command line runs."""

    worker_python: Callable[[], str] = lambda: sys.executable
    """Interpreter that estimates; raises AnimePoseError if there is none."""
    log_folder: Path = Path(tempfile.gettempdir())

    @property
    def log_path(self) -> Path:
        """Log of the worker of this process."""
        return self.log_folder / f"animepose-worker-{os.getpid()}.log"


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Run one command line.

    Returns:
        The exit status, see `errors.ExitCode`.
    """
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as end:  # argparse has said what is wrong; Blender must not be ended by it
        return int(end.code or 0)
    try:
        with _signals_cancel():
            return int(arguments.verb(arguments, surroundings or Surroundings()))
    except AnimePoseError as error:
        complain(error.message, error.remedy)
        return int(error.exit_code)
    except KeyboardInterrupt:
        note("animepose: cancelled")
        return int(ExitCode.CANCELLED)
    except Exception as error:  # noqa: BLE001 - the user gets one message, the log the traceback
        failure = unexpected(error, surroundings or Surroundings())
        complain(failure.message, failure.remedy)
        return int(failure.exit_code)


@contextlib.contextmanager
def _signals_cancel() -> Iterator[None]:
    """Let a request to end (`timeout`, a closed terminal) cancel as Ctrl-C does; ignored signals (nohup) stay so."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        names = []  # Python lets nobody else set handlers
    taken = [number for name in names if signal.getsignal(number := getattr(signal, name)) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def unexpected(error: Exception, surroundings: Surroundings) -> AnimePoseError:
    """What to tell the user about an error that nobody foresaw; its traceback goes to the log."""
    message = f"Something unexpected went wrong: {error!r}."
    try:
        surroundings.log_folder.mkdir(parents=True, exist_ok=True)
        with surroundings.log_path.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:  # then there is no log
        return AnimePoseError(message, "Please report this as a bug.", ExitCode.SOME_FAILED)
    remedy = f"Please report this as a bug, with the log at {surroundings.log_path}."
    return AnimePoseError(message, remedy, ExitCode.SOME_FAILED)


def build_parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    parser = argparse.ArgumentParser(
        prog="animepose", description="Video of people to character animation in Blender.", epilog=_EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"AnimePose {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    estimate = verbs.add_parser("estimate", help="from a clip to a take", epilog=_EXIT_CODES)
    estimate.add_argument("clip", metavar="CLIP", help="video to read")
    estimate.add_argument("-o", "--output", metavar="TAKE", required=True, help="take to write (.npz)")
    _add_estimate_options(estimate)
    estimate.set_defaults(verb=_estimate)

    solve = verbs.add_parser("solve", help="solve a span of a take again, without its clip", epilog=_EXIT_CODES)
    solve.add_argument("take", metavar="TAKE", help="take to read (.npz)")
    solve.add_argument("-o", "--output", metavar="TAKE", required=True, help="take to write; may be the same")
    solve.add_argument("--person", metavar="ID", type=int, required=True, help="whose motion")
    solve.add_argument("--start", metavar="S", type=float, help="first moment, seconds (default: the take's first)")
    solve.add_argument("--end", metavar="S", type=float, help="last moment, seconds (default: the take's last)")
    solve.add_argument("--wrong", action="store_true", help="what was seen there is not this person: fill it in")
    solve.add_argument("--foot-lock", choices=FOOT_LOCKS, help="what is done to feet (default: as the take was made)")
    solve.add_argument(
        "--smoothness", metavar="SECONDS", type=float,
        help="half-life of sudden errors, 0 smooths nothing (default: as the take was made)",
    )  # fmt: skip
    solve.set_defaults(verb=_solve)

    convert = verbs.add_parser("convert", help="from clips or takes to .blend files and exports", epilog=_EXIT_CODES)
    convert.add_argument("inputs", metavar="CLIP_OR_TAKE", nargs="+", help="videos, or takes (.npz)")
    convert.add_argument("-o", "--output", metavar="DIR", required=True, type=Path, help="folder to write to")
    convert.add_argument(
        "--export", metavar="FORMATS", type=formats, default=(), help=f"comma-separated: {','.join(EXPORT_FORMATS)}"
    )
    convert.add_argument(
        "--report", metavar="FILE", type=Path, help="what became of each clip, as JSON (default: DIR/report.json)"
    )
    convert.add_argument(
        "--reduce-keys", metavar="MM[,DEG]", type=reduction, nargs="?", const=reduction(""),
        help="leave out keys that the motion does not need, with no bone off by more (default: a key on every frame; "
        "without a number: 5,2)",
    )  # fmt: skip
    _add_rig_options(convert)
    _add_estimate_options(convert)
    convert.set_defaults(verb=_convert)

    evaluate = verbs.add_parser("evaluate", help="measure takes against the truth, as JSON", epilog=_EXIT_CODES)
    evaluate.add_argument("takes", metavar="TAKE", nargs="+", help="a take, or estimates in the form of a data set")
    evaluate.add_argument(
        "--truth", metavar="TRUTH.npz", required=True, help="truth of the clip, or the data set's annotations"
    )
    evaluate.add_argument(
        "--format", choices=TRUTH_FORMATS, default=TRUTH_FORMATS[0],
        help="what the truth is: truth.npz, or a data set (default: %(default)s); see docs/metrics.md",
    )  # fmt: skip
    evaluate.set_defaults(verb=_evaluate)

    models = verbs.add_parser("models", help="the networks: what is there, and under which licence")
    models.add_argument("action", choices=("list", "fetch", "verify", "import"))
    models.add_argument("files", metavar="FILE", nargs="*", help="for import")
    models.set_defaults(verb=_models)
    return parser


def _add_estimate_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("estimation")
    group.add_argument("--preset", choices=PRESETS, default="offline", help="how to estimate (default: %(default)s)")
    group.add_argument(
        "--focal", metavar="MM|px", type=focal, default=(None, None),
        help="focal length: 35 or 35mm as on a sensor 36 mm wide, or 800px (default: from the clip, or a usual one)",
    )  # fmt: skip
    group.add_argument(
        "--height", metavar="M", type=float,
        help="a person's standing height in metres, which settles the size of everything (default: average adults)",
    )  # fmt: skip
    group.add_argument("--height-of", metavar="ID", type=int, help="whose height: a person of the take (default: 1)")
    group.add_argument(
        "--camera", choices=CAMERAS, default="auto", help="auto finds out whether it moves (default: %(default)s)"
    )
    group.add_argument(
        "--smoothness", metavar="SECONDS", type=float, default=JobRequest.smoothness_s,
        help="half-life of sudden errors, 0 smooths nothing (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--foot-lock", choices=FOOT_LOCKS, default=JobRequest.foot_lock,
        help="auto pins feet where they stand, grounding only keeps people on the floor (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--floor", choices=FLOORS, default=JobRequest.floor,
        help="none for stairs, furniture and water (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--hold-still", metavar="METRES", type=float, default=JobRequest.hold_still_m,
        help="joints that move less than this stay where they are (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--no-hands", action="store_true", help="look for no fingers, which saves time")
    group.add_argument("--max-people", metavar="N", type=int, default=8, help="default: %(default)s")
    group.add_argument("--start", metavar="S", type=float, help="first moment, seconds")
    group.add_argument("--end", metavar="S", type=float, help="last moment, seconds")
    group.add_argument("--device", choices=DEVICES, default="auto", help="default: %(default)s")
    group.add_argument("--set", metavar="NAME=JSON", type=setting, action="append", default=[], help=argparse.SUPPRESS)


def _add_rig_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("rig")
    group.add_argument(
        "--rig", metavar="FILE.blend[:OBJECT]", help="put everybody onto a copy of this rig instead of a mannequin"
    )
    group.add_argument("--map", metavar="FAMILY|FILE", help="the rig's family, or a saved map (default: found out)")
    group.add_argument(
        "--root", choices=ROOT_MODES, default=ROOT_MODES[0],
        help="the way people go: kept stays over the plate, scaled grows with the legs (default: kept)",
    )  # fmt: skip
    group.add_argument("--ik", action="store_true", help="key the rig's IK controls, where it has some")
    group.add_argument("--keep-hands", action="store_true", help="hands that touch the body do so on the rig as well")


def job_request(arguments: argparse.Namespace, clip: str, take: str) -> JobRequest:
    """The job that the options describe.

    Raises:
        AnimePoseError: if the clip is not there, or a value is out of its range.
    """
    focal_mm, focal_px = arguments.focal
    if arguments.height_of is not None and arguments.height is None:
        raise AnimePoseError("--height-of says whose height, but no height is given.", "Add --height.", ExitCode.USAGE)
    job = JobRequest(
        clip=clip and os.path.abspath(clip), take=os.path.abspath(take), preset=arguments.preset,
        start_s=arguments.start, end_s=arguments.end, focal_mm=focal_mm, focal_px=focal_px,
        height_m=arguments.height, height_of=1 if arguments.height_of is None else arguments.height_of,
        camera=arguments.camera, smoothness_s=arguments.smoothness, foot_lock=arguments.foot_lock,
        floor=arguments.floor, hold_still_m=arguments.hold_still, hands=not arguments.no_hands,
        max_people=arguments.max_people, device=arguments.device, settings=dict(arguments.set),
    )  # fmt: skip
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
    from .console_progress import ConsoleProgress
    from .host.worker_client import WorkerClient

    client = WorkerClient(surroundings.worker_python(), job, surroundings.log_path)
    with ConsoleProgress(sys.stderr, warnings) as progress:
        outcome = client.run(progress.show)
    if isinstance(outcome, CancelledMessage):
        client.log_path.unlink(missing_ok=True)
        raise KeyboardInterrupt
    if isinstance(outcome, Error):
        remedy = outcome.remedy
        if outcome.exit_code == ExitCode.SOME_FAILED:  # something unexpected, which the log may explain
            remedy += f" The log is at {client.log_path}."
        else:
            client.log_path.unlink(missing_ok=True)
        raise AnimePoseError(outcome.message, remedy, ExitCode(outcome.exit_code))
    client.log_path.unlink(missing_ok=True)
    return outcome


def _estimate(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
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


def _solve(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    source, take = os.path.abspath(arguments.take), os.path.abspath(arguments.output)
    job = SolveRequest(
        source, take, arguments.person, arguments.start, arguments.end, arguments.wrong, arguments.foot_lock,
        arguments.smoothness,
    )  # fmt: skip
    say(run_job(job, surroundings, []).take)
    return ExitCode.DONE


def _convert(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    try:
        from .host.convert import convert
    except ModuleNotFoundError as error:
        if error.name != "bpy":
            raise
        raise AnimePoseError(
            "convert needs Blender's Python module bpy, which is not here.",
            "Install bpy into this environment, or use blender -b --command animepose convert.",
        ) from error
    return convert(arguments, surroundings)


def _evaluate(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    python = surroundings.worker_python()
    if python != sys.executable:
        data_set = [] if arguments.format == TRUTH_FORMATS[0] else ["--format", arguments.format]
        return _pass_on(python, ["evaluate", *arguments.takes, "--truth", arguments.truth, *data_set])
    from .estimate.evaluate_sets import evaluate_set

    say(json.dumps(evaluate_set(arguments.takes, arguments.truth, arguments.format), indent=2, allow_nan=False))
    return ExitCode.DONE


def _models(arguments: argparse.Namespace, surroundings: Surroundings) -> int:
    if arguments.action == "fetch":
        say("Nothing to fetch: the preset offline uses MediaPipe Pose, which comes with the worker's environment.")
        return ExitCode.DONE
    if arguments.action == "import":
        raise AnimePoseError("No preset takes weights from a file yet.", "Use the preset offline.", ExitCode.USAGE)
    python = surroundings.worker_python()
    if python != sys.executable:
        return _pass_on(python, ["models", arguments.action])
    from .estimate.model_files import list_models, verify_models

    say("\n".join(verify_models() if arguments.action == "verify" else list_models()))
    return ExitCode.DONE


def _pass_on(python: str, words: Sequence[str]) -> int:
    """Run a verb in the worker's interpreter, whose packages it needs; relative paths keep their meaning."""
    from .host.worker_client import worker_environment

    command = [python, "-s", "-m", "animepose_blender.cli", *words]
    try:
        return subprocess.run(command, env=worker_environment(), check=False).returncode
    except OSError as error:
        raise AnimePoseError(
            f"The worker's Python {python} could not be started: {error.strerror}.",
            "Create or repair the environment in the add-on's preferences.",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
