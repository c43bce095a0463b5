"""Cascaded dimension lifting: from a crop of one person to joints in space, one dimension after another.

Reference: Zhang, Zhan and Chang, "Deep Monocular 3D Human Pose Estimation via Cascaded Dimension-Lifting" (AAAI 2021):
"Network Design" and figure 2, equations 7 and 8 (soft-argmax), "3D Lifting block", table 4 (ablations). The targets and
losses are in `cascade_losses` and `cascade_targets`.

    context  the backbone's features at stride 32, three deconvolutions to stride 4
    bones    heatmaps of bones from the context
    joints   heatmaps of joints from the context and the bones
    cube     depth-centric block: 64 channels of depth from the dilated context and the joints, ordinal logits beside it
    volume   (depth, y, x) of each joint from the context and all of the above, then soft-argmax: 2.5D
    lifting  residual MLP from 2.5D to joints relative to the pelvis, metres, camera axes

Where the text leaves a choice, ours is: one stack of deconvolutions serves the context and the bones; maps are joined
by concatenation, and heatmaps go on as predicted, not as in the truth; dilations are 2, 4 and 8; depths grow away from
the camera, and the cube is 2 m deep (as 3DMPPE's PoseNet); points enter the MLP within -1 and 1 over crop and cube; a
stage left out of the configuration is gone with its layers, so that the baseline is PoseNet's structure and the MLP.
Our own weights look for joints around the volumes' peaks (`window_cells`), which the paper does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from animepose_blender.skeleton import JOINT_COUNT

from .backbones import Backbone, Upsampling, backbone
from .cascade_parts import DepthCentricBlock, HeatmapBlock, ResidualMLP, convolution
from .soft_argmax import pointed_cell, shares

NETWORK = "cascade"
"""Its name in the metadata of its weights."""
STRIDE = 4
"""Pixels of the crop to a cell of the heatmaps."""
BONE_COUNT = JOINT_COUNT - 1
"""Every joint but the pelvis ends one bone."""


@dataclass(frozen=True)
class Config:
    """Sizes and stages; the defaults are the paper's. `dropout` is not printed there; 0.5 is that of Martinez et al.,
    whose MLP it is. `detach` keeps the loss of the pose away from the picture's half, for the paper's second phase."""

    backbone: str = "resnet50"
    input_px: int = 256
    """Side of the crop that the weights were trained with; others run, too."""
    width: int = 256
    laterals: bool = False
    """Whether finer features join the context (`backbones.Upsampling`)."""
    depth_cells: int = 64
    cube_side_m: float = 2.0
    dilations: tuple[int, ...] = (2, 4, 8)
    lifting_width: int = 1024
    lifting_blocks: int = 5
    dropout: float = 0.5
    joint_heatmaps: bool = True
    bone_heatmaps: bool = True
    depth_centric: bool = True
    detach: bool = False
    window_cells: float = 0.0
    """As in `pose_net.Config`; the MLP gets what is found in the window."""


SMALL = Config(backbone="small", input_px=192, width=64, laterals=True, lifting_width=256, dropout=0.1)
"""For a small encoder: 1.6 million parameters beside it."""

ABLATIONS: dict[str, dict[str, bool]] = {
    "baseline": {"joint_heatmaps": False, "bone_heatmaps": False, "depth_centric": False},
    "joints": {"joint_heatmaps": True, "bone_heatmaps": False, "depth_centric": False},
    "joints_bones": {"joint_heatmaps": True, "bone_heatmaps": True, "depth_centric": False},
    "full": {"joint_heatmaps": True, "bone_heatmaps": True, "depth_centric": True},
}
"""The rows of table 4 as changes to a configuration: `replace(SMALL, **ABLATIONS["baseline"])`."""


class Outputs(NamedTuple):
    """What the network says. A stage that is switched off is None. Heatmaps are at `STRIDE`.

    Attributes:
        bones: (N, J - 1, H, W); bone b ends in joint b + 1.
        joints: (N, J, H, W).
        cube: (N, C, H, W), near first.
        ordinal: (N, C, H, W) logits of "the depth cell of the person here is beyond c" (equation 5).
        shares: (N, J, D, H, W) softmax of the volumes.
        joints_px: (N, J, 2) in the crop, pixel centres at +0.5.
        depths_m: (N, J) beyond the pelvis, from the volumes.
        joints_m: (N, J, 3) relative to the pelvis, camera axes (x right, y down, z forward).
    """

    bones: torch.Tensor | None
    joints: torch.Tensor | None
    cube: torch.Tensor | None
    ordinal: torch.Tensor | None
    shares: torch.Tensor
    joints_px: torch.Tensor
    depths_m: torch.Tensor
    joints_m: torch.Tensor


def points_of(cells: torch.Tensor, depth_cells: int, cube_side_m: float) -> tuple[torch.Tensor, torch.Tensor]:
    """2.5D points of cells of the volumes (equations 7 and 8).

    Args:
        cells: (N, J, 3) as x, y, z.
        depth_cells: D.
        cube_side_m: depth of the D cells together, the pelvis in the middle.
    Returns:
        (N, J, 2) pixels of the crop, pixel centres at +0.5; (N, J) metres beyond the pelvis.
    """
    # Cell c covers c to c + 1 in units of cells.
    middle = cells + 0.5
    return middle[..., :2] * STRIDE, (middle[..., 2] / depth_cells - 0.5) * cube_side_m


class Cascade(nn.Module):
    """The network; its stages are those of its configuration."""

    def __init__(self, encoder: Backbone, config: Config | None = None) -> None:
        """
        Args:
            encoder: the paper's is a ResNet-50; its features at stride 32 alone are used, as there.
            config: sizes and stages.
        """
        super().__init__()
        c = self.config = config or Config()
        self.encoder = encoder
        self.context = Upsampling(encoder.channels, c.width, c.laterals)
        known = c.width
        self.bones = self.joints = self.depth = None
        if c.bone_heatmaps:
            self.bones = HeatmapBlock(known, c.width, BONE_COUNT)
            known += BONE_COUNT
        if c.joint_heatmaps:
            self.joints = HeatmapBlock(known, c.width, JOINT_COUNT)
            known += JOINT_COUNT
        if c.depth_centric:
            self.depth = DepthCentricBlock(JOINT_COUNT if c.joint_heatmaps else 0, c.width, c.depth_cells, c.dilations)
            known += c.depth_cells
        self.join = convolution(known, c.width) if known > c.width else nn.Identity()
        # PyTorch's own start, not PoseNet's Gaussian of 0.001: a soft-argmax of flat volumes takes long to move.
        self.volume = nn.Conv2d(c.width, JOINT_COUNT * c.depth_cells, 1)
        self.lifting = ResidualMLP(
            JOINT_COUNT * 3, c.lifting_width, c.lifting_blocks, c.dropout, outputs=JOINT_COUNT * 3
        )

    def forward(self, pictures: torch.Tensor) -> Outputs:
        """See `Outputs`; normalised pictures (N, 3, H, W), sides multiples of 32 (the paper's are 256)."""
        context = self.context(self.encoder(pictures))
        known = [context]
        bones = joints = cube = ordinal = None
        if self.bones is not None:
            bones = self.bones(known)
            known.append(bones)
        if self.joints is not None:
            joints = self.joints(known)
            known.append(joints)
        if self.depth is not None:
            cube, ordinal = self.depth(context, [] if joints is None else [joints])
            known.append(cube)
        c = self.config
        volume = self.volume(self.join(torch.cat(known, dim=1)))
        weights = shares(volume.unflatten(1, (JOINT_COUNT, c.depth_cells)))
        cells = pointed_cell(weights, c.window_cells)
        joints_px, depths_m = points_of(cells, c.depth_cells, c.cube_side_m)
        joints_m = self.lift(joints_px, depths_m, (pictures.shape[-2], pictures.shape[-1]))
        return Outputs(bones, joints, cube, ordinal, weights, joints_px, depths_m, joints_m)

    def lift(self, joints_px: torch.Tensor, depths_m: torch.Tensor, size_px: tuple[int, int]) -> torch.Tensor:
        """2.5D points to space by the residual MLP (equation 6).

        Args:
            joints_px: (N, J, 2) in the crop.
            depths_m: (N, J) beyond the pelvis.
            size_px: height and width of the crop.
        Returns:
            (N, J, 3) relative to the pelvis, camera axes.
        """
        across = 2 * joints_px / joints_px.new_tensor(size_px[::-1]) - 1
        points = torch.cat([across, 2 / self.config.cube_side_m * depths_m[..., None]], dim=-1)
        if self.config.detach:
            points = points.detach()
        joints_m = self.lifting(points.flatten(1)).float().unflatten(1, (JOINT_COUNT, 3))
        return joints_m - joints_m[:, :1]


def from_config(config: dict[str, Any]) -> Cascade:
    """A cascade of the sizes that a file of weights states.

    Raises:
        TypeError, ValueError: if they are no sizes of a cascade.
    """
    c = Config(**config)
    return Cascade(backbone(c.backbone), c)
