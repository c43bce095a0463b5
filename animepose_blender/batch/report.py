"""What became of a batch: one entry a clip, written as JSON whose schema is `report.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError, ExitCode
from .records import write_whole_text

VERSION = 2
SCHEMA = Path(__file__).with_name("report.schema.json")


@dataclass
class ResultReport:
    """One result of a clip."""

    name: str
    """Of the casting."""
    status: str = "cancelled"
    """`done`, `failed` or `cancelled`."""
    exit_code: int = int(ExitCode.CANCELLED)
    reused: bool = False
    """Whether an earlier run had made it."""
    files: dict[str, list[str]] = field(default_factory=dict)
    """Format → absolute paths."""
    rigs: dict[str, str] = field(default_factory=dict)
    """Name → file."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage."""
    warnings: list[str] = field(default_factory=list)
    message: str = ""
    remedy: str = ""


@dataclass
class ClipReport:
    """One clip or take; paths are absolute."""

    input: str
    name: str = ""
    status: str = "cancelled"
    """`done`, `failed` (the clip itself, or some result) or `cancelled`."""
    exit_code: int = int(ExitCode.CANCELLED)
    message: str = ""
    remedy: str = ""
    sha256: str = ""
    take: str = ""
    reused: bool = False
    """Whether an earlier run had estimated it."""
    preview: str = ""
    frames: int = 0
    people: list[dict[str, Any]] = field(default_factory=list)
    """Id, name, span, coverage, predicted share, confidence."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """Of the estimate, without a truth: reprojection, shaking, slide of standing feet, depth below the floor."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the estimation."""
    versions: dict[str, str] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    """How long each part of finding people took, where networks ran side by side; empty where they did not."""
    models: list[Any] = field(default_factory=list)
    """Cards of the models that the take was made with."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage of the clip; of its results see there."""
    warnings: list[str] = field(default_factory=list)
    results: list[ResultReport] = field(default_factory=list)

    def fail(self, error: AnimePoseError) -> None:
        """Note why the clip failed."""
        self.status, self.exit_code = "failed", int(error.exit_code)
        self.message, self.remedy = error.message, error.remedy


def exit_code_of(clips: Sequence[ClipReport]) -> ExitCode:
    """Status of the whole run: 0 if all went well, 1 if some of several failed, of a single clip its own."""
    failed = [clip for clip in clips if clip.exit_code != ExitCode.DONE]
    if not failed:
        return ExitCode.DONE
    if any(clip.status == "cancelled" for clip in clips):
        return ExitCode.CANCELLED
    return ExitCode(failed[0].exit_code) if len(clips) == 1 else ExitCode.SOME_FAILED


def write_report(path: Path, clips: Sequence[ClipReport], versions: dict[str, str], seconds: float) -> None:
    """Write the report; it appears whole or not at all.

    Raises:
        AnimePoseError: if it cannot be written.
    """
    counts = {status: sum(clip.status == status for clip in clips) for status in ("done", "failed", "cancelled")}
    data = {
        "version": VERSION,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "versions": versions,
        "counts": counts,
        "clips": [asdict(clip) for clip in clips],
    }
    try:
        write_whole_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise AnimePoseError(
            f"The report {path} could not be written: {error.strerror}.", "Make space, or name another file."
        ) from error
