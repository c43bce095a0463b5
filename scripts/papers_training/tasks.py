"""Which task teaches which network, and from what."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from animepose_blender.errors import AnimePoseError
from models import cascade, depth_net, detect_net, pose_net, root_net
from models.backbones import backbone
from models.cascade_losses import Weights

from .crops import PhotographCrops, RenderedCrops
from .depth_task import DepthTask
from .detect_task import DetectTask
from .joint_task import JointNet, JointTask
from .loop import Task
from .person_tasks import CascadeTask, PersonData, PoseTask, RootTask
from .photographs import TRAINING, VALIDATION, load_photographs
from .pictures import Pictures
from .schedule import Schedule

NAMES = ("detect_net", "depth_net", "root_net", "pose_net", "cascade", "joint_net")
"""The last is PoseNet and RootNet in one, for a comparison."""
OURS = "ours"
"""Of the cascade's variants the one that ships: all stages, and joints looked for around peaks that were taught."""


@dataclass(frozen=True)
class Sources:
    """Folders: rendered pictures to train with and to check on, and the photographs to train with and to check on."""

    pictures: Path
    held_out: Path
    photographs: Path | None
    check_photographs: Path | None
    device: str


def task_of(name: str, variant: str, sources: Sources, schedule: Schedule) -> Task:
    """The task of a network, with a network that has learnt nothing.

    Raises:
        AnimePoseError: if data are not there, or there is no such variant.
    """
    if name in ("detect_net", "depth_net"):
        return _picture_task(name, sources)
    data, size_px = _person_data(sources), schedule.size_px
    if name in ("pose_net", "root_net", "joint_net"):
        pose = pose_net.PoseNet(replace(pose_net.SMALL, input_px=size_px))
        root = root_net.RootNet(replace(root_net.SMALL, input_px=size_px))
        if name == "joint_net":
            return JointTask(JointNet(pose, root), data, schedule)
        return PoseTask(pose, data, schedule) if name == "pose_net" else RootTask(root, data, schedule)
    config = replace(cascade.SMALL, input_px=size_px)
    if variant == OURS:
        config, weights = replace(config, window_cells=pose_net.SMALL.window_cells), Weights(place=1.0)
    elif variant in cascade.ABLATIONS:
        config, weights = replace(config, **cascade.ABLATIONS[variant]), Weights()  # type: ignore[arg-type]
    else:
        raise AnimePoseError(f"There is no cascade {variant!r}.", f"There are {', '.join([OURS, *cascade.ABLATIONS])}.")
    return CascadeTask(cascade.Cascade(backbone("small"), config), data, schedule, weights)


def _person_data(sources: Sources) -> PersonData:
    check = sources.check_photographs or sources.photographs
    return PersonData(
        RenderedCrops(Pictures(sources.pictures)),
        PhotographCrops(load_photographs(sources.photographs, TRAINING)) if sources.photographs else None,
        RenderedCrops(Pictures(sources.held_out)),
        PhotographCrops(load_photographs(check, VALIDATION)) if check else None,
        device=sources.device,
    )


def _picture_task(name: str, sources: Sources) -> Task:
    pictures, held_out = Pictures(sources.pictures), Pictures(sources.held_out)
    if name == "detect_net":
        return DetectTask(detect_net.from_config(asdict(detect_net.SMALL)), pictures, held_out, sources.device)
    return DepthTask(depth_net.from_config(asdict(depth_net.SMALL)), pictures, held_out, sources.device)
