"""DepthNet: how far its depths are off, and whether it knows who of two people is nearer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from papers_metrics.depth import errors, person_order
from papers_training.inputs import as_input
from papers_training.scenes_batch import Scene, cut, whole

from animepose_blender.estimate.hub.own_crops import fitted_size
from models.depth_net import CANONICAL_FOCAL_PX

from .detect import every
from .sources import Sources
from .tables import number, table

PICTURES = 200


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`."""
    network = sources.network("depth_net")
    rows: dict[str, list[dict[str, float]]] = {"all": [], "people": [], "all_scaled": []}
    right = pairs = 0
    for one in every(sources.rendered, min(PICTURES, sources.most)):
        scene = _as_seen(whole(*one), network.config.input_px)
        found, known = depth_of(network, scene), np.isfinite(scene.depth_m)
        known &= scene.depth_m * CANONICAL_FOCAL_PX / scene.focal_px <= network.config.max_depth_m
        if not known.any():
            continue
        rows["all"].append(errors(found[known], scene.depth_m[known]))
        factor = np.median(scene.depth_m[known] / found[known])
        rows["all_scaled"].append(errors(factor * found[known], scene.depth_m[known]))
        body = known & (scene.ids > 0)
        if body.any():
            rows["people"].append(errors(found[body], scene.depth_m[body]))
        hits, count = person_order(found, scene.depth_m, scene.ids)
        right, pairs = right + hits, pairs + count
    figures: dict[str, Any] = {"pictures": len(rows["all"]), "reach_m": network.config.max_depth_m}
    for name, some in rows.items():
        figures[name] = {key: float(np.mean([row[key] for row in some])) for key in some[0]} if some else {}
    return figures | {"pairs": pairs, "order": 100 * right / pairs if pairs else None}


def _as_seen(scene: Scene, longer_px: int) -> Scene:
    """A picture at the size that the network is given."""
    height, width = fitted_size(scene.ids.shape[0], scene.ids.shape[1], longer_px)
    return cut(scene, 0.0, 0.0, longer_px / max(scene.ids.shape), height, width)


@torch.inference_mode()
def depth_of(network: Any, scene: Scene) -> np.ndarray:
    """(H, W) metres: the focal length of the picture is known here."""
    found = network(as_input(scene.colour[None], "cpu"))[0].double().numpy()
    return found * scene.focal_px / CANONICAL_FOCAL_PX


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    names = {"all": "all pixels", "people": "people's pixels", "all_scaled": "all pixels, after one factor a picture"}
    rows = [
        [title, *(number(figures[key].get(name), 1) for name in ("delta1", "abs_rel", "silog"))]
        for key, title in names.items()
    ]
    share = number(figures["order"], 1)
    return [
        "## DepthNet",
        "",
        f"{figures['pictures']} rendered pictures of the split `test`, their focal lengths known; means over pictures "
        f"of pixels up to {figures['reach_m']:g} m (at the canonical focal length), percent.",
        "",
        *table(["", "δ1", "AbsRel", "silog"], rows),
        f"Of {figures['pairs']} pairs of people at different distances, {share} % are in the right order by the median "
        "depth in their masks.",
        "",
    ]
