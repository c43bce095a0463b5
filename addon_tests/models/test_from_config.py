"""Networks of the papers are made from what the metadata of their weights say."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import ModuleType

import pytest
import torch

from models import cascade, depth_net, detect_net, pose_net, root_net


@pytest.mark.parametrize("module", [cascade, depth_net, detect_net, pose_net, root_net])
def test_network_is_remade_from_its_config_as_json(module: ModuleType) -> None:
    words = json.loads(json.dumps(asdict(module.SMALL)))

    with torch.device("meta"):
        network = module.from_config(words)

    assert json.loads(json.dumps(asdict(network.config))) == words
    assert module.NETWORK == module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", [cascade, depth_net, detect_net])
def test_config_that_names_no_backbone_of_ours_is_refused(module: ModuleType) -> None:
    with pytest.raises(ValueError, match="vgg16"):
        module.from_config({"backbone": "vgg16"})
