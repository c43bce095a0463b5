"""PoseNet and the cascade: joints in photographs that were held out, joints in space of rendered people."""

from __future__ import annotations

from typing import Any

import numpy as np
from papers_metrics.keypoints import AT, PHOTOGRAPH_JOINTS, order_accuracy, pck
from papers_training.crops import PhotographCrops

from animepose_blender.estimate.mediapipe_pose import MediaPipePose
from animepose_blender.estimate.metrics.accuracy import accuracy_figures
from animepose_blender.estimate.metrics.pose import BODY_JOINTS
from animepose_blender.skeleton import JOINTS, J, from_keypoints

from .persons import People, answers, photograph_crops, roots
from .sources import Missing, Sources
from .tables import number, table

KINDS = ("pose_net", "cascade")
BESIDE = "mediapipe"
LIMBS = tuple(JOINTS[k] for k in BODY_JOINTS)
"""Twelve joints that MediaPipe has, too."""


def measure(sources: Sources) -> dict[str, Any]:
    """Figures for `lines`, by name of the weights."""
    photographs = people = None
    try:
        photographs = PhotographCrops(sources.held_out)
    except Missing:
        if sources.pictures is None:
            raise
    if sources.pictures is not None:
        people = People.some(sources.people, sources.most)
    figures: dict[str, Any] = {}
    for name, network in sources.all_of(*KINDS):
        figures[name] = on_photographs(network, photographs) if photographs else {}
        if people:
            figures[name] |= on_rendered(network, people, _root_net(sources))
    if not figures:
        raise Missing("There are no weights of PoseNet or the cascade.", "Train them: scripts/train_papers.py.")
    if photographs:
        figures[BESIDE] = by_mediapipe(photographs)
    return figures


def _root_net(sources: Sources) -> Any:
    return next((network for name, network in sources.all_of("root_net") if name == "root_net"), None)


def on_photographs(network: Any, photographs: PhotographCrops) -> dict[str, Any]:
    """PCK in percent, of all joints that the photographs tell and of each."""
    size_px = network.config.input_px
    crops = photograph_crops(photographs, size_px)
    found, _, _ = answers(network, crops)
    figures: dict[str, Any] = {"photographs": len(crops.colour)}
    for at in AT:
        key = f"pck{round(10 * at):02d}"
        figures[key], figures[f"{key}_joints"] = pck(found, crops.joints_px, crops.known_2d, at, PHOTOGRAPH_JOINTS)
        figures[f"{key}_limbs"], _ = pck(found, crops.joints_px, crops.known_2d, at, LIMBS)
    return figures


def by_mediapipe(photographs: PhotographCrops, size_px: int = 256) -> dict[str, Any]:
    """The same by MediaPipe's Pose, which the preset `offline` uses, on the same crops: its own detector says how
    people are turned, and where it sees nobody the whole crop is taken upright."""
    crops = photograph_crops(photographs, size_px)
    found_px = np.full(crops.joints_px.shape, np.nan)
    pose = MediaPipePose(1)
    try:
        for at_photograph, colour in enumerate(crops.colour):
            regions = pose.detect(colour, 0).region[:1]
            if not len(regions):
                regions = np.array([[size_px / 2, size_px / 2, size_px, 0.0]])
            one = pose.estimate(colour, regions)[0]
            if one is not None:
                points, sure = one.landmarks_px, np.ones(len(one.landmarks_px))
                found_px[at_photograph] = from_keypoints("blazepose_33", points, sure)[0]
    finally:
        pose.close()
    figures: dict[str, Any] = {"photographs": len(crops.colour)}
    for at in AT:
        # Nowhere is far from everywhere: who is not found is wrong.
        answer = np.nan_to_num(found_px, nan=1e6)
        figures[f"pck{round(10 * at):02d}_limbs"], _ = pck(answer, crops.joints_px, crops.known_2d, at, LIMBS)
    return figures


def on_rendered(network: Any, people: People, root_net: Any = None) -> dict[str, Any]:
    """PCK in percent and errors in millimetres on rendered people, all 28 joints, hidden ones too.

    PoseNet has no joints in space without a distance of the pelvis: the true one, and, if there is one, RootNet's.
    """
    crops = people.crops(network.config.input_px)
    found_px, depths_m, joints_m = answers(network, crops)
    truth = people.relative_m
    figures: dict[str, Any] = {"people": len(truth)}
    for at in AT:
        key = f"pck{round(10 * at):02d}_rendered"
        figures[key], _ = pck(found_px, crops.joints_px, crops.known_2d, at, JOINTS)
    figures["order"] = order_accuracy(depths_m if joints_m is None else joints_m[..., 2], truth[..., 2])
    if joints_m is not None:
        return figures | _in_space(joints_m, truth)
    points_px = people.views.to_picture(found_px, network.config.input_px)
    true_z_m = people.joints_camera_m[:, J["pelvis"], 2]
    figures |= _in_space(people.views.from_2_5d(points_px, depths_m, true_z_m), truth)
    if root_net is not None:
        colour = people.crops(root_net.config.input_px).colour
        _, z_m = roots(root_net, colour, people.views)
        figures["by_root_net"] = _in_space(people.views.from_2_5d(points_px, depths_m, z_m), truth)
    return figures


