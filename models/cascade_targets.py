"""What the stages of the cascade are taught: heatmaps of joints and bones, the cube, depth cells, orders of depth.

Reference: Zhang, Zhan and Chang, "Deep Monocular 3D Human Pose Estimation via Cascaded Dimension-Lifting" (AAAI 2021):
"Bone-Joint Heatmap Block" with equation 1, "Depth-Centric Block". Orders of pairs: Pavlakos, Zhou and Daniilidis,
"Ordinal depth supervision for 3D human pose estimation" (CVPR 2018), which the paper starts from.

Where the text leaves a choice, ours is: equation 1 takes the squared distance, since a Gaussian is meant and sigma is a
length; the bone is the piece of line between its joints; sigmas count cells of the heatmap (2 at 64 x 64), that of the
bones falls linearly from 4 to 2 over the training (no figures are printed); cells of the cube that two joints claim
take the larger value.

Points are cells of the heatmap: cell (0, 0) has its middle at 0, 0. A point that is not known may be NaN.
"""

from __future__ import annotations

import torch

from animepose_blender.skeleton import PARENTS

_CHILDREN = list(range(1, len(PARENTS)))
_PARENTS = [int(PARENTS[child]) for child in _CHILDREN]


def bone_sigma_cells(progress: float, first: float = 4.0, last: float = 2.0) -> float:
    """Sigma of the bones' heatmaps when `progress` (0 to 1) of the training is over."""
    return first + (last - first) * min(max(progress, 0.0), 1.0)


def _grid(size: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """(H, W, 2) x and y of every cell; size is (H, W)."""
    y, x = (torch.arange(n, dtype=like.dtype, device=like.device) for n in size)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def joint_heatmaps(
    points: torch.Tensor, known: torch.Tensor, size: tuple[int, int], sigma: float = 2.0
) -> torch.Tensor:
    """Gaussians about the joints, 1 at their middle.

    Args:
        points: (N, J, 2) cells.
        known: (N, J) bool; heatmaps of others are 0.
        size: (H, W) of the heatmaps.
        sigma: cells.
    Returns:
        (N, J, H, W).
    """
    points = torch.where(known[..., None], points, 0.0)
    square = (_grid(size, points) - points[:, :, None, None]).square().sum(dim=-1)
    return torch.exp(-square / (2 * sigma**2)) * known[..., None, None]


def bone_heatmaps(
    points: torch.Tensor, known: torch.Tensor, size: tuple[int, int], sigma: float = 2.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bones drawn as lines with a Gaussian across them, 1 on the line (equation 1).

    Args: as of `joint_heatmaps`.
    Returns:
        (N, J - 1, H, W), bone b ends in joint b + 1; (N, J - 1) bool, where both ends are known (others are 0).
    """
    known_bones = known[:, _CHILDREN] & known[:, _PARENTS]
    points = torch.where(known[..., None], points, 0.0)
    start = points[:, _PARENTS, None, None]
    along = points[:, _CHILDREN, None, None] - start
    offset = _grid(size, points) - start
    # A bone that points at the camera is a dot: its length is then 0, and so is the product above it.
    share = (offset * along).sum(-1) / along.square().sum(-1).clamp_min(1e-6)
    square = (offset - share.clamp(0, 1)[..., None] * along).square().sum(dim=-1)
    return torch.exp(-square / (2 * sigma**2)) * known_bones[..., None, None], known_bones


def depth_indices(depths_m: torch.Tensor, cells: int, cube_side_m: float) -> torch.Tensor:
    """Cell of the cube of each depth beyond the pelvis, near first; what is outside goes to the outermost cells.

    Args:
        depths_m: (N, J); what is NaN gets the middle.
    Returns:
        (N, J) int64.
    """
    share = torch.nan_to_num(depths_m, nan=0.0) / cube_side_m + 0.5
    return (share * cells).floor().long().clamp(0, cells - 1)


def cube_of(heatmaps: torch.Tensor, indices: torch.Tensor, known: torch.Tensor, cells: int) -> torch.Tensor:
    """Heatmaps of joints, each in the channel of its depth.

    Args:
        heatmaps: (N, J, H, W).
        indices: (N, J) channels.
        known: (N, J) bool; a joint whose depth is not known is left out.
        cells: channels C.
    Returns:
        (N, C, H, W).
    """
    n, _, height, width = heatmaps.shape
    cube = heatmaps.new_zeros(n, cells, height, width)
    index = indices[..., None, None].expand_as(heatmaps)
    return cube.scatter_reduce_(1, index, heatmaps * known[..., None, None], "amax")


def depth_map(
    heatmaps: torch.Tensor, indices: torch.Tensor, known: torch.Tensor, least: float = 0.5
) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth cell of the person at every cell of the picture: that of the nearest joint, about joints only.

    Args: as of `cube_of`; `least` is how much of a joint's heatmap must be there.
    Returns:
        (N, H, W) int64; (N, H, W) bool, where it is known.
    """
    strength, joint = (heatmaps * known[..., None, None]).max(dim=1)
    depth = indices.gather(1, joint.flatten(1)).view_as(joint)
    return depth, strength >= least


def depth_relations(
    depths_m: torch.Tensor, known: torch.Tensor, tolerance_m: float = 0.05
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of two joints is closer.

    Args:
        depths_m: (N, J).
        known: (N, J) bool.
        tolerance_m: depths closer than this are roughly the same.
    Returns:
        (N, J, J) of +1 where the row's joint is closer than the column's, -1 where it is farther, 0 where they are
        roughly the same; (N, J, J) bool, pairs of two different joints whose depths are known.
    """
    depths = torch.where(known, depths_m, 0.0)
    behind = depths[:, None, :] - depths[:, :, None]
    relations = behind.sign() * (behind.abs() > tolerance_m)
    pairs = known[:, None, :] & known[:, :, None]
    return relations, pairs & ~torch.eye(known.shape[1], dtype=torch.bool, device=known.device)
