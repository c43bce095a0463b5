"""Edits saved with the take: in its own file, beside the estimate that they leave alone.

They are `source["edits"]`, so that every reader of the take's version 1 still loads the file, and sees the estimate.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...take import Take, change_source
from .edits import Edit, from_json, to_json

SOURCE_KEY = "edits"


def edits_of(take: Take) -> list[Edit]:
    """The edits that a take was loaded with; none for most.

    Raises:
        AnimePoseError: if they cannot be read.
    """
    return from_json(take.source.get(SOURCE_KEY, []))


def save_edits(path: str | os.PathLike[str], edits: Sequence[Edit]) -> None:
    """Write the edits into a take's file, in place of those in it; the file changes whole or not at all.

    Args:
        path: of a take.
        edits: such as fit it (`replay.with_edit` checks them); none removes those in it.
    Raises:
        AnimePoseError: if there is no take, its folder cannot be written to or the disk is full.
    """
    change_source(path, {SOURCE_KEY: to_json(edits) or None})
