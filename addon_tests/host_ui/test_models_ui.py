"""Networks as Blender shows them: the list, fetch, verify, import and remove, and what an estimate lacks."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

import animepose_blender
from addon_tests.store.stub_hub import hub_with_both, pose_files, safetensors, serving, write_catalogue
from animepose_blender import presets
from animepose_blender.errors import AnimePoseError
from animepose_blender.host import addon_state, jobs, setup_job, worker_client
from animepose_blender.host.environment import State, Status
from animepose_blender.host.models import choices, gaps, job, known, needs, operators, store_preferences, words
from animepose_blender.host.models.card import card_pieces
from animepose_blender.host.models.list import active_row
from animepose_blender.presets import Parts
from animepose_blender.store import installed, listing
from animepose_blender.store.access import MIRROR_VARIABLE
from animepose_blender.store.carry_out import carry_out
from animepose_blender.store.catalogue import CATALOGUE_VARIABLE
from animepose_blender.store.folder import STORE_VARIABLE, store_folder
from animepose_blender.store.installed import Presence

POSE, DEPTH = "tiny-pose", "tiny-depth"
PACKAGES = {"python": "3.11.9", "numpy": "1.26.4", "torch": "2.13.0", "transformers": "5.23.0"}


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """A registry on loopback with two networks, which are all of the preset Quality; Blender may use the network."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(addon_state, "online_allowed", lambda: True)
    monkeypatch.setattr(addon_state, "status", lambda: Status(State.READY, "python", versions=PACKAGES))
    # Of what ships, only the networks that every preset uses: these lists are to be short.
    others = {id_: one for id_, one in installed.shipped_networks().items() if not one[1].is_own}
    for module in (installed, listing):
        monkeypatch.setattr(module, "shipped_networks", lambda: others)
    monkeypatch.setitem(presets.PARTS, "quality", Parts("mediapipe", "none", POSE, DEPTH))  # type: ignore[arg-type]
    with serving(hub_with_both()) as hub:
        monkeypatch.setenv(CATALOGUE_VARIABLE, str(write_catalogue(tmp_path / "catalogue", hub.address)))
        known.refresh()
        yield hub
        job.stop()


@pytest.fixture
def settings(settings):
    """Of the scene, for Quality, with a clip that is there."""
    Path(settings.clip).touch()
    settings.preset = "quality"
    return settings


def _follow(until=lambda: not job.running()) -> None:
    while not until():
        assert job.running(), job.outcome
        time.sleep(0.005)
    job.advance()


def _fetch(*ids: str) -> None:
    assert bpy.ops.animepose.fetch_models(models=",".join(ids)) == {"FINISHED"}
    _follow()


def _choose_in_list(id_: str) -> None:
    models = bpy.context.window_manager.animepose_models
    models.active = [item.name for item in models.items].index(id_)


def _states() -> dict[str, Presence]:
    return {id_: row.presence for id_, row in known.networks().items() if id_ in (POSE, DEPTH)}


def _items(settings, part: str) -> list[str]:
    return [item[0] for item in choices.items_of(part, getattr(settings, part), "", known.choosable(part))]


def test_the_list_has_every_network_and_how_it_stands():
    models = bpy.context.window_manager.animepose_models
    assert [item.name for item in models.items] == list(known.networks())
    assert known.networks()["temporal-lifter"].presence is Presence.SHIPPED
    assert _states() == {POSE: Presence.ABSENT, DEPTH: Presence.ABSENT}
    models.active = 0
    row = active_row(bpy.context)
    assert row is not None and (row.id, row.licence, row.commercial) == (POSE, "Apache-2.0", True)


def test_what_is_not_for_commercial_use_can_be_left_out_of_the_list():
    _choose_in_list(DEPTH)
    assert active_row(bpy.context) is not None
    bpy.context.window_manager.animepose_models.commercial_only = True
    assert active_row(bpy.context) is None


def test_a_fetch_shows_bytes_and_file_and_brings_the_network(hub):
    hub.slow_s = 0.02
    assert bpy.ops.animepose.fetch_models(models=f"{POSE},{DEPTH}") == {"FINISHED"}
    _follow(lambda: 0.1 < job.shown.fraction < 1)
    assert (job.shown.title, job.shown.count) == ("Fetching Tiny pose", "1 of 2")
    assert job.shown.file == "model.safetensors" and job.shown.amount.endswith(" of 300 kB")
    _follow()
    assert job.outcome == job.Outcome("Fetched 2 networks.")
    assert _states() == {POSE: Presence.HERE, DEPTH: Presence.HERE}


