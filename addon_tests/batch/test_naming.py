"""Names of results."""

import pytest

from animepose_blender.batch.naming import checked_template, distinct, fill_in
from animepose_blender.errors import AnimePoseError

VALUES = {"clip": "walk", "rig": "hero", "number": 7, "start": 1500, "preset": "offline", "engine": "unity"}


def test_a_template_is_filled_in_with_pythons_formats_and_makes_folders():
    assert fill_in("{engine}/{number:03d}_{clip}_{rig}", VALUES) == "unity/007_walk_hero"


@pytest.mark.parametrize(
    "template", ["{nobody}", "{clip", "{clip.__class__.x}", "{0}", "fixed", "../{clip}", "/{clip}"]
)
def test_a_template_that_cannot_be_used_is_refused(template):
    with pytest.raises(AnimePoseError):
        checked_template(template)


def test_what_a_clip_is_called_can_neither_make_folders_nor_leave_them():
    assert fill_in("{clip}", VALUES | {"clip": "../../a:b"}) == ".._.._a_b"
    assert fill_in("{clip}", VALUES | {"clip": ".."}) == "_"


def test_names_that_windows_reserves_are_changed():
    assert fill_in("{clip}", VALUES | {"clip": "con"}) == "_con"


def test_names_that_repeat_get_numbers_whatever_their_case():
    assert distinct(["walk", "Walk", "run", "walk"], taken=["RUN"]) == ["walk", "Walk-2", "run-2", "walk-3"]
