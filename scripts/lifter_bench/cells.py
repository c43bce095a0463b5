"""The seed's Table I on our data: what a lifter gains from depths, noise, truth and a longer look; all alike but that.

Every cell is trained for about the same, short time: cells can be compared with each other, not with the default.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from training.bodies import Moving
from training.estimator_errors import ErrorModel
from training.lift_training import Plan, distance, tensors, train
from training.lift_windows import Batch, Sampler, Settings

from animepose_blender.estimate.lifting import Sequence
from animepose_blender.estimate.lifting.network import Answer, NetworkLifter
from animepose_blender.estimate.lifting.sides import put_right
from animepose_blender.estimate.lifting.timing import BRIDGE_S
from animepose_blender.skeleton import MIRROR
from models import attention_lifter, residual_lifter, temporal_lifter

from .cases import LIMBS, Case

CHANNELS = 128
"""C of the table's temporal networks."""
POOL = 100
"""Batches drawn for a row; all its networks learn from the same ones, over and over."""
TEST_BATCHES = 4
PLAN = Plan(steps=0, spans=32, frames=128, check_every=10**6, workers=0)


@dataclass(frozen=True)
class Row:
    """What goes in, in training and in the test."""

    name: str
    training: Settings
    true_keypoints: bool
    depth: str
    """Of the test: "none", "estimator" or "true"."""

    def testing(self) -> Settings:
        """For held-out recordings: plain, nobody hidden."""
        keypoints = "true" if self.true_keypoints else "estimator"
        return Settings(keypoints, self.depth, hidden=False, varied=False)

    def of(self, case: Case) -> list[tuple[slice, Sequence]]:
        """What the lifter is given of a rendered or filmed person, from one gap to the next, for the cells have not
        learned to do without; empty where it is not known."""
        sequence = case.true if self.true_keypoints else case.seen
        if sequence is None:
            return []
        found, wrong = put_right(sequence)
        depth_m = None
        if self.depth != "none" and sequence.depth_m is not None:
            depth_m = np.where(wrong, sequence.depth_m[:, MIRROR], sequence.depth_m)
        cuts = [0, *(np.flatnonzero(np.diff(found.time_s) > BRIDGE_S) + 1).tolist(), len(found.time_s)]
        spans = [slice(a, b) for a, b in pairwise(cuts)]
        return [
            (
                k,
                Sequence(
                    found.time_s[k], found.rays[k], found.confidence[k], None if depth_m is None else depth_m[k],
                    found.direction[k],
                ),
            )
            for k in spans
        ]  # fmt: skip


ROWS = (
    Row("2D", Settings("estimator", "none", hidden=False), False, "none"),
    Row("2D + depth", Settings("estimator", "systematic", hidden=False), False, "estimator"),
    Row("2D + depth, plain noise of 0.1", Settings("estimator", "gauss", hidden=False), False, "estimator"),
    Row("2D + depth, measured noise", Settings("estimator", "estimator", hidden=False), False, "estimator"),
    Row("true 2D", Settings("true", "none", hidden=False), True, "none"),
    Row("true 2D + true depth", Settings("true", "true", hidden=False), True, "true"),
)


@dataclass(frozen=True)
class Column:
    """A network and its steps, so many that all take about as long."""

    name: str
    steps: int

    def make(self) -> torch.nn.Module:
        """As new, always the same."""
        torch.manual_seed(PLAN.seed)
        if self.name == "residual":
            return residual_lifter.ResidualLifter(residual_lifter.Config(width=512, dropout=0.0))
        if self.name == "attention":
            return attention_lifter.AttentionLifter(attention_lifter.Config(width=128, layers=3, heads=4, dropout=0.0))
        field = int(self.name)
        blocks = {1: 2, 27: 2, 81: 3, 243: 4}[field]
        kernel = 1 if field == 1 else 3
        return temporal_lifter.TemporalLifter(temporal_lifter.Config(kernel, blocks, CHANNELS, 0.0))


class Pool(Sampler):
    """Batches that were drawn once."""

    def __init__(self, moving: Moving, errors: ErrorModel, settings: Settings, count: int) -> None:
        super().__init__(moving, errors, settings)
        rng = np.random.default_rng((PLAN.seed, 4))
        self.batches = [super(Pool, self).draw(rng, PLAN.spans, PLAN.frames) for _ in range(count)]

    def draw(self, rng: np.random.Generator, count: int, steps: int) -> Batch:
        """Any of them."""
        return self.batches[int(rng.integers(len(self.batches)))]