def test_the_network_chosen_in_the_list_is_the_one_that_buttons_are_for():
    _choose_in_list(DEPTH)
    _fetch()
    assert _states() == {POSE: Presence.ABSENT, DEPTH: Presence.HERE}


def test_everything_of_a_preset_is_fetched_and_what_is_here_is_not_asked_for():
    assert operators.lacking_for("quality") == [POSE, DEPTH]
    _fetch(POSE)
    assert operators.lacking_for("quality") == [DEPTH]


def test_without_online_access_nothing_is_fetched_and_the_way_out_is_said(monkeypatch, hub):
    monkeypatch.setattr(addon_state, "online_allowed", lambda: False)
    with pytest.raises(RuntimeError, match="allow online access in the System preferences"):
        bpy.ops.animepose.fetch_models(models=POSE)
    assert not hub.asked and bpy.ops.animepose.import_model.poll()


def test_a_cancelled_fetch_goes_on_where_it_stopped(hub):
    hub.slow_s = 0.02
    bpy.ops.animepose.fetch_models(models=POSE)
    _follow(lambda: job.shown.fraction > 0.3)
    assert bpy.ops.animepose.cancel_models() == {"FINISHED"}
    _follow()
    assert job.outcome is not None and not job.outcome.failed and "goes on from there" in job.outcome.remedy
    assert _states()[POSE] is Presence.UNFINISHED
    hub.slow_s = 0
    _fetch(POSE)
    assert _states()[POSE] is Presence.HERE and any(asked.range for asked in hub.asked)


def test_disabling_the_addon_in_the_middle_of_a_fetch_leaves_nothing_behind_but_what_was_fetched(hub):
    handlers = len(bpy.app.handlers.load_post)
    hub.slow_s = 0.02
    bpy.ops.animepose.fetch_models(models=POSE)
    _follow(lambda: job.shown.fraction > 0.3)
    animepose_blender.unregister()
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith("AnimePose")]:
        thread.join(5)  # one that waits for the network ends with the next bytes
        assert not thread.is_alive()
    assert len(bpy.app.handlers.load_post) < handlers and not bpy.app.timers.is_registered(job._tick)
    assert not bpy.app.timers.is_registered(known._refresh_once)
    assert not hasattr(bpy.types.WindowManager, "animepose_models")
    animepose_blender.register()
    known.refresh()
    assert _states()[POSE] is Presence.UNFINISHED and len(bpy.app.handlers.load_post) == handlers


@pytest.mark.parametrize("trouble", ["wrong bytes", "not there"])
def test_a_failed_fetch_is_one_message_with_a_remedy_and_nothing_counts_as_here(hub, trouble):
    if trouble == "wrong bytes":
        good = pose_files()["model.safetensors"]
        hub.served["people/tiny-pose/model.safetensors"] = good[:-1] + b"?"
    else:
        hub.status["config.json"] = 404
    _fetch(POSE)
    assert job.outcome is not None and job.outcome.failed and job.outcome.message and job.outcome.remedy
    assert _states()[POSE] is not Presence.HERE
    bpy.ops.animepose.dismiss_models()
    assert job.outcome is None


def test_one_piece_of_work_at_a_time(hub):
    hub.slow_s = 0.02
    bpy.ops.animepose.fetch_models(models=POSE)
    for operator in ("fetch_models", "verify_model", "import_model", "remove_model"):
        assert not getattr(bpy.ops.animepose, operator).poll()
    with pytest.raises(AnimePoseError, match="worked on already"):
        operators.start_fetch([DEPTH])
    bpy.ops.animepose.cancel_models()
    _follow()


def test_verify_tells_good_from_damaged(tmp_path):
    _fetch(POSE)
    bpy.ops.animepose.verify_model(model=POSE)
    _follow()
    assert job.outcome == job.Outcome("Tiny pose is as it should be.")
    weights = tmp_path / "models" / POSE / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    bpy.ops.animepose.verify_model(model=POSE)
    _follow()
    assert job.outcome is not None and job.outcome.failed and "model.safetensors" in job.outcome.message


def test_remove_says_what_is_free_again_and_refuses_what_comes_with_animepose():
    _fetch(POSE)
    _choose_in_list(POSE)
    assert bpy.ops.animepose.remove_model() == {"FINISHED"}
    assert _states()[POSE] is Presence.ABSENT and job.outcome is not None and "kB are free" in job.outcome.message
    _choose_in_list("temporal-lifter")
    with pytest.raises(RuntimeError, match="comes with AnimePose"):
        bpy.ops.animepose.remove_model()


