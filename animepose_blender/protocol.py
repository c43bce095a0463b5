"""The contract between Blender and the worker: one job request in, one JSON message a line out.

The host starts `python -m animepose_blender.estimate --job JOB.json`. The worker answers on stdout, one JSON object a
line, each with a `type` from `MESSAGES`; its log goes to stderr. A line on the worker's stdin, or its end, cancels the
job. The last message is always one of `result`, `error` and `cancelled`, and the exit status is the `ExitCode` that
belongs to it. A worker that ends without such a message has died.

| message   | fields                                                  | when                                           |
|-----------|---------------------------------------------------------|------------------------------------------------|
| hello     | protocol, pid, versions                                 | once, first                                    |
| progress  | stage, fraction, stage_fraction, seconds_left           | a few times a second; fractions 0 to 1         |
| warning   | message                                                 | something the user should know, work goes on   |
| result    | take, people, frames, seconds                           | last: the take is on disk                      |
| error     | message, remedy, exit_code                              | last: what is wrong and what to do             |
| cancelled |                                                         | last: nothing was written                      |
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from .errors import AnimePoseError, ExitCode
from .presets import PARTS, Parts, is_part

PROTOCOL_VERSION = 1

THREADS_VARIABLE = "ANIMEPOSE_THREADS"
"""Environment variable with the number of threads of a worker, where several share a machine."""

STAGES: tuple[str, ...] = ("open", "detect", "camera", "place", "track", "lift", "solve", "write")
"""The stages of a run in order, as `Progress.stage` names them."""

PRESETS: tuple[str, ...] = tuple(PARTS)

DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "mps")

FOCAL_RANGES = {"focal_mm": (1.0, 10_000.0), "focal_px": (1.0, 1_000_000.0)}
"""What can be a focal length: wider than any lens to longer than any; outside, people could not be placed."""

HEIGHT_RANGE_M = (0.4, 2.8)
"""What can be a standing person's height."""

CAMERAS: tuple[str, ...] = ("auto", "still")
"""`auto` finds out whether and how the camera moves; `still` takes the user's word that it does not."""

FOOT_LOCKS: tuple[str, ...] = ("auto", "always", "never", "grounding")
"""What is done to feet. `auto` pins heels and toes where and while they stand; `always` keeps the lower foot pinned at
every moment, for people who never jump; `never` pins nothing; `grounding` pins nothing either, but keeps the lowest
point of the body on the floor in every frame: feet may slide, and nobody floats or sinks."""

FLOORS: tuple[str, ...] = ("flat", "none")
"""`flat`: feet stand on the plane z = 0 and nothing is below it. `none`: nothing is drawn to that plane or kept above
it, as on stairs, furniture and in water; feet that are pinned are pinned at the height where they are."""

SMOOTHNESS_RANGE_S = (0.0, 1.0)
"""What can be a half-life of smoothing; beyond a second only the path of the whole body would be left."""

HOLD_STILL_RANGE_M = (0.0, 0.2)
"""What can be a dead zone; a larger one would hold limbs that clearly move."""

_PARTS = tuple(part.name for part in fields(Parts))

_T = TypeVar("_T")


