"""DetectNet: targets reach everybody, decoding inverts them, suppression is greedy, and the network learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.backbones import backbone
from models.detect_net import (
    MASK_STRIDE,
    DetectNet,
    Outputs,
    box_iou,
    decode_boxes,
    encode_boxes,
    people,
    places,
    suppress,
)
from models.detect_targets import Truth, losses, masks_on_grid, overlaps, owners

HEIGHT, WIDTH = 250, 331


def ellipse(box: torch.Tensor) -> torch.Tensor:
    """(HEIGHT, WIDTH) mask of the ellipse in a box."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    x0, y0, x1, y1 = box
    return (((x - (x0 + x1) / 2) / (x1 - x0) * 2) ** 2 + ((y - (y0 + y1) / 2) / (y1 - y0) * 2) ** 2 < 1).float()


def scene() -> Truth:
    boxes = torch.tensor(
        [[20.0, 30, 80, 180], [60, 20, 190, 245], [200, 40, 230, 100], [225, 5, 331, 250], [300, 10, 325, 60]]
    )
    return Truth(boxes, torch.stack([ellipse(b) for b in boxes]))


def perfect(truth: Truth) -> Outputs:
    """What the network would say if it knew the truth."""
    at = places(HEIGHT, WIDTH)
    owner = owners(truth.box_px, at)
    somebody = owner >= 0
    score = torch.where(somebody, 8.0, -8.0)
    box = torch.zeros(len(at), 4)
    box[somebody] = encode_boxes(truth.box_px[owner[somebody]], at[somebody])
    coefficients = torch.zeros(len(at), len(truth.box_px))
    coefficients[somebody, owner[somebody]] = 1
    assert truth.masks is not None
    prototypes = masks_on_grid(truth.masks, 256 // MASK_STRIDE, 352 // MASK_STRIDE).logit(1e-6)
    return Outputs(score[None], box[None], coefficients[None], prototypes[None], at)


def test_decoding_inverts_the_targets() -> None:
    truth = scene()
    (found,) = people(perfect(truth), HEIGHT, WIDTH)
    assert len(found.box_px) == len(truth.box_px)
    iou, who = box_iou(found.box_px, truth.box_px).max(1)
    assert sorted(who.tolist()) == list(range(len(truth.box_px)))
    assert iou.min() > 0.99
    assert found.masks.dtype == torch.uint8 and found.masks.shape == (5, 63, 83)
    assert truth.masks is not None
    grown = torch.nn.functional.interpolate(found.masks[None].float(), (HEIGHT, WIDTH), mode="bilinear")[0] > 127
    for mask, true in zip(grown, truth.masks[who] > 0.5):
        assert (mask & true).sum() / (mask | true).sum() > 0.9


def test_losses_are_least_at_the_truth() -> None:
    truth = scene()
    parts = perfect(truth)
    parts = replace(parts, prototypes=parts.prototypes.requires_grad_())
    result = losses(parts, [truth])
    assert result["score"] < 0.01 and result["box"] < 1e-3
    # Cells that a mask covers in part keep the cross-entropy above 0, so the slope is looked at.
    result["mask"].backward()
    assert parts.prototypes.grad is not None and parts.prototypes.grad.abs().max() < 1e-5
    off = losses(replace(parts, prototypes=parts.prototypes.detach() + 0.5), [truth])
    assert off["mask"] > result["mask"] + 1e-3


def test_every_person_has_locations_even_the_tiny_and_the_covered() -> None:
    same = [100.0, 50, 160, 140]
    boxes = torch.tensor([same, same, [95.0, 45, 165, 145], [10, 10, 13, 14], [11, 10, 14, 13], [0, 0, 331, 250]])
    owner = owners(boxes, places(HEIGHT, WIDTH))
    assert set(range(len(boxes))) <= set(owner.tolist())


def test_the_smaller_person_wins_where_two_claim_a_location() -> None:
    at = places(HEIGHT, WIDTH)
    boxes = torch.tensor([[100.0, 50, 180, 140], [110, 80, 150, 120]])
    owner = owners(boxes, at)
    alone = [owners(boxes[i : i + 1], at) == 0 for i in range(2)]
    shared = alone[0] & alone[1]
    assert shared.any()
    assert (owner[shared] == 1).all()
    assert (owner[alone[0] & ~shared] == 0).all()


def test_large_people_are_seen_at_coarse_levels() -> None:
    at = places(HEIGHT, WIDTH)
    strides = [set(at[owners(torch.tensor([[5.0, 5, 35, 5 + s]]), at) == 0, 2].tolist()) for s in (60, 150, 240)]
    assert strides == [{8.0}, {16.0}, {32.0}]


def test_boxes_come_back_from_their_code() -> None:
    at = places(HEIGHT, WIDTH)
    corner = torch.rand(len(at), 2) * 200
    boxes = torch.cat([corner, corner + 1 + torch.rand(len(at), 2) * 100], 1)
    np.testing.assert_allclose(decode_boxes(encode_boxes(boxes, at), at).numpy(), boxes.numpy(), atol=1e-3)


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.7])
def test_suppression_is_the_greedy_loop(overlap: float) -> None:
    generator = torch.Generator().manual_seed(5)
    for _ in range(20):
        corner = torch.rand(80, 2, generator=generator) * 60
        boxes = torch.cat([corner, corner + 10 + torch.rand(80, 2, generator=generator) * 40], 1)
        iou = box_iou(boxes, boxes)
        kept: list[int] = []
        for i in range(len(boxes)):
            if all(iou[j, i] <= overlap for j in kept):
                kept.append(i)
        assert suppress(boxes, overlap).tolist() == kept
    assert suppress(torch.zeros(0, 4), overlap).tolist() == []