def test_a_zip_that_was_carried_in_is_imported_without_the_network(tmp_path, monkeypatch, hub):
    _fetch(POSE, DEPTH)
    carry_out([POSE, DEPTH], tmp_path / "carried.zip")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "another"))
    monkeypatch.setattr(addon_state, "online_allowed", lambda: False)
    known.refresh()
    hub.asked.clear()
    assert bpy.ops.animepose.import_model(filepath=str(tmp_path / "carried.zip")) == {"FINISHED"}
    _follow()
    assert job.outcome == job.Outcome("Imported 2 networks. Not for commercial use: Tiny depth.")
    assert _states() == {POSE: Presence.HERE, DEPTH: Presence.HERE} and not hub.asked


def test_ones_own_network_is_imported_as_it_is_described_and_can_be_chosen(tmp_path, settings):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, data in pose_files().items():
        (folder / name).write_bytes(data + b" " * name.endswith(".json"))
    bpy.ops.animepose.import_model(
        filepath=str(folder), what="OWN", own_id="my-pose", role="pose", skeleton="coco_17", licence="MIT",
        commercial=True,
    )  # fmt: skip
    _follow()
    assert job.outcome is not None and not job.outcome.failed, job.outcome
    settings.pose_choice = "my-pose"
    assert settings.job_request().pose == "my-pose"


def test_what_nobody_knows_must_be_described_in_words_of_the_file_browser(tmp_path):
    (tmp_path / "config.json").write_bytes(b" " + pose_files()["config.json"])
    (tmp_path / "model.safetensors").write_bytes(safetensors(700, fill=9))
    bpy.ops.animepose.import_model(filepath=str(tmp_path))
    _follow()
    assert job.outcome is not None and job.outcome.failed and "under What It Is" in job.outcome.remedy


def test_only_networks_that_are_here_can_be_chosen(settings):
    assert _items(settings, "pose") == ["PRESET", "mediapipe"]
    assert _items(settings, "depth") == ["PRESET", "none"]
    _fetch(POSE)
    assert _items(settings, "pose") == ["PRESET", "mediapipe", POSE]
    assert _items(settings, "detector") == ["PRESET", "mediapipe"]
    with pytest.raises(TypeError):
        settings.depth_choice = DEPTH


def test_a_choice_becomes_the_job_and_stays_when_its_network_goes(settings):
    assert {part: getattr(settings.job_request(), part) for part in choices.PARTS} == dict.fromkeys(choices.PARTS, "")
    _fetch(POSE, DEPTH)
    settings.pose_choice, settings.depth_choice, settings.detector_choice = POSE, DEPTH, "mediapipe"
    settings.commercial_only = True
    request = settings.job_request()
    assert (request.preset, request.detector, request.masks) == ("quality", "mediapipe", "")
    assert (request.pose, request.depth, request.commercial_only) == (POSE, DEPTH, True)
    bpy.ops.animepose.remove_model(model=POSE)
    assert (settings.pose, settings.pose_choice, settings.depth_choice) == (POSE, POSE, DEPTH)
    settings.pose_choice = "PRESET"
    assert settings.pose == "" and _items(settings, "pose") == ["PRESET", "mediapipe"]


def test_lifter_and_predictor_can_be_chosen_where_there_is_a_choice(settings):
    assert settings.shown_parts() == ("detector", "masks", "pose", "depth")
    settings.lifter_choice = "temporal-lifter"
    assert settings.job_request().lifter == "temporal-lifter" and settings.shown_parts()[-1] == "lifter"
    settings.predictor = "gone"
    gap = needs.gap_of(settings)
    assert gap is not None and gap.unknown == ("gone",)


def test_lists_of_choices_are_the_same_objects_while_nothing_changes(settings):
    here = known.choosable("pose")
    assert choices.items_of("pose", "", "", here) is choices.items_of("pose", "", "", (*here,))


def test_import_from_video_says_what_is_missing_and_works_when_it_is_here(settings):
    with pytest.raises(RuntimeError, match=r"2 networks not here yet: \d"):
        bpy.ops.animepose.import_video()
    _fetch(*(row.id for row in needs.gap_of(settings).absent))
    assert needs.gap_of(settings) is None and bpy.ops.animepose.import_video.poll()
    assert jobs.job.phase is jobs.Phase.IDLE


def test_an_environment_without_the_packages_is_said(settings, monkeypatch):
    _fetch(POSE, DEPTH)
    basic = {"python": "3.11.9", "numpy": "1.26.4"}
    monkeypatch.setattr(addon_state, "status", lambda: Status(State.READY, "python", versions=basic))
    with pytest.raises(RuntimeError, match="lacks PyTorch and Transformers"):
        bpy.ops.animepose.import_video()
    settings.preset = "offline"
    assert bpy.ops.animepose.import_video.poll()
    monkeypatch.setattr(addon_state, "status", lambda: Status(State.UNCHECKED, "python"))
    settings.preset = "quality"
    assert bpy.ops.animepose.import_video.poll()  # nobody knows: the worker will say


