"""Files, folders and patterns become a list of clips and takes."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import AnimePoseError, ExitCode

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".ogv", ".3gp", ".mxf")
)
"""What is taken from a folder; a file that is named itself may have any suffix."""
TAKE_SUFFIX = ".take.npz"
"""Takes are known by it in folders, where other .npz files may lie."""


def find_inputs(words: Sequence[str], leave_out: Path | None = None) -> list[str]:
    """Absolute paths of what is named, in the order in which it is, folders and patterns sorted; each once.

    Args:
        words: files; folders, of which clips and takes directly inside count; patterns with `*`, `?`, `[…]` and `**`.
        leave_out: a folder whose files are never meant by folders and patterns: that of the results.
    Raises:
        AnimePoseError: if a folder or pattern gives nothing. A file that is not there is for its turn to tell: it must
            not stop the others.
    """
    found: dict[str, None] = {}
    for word in words:
        path = Path(os.path.abspath(os.path.expanduser(word)))
        if os.path.isdir(path):  # a name that no system knows is for its turn, too
            inside = [child for child in sorted(path.iterdir()) if _is_meant(child)]
            what = f"The folder {path} has neither videos nor takes ({TAKE_SUFFIX})"
        elif glob.has_magic(word):
            matches = sorted(glob.glob(os.path.expanduser(word), recursive=True))
            inside = [Path(os.path.abspath(match)) for match in matches if _is_meant(Path(match))]
            what = f"Nothing matches {word}"
        else:
            found[str(path)] = None
            continue
        inside = [child for child in inside if leave_out is None or leave_out not in child.parents]
        if not inside:
            raise AnimePoseError(f"{what}.", "Check its path.", ExitCode.BAD_INPUT)
        found |= dict.fromkeys(map(str, inside))
    return list(found)


def _is_meant(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith(".") or not path.is_file():
        return False
    return path.suffix.lower() in VIDEO_SUFFIXES or name.endswith(TAKE_SUFFIX)


def stem_of(path: str | os.PathLike[str]) -> str:
    """The name of a clip or take, without suffixes."""
    return Path(path).stem.removesuffix(".take")
