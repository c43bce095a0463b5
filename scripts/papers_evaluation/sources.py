"""What the tables are made of: folders, each of which may be missing, and networks by the files of their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from papers_training.crops import RenderedCrops
from papers_training.joint_task import JointNet, JointTask
from papers_training.photographs import HELD_OUT, Photographs, load_photographs
from papers_training.pictures import Pictures
from safetensors import safe_open

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.own import Constructors, load_own_file
from animepose_blender.estimate.hub.own_network import CONSTRUCTORS
from models import pose_net, root_net


def _joint_net(config: dict[str, Any]) -> JointNet:
    return JointNet(pose_net.from_config(config["pose_net"]), root_net.from_config(config["root_net"]))


EVERY: Constructors = {**CONSTRUCTORS, JointTask.name: _joint_net}
CPU = Device(torch.device("cpu"), torch.float32)
BATCH = 16


class Missing(AnimePoseError):
    """A table cannot be made here."""


@dataclass(frozen=True)
class Sources:
    """Folders; None for those that were not named.

    Attributes:
        weights: files of safetensors.
        pictures: rendered shards of the split `test`.
        photographs: the folder `lspet` of the data.
        clips: the real clips.
        ablations: files of safetensors, one for a row.
        logs: a folder for each training, with its `log.jsonl`.
        most: rendered pictures, people and photographs that are looked at.
        device: that networks run on.
    """

    weights: Path
    pictures: Path | None = None
    photographs: Path | None = None
    clips: Path | None = None
    ablations: Path | None = None
    logs: Path | None = None
    most: int = 500
    device: Device = CPU

    @cached_property
    def rendered(self) -> Pictures:
        """Rendered pictures.

        Raises:
            Missing: if they are not there; so do the others below.
        """
        return Pictures(needed(self.pictures, "pictures"))

    @cached_property
    def people(self) -> RenderedCrops:
        """People in them."""
        return RenderedCrops(self.rendered)

    @cached_property
    def held_out(self) -> Photographs:
        """Photographs that nothing was trained with."""
        which = slice(HELD_OUT.start, min(HELD_OUT.stop, HELD_OUT.start + self.most))
        return load_photographs(needed(self.photographs, "photographs"), which)

    def network(self, name: str) -> Any:
        """A network of the weights, ready to run."""
        path = self.weights / f"{name}.safetensors"
        if not path.is_file():
            raise Missing(f"There are no weights {path.name}.", f"Train them, or name their folder: {self.weights}.")
        return load(path, self.device)

    def all_of(self, *kinds: str, folder: Path | None = None) -> Iterator[tuple[str, Any]]:
        """Names and networks of all files in a folder (of the weights, if none is named) that are of these kinds."""
        for path in sorted((folder or self.weights).glob("*.safetensors")):
            if kind_of(path) in kinds:
                yield path.stem, load(path, self.device)


def needed(folder: Path | None, option: str) -> Path:
    """A folder that a table cannot do without.

    Raises:
        Missing: if it was not named or is not there.
    """
    if folder is None or not folder.is_dir():
        raise Missing(f"There is no folder for --{option}.", f"Name it with --{option}.")
    return folder


def kind_of(path: Path) -> str:
    """Which network a file of weights is for; "" if it does not say."""
    with safe_open(path, "pt") as file:
        return (file.metadata() or {}).get("network", "")


def load(path: Path, device: Device = CPU) -> Any:
    """A network of ours from a file, ready to run."""
    return load_own_file(path, EVERY, device)
