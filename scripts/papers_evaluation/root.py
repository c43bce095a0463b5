"""RootNet: how far the pelvis is from where it is said to be, beside what the size of the box alone says."""

from __future__ import annotations

from typing import Any

import numpy as np

from animepose_blender.estimate.metrics.mupots import AP_ROOT_MM, ap_root
from animepose_blender.skeleton import PARENTS, J

from .detect import every, find
from .persons import People, Views, cut, roots
from .sources import Missing, Sources
from .tables import number, table

NEAR_SHARE = 0.1
PICTURES, LEAST_SCORE = 100, 0.1
"""In which people are looked for, for AP_root, and the finds that count; weaker ones hardly change it, and are many."""


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`."""
    network = sources.network("root_net")
    people = People.some(sources.people, sources.most)
    figures: dict[str, Any] = {"true_boxes": true_boxes(network, people)}
    try:
        detector = sources.network("detect_net")
    except Missing:
        return figures
    figures["found_boxes"] = found_boxes(network, detector, sources, min(PICTURES, sources.most))
    return figures


def true_boxes(network: Any, people: People) -> dict[str, Any]:
    """Errors with the true boxes: RootNet's, k's with RootNet's pixel, k's with the middle of the box, and those that
    remain to who knows everything but how large a person is."""
    views, truth = people.views, people.joints_camera_m[:, J["pelvis"]]
    root_px, z_m = roots(network, people.crops(network.config.input_px).colour, views)
    guesses = {
        "root_net": placed(views, root_px, z_m),
        "k": placed(views, root_px, views.k_m),
        "k_middle": placed(views, views.middle_px, views.k_m),
        "size_unknown": truth * _usual_share(people.joints_camera_m)[:, None],
    }
    return {"people": len(truth)} | {name: errors(guess, truth) for name, guess in guesses.items()}


def _usual_share(joints_m: np.ndarray) -> np.ndarray:
    """(N,) by how much people (N, 28, 3) would seem further away if each was as large as the middle one of them."""
    parents = np.array(PARENTS[1:])
    size = np.linalg.norm(joints_m[:, 1:] - joints_m[:, parents], axis=-1).sum(axis=1)
    return np.median(size) / size


def placed(views: Views, root_px: np.ndarray, z_m: np.ndarray) -> np.ndarray:
    """(N, 3) camera axes, from pixels (N, 2) of the pictures and distances (N,) along the axis."""
    return views.rays(root_px[:, None])[:, 0] * z_m[:, None]


def errors(found_m: np.ndarray, truth_m: np.ndarray) -> dict[str, float]:
    """Means in millimetres, whole and by axis; the middle share of the distance that z is off, and shares of people
    within 250 mm and within a tenth of the distance, percent."""
    off = np.abs(found_m - truth_m)
    whole, share = np.linalg.norm(off, axis=-1), off[:, 2] / truth_m[:, 2]
    return {
        "mrpe_mm": 1000 * whole.mean(), **{f"{a}_mm": 1000 * off[:, k].mean() for k, a in enumerate("xyz")},
        "z_share": 100 * float(np.median(share)), "within_250": 100 * (1000 * whole < AP_ROOT_MM).mean(),
        "within_tenth": 100 * (share < NEAR_SHARE).mean(),
    }  # fmt: skip


def found_boxes(network: Any, detector: Any, sources: Sources, most: int) -> dict[str, Any]:
    """AP_root25 in percent, as 3DMPPE's, with the boxes that DetectNet finds."""
    found, truth = [], []
    for shard, picture in every(sources.rendered, most):
        people = slice(int(shard.first[picture]), int(shard.first[picture + 1]))
        asked = shard.visible[people].any(axis=1)
        truth.append(1000 * shard.joints_camera_m[people][asked, J["pelvis"]].astype(float))
        colour = np.array(shard.colour[picture])
        finds = find(detector, colour)
        score = finds.score.numpy()
        boxes = finds.box_px.numpy()[score >= LEAST_SCORE]
        intrinsics = np.broadcast_to(shard.intrinsics[picture].astype(float), (len(boxes), 3, 3))
        views = Views.of_boxes(boxes, intrinsics)
        root_px, z_m = roots(network, cut(colour, views, network.config.input_px), views)
        pair = [1000 * placed(views, root_px, z) for z in (z_m, views.k_m)]
        found.append((score[score >= LEAST_SCORE], *pair))
    scores, ours, by_k = (_padded([one[k] for one in found]) for k in range(3))
    true = _padded(truth)
    present, counted = np.isfinite(scores), np.isfinite(true).all(-1)
    guesses = {"root_net": ours, "k": by_k}
    return {"pictures": len(found), "people": int(counted.sum())} | {
        name: ap_root(guess, true, scores, present, counted) for name, guess in guesses.items()
    }


def _padded(parts: list[np.ndarray]) -> np.ndarray:
    """(most, pictures, ...) from one array for each picture, NaN where there is nobody."""
    whole = np.full((max(len(p) for p in parts), len(parts), *parts[0].shape[1:]), np.nan)
    for k, part in enumerate(parts):
        whole[: len(part), k] = part
    return whole


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    one = figures["true_boxes"]
    out = ["## RootNet", "", f"{one['people']} people of the rendered split `test`, boxes true: mean distance of the "
           "pelvis from its true place (MRPE) in millimetres, and by axis; *z off* is the median share of the "
           "distance; the rest is percent of the people.", ""]  # fmt: skip
    names = {
        "root_net": "RootNet",
        "k": "k alone, RootNet's pixel",
        "k_middle": "k alone, middle of the box",
        "size_unknown": "all but the body's size known",
    }
    rows = [
        [title, *(number(one[key][f], 0) for f in ("mrpe_mm", "x_mm", "y_mm", "z_mm")),
         *(number(one[key][f], 1) for f in ("z_share", "within_tenth", "within_250"))]
        for key, title in names.items() if key in one
    ]  # fmt: skip
    out += table(["", "MRPE", "x", "y", "z", "z off %", "z within a tenth", "within 250 mm"], rows)
    ratio = one["root_net"]["mrpe_mm"] / one["k"]["mrpe_mm"]
    out += [f"RootNet's error is {ratio:.2f} of k's with the same pixel. The last row is what remains to somebody who "
            "knows the pose, the camera and the box, but takes everybody to be as large as the middle one of them: "
            "children are among them, and a crop hardly shows how large a body is.", ""]  # fmt: skip
    if found := figures.get("found_boxes"):
        out += [f"AP_root25 with the boxes that DetectNet finds in {found['pictures']} of the pictures "
                f"({found['people']} people): RootNet {number(found['root_net'], 1)} %, k alone "
                f"{number(found['k'], 1)} %. 3DMPPE on MuPoTS: 28.5 and 5.2.", ""]  # fmt: skip
    return out
