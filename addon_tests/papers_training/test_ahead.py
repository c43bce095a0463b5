"""Batches made ahead by processes are those that the training would have made itself."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from papers_training.ahead import Ahead
from papers_training.loop import Plan


@dataclass(frozen=True)
class Person:
    box_px: torch.Tensor
    kept: bool


class Made:
    """Batches with tensors in all places that those of real tasks have them in."""

    name = "made"
    device = "none such"

    def __init__(self):
        self.network = torch.nn.Linear(2, 2)

    def batch(self, rng, size, progress):
        assert self.device in ("cpu", "none such")
        people = [Person(torch.from_numpy(rng.random((2, 4))), True) for _ in range(size)]
        return torch.from_numpy(rng.random((size, 3))), people, {"progress": torch.tensor(progress)}

    def loss(self, batch, progress):
        return {"sum": batch[0].sum()}

    def measure(self, network):
        return {"figure": 1.0}

    def config(self):
        return {}


def test_batches_are_the_same_and_in_order_from_any_step_on():
    task, plan = Made(), Plan(steps=7, batch=2)
    ahead = Ahead(task, plan, workers=2, device="cpu")
    for step in range(3, 7):
        progress = step / plan.steps
        pictures, people, more = ahead.batch(np.random.default_rng(99), plan.batch, progress)
        expected = task.batch(np.random.default_rng((plan.seed, step)), plan.batch, progress)
        torch.testing.assert_close(pictures, expected[0])
        assert [p.kept for p in people] == [True, True]
        for person, other in zip(people, expected[1], strict=True):
            torch.testing.assert_close(person.box_px, other.box_px)
        torch.testing.assert_close(more["progress"], expected[2]["progress"])
    assert ahead.network is task.network and ahead.measure(task.network) == {"figure": 1.0}
