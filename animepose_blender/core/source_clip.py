"""Where the clip of a take is."""

from __future__ import annotations

from pathlib import Path


def find_clip(clip: str, take_path: str | None) -> Path | None:
    """The clip where the take says, or beside the take; None if it is in neither place."""
    if not clip:
        return None
    places = [Path(clip)]
    if take_path:
        places += [Path(take_path).parent / clip, Path(take_path).parent / Path(clip.replace("\\", "/")).name]
    return next((place.absolute() for place in places if place.is_file()), None)
