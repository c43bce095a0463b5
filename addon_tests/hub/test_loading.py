"""Networks from the store: what fits is loaded as it was saved, everything else is refused in words."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate import hub
from animepose_blender.estimate.hub import loading
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import HubClasses, load_network
from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

CPU = Device(torch.device("cpu"), torch.float32)
NAME = "VitPoseForPoseEstimation"
CLASSES = HubClasses(NAME)


def tiny(seed: int = 0, layers: int = 2, width: int = 16) -> Any:
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

    torch.manual_seed(seed)
    backbone = VitPoseBackboneConfig(
        image_size=[32, 32], patch_size=[16, 16], hidden_size=width, num_hidden_layers=layers, num_attention_heads=2,
        part_features=4, num_experts=2, out_indices=[layers], out_features=[f"stage{layers}"],
    )  # fmt: skip
    return VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=5)).eval()


def put_record(folder: Path, **changes: Any) -> None:
    record = ModelRecord("tiny", "Tiny pose", "pose", NAME, (), "Apache-2.0", True, "made here")
    (folder / RECORD).write_text(record_text(replace(record, **changes)))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    tiny().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": [32, 32]}))
    put_record(folder)
    return folder


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder: Path, change) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def refused(folder: Path, match: str, **more: Any) -> None:
    """Loading raises an error that says why, and offers the preset that needs no such network."""
    with pytest.raises(AnimePoseError, match=match) as caught:
        load_network(folder, CLASSES, CPU, **more)
    assert "preset offline" in caught.value.remedy
    assert "\n" not in caught.value.message


def test_a_network_is_loaded_as_it_was_saved(saved):
    loaded = load_network(saved, CLASSES, CPU)
    expected = tiny().state_dict()
    assert set(loaded.network.state_dict()) == set(expected)
    assert all(torch.equal(one, expected[name]) for name, one in loaded.network.state_dict().items())
    assert not loaded.network.training
    assert not any(weight.requires_grad for weight in loaded.network.parameters())
    assert loaded.processor == {"size": [32, 32]}
    assert loaded.record.title == "Tiny pose"


def test_weights_come_in_the_precision_of_the_device(saved):
    put_record(saved, role="depth")
    loaded = load_network(saved, CLASSES, Device(CPU.torch, torch.bfloat16))
    assert {weight.dtype for weight in loaded.network.parameters()} == {torch.bfloat16}
    assert loaded.device.dtype == torch.bfloat16


def test_networks_that_give_coordinates_have_more_digits_than_bfloat16(saved):
    loaded = load_network(saved, CLASSES, Device(CPU.torch, torch.bfloat16))
    assert loaded.device.dtype == torch.float16
    expected = tiny().half().state_dict()
    assert all(torch.equal(one, expected[name]) for name, one in loaded.network.state_dict().items())


def test_weights_in_several_files_are_one_network(saved):
    (saved / "model.safetensors").unlink()
    tiny().save_pretrained(saved, max_shard_size="8KB")
    assert len(list(saved.glob("*.safetensors"))) > 1
    loaded = load_network(saved, CLASSES, CPU)
    assert all(torch.equal(one, loaded.network.state_dict()[name]) for name, one in tiny().state_dict().items())
    next(saved.glob("model-00002-*")).unlink()
    refused(saved, r"model-00002-of-.* are missing")


@pytest.mark.parametrize("name", ["../other.safetensors", "weights.bin", "/etc/x.safetensors"])
def test_an_index_cannot_name_files_elsewhere(saved, name):
    (saved / "model.safetensors").unlink()
    (saved / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    refused(saved, "files of safetensors beside it were expected")
    (saved / "model.safetensors.index.json").write_text("{}")
    refused(saved, "does not say which file")


def test_a_folder_that_is_not_there_or_unfinished_is_refused(saved, tmp_path):
    refused(tmp_path / "nothing", "There is no model in")
    (saved / RECORD).unlink()
    refused(saved, "There is no model in")
    (saved / RECORD).write_text("{")
    refused(saved, "cannot be read")


def test_a_configuration_that_is_missing_or_not_one_is_refused(saved):
    path = saved / "config.json"
    text = path.read_text()
    path.write_text(text[:50])
    refused(saved, r"config\.json is not JSON")
    path.write_text("[]")
    refused(saved, "should hold a JSON object, not a list")
    path.write_bytes(b"\xff\xfe\x00")
    refused(saved, r"config\.json is not JSON")
    path.unlink()
    refused(saved, r"config\.json cannot be read: No such file")


def test_another_architecture_is_refused_with_what_was_expected(saved):
    put_record(saved, architecture="DepthAnythingForDepthEstimation")
    refused(saved, f"is a DepthAnythingForDepthEstimation; expected was one of {NAME}")
    put_record(saved)
    change_config(saved, architectures=["Sam2VideoModel"])
    refused(saved, r"should be a VitPoseForPoseEstimation, but its config\.json says Sam2VideoModel")
    change_config(saved, architectures=[NAME], model_type="rt_detr_v2")
    refused(saved, "is of a 'rt_detr_v2', expected was 'vitpose'")


def test_a_class_that_this_transformers_does_not_have_is_refused(saved):
    put_record(saved, architecture="VitPoseOfTomorrow")
    change_config(saved, architectures=["VitPoseOfTomorrow"])
    with pytest.raises(AnimePoseError, match="cannot run VitPoseOfTomorrow"):
        load_network(saved, HubClasses("VitPoseOfTomorrow"), CPU)


def test_a_configuration_that_makes_no_sense_is_refused(saved):
    change_config(saved, backbone_config={"model_type": "no_such_backbone"})
    refused(saved, "Tiny pose in .* cannot be loaded")


def test_pickles_are_refused_without_being_opened(saved, monkeypatch):
    (saved / "model.safetensors").unlink()

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(saved / "trapped"),))

    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    refused(saved, r"pytorch_model\.bin only, which may contain any program")
    assert not (saved / "trapped").exists()
    (saved / "pytorch_model.bin").unlink()
    refused(saved, r"There is no model\.safetensors")


def test_nothing_that_a_configuration_says_leads_to_other_files(saved):
    (saved / "evil.py").write_text(f"import os; os.mkdir({str(saved / 'trapped')!r})")
    change_config(
        saved, auto_map={"AutoModel": "evil.Evil"}, transformers_weights="pytorch_model.bin", _name_or_path="a/b"
    )
    (saved / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "a/b"}))
    load_network(saved, CLASSES, CPU)
    assert not (saved / "trapped").exists()
    change_config(saved, quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True})
    refused(saved, "quantised")


def test_weights_that_are_cut_off_or_damaged_are_refused(saved):
    path = saved / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    refused(saved, "cannot be read, or are damaged")
    path.write_bytes(b"\xff" * 64)
    refused(saved, "cannot be read, or are damaged")
    path.write_bytes(b"")
    refused(saved, "cannot be read, or are damaged")
    path.write_bytes(whole[:-100])
    put_record(saved, files=(ModelFile("model.safetensors", len(whole), ""),))
    refused(saved, rf"has {len(whole) - 100} bytes, expected were {len(whole)}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_weights_that_may_not_be_read_are_refused(saved):
    (saved / "model.safetensors").chmod(0)
    refused(saved, "Permission denied")


def test_a_file_that_may_not_be_opened_is_refused_in_the_systems_words(saved, monkeypatch):
    def forbidden(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(AnimePoseError, match="Permission denied"):
        loading.read_weights([saved / "model.safetensors"])


def test_missing_weights_are_not_made_up(saved):
    change_weights(saved, lambda tensors: tensors.pop("head.conv.weight"))
    refused(saved, r"lack head\.conv\.weight")


def test_weights_of_another_size_are_refused(saved):
    change_weights(saved, lambda tensors: tensors.update({"head.conv.bias": torch.zeros(3)}))
    refused(saved, r"head\.conv\.bias is \(3,\), expected was \(5,\)")


def test_weights_of_a_deeper_network_are_refused(saved):
    deeper = tiny(layers=3)
    deeper.save_pretrained(saved)
    change_config(saved, **json.loads(json.dumps(tiny().config.to_dict(), default=str)))
    refused(saved, r"are another network's: nobody knows backbone\.encoder\.layer\.2.* more")


def test_a_tensor_that_nobody_uses_does_no_harm_and_is_noted(saved, capsys):
    change_weights(saved, lambda tensors: tensors.update({"old.buffer": torch.zeros(1)}))
    load_network(saved, CLASSES, CPU)
    assert "not used: old.buffer" in capsys.readouterr().err


def test_a_licence_without_commercial_use_is_refused_where_only_such_are_wanted(saved):
    put_record(saved, commercial=False, licence="CC-BY-NC-4.0")
    load_network(saved, CLASSES, CPU)
    refused(saved, r"Tiny pose \(CC-BY-NC-4\.0\) does not allow commercial use", commercial_only=True)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "Tiny pose does not fit into memory"),
        (MemoryError(), "Tiny pose does not fit into memory"),
        (RuntimeError("CUDA error: unspecified launch failure"), "The GPU stopped working"),
    ],
)
def test_a_device_that_fails_while_loading_is_explained(saved, monkeypatch, error, says):
    def fails(*_):
        raise error

    monkeypatch.setattr(loading, "prepared", fails)
    refused(saved, says)


def test_missing_packages_are_asked_for_by_name(monkeypatch):
    hub.require_packages()
    monkeypatch.setattr(hub.util, "find_spec", lambda name: None if name == "transformers" else object())
    with pytest.raises(AnimePoseError, match=r"lacks what this preset needs: transformers\..*preset offline"):
        hub.require_packages()


def test_the_hubs_libraries_are_told_to_stay_offline_before_they_are_imported():
    code = (
        "import animepose_blender.estimate.hub.loading\n"
        "import sys; assert 'transformers' not in sys.modules\n"
        "from huggingface_hub import constants\n"
        "assert constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    subprocess.run([sys.executable, "-c", code], check=True, env=clean, cwd=Path(__file__).parents[2])
