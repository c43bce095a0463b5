"""The cascade: its targets say what is there, its losses teach what they should, and every stage can be left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from animepose_blender.skeleton import JOINT_COUNT, PARENTS, REST_JOINTS_M, J
from models.backbones import Backbone, backbone
from models.cascade import ABLATIONS, SMALL, STRIDE, Cascade, Config, Outputs, points_of
from models.cascade_losses import (
    Targets,
    Weights,
    cascade_losses,
    cube_loss,
    order_loss,
    ordinal_loss,
)
from models.cascade_targets import (
    bone_heatmaps,
    bone_sigma_cells,
    cube_of,
    depth_indices,
    depth_map,
    depth_relations,
    joint_heatmaps,
)
from models.soft_argmax import soft_argmax

SIDE = 64
CELLS = SIDE // STRIDE
TINY = Config(width=16, depth_cells=16, dilations=(2, 4), lifting_width=32, lifting_blocks=1, dropout=0.0)
NEED_DEPTH = ("cube", "ordinal", "depth", "order", "pose")


class TinyEncoder(Backbone):
    """Five strided convolutions: enough to learn a few pictures by heart."""

    channels = (8, 8, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        sizes = [(3, 8), (8, 8), (8, 8), (8, 16), (16, 16)]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU()) for a, b in sizes
        )

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        features = []
        for layer in self.layers:
            pictures = layer(pictures)
            features.append(pictures)
        return features[1:]


def network(config: Config = TINY) -> Cascade:
    torch.manual_seed(0)
    return Cascade(TinyEncoder(), config)


def people(n: int, photographs: int = 0) -> tuple[torch.Tensor, Targets]:
    """Noise for pictures, and somebody upright who is turned and leans differently in each; photographs come last."""
    generator = torch.Generator().manual_seed(5)
    pictures = torch.randn(n, 3, SIDE, SIDE, generator=generator)
    rest = torch.tensor(REST_JOINTS_M - REST_JOINTS_M[0], dtype=torch.float32)
    yaw = 6.28 * torch.rand(n, generator=generator)[:, None]
    x = yaw.cos() * rest[:, 0] - yaw.sin() * rest[:, 1] + 0.2 * yaw.sin() * rest[:, 2]
    z = yaw.sin() * rest[:, 0] + yaw.cos() * rest[:, 1]
    joints_m = torch.stack([x, -rest[:, 2].expand_as(x), z], dim=-1)
    joints_px = SIDE / 2 + 0.45 * SIDE * joints_m[..., :2]
    known = torch.ones(n, JOINT_COUNT, dtype=torch.bool)
    known_3d = known.clone()
    known_3d[n - photographs :] = False
    joints_m = torch.where(known_3d[..., None], joints_m, torch.nan)
    return pictures, Targets(joints_px, joints_m, known, known_3d)


def losses_of(outputs: Outputs, targets: Targets, config: Config = TINY) -> dict[str, torch.Tensor]:
    return cascade_losses(outputs, targets, config, (SIDE, SIDE))


def two_joints(*cells: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Left hip and left knee at these cells, all else unknown."""
    points = torch.full((1, JOINT_COUNT, 2), torch.nan)
    known = torch.zeros(1, JOINT_COUNT, dtype=torch.bool)
    for joint, cell in zip(("left_hip", "left_knee"), cells):
        points[0, J[joint]] = torch.tensor(cell)
        known[0, J[joint]] = True
    return points, known


def test_a_bone_peaks_along_itself_and_falls_off_with_distance() -> None:
    points, known = two_joints((4.0, 6.0), (12.0, 6.0))
    maps, known_bones = bone_heatmaps(points, known, (16, 20), sigma=2.0)
    thigh = J["left_knee"] - 1
    assert known_bones[0].nonzero().flatten().tolist() == [thigh]
    assert maps.shape == (1, JOINT_COUNT - 1, 16, 20)
    drawn = maps[0, thigh]
    assert torch.allclose(drawn[6, 4:13], torch.ones(9))
    away = drawn[6:, 8]
    assert (away.diff() < 0).all()
    torch.testing.assert_close(away[2], torch.tensor(-0.5).exp())
    # Beyond its end too: a bone is a piece of a line.
    torch.testing.assert_close(drawn[6, 14], torch.tensor(-0.5).exp())
    assert maps[0, [bone for bone in range(JOINT_COUNT - 1) if bone != thigh]].abs().max() == 0


