#!/usr/bin/env python3
"""How sure PoseNet or the cascade is of its joints, made to agree with how often they are right, on rendered pictures.

    .venv/bin/python scripts/calibrate_joints.py cascade --pictures out/pictures/validation \\
        [--photographs DATA/lspet] [--write]

Fits the options `sure_half` and `sure_power` of a network of the store, or of models/weights: the probability that a
joint lies within a quarter of the trunk's length (left hip to right shoulder) of where it is, by logistic regression on
the logarithm of the network's own measure. With --photographs, joints of up to 200 photographs that no training saw
count as much as all rendered ones. --write puts the options into the record of a network of models/weights and into
models/models.toml, and is to be done again whenever new weights are shipped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from papers_training.crops import RenderedCrops, joints_box
from papers_training.photographs import VALIDATION, Photographs, load_photographs
from papers_training.pictures import Pictures
from papers_training.shipping import with_entry
from scipy.optimize import minimize

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.own_network import load_own_network
from animepose_blender.estimate.hub.own_pose import LEAST_MEASURE, OwnPose, calibrated
from animepose_blender.skeleton import J, from_keypoints
from animepose_blender.store.catalogue import CATALOGUE
from animepose_blender.store.installed import find_network
from animepose_blender.store.record import record_text

NEAR = 0.25
"""Of the trunk's length in the picture."""
SHORTEST_TRUNK = 0.15
"""Of the longer side of the box: who is seen from above has a trunk of hardly any length."""
TRUNK = [J["left_hip"], J["right_shoulder"]]
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


Measured = tuple[np.ndarray, np.ndarray]
"""Measures of joints, and whether these are right, (n,) each."""


def fit(measure: np.ndarray, right: np.ndarray, weight: np.ndarray | float = 1.0) -> tuple[float, float]:
    """`half` and `power` of `own_pose.calibrated` under which right (n,) bool, of weight (n,), is likeliest, for
    measures (n,)."""
    log_m = np.log(np.maximum(measure, LEAST_MEASURE))
    middle = float(np.median(log_m))

    def surprise(x: np.ndarray) -> float:
        logit = x[1] * (log_m - middle) + x[0]
        return float(np.mean(weight * np.logaddexp(0, np.where(right, -logit, logit)))) + 1e-4 * float(x @ x)

    offset, power = minimize(surprise, np.zeros(2)).x
    return float(np.exp(middle - offset / power)), float(power)


def table(sure: np.ndarray, right: np.ndarray) -> str:
    """How often joints are right, by how sure they are."""
    lines = []
    for low, high in pairwise(BINS):
        own = (sure >= low) & (sure < high if high < 1 else sure <= high)
        if own.any():
            lines.append(f"{low:.1f} to {high:.1f}: {own.mean():6.1%} of joints, {right[own].mean():6.1%} right")
    return "\n".join(lines)


def measured(pose: OwnPose, pictures: Pictures, most: int) -> Measured:
    """In rendered pictures with true boxes."""
    people = RenderedCrops(pictures).table
    people = people[np.linspace(0, len(people) - 1, min(most, len(people))).astype(int)]
    found = []
    for number, picture, person in people.tolist():
        shard = pictures.shards[number]
        truth_px, box = shard.joints_px[person].astype(float), shard.box_px[person].astype(float)
        found.append(_one(pose, np.array(shard.colour[picture]), box, truth_px, np.ones(len(truth_px), bool)))
    return _joined(found)


def measured_photographs(pose: OwnPose, photographs: Photographs) -> Measured:
    """In photographs, with boxes about the joints; of the joints that are known in them."""
    found = []
    for colour, truth_px, known in zip(photographs.colour, photographs.joints_px, photographs.known, strict=True):
        if known[TRUNK].all():
            box = joints_box(truth_px.astype(float), known)
            found.append(_one(pose, colour, box, truth_px.astype(float), known))
    return _joined(found)


def _one(pose: OwnPose, colour: np.ndarray, box: np.ndarray, truth_px: np.ndarray, known: np.ndarray) -> Measured:
    px, measure, _ = pose.measured(torch.from_numpy(colour)[None], np.zeros(1, int), box[None])
    ours_px, ours = from_keypoints(pose.skeleton, px, measure)
    trunk = np.linalg.norm(truth_px[TRUNK[0]] - truth_px[TRUNK[1]])
    trunk = max(trunk, SHORTEST_TRUNK * float((box[2:] - box[:2]).max()))
    known = known & np.isfinite(ours_px[0]).all(axis=-1)
    return ours[0][known], (np.linalg.norm(ours_px[0] - truth_px, axis=-1) < NEAR * trunk)[known]


def _joined(found: list[Measured]) -> Measured:
    measures, rights = zip(*found, strict=True)
    return np.concatenate(measures), np.concatenate(rights)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="id of a pose network of ours")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of rendered shards, none trained with")
    parser.add_argument("--photographs", type=Path, help="folder `lspet` of the data")
    parser.add_argument("--people", type=int, default=600, help="at most")
    parser.add_argument("--write", action="store_true", help="put the options into the record")
    options = parser.parse_args()
    try:
        path, record = find_network(options.network)
        pose = OwnPose(load_own_network(path, choose_device("cpu")))
        found_in = {"rendered": measured(pose, Pictures(options.pictures), options.people)}
        if options.photographs:
            photographs = load_photographs(options.photographs, VALIDATION)
            found_in["photographs"] = measured_photographs(pose, photographs)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return 1
    measure, right = _joined(list(found_in.values()))
    weight = np.concatenate([np.full(len(one), len(right) / len(one)) for one, _ in found_in.values()])
    half, power = fit(measure, right, weight)
    found = {"sure_half": round(half, 4), "sure_power": round(power, 3)}
    print(f"{record.title}: {json.dumps(found)}")
    for name, (own, own_right) in found_in.items():
        print(f"{name}: {own_right.mean():.1%} of {len(own)} joints right")
        print(table(calibrated(own, half, power), own_right))
    if options.write and path.is_file():
        record = replace(record, options=record.options | found)
        listed = with_entry(CATALOGUE.read_text(encoding="utf-8"), record, f"weights/{path.stem}")
        for place, text in ((path.with_suffix(".json"), record_text(record)), (CATALOGUE, listed)):
            part = place.with_name(place.name + ".part")
            part.write_text(text, encoding="utf-8")
            part.replace(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
