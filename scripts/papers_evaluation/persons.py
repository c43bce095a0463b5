"""People of rendered pictures as the networks see them: crops, the cameras that they were cut from, and the way back.

Axes of a crop are those of `core.crop_axes`; joints and roots of the truth are in the camera's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from papers_training.crops import BEYOND, Changes, Crops, PhotographCrops, RenderedCrops, crop_matrix, warped
from papers_training.inputs import as_input

from animepose_blender.core.crop_axes import crop_to_camera
from animepose_blender.skeleton import J
from models.root_net import AREA_REAL_M2, BOX_MARGIN

from .sources import BATCH


@dataclass(frozen=True, eq=False)
class Views:
    """Where N crops lie in their pictures.

    Attributes:
        middle_px, side_px: (N, 2), (N,) of the squares.
        intrinsics: (N, 3, 3).
    """

    middle_px: np.ndarray
    side_px: np.ndarray
    intrinsics: np.ndarray

    @staticmethod
    def of_boxes(boxes_px: np.ndarray, intrinsics: np.ndarray) -> Views:
        """Squares about boxes (N, 4) as left, top, right, bottom."""
        boxes = boxes_px.astype(float)
        side = BOX_MARGIN * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
        return Views((boxes[:, :2] + boxes[:, 2:]) / 2, side, intrinsics)

    @property
    def turn(self) -> np.ndarray:
        """(N, 3, 3) from axes of the crops to the camera's."""
        return crop_to_camera(self.middle_px, self.intrinsics)

    @property
    def k_m(self) -> np.ndarray:
        """(N,) distance by the box alone."""
        return np.sqrt(self.intrinsics[:, 0, 0] * self.intrinsics[:, 1, 1] * AREA_REAL_M2) / self.side_px

    def to_picture(self, points_px: np.ndarray, size_px: int) -> np.ndarray:
        """(N, ..., 2) pixels of crops of that size as pixels of the pictures."""
        shape = (-1, *[1] * (points_px.ndim - 2), 1)
        share = points_px / size_px - 0.5
        return self.middle_px.reshape(-1, *[1] * (points_px.ndim - 2), 2) + share * self.side_px.reshape(shape)

    def rays(self, points_px: np.ndarray) -> np.ndarray:
        """(N, P, 3) camera axes, z = 1, through pixels (N, P, 2) of the pictures."""
        ones = np.ones_like(points_px[..., :1])
        return np.concatenate([points_px, ones], axis=-1) @ np.swapaxes(np.linalg.inv(self.intrinsics), 1, 2)

    def from_2_5d(self, points_px: np.ndarray, depths_m: np.ndarray, root_z_m: np.ndarray) -> np.ndarray:
        """Joints beyond the pelvis in axes of the crop, (N, J, 3).

        Args:
            points_px: (N, J, 2) in the pictures.
            depths_m: (N, J) beyond the pelvis, axes of the crop.
            root_z_m: (N,) the pelvis's distance along the camera's axis.
        """
        rays = self.rays(points_px) @ self.turn
        pelvis = rays[:, J["pelvis"]] * root_z_m[:, None]
        joints = rays * ((pelvis[:, None, 2] + depths_m) / rays[..., 2])[..., None]
        return joints - pelvis[:, None]


@dataclass(frozen=True, eq=False)
class People:
    """People of rendered pictures; rows of `RenderedCrops.table`.

    Attributes:
        source, rows: where their crops come from.
        views: of their crops.
        joints_camera_m: (N, 28, 3).
    """

    source: RenderedCrops
    rows: np.ndarray
    views: Views
    joints_camera_m: np.ndarray

    @staticmethod
    def some(source: RenderedCrops, most: int) -> People:
        """So many of all, evenly."""
        table = source.table
        rows = table[np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(int))]
        shards = source.pictures.shards
        boxes = np.array([shards[s].box_px[p] for s, _, p in rows.tolist()])
        intrinsics = np.array([shards[s].intrinsics[k] for s, k, _ in rows.tolist()], float)
        joints = np.array([shards[s].joints_camera_m[p] for s, _, p in rows.tolist()], float)
        return People(source, rows, Views.of_boxes(boxes, intrinsics), joints)

    def crops(self, size_px: int) -> Crops:
        """Unaltered."""
        return self.source.crops(np.random.default_rng(0), self.rows, size_px, Changes.none())

    @property
    def relative_m(self) -> np.ndarray:
        """(N, 28, 3) beyond the pelvis, axes of the crop."""
        return (self.joints_camera_m - self.joints_camera_m[:, J["pelvis"], None]) @ self.views.turn


def photograph_crops(photographs: PhotographCrops, size_px: int) -> Crops:
    """All of them, unaltered."""
    rng = np.random.default_rng(0)
    return photographs.crops(rng, np.arange(len(photographs.photographs.colour)), size_px, Changes.none())


def cut(colour: np.ndarray, views: Views, size_px: int) -> np.ndarray:
    """(N, S, S, 3) crops of one picture."""
    cuts = [
        warped(colour, crop_matrix(middle, float(side), size_px, 0.0, False), size_px, BEYOND)
        for middle, side in zip(views.middle_px, views.side_px, strict=True)
    ]
    return np.array(cuts, np.uint8).reshape(-1, size_px, size_px, 3)


@torch.inference_mode()
def answers(network: Any, crops: Crops) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What a PoseNet or a cascade says of crops.

    Returns:
        (N, 28, 2) pixels of the crops; (N, 28) metres beyond the pelvis; (N, 28, 3) joints beyond the pelvis, axes of
        the crop, from the cascade alone.
    """
    px, depth, joints = [], [], []
    for part in as_input(crops.colour, "cpu").split(BATCH):
        said = network(part)
        if isinstance(said, torch.Tensor):
            said = network.joints_2_5d(said)
            px.append(said[..., :2])
            depth.append(said[..., 2])
        else:
            px.append(said.joints_px)
            depth.append(said.depths_m)
            joints.append(said.joints_m)
    whole = [torch.cat(part).double().numpy() for part in (px, depth)]
    return whole[0], whole[1], torch.cat(joints).double().numpy() if joints else None


@torch.inference_mode()
def roots(network: Any, colour: np.ndarray, views: Views) -> tuple[np.ndarray, np.ndarray]:
    """What a RootNet says of crops (N, S, S, 3): (N, 2) pixels of the pictures, (N,) metres along the camera's axis."""
    if not len(colour):
        return np.zeros((0, 2)), np.zeros(0)
    size_px = colour.shape[1]
    k = torch.from_numpy(views.k_m).float()
    inputs = as_input(colour, "cpu")
    said = torch.cat([network(p, z) for p, z in zip(inputs.split(BATCH), k.split(BATCH), strict=True)])
    root_px = network.pixels(said[:, :2]).double().numpy()
    return views.to_picture(root_px, size_px), said[:, 2].double().numpy()
