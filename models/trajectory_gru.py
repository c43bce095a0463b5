"""Trajectory network: where a hidden person goes, and in which pose, in the next two seconds.

Idea: Manh and Alaghband, Scene-LSTM (2018): a recurrent network reads the motion of one person together with a summary
of the others nearby. Ours differs: a GRU (Cho et al., 2014); the others are pooled by maximum as in a point network
instead of on a grid; and the whole future comes at once as weights of smooth waves, so that nothing drifts and any
frame rate can be asked for. `animepose_blender.estimate.predict.recurrent` runs the same weights in plain numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from animepose_blender.estimate.predict.encoding import (
    OTHER_FEATURES,
    OWN_FEATURES,
    POSE_WAVES,
    ROOT_WAVES,
    SIGMA_KNOTS,
)


@dataclass(frozen=True)
class Config:
    """Sizes; 201 thousand parameters."""

    hidden: int = 128
    other_hidden: int = 24
    head_hidden: int = 192
    pose_components: int = 24
    """Principal components of the change of all bones' directions."""


class TrajectoryGRU(nn.Module):
    """Past of a person and the others → the coefficients of path, pose and uncertainty."""

    pose_basis: torch.Tensor
    sigma_scale: torch.Tensor

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.other = nn.Linear(OTHER_FEATURES, c.other_hidden)
        self.gru = nn.GRU(OWN_FEATURES + c.other_hidden, c.hidden, batch_first=True)
        self.head = nn.Linear(c.hidden + OWN_FEATURES, c.head_hidden)
        self.root = nn.Linear(c.head_hidden, (1 + ROOT_WAVES) * 3)
        self.pose = nn.Linear(c.head_hidden, POSE_WAVES * c.pose_components)
        self.sigma = nn.Linear(c.head_hidden, SIGMA_KNOTS * 2)
        self.register_buffer("pose_basis", torch.zeros(c.pose_components, 81))
        # Uncertainty learned along with the paths is too small for people never seen; set once after training.
        self.register_buffer("sigma_scale", torch.ones(2))
        for layer in (self.root, self.pose):
            # At first nobody moves.
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.sigma.bias, -2.5)

    def forward(self, own: torch.Tensor, others: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Coefficients, to be multiplied with the bases of `encoding`.

        Args:
            own: (N, S, 92).
            others: (N, O, S, 7); rows of 0 where nobody is.
        Returns:
            root (N, 9, 3) in sizes, pose (N, 12, 81) for directions of 27 bones, and steps of the uncertainty
            (N, 9, 2), positive, in sizes.
        """
        count, steps = own.shape[:2]
        # Nobody there gives 0, which is also the least that anybody gives.
        seen = torch.relu(self.other(others)) * others[..., -1:]
        summary = seen.amax(dim=1) if others.shape[1] else own.new_zeros(count, steps, self.config.other_hidden)
        states, _ = self.gru(torch.cat([own, summary], dim=-1))
        x = torch.relu(self.head(torch.cat([states[:, -1], own[:, -1]], dim=-1)))
        root = self.root(x).view(count, 1 + ROOT_WAVES, 3)
        pose = self.pose(x).view(count, POSE_WAVES, -1) @ self.pose_basis
        sigma = nn.functional.softplus(self.sigma(x)).view(count, SIGMA_KNOTS, 2) * self.sigma_scale
        return root, pose, sigma
