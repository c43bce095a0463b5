"""Open the networks of the weight store that a job names, and put them together with MediaPipe's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ...errors import AnimePoseError
from ...presets import SEEING, SEPARATOR
from ...protocol import JobRequest
from ...store.installed import find_network
from ...store.record import OWN_ARCHITECTURES, ModelRecord
from ..parts import Body, OpenParts, depth_watcher, follower
from ..reporter import Reporter
from .device import Device, choose_device
from .faults import gpu_faults
from .follow import FRAMES_AT_ONCE, FRAMES_ON_CPU, Networks, follow_in_batches
from .in_regions import PoseInRegions
from .loading import HubClasses, load_network
from .protocols import BatchBodies
from .stage_times import StageTimes

MAKERS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "detector": {
        "RfDetrForInstanceSegmentation": ("rf_detr", "RfDetrDetector"),
        "RfDetrForObjectDetection": ("rf_detr", "RfDetrDetector"),
        "RTDetrV2ForObjectDetection": ("rt_detr", "RtDetrDetector"),
        "RTDetrForObjectDetection": ("rt_detr", "RtDetrDetector"),
        "DFineForObjectDetection": ("rt_detr", "RtDetrDetector"),
        "detect_net": ("own_detect", "OwnDetector"),
    },
    "masks": {"Sam2VideoModel": ("sam2", "Sam2VideoMasks"), "Sam2Model": ("sam2", "Sam2VideoMasks")},
    "pose": {
        "VitPoseForPoseEstimation": ("vitpose", "VitPose"),
        "pose_net": ("own_pose", "OwnPose"),
        "cascade": ("own_pose", "OwnPose"),
    },
    "root": {"root_net": ("own_root", "OwnRoot")},
    "depth": {
        "DepthAnythingForDepthEstimation": ("depth_anything", "DepthAnything"),
        "depth_net": ("own_depth", "OwnDepth"),
    },
}
"""For each part, which classes of `transformers` and which of our networks can do it, and our class (module, name) that
runs them."""
_WAY_OUT = "Choose another network, or the preset offline."


def open_networks(job: JobRequest, body: Body, report: Reporter) -> OpenParts:
    """The networks of a job that names some of the store.

    Args:
        job: whose `parts` are opened.
        body: MediaPipe's networks, for the parts that the job leaves to them and for what others lack.
        report: is warned of what will not be used.
    Returns:
        Without hands; it need not be closed.
    Raises:
        AnimePoseError: if a network or the device is not there, or a network cannot be used for its part.
    """
    parts = job.parts
    # All are looked up before the first is loaded, which takes seconds.
    places = {name: find_network(name) for name in parts.networks()}
    for part in SEEING:
        for name in getattr(parts, part).split(SEPARATOR):
            if name in places:
                _require_use(places[name][1], part, job.commercial_only)
    device = choose_device(job.device)
    if device.note:
        report.warning(device.note)

    def opened(part: str) -> list[Any]:
        wanted = [name for name in getattr(parts, part).split(SEPARATOR) if name in places]
        return [_opened(*places[name], part, device) for name in wanted]

    detector, masks, pose, root = (next(iter(opened(part)), None) for part in ("detector", "masks", "pose", "root"))
    depths = opened("depth")
    depth = None
    if depths:
        from .scene_depth import depth_of

        depth = depth_of(depths)

    def names() -> tuple[str, ...]:
        # Asked at the end: which depth network suits the scene is known only then.
        return tuple(one.name for one in (detector, masks, pose, root, depth) if one is not None)

    if detector is not None and pose is not None:
        times = StageTimes(device)
        most = FRAMES_ON_CPU if device.torch.type == "cpu" else FRAMES_AT_ONCE
        gives_masks = masks is not None or getattr(detector, "gives_masks", False)
        completion = None if gives_masks and isinstance(pose, BatchBodies) else body.networks
        networks = Networks(device, detector, pose, masks, depth, completion, times, most, root)
        follow = gpu_faults()(lambda frames, most, watchers: follow_in_batches(frames, networks, most, watchers))
        return OpenParts(
            follow, None, names,
            metric_depth=depth is not None and depth.metric, coarse=isinstance(pose, BatchBodies),
            profile=times.profile,
        )  # fmt: skip
    if masks is not None:
        report.warning(f"{masks.name} is not used: MediaPipe makes masks where it finds people or their poses.")
    if root is not None:
        report.warning(f"{root.name} is not used: it needs a detector and a pose network that look at every frame.")
        root = None
    finder = poser = body.networks
    if detector is not None:
        from .one_by_one import OneByOneDetector

        finder = OneByOneDetector(detector, device)
    if pose is not None:
        poser = PoseInRegions(pose, device, body.networks)
    watchers = ()
    if depth is not None:
        from .one_by_one_pose import OneByOneDepth

        watchers = (depth_watcher(OneByOneDepth(depth, device)),)
    return OpenParts(gpu_faults()(follower(finder, poser)), None, names, watchers, depth is not None and depth.metric)


def _require_use(record: ModelRecord, part: str, commercial_only: bool) -> None:
    """Refuse a network that is made for something else, or may not be used, before anything is loaded."""
    if record.architecture not in MAKERS[part]:
        raise AnimePoseError(
            f"{record.title} cannot be used as {part}: it is a network for {record.role}, a {record.architecture}.",
            _WAY_OUT,
        )
    if commercial_only and not record.commercial:
        raise AnimePoseError(
            f"The licence of {record.title} ({record.licence}) does not allow commercial use, which this job asks for.",
            _WAY_OUT,
        )


def _opened(folder: Path, record: ModelRecord, part: str, device: Device) -> Any:
    """A network of the store behind the protocol of its part."""
    hashes = tuple(file.sha256 for file in record.files)
    # Masks remember the clip that they are made for.
    open_ = _loaded.__wrapped__ if part == "masks" else _loaded
    return open_(folder, hashes, record.architecture, part, device)


@lru_cache(maxsize=8)
def _loaded(folder: Path, hashes: tuple[str, ...], architecture: str, part: str, device: Device) -> Any:
    """The same, kept for the next clip of a process that stays, such as a node's of a cluster."""
    module, name = MAKERS[part][architecture]
    if architecture in OWN_ARCHITECTURES:
        from .own_network import load_own_network

        loaded = load_own_network(folder, device)
    else:
        loaded = load_network(folder, HubClasses(architecture), device)
    return getattr(import_module(f".{module}", __package__), name)(loaded)
