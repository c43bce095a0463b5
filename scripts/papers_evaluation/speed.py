"""What the networks cost: parameters, multiply-adds, and processor time on one core.

Time is the thread's own processor time, the least of several calls: another program on the machine disturbs it less
than the clock's, though a shared cache still does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from .sources import CPU, Missing, Sources, kind_of, load
from .tables import number, table

PICTURE = (288, 384)
"""Height and width for networks that see whole pictures; next to it, what the preset gives DetectNet of 16:9."""
LARGER = (384, 640)
CALLS = 5


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`: of every network that ships, by name of its weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figures = {}
        for path in sorted(sources.weights.glob("*.safetensors")):
            if kind := kind_of(path):
                some = _inputs(kind)
                if some:
                    figures[path.stem] = {"bytes": path.stat().st_size} | _of(load(path, CPU), some)
    finally:
        torch.set_num_threads(before)
    if not figures:
        raise Missing(f"There are no weights of these networks in {sources.weights}.", "Train them.")
    return figures


def _inputs(kind: str) -> dict[str, Callable[[Any], tuple[torch.Tensor, ...]]]:
    """What a network is given, by a title."""
    if kind in ("detect_net", "depth_net"):
        return {f"{w} x {h}": (lambda _, h=h, w=w: (torch.rand(1, 3, h, w),)) for h, w in (PICTURE, LARGER)}
    if kind == "root_net":
        return {f"{n} crops": (lambda net, n=n: (_crops(net, n), torch.rand(n))) for n in (1, 8)}
    if kind in ("pose_net", "cascade"):
        return {f"{n} crops": (lambda net, n=n: (_crops(net, n),)) for n in (1, 8)}
    return {}


def _crops(network: Any, count: int) -> torch.Tensor:
    return torch.rand(count, 3, network.config.input_px, network.config.input_px)


@torch.inference_mode()
def _of(network: Any, inputs: dict[str, Callable[[Any], tuple[torch.Tensor, ...]]]) -> dict[str, Any]:
    rows = []
    for title, make in inputs.items():
        given = make(network)
        with FlopCounterMode(display=False) as counter:
            network(*given)
        rows.append({"input": title, "gmac": counter.get_total_flops() / 2e9, "cpu_ms": _milliseconds(network, given)})
    return {"parameters": sum(p.numel() for p in network.parameters()), "rows": rows}


def _milliseconds(network: Any, given: tuple[torch.Tensor, ...]) -> float:
    spent = []
    for _ in range(CALLS):
        began = time.thread_time()
        network(*given)
        spent.append(time.thread_time() - began)
    return 1000 * min(spent)


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    rows = [
        [f"`{name}`", number(one["parameters"] / 1e6, 2), number(one["bytes"] / 2**20, 1), row["input"],
         number(row["gmac"], 2), number(row["cpu_ms"], 0)]
        for name, one in figures.items() for row in one["rows"]
    ]  # fmt: skip
    head = ["weights", "million parameters", "file, MiB", "input", "10⁹ multiply-adds", "processor ms, one core"]
    return [
        "## Size and speed",
        "",
        "float32 on one core of the machine that the tables were made on; the least of five calls.",
        "",
        *table(head, rows),
    ]
