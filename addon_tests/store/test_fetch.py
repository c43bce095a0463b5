"""Fetching: whole or not at all, from where it stopped, and only what the catalogue names."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
from collections import namedtuple

import pytest

from addon_tests.store.conftest import QUICK
from addon_tests.store.stub_hub import (
    COMMIT,
    OTHER_COMMIT,
    depth_files,
    pose_files,
    proxying,
    safetensors,
    serving,
    sha256,
    write_catalogue,
)
from animepose_blender.errors import AnimePoseError, Cancelled
from animepose_blender.store import download, fetch
from animepose_blender.store.access import MIRROR_VARIABLE, Access
from animepose_blender.store.catalogue import read_catalogue
from animepose_blender.store.installed import Presence, find_network, look_up
from animepose_blender.store.listing import rows
from animepose_blender.store.lock import only_one_changes
from animepose_blender.store.record import RECORD, read_record

WEIGHTS = "model.safetensors"
NAME = f"people/tiny-pose/{WEIGHTS}"
PARTIAL = f"tiny-pose.part/{WEIGHTS}.incomplete"


def assert_here(site, files=None):
    """It is in the store, byte by byte, and nothing else of it."""
    folder, record = find_network("tiny-pose", site.store)
    files = files or pose_files()
    assert {path.name for path in folder.iterdir()} == {*files, RECORD}
    assert all((folder / path).read_bytes() == data for path, data in files.items())
    assert {file.path: (file.size, file.sha256) for file in record.files} == {
        path: (len(data), sha256(data)) for path, data in files.items()
    }
    assert sorted(path.name for path in site.store.iterdir()) == [".locks", "tiny-pose"]


def assert_not_here(site):
    assert look_up("tiny-pose", site.store).presence in (Presence.ABSENT, Presence.UNFINISHED)
    with pytest.raises(AnimePoseError, match=r"animepose models fetch tiny-pose.*offline"):
        find_network("tiny-pose", site.store)


def assert_fails(site, *words, access=QUICK, entry=None):
    with pytest.raises(AnimePoseError) as caught:
        site.fetch(entry, access=access)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy
    assert_not_here(site)
    return caught.value


def test_a_network_comes_with_its_record(site):
    told = []
    record = site.fetch(on_progress=told.append)
    assert_here(site)
    assert record == read_record(site.store / "tiny-pose")
    assert record.source == f"people/tiny-pose@{COMMIT}" and record.licence == "Apache-2.0" and record.commercial
    assert "Made of nothing" in record.card
    total = sum(map(len, pose_files().values()))
    assert told[-1].done == told[-1].total == total and told[-1].fraction == 1.0
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert {one.file for one in told} == set(pose_files())


def test_what_is_here_is_not_fetched_again(site):
    site.fetch()
    asked = len(site.hub.asked)
    site.fetch()
    assert len(site.hub.asked) == asked


def test_a_cut_connection_goes_on_with_the_rest_only(site):
    site.hub.cuts = [100_000, 50_000]
    site.fetch()
    assert_here(site)
    assert [asked.range for asked in site.hub.got(f"storage/{NAME}?signature=x%2Fy")] == [
        "", "bytes=100000-", "bytes=150000-"
    ]  # fmt: skip


def test_after_a_failure_the_next_call_goes_on(site):
    site.hub.cuts = [60_000]
    assert_fails(site, "cut after 60000 of", access=Access(tries=1))
    assert look_up("tiny-pose", site.store).presence is Presence.UNFINISHED
    assert (site.store / PARTIAL).stat().st_size == 60_000
    asked = len(site.hub.asked)
    site.fetch()
    assert_here(site)
    assert {one.range for one in site.hub.asked[asked:]} == {"bytes=60000-"}


def test_a_server_that_cuts_again_and_again_is_given_up(site):
    site.hub.cuts = [10_000] + [0] * 10
    assert_fails(site, WEIGHTS, "cut after 10000 of", "imported")
    assert len(site.hub.cuts) == 10 - QUICK.tries + 1


def test_a_server_that_knows_no_parts_sends_it_all_again(site):
    site.hub.ranges, site.hub.cuts = False, [100_000]
    site.fetch()
    assert_here(site)


def test_a_wrong_beginning_is_found_out_and_fetched_anew(site):
    part = site.store / PARTIAL
    site.hub.cuts = [60_000]
    assert_fails(site, "cut", access=Access(tries=1))
    part.write_bytes(b"x" * 60_000)
    site.fetch()
    assert_here(site)


def test_more_than_there_is_on_disk_is_fetched_anew(site):
    site.hub.cuts = [60_000]
    assert_fails(site, "cut", access=Access(tries=1))
    (site.store / PARTIAL).write_bytes(b"x" * 400_000)
    site.fetch()
    assert_here(site)


def test_wrong_bytes_are_refused(site):
    wrong = bytearray(safetensors())
    wrong[-1] ^= 1
    site.hub.served[NAME] = bytes(wrong)
    assert_fails(site, "sha256", sha256(safetensors()), sha256(bytes(wrong)), "expected")
    assert not (site.store / PARTIAL).exists()


def test_wrong_bytes_in_pieces_are_refused_after_one_more_try(site):
    wrong = bytearray(safetensors())
    wrong[-1] ^= 1
    site.hub.served[NAME], site.hub.cuts = bytes(wrong), [60_000]
    assert_fails(site, "sha256")
    assert [bool(asked.range) for asked in site.hub.got("signature=x%2Fy")] == [False, True, False]


def test_a_longer_file_is_stopped(site):
    site.hub.states = False
    site.hub.served[NAME] = safetensors() + b"x" * 500_000
    assert_fails(site, "number of bytes", str(len(safetensors())))


def test_another_file_is_refused_before_it_comes(site):
    site.hub.files[NAME] = safetensors(fill=9)
    assert_fails(site, sha256(safetensors()), sha256(safetensors(fill=9)), "is offered")
    assert site.hub.got("signature=x%2Fy") == [] or not (site.store / PARTIAL).exists()


def test_another_revision_is_refused(site):
    site.hub.commit = OTHER_COMMIT
    site.hub.files |= {}
    error = assert_fails(site, "404")  # it is asked for by its revision
    assert COMMIT in error.message
    site.hub.commit = COMMIT
    site.use(revision="main")
    site.hub.files[NAME] = safetensors(fill=3)
    assert_fails(site, "sha256")


def test_a_stated_revision_must_be_the_pinned_one(site, monkeypatch):
    import addon_tests.store.stub_hub as stub

    def lies(self, name, linked):
        self.send_header("X-Repo-Commit", OTHER_COMMIT)

    monkeypatch.setattr(stub._Handler, "_state", lies)
    assert_fails(site, "revision", COMMIT, OTHER_COMMIT)


@pytest.mark.parametrize(("status", "words"), [(404, "Update AnimePose"), (403, "browser"), (401, "browser"),
                                               (500, "Try again later"), (418, "mirror")])  # fmt: skip
def test_refusals_of_the_server_are_told(site, status, words):
    site.hub.status["config.json"] = status
    assert_fails(site, str(status), "config.json of tiny-pose", words)


def test_a_busy_server_is_asked_again(site):
    site.hub.busy = 2
    site.fetch()
    assert_here(site)


def test_a_stalled_server_is_given_up_and_the_beginning_kept(site):
    site.hub.stalls = True
    assert_fails(site, "stalled", "no byte came for 0.3 s", access=Access(stall_s=0.3, tries=2, pause_s=0.01))
    assert (site.store / PARTIAL).stat().st_size > 0
    site.hub.stalls = False
    site.fetch()
    assert_here(site)


def test_nobody_there(site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert_fails(site, "refuses connections", "imported", access=Access(address, tries=3))
    assert_fails(site, "name", "online", access=Access("http://no-such-host.invalid", tries=3))


def test_a_cancel_leaves_what_has_come(site):
    site.hub.slow_s = 0.02
    cancelled = threading.Event()

    def stop_in_the_middle(progress):
        if progress.file == WEIGHTS and progress.done > 50_000:
            cancelled.set()

    with pytest.raises(Cancelled):
        site.fetch(on_progress=stop_in_the_middle, cancelled=cancelled)
    assert_not_here(site)
    came = (site.store / PARTIAL).stat().st_size
    assert came >= 40_000
    assert next(row for row in rows(site.catalogue, site.store) if row.id == "tiny-pose").state.startswith("unfinished")
    site.hub.slow_s, asked = 0.0, len(site.hub.asked)
    site.fetch()
    assert_here(site)
    assert site.hub.asked[asked].range == f"bytes={came}-"


def test_a_cancel_does_not_wait_for_a_stalled_server(site):
    site.hub.stalls = True
    cancelled = threading.Event()
    outcome = []

    def work():
        try:
            site.fetch(cancelled=cancelled, access=Access(stall_s=600.0))
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not (site.store / PARTIAL).exists():
        cancelled.wait(0.02)
    cancelled.set()
    thread.join(10.0)
    assert outcome and not thread.is_alive()


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_a_mirror_takes_the_place_of_the_registry(site, monkeypatch, by):
    mirror = site.hub.address + "/"
    site.catalogue = read_catalogue(write_catalogue(site.folder, "https://no-such-host.invalid"))
    if by == "environment":
        monkeypatch.setenv(MIRROR_VARIABLE, mirror)
        site.fetch()
    else:
        site.fetch(access=Access(mirror))
    assert_here(site)


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_a_proxy_is_used(site, monkeypatch, by):
    with proxying() as (address, asked):
        if by == "environment":
            monkeypatch.setenv("http_proxy", address)
            site.fetch()
        else:
            site.fetch(access=Access(proxy=address))
    assert_here(site)
    assert len(asked) == len(site.hub.asked) > 0 and all(one.startswith(site.hub.address) for one in asked)


@pytest.mark.parametrize("address", ["file:///etc", "host:80", "ftp://host", "https://", "http://host:99999"])
def test_what_is_no_address_is_refused(address, monkeypatch):
    with pytest.raises(AnimePoseError, match="no address"):
        Access(mirror=address)
    monkeypatch.setenv(MIRROR_VARIABLE, address)
    with pytest.raises(AnimePoseError, match="no address"):
        Access().endpoint("https://usual")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_lead_to_web_servers_only(site, to):
    site.hub.redirect_to = to
    assert_fails(site, to.partition(":")[0])


def test_https_is_never_left_for_http():
    from email.message import Message
    from urllib.request import Request

    from animepose_blender.store.transfer import Refused, _Redirects

    redirects = _Redirects([])
    with pytest.raises(Refused):
        redirects.redirect_request(Request("https://a/b"), None, 302, "", Message(), "http://a/b")
    assert redirects.redirect_request(Request("http://a/b"), None, 302, "", Message(), "https://a/b") is not None


def test_only_one_fetches_a_network(site):
    with only_one_changes("tiny-pose", site.store):
        assert_fails(site, "already")
        site.fetch(site.depth)
    site.fetch()


def test_what_nobody_has_pinned_is_taken_from_the_registry_and_recorded(site):
    site.use(pinned=False)
    assert not site.pose.pinned
    record = site.fetch()
    assert_here(site)
    assert record.source == f"people/tiny-pose@{COMMIT}"
    assert site.hub.got("resolve/main/config.json", "HEAD") and not site.hub.got("resolve/main/config.json")
    assert site.hub.got(f"resolve/{COMMIT}/config.json")
    row = next(row for row in rows(site.catalogue, site.store) if row.id == "tiny-pose")
    assert (row.state, row.pinned, row.outdated) == ("here", False, False)


def test_an_unpinned_network_resumes_at_the_revision_it_was_begun_with(site):
    site.use(pinned=False)
    site.hub.cuts = [60_000]
    assert_fails(site, "cut", access=Access(tries=1))
    asked = len(site.hub.asked)
    site.fetch()
    assert_here(site)
    assert [(one.method, one.range) for one in site.hub.asked[asked:]] == [("GET", "bytes=60000-")] * 2
    assert all(COMMIT in one.path or "storage" in one.path for one in site.hub.asked[asked:])


def test_a_plain_server_will_do_as_a_mirror(site):
    site.use(pinned=False)
    site.hub.states = False
    record = site.fetch()
    assert_here(site)
    assert record.source == "people/tiny-pose@main"


def test_a_page_instead_of_weights_is_refused(site):
    site.use(pinned=False)
    site.hub.states = False
    site.hub.files[NAME] = b"<html>Please log in</html>" * 100
    assert_fails(site, "safetensors")
    site.hub.files[NAME] = safetensors()
    site.fetch()
    assert_here(site)


def test_optional_files_may_be_missing(site):
    path = write_catalogue(site.folder, site.hub.address, pinned=False)
    text = path.read_text()
    extra = '{ path = "processor_config.json", size = 0, sha256 = "", optional = true }, { path = "config.json"'
    path.write_text(text.replace('{ path = "config.json"', extra, 1))
    site.catalogue = read_catalogue(path)
    site.fetch()
    assert_here(site)
    path.write_text(text.replace('{ path = "config.json"', extra.replace(", optional = true", ""), 1))
    site.catalogue = read_catalogue(path)
    shutil.rmtree(site.store)
    assert_fails(site, "404", "processor_config.json")


def test_too_little_space_is_told_before_anything_comes(site, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage(10, 9, 1000))
    assert_fails(site, "full", "needed", "Make space")
    assert site.hub.got(WEIGHTS) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_is_told_and_what_came_is_kept(site, monkeypatch, number):
    class Full(download.Meter):
        def adds(self, count):
            super().adds(count)
            if self.done > 100_000:
                raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fetch, "Meter", Full)
    assert_fails(site, "full", "free", "Make space")
    monkeypatch.undo()
    assert (site.store / PARTIAL).stat().st_size > 0
    site.fetch()
    assert_here(site)


def test_a_folder_that_cannot_be_written_to_is_told(site):
    site.store = site.folder / "models.toml" / "store"
    with pytest.raises(AnimePoseError, match="cannot be written to"):
        site.fetch()


def test_a_newer_revision_takes_the_place_of_the_older_one_at_the_end(site):
    site.fetch()
    files = pose_files(safetensors(400_000, fill=5))
    site.use(files=files)
    site.hub.files[NAME] = files[WEIGHTS]
    state = {row.id: row.state for row in rows(site.catalogue, site.store)}
    assert state["tiny-pose"] == "outdated"
    site.hub.cuts = [1000]
    with pytest.raises(AnimePoseError, match="cut"):
        site.fetch(access=Access(tries=1))
    assert find_network("tiny-pose", site.store)[1].size == sum(map(len, pose_files().values()))
    site.fetch()
    assert_here(site, files)


def test_a_beginning_for_another_catalogue_is_thrown_away(site):
    site.hub.cuts = [60_000]
    assert_fails(site, "cut", access=Access(tries=1))
    site.hub.commit = OTHER_COMMIT
    files = pose_files(safetensors(fill=8))
    site.use(files=files, revision=OTHER_COMMIT)
    site.hub.files[NAME] = files[WEIGHTS]
    site.fetch()
    assert_here(site, files)
    assert not [one for one in site.hub.asked if one.range]


def test_two_at_a_time_of_different_networks(site):
    threads = [threading.Thread(target=site.fetch, args=(entry,)) for entry in (site.pose, site.depth)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {row.state for row in rows(site.catalogue, site.store) if row.id.startswith("tiny")} == {"here"}
    assert find_network("tiny-depth", site.store)[1].size == sum(map(len, depth_files().values()))


def test_a_second_registry_can_finish_what_a_first_began(site):
    site.hub.cuts = [60_000]
    assert_fails(site, "cut", access=Access(tries=1))
    from addon_tests.store.stub_hub import hub_with_both

    with serving(hub_with_both()) as other:
        site.fetch(access=Access(other.address))
        assert {one.range for one in other.asked} == {"bytes=60000-"}
    assert_here(site)
