"""The loop that all networks share: random batches until the time is up, with a rate that rises and falls."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch

_WARM_UP = 0.05
"""Share of the time in which the rate rises."""
_LAST_RATE = 0.02
_TELL_EVERY_S = 20.0
_MOST_GRADIENT = 1.0
_NARROW = (0.012, 0.028)
"""Deviations that are those 0.02, also where the tails are cut off."""


def prepare(network: torch.nn.Module) -> None:
    """Start weights at the spread that suits few channels (Glorot and Bengio 2010).

    The published classes begin with a deviation of 0.02, made for layers ten times as wide; a small network would
    need most of its time to grow out of it. Layers that start at something else, such as 0, keep it.
    """
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and isinstance(weight, torch.Tensor):
            if _NARROW[0] < float(weight.detach().std()) < _NARROW[1]:
                torch.nn.init.xavier_uniform_(weight)


def fit(
    network: torch.nn.Module,
    items: int,
    loss_of: Callable[[np.ndarray], torch.Tensor],
    *,
    minutes: float,
    batch: int,
    rate: float,
    told: Callable[[str], None],
) -> int:
    """Fit a network in place; it is in evaluation mode afterwards.

    Args:
        network: of float32, on the CPU.
        items: how many samples there are.
        loss_of: the loss of a batch of samples, by their numbers.
        minutes: how long; at least two steps are made.
        batch: samples in a step.
        rate: AdamW's largest rate; it rises for 5 % of the time, then falls with a cosine.
        told: is told how it goes.
    Returns:
        The steps made.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=1e-4)
    rng = np.random.default_rng(0)
    order: list[int] = []
    started = last_told = time.monotonic()
    steps, losses = 0, []
    network.train()
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1 or steps < 2:
        share = min(share, 1.0)
        fall = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate * fall * min(1.0, (share + 1e-3) / _WARM_UP)
        if len(order) < batch:
            order += [int(i) for i in rng.permutation(items)]
        chosen, order = order[:batch], order[batch:]
        loss = loss_of(np.array(chosen))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, _MOST_GRADIENT)
        optimiser.step()
        steps, losses = steps + 1, [*losses[-49:], float(loss.detach())]
        if time.monotonic() - last_told > _TELL_EVERY_S:
            last_told = time.monotonic()
            told(f"step {steps}, {100 * share:.0f} % of the time, loss {np.mean(losses):.4f}")
    network.eval()
    return steps