def test_falling_back_to_offline_is_one_click(settings):
    settings.pose = "no-such-network"
    gap = needs.gap_of(settings)
    assert gap is not None and gap.unknown == ("no-such-network",)
    assert bpy.ops.animepose.use_offline() == {"FINISHED"}
    assert (settings.preset, settings.pose) == ("offline", "") and needs.gap_of(settings) is None


def test_what_is_not_for_commercial_use_is_refused_where_that_is_asked_for(settings):
    _fetch(POSE, DEPTH)
    settings.commercial_only = True
    with pytest.raises(RuntimeError, match=r"Not for commercial use: Tiny depth\. Choose another"):
        bpy.ops.animepose.import_video()
    settings.depth_choice = "none"
    assert bpy.ops.animepose.import_video.poll()


def test_nothing_is_lacking_twice():
    networks = known.networks()
    gap = gaps.find_gap(Parts(POSE, POSE, POSE, DEPTH), True, networks, False)
    assert gap == gaps.Gap(absent=(networks[POSE],), refused=(networks[DEPTH],))
    assert gaps.find_gap(Parts("mediapipe", "none", "mediapipe", "none"), True, networks, True) is None


def test_files_keep_the_choice_of_an_estimate_and_nothing_else_of_networks(settings, tmp_path):
    _fetch(POSE)
    settings.pose_choice = POSE
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    written = path.read_bytes()
    assert POSE.encode() in written and DEPTH.encode() not in written
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert bpy.context.scene.animepose.pose_choice == POSE
    models = bpy.context.window_manager.animepose_models
    assert [item.name for item in models.items] == list(known.networks())


def test_a_catalogue_that_cannot_be_read_is_said_and_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setenv(CATALOGUE_VARIABLE, str(tmp_path / "none.toml"))
    known.refresh()
    problem = known.problem()
    assert problem is not None and "none.toml" in problem.message and problem.remedy
    assert not len(bpy.context.window_manager.animepose_models.items)


def test_the_preferences_say_where_networks_are_to_this_process_and_to_workers(tmp_path, monkeypatch):
    def use(folder: str) -> None:
        chosen = SimpleNamespace(models_folder=folder, mirror=" http://mirror.studio/hub ", proxy="")
        monkeypatch.setattr(addon_state, "preferences", lambda: chosen)
        store_preferences.apply()

    use(str(tmp_path / "studio"))
    assert store_folder() == tmp_path / "studio"
    assert worker_client.worker_environment()[STORE_VARIABLE] == str(tmp_path / "studio")
    assert store_preferences.access().mirror == "http://mirror.studio/hub"
    use("")
    assert store_folder() == tmp_path / "models"  # as the environment says
    monkeypatch.delenv(STORE_VARIABLE)
    monkeypatch.setattr(addon_state, "own_folder", lambda name: tmp_path / "extension" / name)
    use("")
    assert store_folder() == tmp_path / "extension" / "models"
    monkeypatch.setattr(addon_state, "preferences", lambda: SimpleNamespace(mirror="no address", proxy=""))
    with pytest.raises(AnimePoseError, match="no address of a mirror"):
        store_preferences.access()


def test_a_setup_of_the_environment_does_not_stand_in_the_way_of_a_fetch(monkeypatch):
    monkeypatch.setattr(setup_job, "running", lambda: True)
    _fetch(POSE)
    assert _states()[POSE] is Presence.HERE


def test_cards_are_shown_as_labels_and_paragraphs():
    card = (
        "# Card: A\n\n| | |\n|---|---|\n| What | finds `people` |\n| Class | A |\n\nSources: [one](http://a/b),\ntwo.\n"
    )
    assert card_pieces(card) == [("What", "finds people"), ("Class", "A"), ("", "Sources: one, two.")]


def test_messages_fit_a_panel():
    said = f"It is at http://host:1/a/b/{'c' * 40}/config.json with {'0123456789abcdef' * 4} bytes."
    assert words.shortened(said) == "It is at host:1 … config.json with 01234567… bytes."
    assert words.shortened("Import a zip (`animepose models import`).") == "Import a zip (Import)."
    assert words.squeezed("Depth Anything V2 Metric Indoor Small", 22) == "Depth An… Indoor Small"
    assert words.amount_words(312_400_000, 1_245_000_000) == "312 of 1,245 MB"