def test_overlaps_of_known_boxes() -> None:
    first = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 2, 2]])
    second = torch.tensor([[0.0, 0, 2, 2], [2, 0, 3, 1], [1, 0, 3, 2]])
    iou, giou = overlaps(first, second)
    np.testing.assert_allclose(iou.numpy(), [1, 0, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(giou.numpy(), [1, -1 / 3, 1 / 3], rtol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (51, 77), (33, 130)])
def test_any_size_of_picture_is_read(height: int, width: int) -> None:
    net = DetectNet(backbone("small")).eval()
    with torch.no_grad():
        outputs = net(torch.rand(2, 3, height, width))
    assert torch.equal(outputs.places, places(height, width))
    assert outputs.score.shape == (2, len(outputs.places))
    found = people(outputs, height, width, least_score=0.0, most=7)
    for one in found:
        assert 0 < len(one.box_px) <= 7
        assert one.masks.shape == (len(one.box_px), -(-height // MASK_STRIDE), -(-width // MASK_STRIDE))
        assert (one.box_px >= 0).all()
        assert (one.box_px[:, 2] <= width).all() and (one.box_px[:, 3] <= height).all()
        assert (one.score.diff() <= 0).all()
    nobody = people(outputs, height, width, least_score=0.99)
    assert nobody[0].box_px.shape == (0, 4) and len(nobody[0].masks) == 0


def test_detect_net_has_at_most_eight_million_parameters() -> None:
    assert sum(p.numel() for p in DetectNet(backbone("small")).parameters()) <= 8_000_000


def test_pictures_with_nobody_and_without_masks_can_be_learned_from() -> None:
    torch.manual_seed(6)
    net = DetectNet(backbone("small"))
    pictures = torch.rand(2, 3, 64, 64)
    result = losses(net(pictures), [Truth(torch.zeros(0, 4)), Truth(torch.tensor([[10.0, 10, 40, 60]]))])
    assert result["mask"] == 0 and result["box"] > 0
    sum(result.values(), torch.zeros(())).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
    empty = losses(net(pictures), [Truth(torch.zeros(0, 4))] * 2)
    assert empty["box"] == 0 and empty["mask"] == 0 and empty["score"] > 0


def test_people_to_be_let_alone_are_neither_learned_nor_unlearned() -> None:
    truth = scene()
    parts = perfect(truth)
    alone = replace(parts, score=torch.zeros_like(parts.score).requires_grad_())
    ignored = torch.tensor([[100.0, 100, 180, 240], [10.0, 10, 12, 13]])
    sum(losses(alone, [replace(truth, ignored_px=ignored)]).values(), torch.zeros(())).backward()
    assert alone.score.grad is not None
    x, y = parts.places[:, 0], parts.places[:, 1]
    inside = (x > 100) & (x < 180) & (y > 100) & (y < 240)
    somebody = owners(truth.box_px, parts.places) >= 0
    slope = alone.score.grad[0]
    assert (inside & ~somebody).any() and (slope[inside & ~somebody] == 0).all()
    assert (slope[somebody] != 0).all() and (slope[(x > 200) | ((y < 80) & (y > 32))] != 0).all()
    assert (slope[(x - 11).abs().add((y - 11).abs()) < 8] == 0).all()


def test_gradients_reach_every_output() -> None:
    truth = scene()
    parts = perfect(truth)
    leaves = {
        name: (getattr(parts, name) + 0.1).requires_grad_() for name in ("score", "box", "coefficients", "prototypes")
    }
    result = losses(replace(parts, **leaves), [truth])
    sum(result.values(), torch.zeros(())).backward()
    for leaf in leaves.values():
        assert leaf.grad is not None and leaf.grad.isfinite().all() and leaf.grad.abs().sum() > 0


def test_two_pictures_of_rectangles_are_learned() -> None:
    torch.manual_seed(7)
    net = DetectNet(backbone("small"))
    pictures = torch.rand(2, 3, 96, 96) * 0.1
    truths = []
    for i, box in enumerate([[10, 20, 40, 80], [45, 8, 85, 70]]):
        x0, y0, x1, y1 = box
        mask = torch.zeros(1, 96, 96)
        mask[0, y0:y1, x0:x1] = 1
        pictures[i] += 0.8 * mask
        truths.append(Truth(torch.tensor([box], dtype=torch.float32), mask))
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    history = []
    for _ in range(30):
        result = losses(net(pictures), truths)
        loss = sum(result.values(), torch.zeros(()))
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
        optimiser.step()
        history.append({name: value.item() for name, value in result.items()})
    assert history[-1]["box"] < 0.5 * history[0]["box"]
    assert history[-1]["mask"] < 0.6 * history[0]["mask"]