@dataclass(frozen=True)
class JobRequest:
    """What to estimate, and how.

    Raises:
        AnimePoseError: if a value is out of its range.
    """

    clip: str
    """Path of the video."""
    take: str
    """Path of the take to write."""
    preset: str = "offline"
    start_s: float | None = None
    """First moment to use, seconds from the clip's first frame; None = its beginning."""
    end_s: float | None = None
    """Last moment to use; None = its end."""
    focal_mm: float | None = None
    """Focal length as on a camera with a sensor 36 mm wide; None = from `focal_px`, the clip or a default."""
    focal_px: float | None = None
    """Focal length in pixels of the upright picture; at most one of the two is given."""
    height_m: float | None = None
    """Standing height of one person, which settles the size of the whole scene; None = people are average adults."""
    height_of: int = 1
    """Whose height that is: a `person_id` of the take, as an earlier run without it gave them."""
    camera: str = "auto"
    """One of `CAMERAS`."""
    smoothness_s: float = 0.05
    """How much motion is smoothed, as a half-life in seconds: a sudden error has lost half of its influence so long
    before and after its frame. 0 = not at all. Penalised least squares of gain 1 / (1 + (f / fc)⁴) at the frequency f,
    with fc = 0.2285 / `smoothness_s`: 4.6 Hz, the frequency of which half is left, at 0.05 s."""
    foot_lock: str = "auto"
    """One of `FOOT_LOCKS`."""
    floor: str = "flat"
    """One of `FLOORS`."""
    hold_still_m: float = 0.0
    """Dead zone, metres: a joint that moves less than this stays where it is, so that somebody who stands or sits is
    quite still. 0 = every movement counts."""
    hands: bool = True
    """Whether fingers are looked for, where hands are large enough in the picture; it takes time."""
    max_people: int = 8
    device: str = "auto"
    detector: str = ""
    """Who finds people, instead of the preset's: see `presets.Parts`, as for the others that follow."""
    masks: str = ""
    pose: str = ""
    depth: str = ""
    root: str = ""
    lifter: str = ""
    predictor: str = ""
    commercial_only: bool = False
    """Whether networks are refused whose licence, or whose data, do not allow commercial use."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of single stages, by name; unknown names are refused by the stage."""
    protocol: int = PROTOCOL_VERSION

    def __post_init__(self) -> None:
        if self.protocol > PROTOCOL_VERSION:
            raise AnimePoseError(
                f"The job is of protocol {self.protocol}; this worker knows up to {PROTOCOL_VERSION}.",
                "Repair the environment in the add-on's preferences.",
            )
        _require(bool(self.clip), "no clip is given", "Choose a video.")
        _require(bool(self.take), "no path for the take is given", "Name the file to write.")
        _require(self.preset in PRESETS, f"unknown preset {self.preset!r}", f"Choose one of {', '.join(PRESETS)}.")
        _require(self.device in DEVICES, f"unknown device {self.device!r}", f"Choose one of {', '.join(DEVICES)}.")
        _require(1 <= self.max_people <= 100, f"max people is {self.max_people}", "Choose 1 to 100.")
        _require(
            self.focal_mm is None or self.focal_px is None, "the focal length is given twice", "Give it in mm or in px."
        )
        for name, (least, most) in FOCAL_RANGES.items():
            value = getattr(self, name)
            _require(
                value is None or least <= value <= most, f"{name} is {value}",
                f"Give a focal length from {least:.0f} to {most:.0f} {name[-2:]}.",
            )  # fmt: skip
        least, most = HEIGHT_RANGE_M
        _require(
            self.height_m is None or least <= self.height_m <= most, f"the height is {self.height_m} m",
            f"Give a standing height from {least} to {most} m.",
        )  # fmt: skip
        _require(self.height_of >= 1, f"the height is of person {self.height_of}", "Name a person from 1 on.")
        _require(self.camera in CAMERAS, f"unknown camera {self.camera!r}", f"Choose one of {', '.join(CAMERAS)}.")
        for name in _PARTS:
            part = getattr(self, name)
            _require(not part or is_part(part), f"unknown {name} {part!r}", "See animepose models list.")
        self._require_motion()
        start_s = self.start_s or 0.0
        _require(0 <= start_s < math.inf, f"the range starts at {start_s} s", "Start at 0 s or later.")
        _require(
            self.end_s is None or self.end_s > start_s,
            f"the range ends at {self.end_s} s and starts at {start_s} s",
            "Let the range end after its start.",
        )

    @property
    def parts(self) -> Parts:
        """Who does what: the preset's parts, and what the job says instead."""
        own = {name: getattr(self, name) for name in _PARTS if getattr(self, name)}
        return replace(PARTS[self.preset], **own)

    def _require_motion(self) -> None:
        """Refuse what the motion cannot be solved with."""
        _require_smoothness(self.smoothness_s)
        least, most = HOLD_STILL_RANGE_M
        _require(
            least <= self.hold_still_m <= most, f"people are held still within {self.hold_still_m} m",
            f"Give a distance from {least:g} (none) to {most:g} m.",
        )  # fmt: skip
        _require_foot_lock(self.foot_lock)
        _require(self.floor in FLOORS, f"unknown floor {self.floor!r}", f"Choose one of {', '.join(FLOORS)}.")
        _require(
            self.foot_lock != "grounding" or self.floor != "none", "grounding needs a floor, and there is none",
            "Choose a flat floor, or another foot lock.",
        )  # fmt: skip
        _require(isinstance(self.hands, bool), f"hands is {self.hands!r}", "Say true or false.")


ESTIMATE_FIELDS = frozenset(field.name for field in fields(JobRequest)) - {"clip", "take", "protocol"}
"""The fields of a job that say how to estimate, not what."""


@dataclass(frozen=True)
class SolveRequest:
    """A span of one person of a take to be solved again, from what the take knows; the clip is not read.

    Raises:
        AnimePoseError: if a value is out of its range.
    """

    source: str
    """Path of the take."""
    take: str
    """Path of the take to write."""
    person_id: int
    start_s: float | None = None
    """First moment, as in the take's `frame_time_s`; None = its beginning."""
    end_s: float | None = None
    """Last moment; None = its end."""
    wrong: bool = False
    """Whether what was seen there is not this person: it is left out, and the span filled in like a gap."""
    foot_lock: str | None = None
    """One of `FOOT_LOCKS`; None = as the take was made. `never` also says that no foot stands there, and `always` that
    one does, to whoever reads the new take's contacts."""
    smoothness_s: float | None = None
    """As in `JobRequest`; None = as the take was made."""
    protocol: int = PROTOCOL_VERSION
    preset: ClassVar[str] = "solve"

    def __post_init__(self) -> None:
        _require(bool(self.source), "no take is given", "Choose a take.")
        _require(bool(self.take), "no path for the new take is given", "Name the file to write.")
        start_s = -math.inf if self.start_s is None else self.start_s
        _require(
            self.end_s is None or self.end_s >= start_s,
            f"the span ends at {self.end_s} s and starts at {self.start_s} s",
            "Let the span end after its start.",
        )
        if self.smoothness_s is not None:
            _require_smoothness(self.smoothness_s)
        if self.foot_lock is not None:
            _require_foot_lock(self.foot_lock)


