"""Joints of people whose boxes are known, in the picture and in space, by PoseNet or by the cascade."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from models import cascade

from ...errors import AnimePoseError
from ...skeleton import JOINT_COUNT, KEYPOINT_MAPS, from_keypoints
from ..metric_joints import metres_a_pixel
from .loading import Loaded
from .own_crops import cut_out, squares_around
from .own_network import OwnNetwork

OWN_SKELETON = "animepose_28"
AT_ONCE = {"cpu": 8, "": 64}
SURE: dict[str, tuple[float, float]] = {"pose_net": (2.2, -3.0), "cascade": (0.35, 4.0)}
"""How a network's own measure m becomes how sure a joint is, 1 / (1 + (half / m)^power), where its record's options
`sure_half` and `sure_power` do not say. `scripts/calibrate_joints.py` fits them, so that of all joints that are sure to
0.7 on rendered pictures, 70 % lie within a quarter of the trunk's length from where they are. The measure of PoseNet is
how wide its heatmap is, the cascade's how high its heatmap is at the joint."""
LEAST_MEASURE = 1e-3
AROUND = 3
"""Cells, along each side, in which the heatmap's value at a joint is looked for: its place is another layer's."""


class OwnPose(OwnNetwork):
    """PoseNet or the cascade; implements `BatchBodies`.

    Args:
        loaded: a `pose_net` or a `cascade`.
    Raises:
        AnimePoseError: if its joints are not those of its skeleton, or it does not say how sure it is.
    """

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded, AT_ONCE)
        record, config = loaded.record, self.network.config
        self.skeleton = record.skeleton or OWN_SKELETON
        self._cascade = record.architecture == cascade.NETWORK
        count = JOINT_COUNT if self._cascade else config.joints
        half, power = SURE[record.architecture]
        self._half = float(record.options.get("sure_half", half))
        self._power = float(record.options.get("sure_power", power))
        known = KEYPOINT_MAPS.get(self.skeleton)
        if known is None or len(known[0]) != count:
            raise AnimePoseError(
                f"{record.title} gives {count} joints, which are not those of the skeleton {self.skeleton}.",
                "Choose another network, or import it again with the skeleton that it has.",
            )
        if self._cascade and not config.joint_heatmaps:
            raise AnimePoseError(
                f"{record.title} has no heatmaps of joints, and so cannot say how sure it is.",
                "Choose another network.",
            )

    def keypoints(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """As in `BatchPose.keypoints`."""
        return self.bodies(pictures, picture, boxes_px)[:2]

    def bodies(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `BatchBodies.bodies`."""
        keypoints_px, measure, joints_m = self.measured(pictures, picture, boxes_px)
        return keypoints_px, calibrated(measure, self._half, self._power), joints_m

    def measured(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same with the networks' own measures of how sure they are, `spreads` or `peaks`, (N, K)."""
        config, squares = self.network.config, squares_around(boxes_px)
        owner = np.asarray(picture, dtype=np.int64).reshape(-1)
        white = 1.0 if self._cascade else config.white
        look = self._look_cascade if self._cascade else self._look_pose_net

        def work(part: slice) -> tuple[torch.Tensor, ...]:
            crops = cut_out(pictures, owner[part], squares.part(part), config.input_px, white)
            return self.answer(lambda dtype: look(crops.to(dtype)))

        results = self.batches.run(len(squares), work)
        if not results:
            count = len(KEYPOINT_MAPS[self.skeleton][0])
            return np.zeros((0, count, 2)), np.zeros((0, count)), np.zeros((0, count, 3))
        joints_px, measure, joints_m = (torch.cat(some).double().cpu().numpy() for some in zip(*results, strict=True))
        keypoints_px = squares.to_picture(joints_px, config.input_px)
        if not self._cascade:
            sure = calibrated(measure, self._half, self._power)
            ours_px, ours_sure = from_keypoints(self.skeleton, keypoints_px, sure)
            ours_m, _ = from_keypoints(self.skeleton, joints_m, sure)
            scale = metres_a_pixel(ours_px, ours_m[..., 2], ours_sure, squares.side_px)
            joints_m[..., :2] = (keypoints_px - ours_px[:, :1]) * scale[:, None, None]
        return keypoints_px, measure, joints_m

    def _look_cascade(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        said: cascade.Outputs = self.network(crops)
        assert said.joints is not None
        return said.joints_px, peaks(said.joints.float(), said.joints_px), said.joints_m

    def _look_pose_net(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        heatmaps = self.network.volumes(crops)
        cells = self.network.cells_of(heatmaps)
        joints = self.network.joints_2_5d(cells)
        in_space = torch.cat([torch.zeros_like(joints[..., :2]), joints[..., 2:]], dim=-1)
        return joints[..., :2], spreads(heatmaps.float(), cells), in_space


def calibrated(measure: np.ndarray, half: float, power: float) -> np.ndarray:
    """How sure joints are, 0 to 1, by a measure above 0: see `SURE`."""
    return 1 / (1 + (half / np.maximum(measure, LEAST_MEASURE)) ** power)


def spreads(heatmaps: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """How wide heatmaps are in the picture.

    Args:
        heatmaps: (N, J, D, H, W), unnormalised.
        cells: (N, J, 3) expected cells, x, y, z.
    Returns:
        (N, J) standard deviation along an axis, cells.
    """
    # Over depth first: what is plain in the picture may be anywhere along the view.
    plane = torch.logsumexp(heatmaps, dim=2)
    weights = plane.flatten(2).softmax(dim=-1).unflatten(-1, plane.shape[-2:])
    square = torch.zeros_like(cells[..., 0])
    for axis, other in ((0, -2), (1, -1)):
        marginal = weights.sum(dim=other)
        place = torch.arange(marginal.shape[-1], device=cells.device, dtype=marginal.dtype)
        square = square + (marginal * (place - cells[..., axis, None]) ** 2).sum(dim=-1)
    return (square / 2).sqrt()


def peaks(heatmaps: torch.Tensor, joints_px: torch.Tensor) -> torch.Tensor:
    """How high heatmaps are where joints lie: they were learned as bells 1 high, and are the lower the more places a
    joint could be at.

    Args:
        heatmaps: (N, J, H, W) at `cascade.STRIDE`.
        joints_px: (N, J, 2) in the crop.
    Returns:
        (N, J); 0 outside.
    """
    height, width = heatmaps.shape[-2:]
    near = functional.max_pool2d(heatmaps, AROUND, stride=1, padding=AROUND // 2)
    cell = (joints_px / cascade.STRIDE).floor().long()
    inside = ((cell >= 0) & (cell < cell.new_tensor([width, height]))).all(dim=-1)
    index = cell[..., 1].clamp(0, height - 1) * width + cell[..., 0].clamp(0, width - 1)
    return torch.where(inside, near.flatten(2).gather(2, index[..., None])[..., 0].clamp_min(0.0), 0.0)
