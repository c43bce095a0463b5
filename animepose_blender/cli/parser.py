"""The grammar of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import __version__
from ..batch.order import ENGINES, FORMATS, PLACES
from ..core.retarget.settings import ROOT_MODES
from ..protocol import CAMERAS, DEVICES, FLOORS, FOOT_LOCKS, PRESETS, JobRequest
from . import verbs
from .models import add_models
from .surroundings import BUILD_VERB
from .values import at_least_one, focal, formats, reduction, setting

_EXIT_CODES = (
    "exit codes: 0 done, 1 some clips failed (the report says which and why), 2 usage, "
    "3 an input that cannot be used, 130 cancelled"
)


def build_parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    parser = argparse.ArgumentParser(
        prog="animepose", description="Video of people to character animation in Blender.", epilog=_EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"AnimePose {__version__}")
    grammar = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    estimate = grammar.add_parser("estimate", help="from a clip to a take", epilog=_EXIT_CODES)
    estimate.add_argument("clip", metavar="CLIP", help="video to read")
    estimate.add_argument("-o", "--output", metavar="TAKE", required=True, help="take to write (.npz)")
    _add_estimate_options(estimate)
    estimate.set_defaults(verb=verbs.estimate)

    solve = grammar.add_parser("solve", help="solve a span of a take again, without its clip", epilog=_EXIT_CODES)
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
    solve.set_defaults(verb=verbs.solve)

    convert = grammar.add_parser("convert", help="from clips or takes to .blend files and exports", epilog=_EXIT_CODES)
    convert.add_argument(
        "inputs", metavar="CLIP_OR_TAKE", nargs="*", help="videos, takes (.npz), folders of them, or patterns"
    )
    convert.add_argument(
        "--job", metavar="FILE", type=Path, help="job file (TOML or JSON) that says it all; docs/batch.md"
    )
    convert.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder to write to")
    convert.add_argument(
        "--export", metavar="FORMATS", type=formats, default=(),
        help=f"comma-separated: {','.join(FORMATS)} (default: blend)",
    )  # fmt: skip
    convert.add_argument(
        "--engine", choices=ENGINES, help="axes, scale, root and names as an engine wants them (default: Blender's own)"
    )
    convert.add_argument(
        "--name", metavar="TEMPLATE", help="names of results, such as {clip}_{rig} or {number:03d}/{clip}"
    )
    convert.add_argument("--preview", action="store_true", help="draw the people over each clip, as a small MP4")
    convert.add_argument(
        "--reduce-keys", metavar="MM[,DEG]", type=reduction, nargs="?", const=reduction(""),
        help="leave out keys that the motion does not need, with no bone off by more (default: a key on every frame; "
        "without a number: 5,2)",
    )  # fmt: skip
    run = convert.add_argument_group("run")
    run.add_argument(
        "--jobs", metavar="N", type=at_least_one,
        help="clips at a time (default: 1; on Ray, as many as the cluster carries)",
    )  # fmt: skip
    run.add_argument(
        "--on", choices=PLACES, default=PLACES[0],
        help="where the work is done: on this machine, or on a Ray cluster; docs/cluster.md (default: %(default)s)",
    )  # fmt: skip
    run.add_argument(
        "--ray-address", metavar="ADDRESS", default="auto",
        help="auto: the cluster that this machine belongs to; HOST:PORT; local: one of this machine, for this run "
        "(default: %(default)s)",
    )  # fmt: skip
    run.add_argument("--resume", action="store_true", help="keep what an earlier run into the folder has finished")
    run.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")
    run.add_argument(
        "--report", metavar="FILE", type=Path, help="what became of each clip, as JSON (default: DIR/report.json)"
    )
    _add_rig_options(convert)
    _add_estimate_options(convert)
    convert.set_defaults(verb=verbs.convert)

    gather = grammar.add_parser("gather", help="reports of several runs of convert into one", epilog=_EXIT_CODES)
    gather.add_argument(
        "reports", metavar="REPORT_OR_DIR", nargs="+", help="a report, or a folder of folders with one each"
    )
    gather.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="report to write")
    gather.set_defaults(verb=verbs.gather)

    evaluate = grammar.add_parser("evaluate", help="measure takes against the truth, as JSON", epilog=_EXIT_CODES)
    evaluate.add_argument("takes", metavar="TAKE", nargs="+", help="a take, or estimates in the form of a data set")
    evaluate.add_argument(
        "--truth", metavar="TRUTH.npz", required=True, help="truth of the clip, or the data set's annotations"
    )
    evaluate.add_argument(
        "--format", choices=verbs.TRUTH_FORMATS, default=verbs.TRUTH_FORMATS[0],
        help="what the truth is: truth.npz, or a data set (default: %(default)s); see docs/metrics.md",
    )  # fmt: skip
    evaluate.set_defaults(verb=verbs.evaluate)

    grammar.add_parser(BUILD_VERB).set_defaults(verb=verbs.serve_builds)

    add_models(grammar)
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
    for part, does in (("detector", "finds people"), ("masks", "outlines them"), ("pose", "finds their joints"),
                       ("depth", "sees how far away things are"), ("root-network", "sees how far away each of them is"),
                       ("lifter", "makes joints in space of keypoints"),
                       ("predictor", "says where hidden people go")):  # fmt: skip
        group.add_argument(
            f"--{part}", metavar="NETWORK", default="",
            help=f"who {does}: an id of `animepose models list`, mediapipe, or none (default: the preset's)",
        )  # fmt: skip
    group.add_argument("--commercial-only", action="store_true", help="refuse networks that are not for commercial use")
    group.add_argument("--set", metavar="NAME=JSON", type=setting, action="append", default=[], help=argparse.SUPPRESS)


def _add_rig_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("rig")
    group.add_argument(
        "--rig",
        metavar="FILE.blend[:OBJECT]",
        action="append",
        help="put everybody onto a copy of this rig instead of a mannequin; of several, each gives a result of its own",
    )
    group.add_argument("--map", metavar="FAMILY|FILE", help="the rig's family, or a saved map (default: found out)")
    group.add_argument(
        "--root", choices=ROOT_MODES, default=ROOT_MODES[0],
        help="the way people go: kept stays over the plate, scaled grows with the legs (default: kept)",
    )  # fmt: skip
    group.add_argument("--ik", action="store_true", help="key the rig's IK controls, where it has some")
    group.add_argument("--keep-hands", action="store_true", help="hands that touch the body do so on the rig as well")
