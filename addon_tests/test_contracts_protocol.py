"""Job request and messages: what is encoded decodes to the same, and everything else is refused with a reason."""

from __future__ import annotations

import dataclasses
import json

import pytest

from animepose_blender import protocol
from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.protocol import JobRequest

MESSAGES = [
    protocol.Hello(pid=12, versions={"numpy": "1.26.4"}),
    protocol.Progress(stage="detect", fraction=0.25, stage_fraction=0.5, seconds_left=12.5),
    protocol.Progress(stage="open", fraction=0.0),
    protocol.Warning_(message="A person was lost.\nTwice — “odd”."),
    protocol.Result(take="a.take.npz", people=2, frames=180, seconds=3.5),
    protocol.Error(message="No.", remedy="Do.", exit_code=3),
    protocol.CancelledMessage(),
]


def test_every_message_type_has_an_example_here():
    assert {type(message) for message in MESSAGES} == set(protocol.MESSAGES.values())


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_a_message_comes_back_the_same_and_takes_one_line(message):
    line = protocol.encode(message)
    assert line.endswith("\n")
    assert "\n" not in line[:-1]
    assert json.loads(line)["type"] == message.type
    assert protocol.decode(line) == message


def test_a_request_comes_back_the_same_whatever_it_asks_for():
    again = protocol.SolveRequest("a.npz", "b.npz", 2, 1.0, 2.5, wrong=True, foot_lock="never", smoothness_s=0.2)
    for job in (JobRequest("a.mp4", "a.npz"), again):
        assert protocol.decode_job(protocol.encode_job(job)) == job


def test_a_request_of_before_does_not_choose_how_feet_are_solved_again():
    job = protocol.decode_job('{"job": "solve", "source": "a.npz", "take": "b.npz", "person_id": 1}')
    assert (job.foot_lock, job.smoothness_s) == (None, None)


@pytest.mark.parametrize(("choice", "reason"), [({"foot_lock": "glue"}, "glue"), ({"smoothness_s": 3.0}, "3.0 s")])
def test_a_span_cannot_be_solved_in_a_way_that_no_clip_can(choice, reason):
    with pytest.raises(AnimePoseError, match=reason):
        protocol.SolveRequest("a.npz", "b.npz", 1, **choice)


def test_a_span_that_ends_before_it_starts_is_refused():
    with pytest.raises(AnimePoseError, match="ends at 1"):
        protocol.SolveRequest("a.npz", "b.npz", 1, 2.0, 1.0)


def test_only_results_errors_and_cancels_end_a_run():
    ends = [message.type for message in MESSAGES if isinstance(message, protocol.FINAL)]
    assert ends == ["result", "error", "cancelled"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a library printed this", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("{}", "unknown message of type None"),
        ('{"type": "dance"}', "unknown message of type 'dance'"),
        ('{"type": "warning"}', r"lacks \['message'\]"),
        ('{"type": "warning", "message": "m", "more": 1}', r"unknown fields \['more'\]"),
        ("", "not JSON"),
    ],
)
def test_a_line_that_is_no_message_is_refused(line, reason):
    with pytest.raises(AnimePoseError, match=reason):
        protocol.decode(line)


def test_numbers_that_json_does_not_know_are_never_sent():
    with pytest.raises(ValueError, match="JSON"):
        protocol.encode(protocol.Progress(stage="open", fraction=float("nan")))


def test_a_job_comes_back_the_same():
    job = JobRequest(
        clip="clips/ä b.mp4", take="out/a.take.npz", start_s=0.5, end_s=2.0, focal_px=900.0, max_people=3,
        device="cpu", settings={"gap_s": 0.4}, smoothness_s=0.2, foot_lock="always", floor="none", hold_still_m=0.03,
        hands=False,
    )  # fmt: skip
    assert protocol.decode_job(protocol.encode_job(job)) == job


def test_a_job_needs_only_clip_and_take():
    assert protocol.decode_job('{"clip": "a.mp4", "take": "a.npz"}') == JobRequest("a.mp4", "a.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"clip": ""}, {"take": ""}, {"preset": "magic"}, {"device": "abacus"}, {"max_people": 0}, {"max_people": 101},
        {"start_s": -1.0}, {"start_s": 2.0, "end_s": 2.0}, {"end_s": 0.0}, {"focal_mm": 0.0}, {"focal_px": -5.0},
        {"focal_mm": 35.0, "focal_px": 900.0}, {"focal_mm": float("inf")}, {"focal_px": float("nan")},
        {"focal_mm": 1e-9}, {"start_s": float("inf")}, {"start_s": float("nan")}, {"end_s": float("nan")},
        {"smoothness_s": -0.01}, {"smoothness_s": 1.01}, {"smoothness_s": float("nan")}, {"foot_lock": "sometimes"},
        {"floor": "carpet"}, {"hold_still_m": -0.01}, {"hold_still_m": 0.3}, {"hold_still_m": float("nan")},
        {"foot_lock": "grounding", "floor": "none"}, {"hands": "no"},
    ],
    ids=str,
)  # fmt: skip
def test_a_job_out_of_range_is_refused_as_a_usage_error_with_a_remedy(changes):
    with pytest.raises(AnimePoseError) as refusal:
        JobRequest(**{"clip": "a.mp4", "take": "a.npz", **changes})
    assert refusal.value.exit_code == ExitCode.USAGE
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"smoothness_s": 0.0}, {"smoothness_s": 1.0}, {"hold_still_m": 0.2}, {"hands": False},
        *({"foot_lock": lock} for lock in protocol.FOOT_LOCKS), *({"floor": floor} for floor in protocol.FLOORS),
        {"foot_lock": "always", "floor": "none"},
    ],
    ids=str,
)  # fmt: skip
def test_a_job_may_ask_for_every_kind_of_motion(changes):
    job = JobRequest("a.mp4", "a.npz", **changes)
    assert protocol.decode_job(protocol.encode_job(job)) == job


def test_the_motion_that_nobody_asked_about_is_smoothed_a_little_and_stands_on_a_floor():
    job = JobRequest("a.mp4", "a.npz")
    assert (job.smoothness_s, job.foot_lock, job.floor) == (0.05, "auto", "flat")
    assert (job.hold_still_m, job.hands) == (0.0, True)


def test_a_job_of_a_newer_protocol_is_refused():
    newer = {**dataclasses.asdict(JobRequest("a.mp4", "a.npz")), "protocol": protocol.PROTOCOL_VERSION + 1}
    with pytest.raises(AnimePoseError, match="protocol"):
        protocol.decode_job(json.dumps(newer))


@pytest.mark.parametrize("text", ["", "null", '{"clip": "a.mp4"}', '{"clip": "a", "take": "b", "colour": "red"}'])
def test_a_text_that_is_no_job_is_refused(text):
    with pytest.raises(AnimePoseError):
        protocol.decode_job(text)


def test_a_preview_is_a_job_of_its_own():
    job = protocol.PreviewRequest("a.npz", "a.mp4", "clip.mp4")
    assert protocol.decode_job(protocol.encode_job(job)) == job
    with pytest.raises(AnimePoseError):
        protocol.PreviewRequest("", "a.mp4")