def torch_lifter(network: torch.nn.Module, name: str, *, flip: bool = False) -> NetworkLifter:
    """A network in torch as a lifter."""

    def run(inputs: np.ndarray) -> Answer:
        with torch.no_grad():
            joints, log_sigma, logits = network(torch.from_numpy(np.ascontiguousarray(inputs))[None])
        return joints[0].numpy(), log_sigma[0].numpy(), logits[0].numpy()

    return NetworkLifter(name, run, flip=flip)


def place_of(row: Row, column: Column, out: Path) -> Path:
    """Where a cell's network is kept."""
    return out / f"{row.name.replace(' ', '_').replace(',', '').replace('+', 'and')}_{column.name}.pt"


def trained(row: Row, column: Column, pool: Pool | None, out: Path) -> tuple[torch.nn.Module, float]:
    """One cell's network and the processor time that it took, trained unless it is there."""
    path = place_of(row, column, out)
    network = column.make()
    if path.is_file():
        saved = torch.load(path, weights_only=True)
        network.load_state_dict(saved["network"])
        return network.eval(), float(saved["seconds"])
    assert pool is not None
    begin = time.process_time()
    folder = path.with_suffix("")
    network = train(network, pool, [], replace(PLAN, steps=column.steps), folder)
    seconds = time.process_time() - begin
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    torch.save({"network": network.state_dict(), "seconds": seconds}, path)
    return network, seconds


@torch.no_grad()
def simulated_mm(network: torch.nn.Module, batches: list[Batch]) -> tuple[float, float]:
    """Mean error over spans: all joints, and the limbs'."""
    every, limbs, count = 0.0, 0.0, 0.0
    for batch in (tensors(b) for b in batches):
        joints, _, _ = network(batch.inputs)
        apart = distance(joints - batch.joints_m) * batch.valid[..., None]
        every += float(apart.mean(-1).sum())
        limbs += float(apart[..., LIMBS].mean(-1).sum())
        count += float(batch.valid.sum())
    return 1000 * every / count, 1000 * limbs / count


def lifted_mm(lifter: NetworkLifter, row: Row, cases: list[Case]) -> tuple[float, float] | None:
    """Mean error over people that are known in full: all joints, and the limbs'."""
    errors = []
    for case in cases:
        joints_m = np.full_like(case.truth_m, np.nan)
        for span, sequence in row.of(case):
            joints_m[span] = lifter.lift(sequence).joints_m * case.size
        if np.isfinite(joints_m).any():
            errors.append(case.error_mm(joints_m))
    if not errors:
        return None
    joined = np.concatenate(errors)
    return float(np.nanmean(joined)), float(np.nanmean(joined[:, LIMBS]))


def table(
    moving: Moving, held_out: Moving, errors: ErrorModel, clips: list[Case], views: list[Case], out: Path,
    columns: tuple[Column, ...], rows: tuple[Row, ...] = ROWS,
) -> list[dict]:  # fmt: skip
    """All cells; networks that are in `out` are not trained again."""
    out.mkdir(parents=True, exist_ok=True)
    cells: list[dict] = []
    for row in rows:
        pool: Pool | None = None
        test = Sampler(held_out, errors, row.testing())
        rng = np.random.default_rng((PLAN.seed, 5))
        batches = [test.draw(rng, PLAN.spans, 256) for _ in range(TEST_BATCHES)]
        for column in columns:
            if not place_of(row, column, out).is_file():
                pool = pool or Pool(moving, errors, row.training, POOL)
            network, seconds = trained(row, column, pool, out)
            lifter = torch_lifter(network, column.name)
            cell = {
                "row": row.name, "column": column.name, "steps": column.steps, "seconds": round(seconds),
                "parameters": sum(p.numel() for p in network.parameters()),
                "simulated_mm": simulated_mm(network, batches),
                "clips_mm": lifted_mm(lifter, row, clips),
                "views_mm": lifted_mm(lifter, row, views),
            }  # fmt: skip
            cells.append(cell)
            print(cell, flush=True)
    return cells