def test_a_bone_that_points_at_the_camera_is_a_dot() -> None:
    points, known = two_joints((5.0, 7.0), (5.0, 7.0))
    drawn = bone_heatmaps(points, known, (16, 16), 2.0)[0][0, J["left_knee"] - 1]
    torch.testing.assert_close(drawn, joint_heatmaps(points, known, (16, 16), 2.0)[0, J["left_knee"]])


def test_bones_get_finer_as_training_goes_on() -> None:
    sigmas = [bone_sigma_cells(progress) for progress in (0.0, 0.5, 1.0, 2.0)]
    assert sigmas == [4.0, 3.0, 2.0, 2.0]


def test_the_cube_has_each_joint_in_the_channel_of_its_depth() -> None:
    points, known = two_joints((4.0, 6.0), (12.0, 6.0))
    maps = joint_heatmaps(points, known, (16, 16))
    depths = torch.zeros(1, JOINT_COUNT)
    depths[0, J["left_hip"]], depths[0, J["left_knee"]] = -0.4, 5.0
    indices = depth_indices(depths, 16, 2.0)
    assert indices[0, J["left_hip"]] == 4  # (-0.4 / 2 + 0.5) * 16 = 4.8
    cube = cube_of(maps, indices, known, 16)
    torch.testing.assert_close(cube[0, 4], maps[0, J["left_hip"]])
    torch.testing.assert_close(cube[0, 15], maps[0, J["left_knee"]])
    assert cube[0, [c for c in range(16) if c not in (4, 15)]].abs().max() == 0
    depth, there = depth_map(maps, indices, known)
    assert depth[0, 6, 4] == 4 and depth[0, 6, 12] == 15
    assert there[0, 6, 4] and not there[0, 0, 0]
    # Two joints in one channel: both are there.
    both = cube_of(maps, torch.full_like(indices, 7), known, 16)[0, 7]
    torch.testing.assert_close(both, maps[0].amax(dim=0))


def test_the_ordinal_loss_grows_with_the_distance_from_the_true_cell() -> None:
    known = torch.ones(1, 1, 1, dtype=torch.bool)
    channels = torch.arange(64)

    def loss(said: int) -> float:
        logits = torch.where(channels < said, 20.0, -20.0).view(1, 64, 1, 1)
        return float(ordinal_loss(logits, torch.tensor([[[12]]]), known))

    assert loss(12) < 1e-6
    assert loss(12) < loss(14) < loss(30)
    assert loss(14) == pytest.approx(2 * 20, rel=1e-3)
    logits = torch.zeros(1, 64, 1, 1)
    assert ordinal_loss(logits, torch.tensor([[[12]]]), ~known) == 0


def test_the_order_of_pairs_is_free_when_right_and_costs_when_exchanged() -> None:
    depths = torch.linspace(-0.8, 0.8, JOINT_COUNT)[None]
    known = torch.ones(1, JOINT_COUNT, dtype=torch.bool)
    relations, pairs = depth_relations(depths, known)
    assert relations[0, 0, 5] == 1 and relations[0, 5, 0] == -1
    assert order_loss(depths, relations, pairs) == 0
    # Stretching keeps the order and the margin.
    assert order_loss(depths * 1.5, relations, pairs) == 0
    near, far = depths.clone(), depths.clone()
    near[0, [3, 4]] = depths[0, [4, 3]]
    far[0, [3, 20]] = depths[0, [20, 3]]
    assert 0 < order_loss(near, relations, pairs) < order_loss(far, relations, pairs)


