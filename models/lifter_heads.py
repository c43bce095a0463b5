"""What all lifting networks end in: joints, their uncertainty and contacts."""

from __future__ import annotations

import torch
from torch import nn

from animepose_blender.estimate.lifting.encoding import FEATURES
from animepose_blender.skeleton import JOINT_COUNT

OUTPUTS = JOINT_COUNT * 3 + JOINT_COUNT * 2 + 4
"""Joints, logarithms of their sigmas, contacts."""
LOG_SIGMA = (-5.0, 0.7)
"""7 mm to 2 m: beyond that nothing is meant, and the likelihood would run away."""
CONTACT_GAIN = 10.0
"""Contacts are sure of themselves, and steps of weights are small."""


class Heads(nn.Module):
    """A linear layer on the hidden state, and a linear skip from the same frame's input to the joints."""

    features = FEATURES

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.out = nn.Linear(hidden, OUTPUTS)
        self.skip = nn.Linear(FEATURES, JOINT_COUNT * 3, bias=False)
        # At first the skip alone answers.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.constant_(self.out.bias[JOINT_COUNT * 3 : JOINT_COUNT * 5], -2.5)
        nn.init.zeros_(self.skip.weight)

    def forward(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Answers for every frame.

        Args:
            inputs: (N, T, C) as `encoding.encode` makes them.
            hidden: (N, T, H).
        Returns:
            joints (N, T, J, 3) relative to the pelvis, view axes, metres of a person of standard size; log sigma
            (N, T, J, 2) across the view axis and along it; contact logits (N, T, 4).
        """
        out = self.out(hidden).float()
        joints, log_sigma, contact = out.split([JOINT_COUNT * 3, JOINT_COUNT * 2, 4], dim=-1)
        joints = (joints + self.skip(inputs).float()).unflatten(-1, (JOINT_COUNT, 3))
        log_sigma = log_sigma.unflatten(-1, (JOINT_COUNT, 2)).clamp(*LOG_SIGMA)
        return joints - joints[..., :1, :], log_sigma, CONTACT_GAIN * contact
