"""DepthNet: how far its depths are off, and whether it knows who of two people is nearer.

References: Eigen et al., "Depth map prediction from a single image" (2014), for the figures; silog as KITTI's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from papers_training.inputs import as_input
from papers_training.scenes_batch import Scene, cut, whole

from animepose_blender.estimate.hub.own_crops import fitted_size
from models.depth_net import CANONICAL_FOCAL_PX

from .detect import every
from .sources import Sources
from .tables import number, table

PICTURES = 200
APART = 0.05
"""People whose distances differ by this share or more have an order."""
LEAST_PX = 30
"""Pixels of somebody who is asked for, as the network sees the picture."""


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


def errors(found_m: np.ndarray, truth_m: np.ndarray) -> dict[str, float]:
    """Of the pixels (N,) of a picture: δ1 (share within a factor of 1.25), mean relative error and silog (deviation of
    the logarithm), percent."""
    found, truth = np.maximum(found_m, 1e-3), truth_m.astype(float)
    difference = np.log(found) - np.log(truth)
    return {
        "delta1": 100 * float((np.abs(difference) < np.log(1.25)).mean()),
        "abs_rel": 100 * float((np.abs(found - truth) / truth).mean()),
        "silog": 100 * float(difference.std()),
    }


def person_order(found_m: np.ndarray, truth_m: np.ndarray, ids: np.ndarray) -> tuple[int, int]:
    """How many pairs of people have the right order by their medians, of how many that have one in truth."""
    masks = [ids == k for k in range(1, int(ids.max(initial=0)) + 1)]
    masks = [mask for mask in masks if mask.sum() >= LEAST_PX]
    own = np.array([np.median(found_m[mask]) for mask in masks])
    true = np.array([np.median(truth_m[mask]) for mask in masks])
    first, second = np.triu_indices(len(masks), 1)
    apart = np.abs(np.log(true[first] / true[second])) > APART
    agrees = (own[first] - own[second]) * (true[first] - true[second]) > 0
    return int((agrees & apart).sum()), int(apart.sum())


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