def test_pairs_without_known_depth_do_not_count() -> None:
    depths = torch.linspace(-0.8, 0.8, JOINT_COUNT)[None]
    known = torch.ones(1, JOINT_COUNT, dtype=torch.bool)
    known[0, 20] = False
    unknown = depths.clone()
    unknown[0, 20] = torch.nan
    relations, pairs = depth_relations(unknown, known)
    said = depths.clone()
    said[0, 20] = -3.0
    said.requires_grad_()
    loss = order_loss(said, relations, pairs)
    loss.backward()
    assert loss == 0 and torch.isfinite(said.grad).all()
    assert not pairs[0, 20].any() and not pairs[0, :, 20].any() and not pairs[0].diagonal().any()


def test_soft_argmax_gives_back_joints_that_were_drawn() -> None:
    _, targets = people(3)
    height, deep, side_m = 24, 20, 2.4
    cells = targets.joints_px / STRIDE - 0.5
    z = (targets.joints_m[..., 2] / side_m + 0.5) * deep - 0.5
    known = torch.ones(3, JOINT_COUNT, dtype=torch.bool)
    flat = joint_heatmaps(cells, known, (height, CELLS), sigma=0.8).clamp_min(1e-12).log()
    depth = -(torch.arange(deep) - z[..., None]).square() / (2 * 0.8**2)
    inside = ((cells > 2) & (cells < CELLS - 3)).all(-1)
    joints_px, depths_m = points_of(soft_argmax(flat[:, :, None] + depth[..., None, None]), deep, side_m)
    assert inside.sum() > 20
    assert (joints_px - targets.joints_px)[inside].abs().max() < 0.05
    assert (depths_m - targets.joints_m[..., 2])[inside].abs().max() < 0.005


def test_the_window_is_where_the_network_looks_and_no_loss_of_places_sees_it() -> None:
    pictures, targets = people(2)
    net = network().eval()
    whole = net(pictures)
    net.config = replace(net.config, window_cells=1.5)
    near = net(pictures)
    assert (near.joints_px - whole.joints_px).norm(dim=-1).max() > 1.0
    assert (near.joints_m - whole.joints_m).norm(dim=-1).max() > 0
    before, after = losses_of(whole, targets), losses_of(near, targets)
    for name in ("pixel", "depth", "place"):
        torch.testing.assert_close(before[name], after[name])
    assert before["pose"] != after["pose"]


def test_photographs_have_no_gradient_from_losses_that_need_depth() -> None:
    pictures, targets = people(4, photographs=2)
    net = network().eval()  # In training, batch normalisation ties the pictures of a batch together.
    pictures.requires_grad_()
    losses = losses_of(net(pictures), targets)
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss, pictures, retain_graph=True)
        size = gradient.abs().flatten(1).sum(dim=1)
        assert torch.isfinite(size).all() and (size[:2] > 0).all(), name
        assert (size[2:] > 0).all() == (name not in NEED_DEPTH), name
        assert (size[2:] == 0).all() == (name in NEED_DEPTH), name


def test_a_batch_of_photographs_alone_costs_nothing_in_depth() -> None:
    pictures, targets = people(2, photographs=2)
    targets.joints_px[0, J["nose"]] = torch.nan
    targets.known_2d[0, J["nose"]] = False
    net = network()
    losses = losses_of(net(pictures), targets)
    assert all(losses[name] == 0 for name in NEED_DEPTH)
    Weights(order=1.0).total(losses).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_the_cube_is_not_taught_where_a_joint_has_no_depth() -> None:
    _, targets = people(1)
    targets.known_3d[0, J["nose"]] = False
    outputs = network().eval()(torch.zeros(1, 3, SIDE, SIDE))
    cube = torch.zeros_like(outputs.cube).requires_grad_()
    losses_of(outputs._replace(cube=cube), targets)["cube"].backward()
    x, y = (targets.joints_px[0, J["nose"]] / STRIDE).long().tolist()
    assert cube.grad[0, :, y, x].abs().max() == 0
    assert cube.grad.abs().max() > 0


