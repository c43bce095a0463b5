"""What somebody carries in, folder or zip, as a list of files that are safe to read."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path

from ..errors import AnimePoseError
from .contents import CHUNK, LARGEST_TEXT
from .names import PICKLES, UNFINISHED, WEIGHTS, is_file_name

MOST_FILES = 20_000
MOST_EXPANDED = 200
"""How many times larger than in the zip a file may be; JSON is at most some 50 times, weights hardly at all."""
_ANOTHER = "Choose another folder or zip."


class Carried:
    """Files by their paths in a folder or zip; a context manager.

    Args:
        source: a folder, a zip, or one file of weights.
    Raises:
        AnimePoseError: if it is nothing of that, or something in it is not safe.
    """

    def __init__(self, source: Path) -> None:
        self.name = source.name
        self.sizes: dict[str, int] = {}
        """Bytes of each file that a network may have, by path with forward slashes."""
        self.refused: list[str] = []
        """Paths of weights that are not read, such as pickles."""
        self._seen = 0
        self._source = source
        self._archive: zipfile.ZipFile | None = None
        try:
            if source.is_dir():
                self._look_into_folder(source)
            elif zipfile.is_zipfile(source):
                self._archive = zipfile.ZipFile(source)
                self._look_into_zip(self._archive)
            elif source.is_file():
                self._add(source.name, source.stat().st_size)
                self._source = source.parent
            else:
                raise AnimePoseError(f"There is no file or folder {source}.", _ANOTHER)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            self.close()
            raise AnimePoseError(f"{source} cannot be read: {error}.", _ANOTHER) from error

    def __enter__(self) -> Carried:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the zip."""
        if self._archive is not None:
            self._archive.close()

    def chunks(self, path: str) -> Generator[bytes, None, None]:
        """Read one of the files, piece by piece.

        Raises:
            AnimePoseError: if it is damaged or cannot be read.
        """
        try:
            with self._archive.open(path) if self._archive else (self._source / path).open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
            raise AnimePoseError(f"{path} in {self.name} cannot be read: {error}.", _ANOTHER) from error

    def text(self, path: str) -> bytes:
        """All of one of the files that are text.

        Raises:
            AnimePoseError: as `chunks`.
        """
        return b"".join(self.chunks(path))

    def _add(self, path: str, size: int) -> None:
        self._seen += 1
        if self._seen > MOST_FILES:
            raise ValueError(f"it has more than {MOST_FILES} files")
        folders, _, name = path.rpartition("/")
        if any(folder.endswith(UNFINISHED) for folder in folders.split("/")):
            return  # of a store, a network that is not whole
        # The folders above a network may be called anything, its own files may not.
        if is_file_name(name):
            if not name.endswith(WEIGHTS) and size > LARGEST_TEXT:
                raise ValueError(f"its text file {path!r} has {size} bytes")
            self.sizes[path] = size
        elif path.lower().endswith(PICKLES):
            self.refused.append(path)

    def _look_into_folder(self, folder: Path) -> None:
        within = [folder.resolve()]
        if folder.resolve().parent.name == "snapshots":  # a cache of the hub's own tools: links to files beside it
            within.append(folder.resolve().parents[1] / "blobs")
        for path in sorted(folder.rglob("*")):
            real = path.resolve()
            if path.is_symlink() and not any(real.is_relative_to(place) for place in within):
                raise ValueError(f"{path.relative_to(folder)} is a link that leads out of it")
            if real.is_file():
                self._add(path.relative_to(folder).as_posix(), real.stat().st_size)

    def _look_into_zip(self, archive: zipfile.ZipFile) -> None:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(set(names)) != len(names):
            raise ValueError("it has a file twice")
        for info in infos:
            parts = info.filename.rstrip("/").split("/")
            if info.filename.startswith("/") or "\\" in info.filename or ":" in parts[0] or {"..", "."} & set(parts):
                raise ValueError(f"its file {info.filename!r} would lie outside of its folder")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ValueError(f"its file {info.filename!r} is a link")
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise ValueError("it is encrypted")
            if info.file_size > max(MOST_EXPANDED * info.compress_size, 1 << 16):
                raise ValueError(f"its file {info.filename!r} would grow {info.file_size} bytes large when unpacked")
            self._add(info.filename, info.file_size)