def _in_space(found_m: np.ndarray, truth_m: np.ndarray) -> dict[str, Any]:
    names = ("mpjpe_mm", "mpjpe_body_mm", "pa_mpjpe_mm", "pck150_rel", "auc_rel", "per_joint_mpjpe_mm")
    figures = accuracy_figures(found_m[None], truth_m[None], np.ones((1, len(truth_m)), bool))
    return {name: figures[name] for name in names}


def lines(figures: dict[str, Any]) -> list[str]:
    """Markdown."""
    out = ["## PoseNet and the cascade", ""]
    photographs = {name: one for name, one in figures.items() if "pck05_limbs" in one}
    rendered = {name: one for name, one in figures.items() if "mpjpe_mm" in one}
    if photographs:
        count = next(iter(photographs.values()))["photographs"]
        out += [
            f"{count} photographs of Leeds Sports Pose Extended from number 3501 on, which nothing was trained with; "
            "PCK in percent of the joints that are marked as visible, at half and at a fifth of the trunk (left hip to "
            "right shoulder).",
            "",
        ]
        keys = ("pck05", "pck02", "pck05_limbs", "pck02_limbs")
        titles = {BESIDE: "MediaPipe's Pose, on the same crops"}
        rows = [[titles.get(n, f"`{n}`"), *(number(o.get(k), 1) for k in keys)] for n, o in photographs.items()]
        out += table(["weights", "PCK@0.5", "PCK@0.2", "12 limb joints @0.5", "@0.2"], rows)
        photographs.pop(BESIDE, None)
        rows = [[joint.replace("_", " "), *(_pair(o["pck05_joints"], joint) for o in photographs.values())]
                for joint in _joints(PHOTOGRAPH_JOINTS)]  # fmt: skip
        out += ["PCK@0.5 by joint, both sides:", "", *table(["joint", *(f"`{n}`" for n in photographs)], rows)]
    if rendered:
        count = next(iter(rendered.values()))["people"]
        out += [
            f"{count} people of the rendered split `test`, boxes true, all 28 joints, hidden ones too; the pelvises "
            "laid on each other. PoseNet's pixels become metres by the pelvis's distance: the true one, or RootNet's.",
            "",
        ]
        rows = []
        for name, one in rendered.items():
            title = f"`{name}`" if "by_root_net" not in one else f"`{name}`, true distance"
            both = [one["pck05_rendered"], one["pck02_rendered"], one["order"]]
            rows.append([title, *_space_cells(one), *(number(v, 1) for v in both)])
            if "by_root_net" in one:
                rows.append([f"`{name}`, RootNet's distance", *_space_cells(one["by_root_net"]), "", "", ""])
        head = ["weights", "MPJPE mm", "limbs mm", "PA-MPJPE mm", "3DPCK@150", "AUC", "PCK@0.5", "PCK@0.2"]
        out += table([*head, "order of joints"], rows)
        each = {name: one["per_joint_mpjpe_mm"] for name, one in rendered.items()}
        rows = [
            [joint.replace("_", " "), *(_pair(one, joint, 0) for one in each.values())] for joint in _joints(JOINTS)
        ]
        out += ["MPJPE in millimetres by joint, both sides:", "", *table(["joint", *(f"`{n}`" for n in each)], rows)]
    return out


def _space_cells(one: dict[str, Any]) -> list[str]:
    names = ("mpjpe_mm", "mpjpe_body_mm", "pa_mpjpe_mm", "pck150_rel", "auc_rel")
    return [number(one[name], 1 if "mm" not in name else 0) for name in names]


def _joints(names: tuple[str, ...]) -> list[str]:
    """Names with sides left out, each once."""
    return list(dict.fromkeys(name.removeprefix("left_").removeprefix("right_") for name in names))


def _pair(each: dict[str, float | None], joint: str, digits: int = 1) -> str:
    values = [each.get(name) for name in (joint, f"left_{joint}", f"right_{joint}")]
    known = [value for value in values if value is not None]
    return number(float(np.mean(known)) if known else None, digits)