def test_the_loss_of_the_cube_is_of_the_size_of_the_joints() -> None:
    _, targets = people(2)
    known = targets.known_2d
    maps = joint_heatmaps(targets.joints_px / STRIDE - 0.5, known, (CELLS, CELLS))
    indices = torch.arange(JOINT_COUNT).expand(2, -1)
    cube = cube_of(maps, indices, known, JOINT_COUNT)
    counts = torch.ones(2, CELLS, CELLS, dtype=torch.bool)
    loss = cube_loss(torch.zeros_like(cube), cube, counts, JOINT_COUNT)
    torch.testing.assert_close(loss, maps.square().sum(dim=(2, 3)).mean())


@pytest.mark.parametrize("joints", [False, True])
@pytest.mark.parametrize("bones", [False, True])
@pytest.mark.parametrize("depth", [False, True])
def test_every_stage_can_be_left_out(joints: bool, bones: bool, depth: bool) -> None:
    config = replace(TINY, joint_heatmaps=joints, bone_heatmaps=bones, depth_centric=depth)
    net = network(config)
    pictures, targets = people(2)
    outputs = net(pictures)
    assert (outputs.joints is not None, outputs.bones is not None, outputs.cube is not None) == (joints, bones, depth)
    losses = losses_of(outputs, targets, config)
    assert ("joint" in losses, "bone" in losses, "cube" in losses, "ordinal" in losses) == (joints, bones, depth, depth)
    Weights().total(losses).backward()
    # Nothing lies idle: every layer that is there learns.
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_outputs_have_their_shapes_in_crops_that_are_not_square() -> None:
    outputs = network().eval()(torch.zeros(2, 3, 96, 64))
    assert outputs.bones.shape == (2, len(PARENTS) - 1, 24, 16)
    assert outputs.joints.shape == (2, JOINT_COUNT, 24, 16)
    assert outputs.cube.shape == outputs.ordinal.shape == (2, 16, 24, 16)
    assert outputs.joints_px.shape == (2, JOINT_COUNT, 2) and outputs.depths_m.shape == (2, JOINT_COUNT)
    assert outputs.joints_m.shape == (2, JOINT_COUNT, 3) and outputs.joints_m[:, 0].abs().max() == 0
    # Undecided heatmaps point at the middle of the crop.
    assert (outputs.joints_px - torch.tensor([32.0, 48.0])).abs().max() < 3


@pytest.mark.parametrize("name", ["bone", "joint", "cube", "ordinal", "order", "pixel", "depth", "pose"])
def test_gradients_of_each_loss_reach_the_backbone(name: str) -> None:
    net = network()
    pictures, targets = people(3)
    losses_of(net(pictures), targets)[name].backward()
    assert net.encoder.layers[0][0].weight.grad.abs().max() > 0


def test_detached_the_pose_teaches_the_mlp_alone() -> None:
    config = replace(TINY, detach=True)
    net = network(config)
    pictures, targets = people(3)
    losses_of(net(pictures), targets, config)["pose"].backward()
    assert all(p.grad is None for p in net.encoder.parameters())
    assert net.lifting.first[0].weight.grad.abs().max() > 0


def test_the_small_network_stays_small_and_stages_cost_little() -> None:
    def parameters(config: Config) -> int:
        return sum(p.numel() for p in Cascade(backbone("small"), config).parameters())

    counts = {name: parameters(replace(SMALL, **stages)) for name, stages in ABLATIONS.items()}
    assert counts["baseline"] < counts["joints"] < counts["joints_bones"] < counts["full"] <= 5_000_000
    assert counts["full"] < 1.2 * counts["baseline"]


def test_a_few_people_are_learnt_by_heart() -> None:
    pictures, targets = people(3, photographs=1)
    net = network()
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    weights = Weights(order=10.0)
    history = []
    for _ in range(300):
        losses = losses_of(net(pictures), targets)
        history.append({name: loss.item() for name, loss in losses.items()})
        optimiser.zero_grad()
        weights.total(losses).backward()
        optimiser.step()
    first, last = history[0], history[-1]
    assert set(first) == {"bone", "joint", "cube", "ordinal", "order", "pixel", "depth", "place", "pose"}
    for name in set(first) - {"place"}:  # which is off unless the network looks around peaks
        assert last[name] < 0.8 * first[name], (name, first[name], last[name])
