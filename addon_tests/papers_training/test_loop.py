"""The training loop: seeded, resumable, and honest about plans."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import torch
from papers_training.export import export
from papers_training.loop import LOG, Plan, train

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.own import load_own_file
from models import root_net


class Line:
    """Learns y = 2 x."""

    name = "line"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))

    def batch(self, rng: np.random.Generator, size: int, progress: float) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(-1, 1, (size, 1)).astype(np.float32))

    def loss(self, batch: torch.Tensor, progress: float) -> dict[str, torch.Tensor]:
        return {"square": (self.network(batch).float() - 2 * batch).square().mean()}

    def measure(self, network: torch.nn.Module) -> dict[str, float]:
        x = torch.linspace(-1, 1, 9)[:, None]
        return {"miss": float((network(x) - 2 * x).abs().mean())}

    def config(self) -> dict[str, float]:
        return {}


PLAN = Plan(60, batch=8, rate=0.02, warm_up=5, average=0.9, check_every=20)


def weights(network: torch.nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])


def test_training_learns_and_writes_a_log(tmp_path) -> None:
    train(Line(), PLAN, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [row["step"] for row in rows] == [20, 40, 60]
    assert rows[-1]["miss"] < 0.5 * rows[0]["miss"]


def test_a_run_in_pieces_ends_where_one_in_one_piece_ends(tmp_path) -> None:
    whole = train(Line(), PLAN, tmp_path / "whole")
    for _ in range(60):
        parts = train(Line(), PLAN, tmp_path / "parts", minutes=0.0)
    np.testing.assert_allclose(weights(parts), weights(whole), rtol=1e-5, atol=1e-6)


def test_a_checkpoint_of_another_plan_is_refused(tmp_path) -> None:
    train(Line(), PLAN, tmp_path, minutes=0.0)
    with pytest.raises(AnimePoseError, match="60 steps"):
        train(Line(), Plan(70), tmp_path)


def test_exported_weights_are_those_the_product_loads(tmp_path) -> None:
    config = root_net.Config(backbone="small", width=16, input_px=64)
    network = root_net.RootNet(config).eval()
    export(network, root_net.NETWORK, config.__dict__, tmp_path / "w.safetensors")
    device = Device(torch.device("cpu"), torch.float32)
    loaded = load_own_file(tmp_path / "w.safetensors", {root_net.NETWORK: root_net.from_config}, device)
    pictures, k = torch.rand(2, 3, 64, 64), torch.tensor([2.0, 3.0])
    with torch.no_grad():
        torch.testing.assert_close(loaded(pictures, k), network(pictures, k), rtol=2e-2, atol=2e-2)
