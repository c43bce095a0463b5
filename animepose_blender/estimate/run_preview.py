"""The worker's third job: the mannequins of a take over its clip, as a small video."""

from __future__ import annotations

from ..core.review.edited import load_edited
from ..core.source_clip import find_clip
from ..errors import AnimePoseError
from ..protocol import PreviewRequest, Result
from .preview import write_preview
from .run_again import Reporter


def run_preview(job: PreviewRequest, report: Reporter) -> Result:
    """Draw everybody of a take, as edited, over its clip.

    Raises:
        AnimePoseError: if take or clip cannot be read, or the video cannot be written.
    """
    report.progress("open", 0.0)
    take = load_edited(job.source)
    clip = find_clip(job.clip or str(take.source.get("clip") or ""), job.source)
    if clip is None:
        told = job.clip or take.source.get("clip") or "which the take does not name"
        raise AnimePoseError(f"The clip {told} was not found.", "Put it beside its take.")
    write_preview(take, clip, job.take, mannequins=True, progress=lambda fraction: report.progress("write", fraction))
    return Result(job.take, take.person_count, take.frame_count)
