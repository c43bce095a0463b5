"""The papers' ablations on our data: the same short training with stages left out, or with a shared backbone."""

from __future__ import annotations

from typing import Any

from papers_training.crops import PhotographCrops

from . import pose, root
from .persons import People
from .sources import Missing, Sources, needed
from .tables import number, table

CASCADE = {
    "baseline": "baseline: 2.5D heatmaps and the MLP",
    "joints": "+ joint heatmaps",
    "joints_bones": "+ bone heatmaps",
    "full": "+ depth-centric block (full)",
}
"""Rows of table 4 of the cascade's paper, by the stages of `models.cascade.ABLATIONS`."""
PAPER_MM = {"baseline": 54.1, "joints": 52.0, "joints_bones": 50.8, "full": 48.7}
"""What the paper has there, on Human3.6M."""


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`: of each file of the folder by its name."""
    folder = needed(sources.ablations, "ablations")
    people = People.some(sources.people, sources.most)
    photographs = PhotographCrops(sources.held_out) if sources.photographs else None
    figures: dict[str, Any] = {"cascade": {}, "pairs": {}}
    for name, network in sources.all_of("cascade", folder=folder):
        figures["cascade"][name] = {"variant": variant_of(network.config)} | _pose(network, people, photographs)
    for name, network in sources.all_of("joint_net", folder=folder):
        both = {"joint": True} | _pose(network.pose, people, photographs) | _root(network.root, people)
        figures["pairs"][name] = both
    for name, network in sources.all_of("pose_net", folder=folder):
        figures["pairs"][name] = {"joint": False} | _pose(network, people, photographs)
    for name, network in sources.all_of("root_net", folder=folder):
        figures["pairs"][name] = {"joint": False} | _root(network, people)
    if not any(figures.values()):
        raise Missing(f"There are no weights of ablations in {folder}.", "Train them: scripts/train_papers.py.")
    return figures


def variant_of(config: Any) -> str:
    """Which row of the table a configuration is; "" for another."""
    stages = (config.joint_heatmaps, config.bone_heatmaps, config.depth_centric)
    known = {(False, False, False): "baseline", (True, False, False): "joints", (True, True, False): "joints_bones"}
    return (known | {(True, True, True): "full"}).get(stages, "")


def _pose(network: Any, people: People, photographs: PhotographCrops | None) -> dict[str, Any]:
    figures = pose.on_rendered(network, people)
    if photographs:
        figures |= pose.on_photographs(network, photographs)
    kept = ("mpjpe_mm", "pa_mpjpe_mm", "pck150_rel", "pck05_rendered", "pck02_rendered", "order", "pck05", "pck02")
    return {name: figures[name] for name in kept if name in figures}


def _root(network: Any, people: People) -> dict[str, Any]:
    one = root.true_boxes(network, people)
    return {"mrpe_mm": one["root_net"]["mrpe_mm"], "z_share": one["root_net"]["z_share"]}


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    out = ["## Ablations", ""]
    if figures["cascade"]:
        order = list(CASCADE)
        some = sorted(figures["cascade"].items(), key=lambda item: order.index(item[1]["variant"] or order[-1]))
        base = next((one["mpjpe_mm"] for _, one in some if one["variant"] == "baseline"), None)
        rows = [
            [CASCADE.get(one["variant"], name), number(one["mpjpe_mm"], 1), _change(one["mpjpe_mm"], base),
             _change(PAPER_MM.get(one["variant"]), PAPER_MM["baseline"]), number(one["pa_mpjpe_mm"], 1),
             number(one["pck02_rendered"], 1), number(one.get("pck05"), 1),
             number(one["order"], 1)]
            for name, one in some
        ]  # fmt: skip
        out += ["The cascade's stages (its paper's table 4), trained alike and shortly; rendered split `test`, and the "
                "held-out photographs.", ""]  # fmt: skip
        head = ["", "MPJPE mm", "against the baseline", "the paper's", "PA-MPJPE mm", "PCK@0.2 rendered"]
        out += table([*head, "PCK@0.5 photographs", "order of joints %"], rows)
    if figures["pairs"]:
        rows = [
            [f"`{name}`" + (" (one backbone)" if one["joint"] else ""), number(one.get("mpjpe_mm"), 1),
             number(one.get("pck02_rendered"), 1), number(one.get("mrpe_mm"), 0), number(one.get("z_share"), 1)]
            for name, one in figures["pairs"].items()
        ]  # fmt: skip
        out += [
            "RootNet and PoseNet trained together on one backbone, and each on its own, equally long; MPJPE with the "
            "true distance. The paper: together MRPE 138.2 and MPJPE 116.7, each on its own 120.0 and 57.3.",
            "",
        ]
        out += table(["weights", "MPJPE mm", "PCK@0.2 rendered", "MRPE mm", "z off %"], rows)
    return out


def _change(value: float | None, base: float | None) -> str:
    return "" if not base or not value else f"{100 * (value / base - 1):+.1f} %"
