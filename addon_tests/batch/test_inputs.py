"""What files, folders and patterns on a command line mean."""

import pytest

from animepose_blender.batch.inputs import find_inputs, stem_of
from animepose_blender.errors import AnimePoseError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.MOV", "a.take.npz", "other.npz", "notes.txt", ".hidden.mp4", "sub/c.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(paths, folder):
    return [path.removeprefix(f"{folder}/") for path in paths]


def test_a_folder_means_the_videos_and_takes_directly_in_it(folder):
    assert names(find_inputs([str(folder)]), folder) == ["a.MOV", "a.take.npz", "b.mp4"]


def test_a_pattern_reaches_into_folders(folder):
    assert names(find_inputs([str(folder / "**/*.m*")]), folder) == ["b.mp4", "sub/c.mkv"]


def test_a_named_file_counts_whatever_its_suffix_and_each_once(folder):
    given = [str(folder / "other.npz"), str(folder), str(folder / "b.mp4")]
    assert names(find_inputs(given), folder) == ["other.npz", "a.MOV", "a.take.npz", "b.mp4"]


def test_results_are_never_taken_for_inputs(folder):
    (folder / "out").mkdir()
    (folder / "out" / "a.take.npz").touch()
    found = names(find_inputs([str(folder / "**/*.npz")], leave_out=folder / "out"), folder)
    assert found == ["a.take.npz"]


@pytest.mark.parametrize("word", ["*.webm", "empty"])
def test_what_gives_nothing_is_refused_by_name(folder, word):
    (folder / "empty").mkdir()
    with pytest.raises(AnimePoseError, match=word.strip("*.")):
        find_inputs([str(folder / word)])


def test_a_takes_name_has_neither_suffix():
    assert stem_of("x/walk.take.npz") == "walk"
    assert stem_of("walk.v2.mp4") == "walk.v2"


def test_a_file_that_is_not_there_is_left_for_its_turn(folder):
    assert names(find_inputs([str(folder / "gone.mp4"), str(folder / "b.mp4")]), folder) == ["gone.mp4", "b.mp4"]
