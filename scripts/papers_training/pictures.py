"""Rendered pictures as the training reads them: shards unpacked once, then mapped into memory, never loaded whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animepose_blender.errors import AnimePoseError

LARGE = ("colour", "ids", "depth_m")
"""Mapped; the other arrays of a shard are small."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Pictures of one file of `people_pictures.pictures.save_shard`, whose arrays these are."""

    colour: np.ndarray
    ids: np.ndarray
    depth_m: np.ndarray
    intrinsics: np.ndarray
    joints_px: np.ndarray
    joints_camera_m: np.ndarray
    visible: np.ndarray
    box_px: np.ndarray
    first: np.ndarray


def open_shard(path: Path) -> Shard:
    """A shard; its large arrays are unpacked beside it at first."""
    arrays = {}
    with np.load(path, allow_pickle=False) as data:
        for name in Shard.__dataclass_fields__:
            if name not in LARGE:
                arrays[name] = data[name]
                continue
            flat = path.parent / "unpacked" / f"{path.stem}_{name}.npy"
            if not flat.is_file():
                flat.parent.mkdir(exist_ok=True)
                part = flat.with_name(flat.name + ".part.npy")
                np.save(part, data[name])
                part.replace(flat)
            arrays[name] = np.load(flat, mmap_mode="r")
    return Shard(**arrays)


class Pictures:
    """All shards of a folder; more may come while it is used."""

    def __init__(self, folder: Path, most: int | None = None) -> None:
        """
        Args:
            folder: with the shards.
            most: shards that are used.
        Raises:
            AnimePoseError: if there are none.
        """
        self.folder, self.most = folder, most
        self.shards: list[Shard] = []
        self._known: set[Path] = set()
        if not self.look_again():
            raise AnimePoseError(f"There are no pictures in {folder}.", "Render some: scripts/make_people_pictures.py.")

    def look_again(self) -> int:
        """Take in new shards; how many there are now."""
        for path in sorted(self.folder.glob("*.npz"))[: self.most]:
            if path not in self._known and not path.name.endswith(".part.npz"):
                self.shards.append(open_shard(path))
                self._known.add(path)
        return len(self.shards)
