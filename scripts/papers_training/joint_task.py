"""RootNet and PoseNet as one network, for the comparison of 3DMPPE's table "joint or disjoint training" alone.

Reference: Moon, Chang and Lee, "Camera distance-aware top-down approach for 3D multi-person pose estimation from a
single RGB image" (ICCV 2019), ablation study: the two share a backbone and are trained together, or each has its own.
"""

from __future__ import annotations

from typing import Any

import torch

from models.pose_net import PoseNet
from models.root_net import RootNet

from .person_tasks import PersonData, PoseTask, RootTask
from .schedule import Schedule


class JointNet(torch.nn.Module):
    """A PoseNet and a RootNet that look through the same backbone."""

    def __init__(self, pose: PoseNet, root: RootNet) -> None:
        super().__init__()
        root.backbone = pose.backbone
        self.backbone, self.pose, self.root = pose.backbone, pose, root


class JointTask(PoseTask):
    """Both networks' losses on the same crops, added."""

    name = "joint_net"

    def __init__(self, network: JointNet, data: PersonData, schedule: Schedule) -> None:
        super().__init__(network, data, schedule)
        self.parts = PoseTask(network.pose, data, schedule), RootTask(network.root, data, schedule)

    def loss(self, batch: Any, progress: float) -> dict[str, torch.Tensor]:
        """The backbone's features are made twice, which costs time alone."""
        pose, root = self.parts
        return {**pose.loss(batch, progress), **root.loss(batch, progress)}

    def measure(self, network: Any) -> dict[str, float]:
        """What each is measured by."""
        pose, root = self.parts
        return pose.measure(network.pose) | root.measure(network.root)

    def config(self) -> dict[str, Any]:
        pose, root = self.parts
        return {"pose_net": pose.config(), "root_net": root.config()}