@dataclass(frozen=True)
class PreviewRequest:
    """A video of a take's mannequins over its clip.

    Raises:
        AnimePoseError: if a path is missing.
    """

    source: str
    """Path of the take; edits saved in it are applied."""
    take: str
    """Path of the video to write."""
    clip: str = ""
    """Path of the clip; empty = where the take says, or beside it."""
    protocol: int = PROTOCOL_VERSION
    preset: ClassVar[str] = "preview"

    def __post_init__(self) -> None:
        _require(bool(self.source), "no take is given", "Choose a take.")
        _require(bool(self.take), "no path for the video is given", "Name the file to write.")


Request = JobRequest | SolveRequest | PreviewRequest
"""What a worker can be asked for."""


@dataclass(frozen=True)
class Hello:
    type: ClassVar[str] = "hello"
    pid: int
    versions: dict[str, str] = field(default_factory=dict)
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Progress:
    type: ClassVar[str] = "progress"
    stage: str
    fraction: float
    """Share of the whole run that is done, 0 to 1."""
    stage_fraction: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Warning_:
    type: ClassVar[str] = "warning"
    message: str


@dataclass(frozen=True)
class Result:
    type: ClassVar[str] = "result"
    take: str
    people: int
    frames: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Error:
    type: ClassVar[str] = "error"
    message: str
    remedy: str = ""
    exit_code: int = int(ExitCode.BAD_INPUT)


@dataclass(frozen=True)
class CancelledMessage:
    type: ClassVar[str] = "cancelled"


Message = Hello | Progress | Warning_ | Result | Error | CancelledMessage
MESSAGES: dict[str, type] = {m.type: m for m in (Hello, Progress, Warning_, Result, Error, CancelledMessage)}
FINAL: tuple[type, ...] = (Result, Error, CancelledMessage)
"""Message types that end a run."""


def encode_job(job: Request) -> str:
    """The job request as JSON text."""
    kind = {} if isinstance(job, JobRequest) else {"job": job.preset}
    return json.dumps(kind | asdict(job), indent=1)


def decode_job(text: str) -> Request:
    """Read a job request; one that does not say what it is asks for an estimate.

    Raises:
        AnimePoseError: if the text is not JSON, names an unknown field or lacks one, or a value is out of range.
    """
    data = _parse(text, "job request")
    for kind in (SolveRequest, PreviewRequest):
        if data.get("job") == kind.preset:
            return _from_json(kind, {k: v for k, v in data.items() if k != "job"}, "job request")
    return _from_json(JobRequest, data, "job request")


def encode(message: Message) -> str:
    """One message as one line of JSON, with its line end."""
    return json.dumps({"type": message.type, **asdict(message)}, allow_nan=False) + "\n"


def decode(line: str) -> Message:
    """Read one line of the worker.

    Raises:
        AnimePoseError: if it is not one of `MESSAGES`.
    """
    data = _parse(line, "message")
    kind = data.pop("type", None)
    if kind not in MESSAGES:
        raise AnimePoseError(f"The worker sent an unknown message of type {kind!r}.", _REPAIR)
    return _from_json(MESSAGES[kind], data, f"{kind} message")


JOB_FOLDER_PREFIX = "animepose-job-"
"""The host puts each job request into a temporary folder of this name, which is the worker's working folder. The host
removes it at the end; a worker whose host has died does it instead."""


def partial_take_path(take: Path, pid: int) -> Path:
    """Where process `pid` writes a take until it is whole; who ends that process hard removes this file."""
    return take.with_name(f".{take.name}.{pid}.part")


_REPAIR = "Repair the environment in the add-on's preferences."


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise AnimePoseError(f"The {what} is not JSON: {text[:80]!r}.", _REPAIR) from error
    if not isinstance(data, dict):
        raise AnimePoseError(f"The {what} is not a JSON object: {text[:80]!r}.", _REPAIR)
    return data


def _from_json(cls: type[_T], data: dict[str, Any], what: str) -> _T:
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(known))
    missing = sorted(
        n for n, f in known.items() if n not in data and f.default is MISSING and f.default_factory is MISSING
    )
    if unknown or missing:
        raise AnimePoseError(f"The {what} has unknown fields {unknown} and lacks {missing}.", _REPAIR)
    return cls(**data)


def _require_smoothness(smoothness_s: float) -> None:
    least, most = SMOOTHNESS_RANGE_S
    _require(
        least <= smoothness_s <= most, f"the smoothness is {smoothness_s} s",
        f"Give a half-life from {least:g} (none) to {most:g} s.",
    )  # fmt: skip


def _require_foot_lock(foot_lock: str) -> None:
    locks = ", ".join(FOOT_LOCKS)
    _require(foot_lock in FOOT_LOCKS, f"unknown foot lock {foot_lock!r}", f"Choose one of {locks}.")


def _require(condition: bool, what: str, remedy: str) -> None:
    if not condition:
        raise AnimePoseError(f"The job cannot be run: {what}.", remedy, ExitCode.USAGE)
