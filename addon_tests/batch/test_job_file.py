"""Orders in files."""

import json

import pytest

from animepose_blender.batch.job_file import load_order
from animepose_blender.batch.order import EVERYBODY, IGNORE, MANNEQUIN
from animepose_blender.errors import AnimePoseError

TOML = """
version = 1
output = "out"
export = ["fbx", "glb"]
engine = "unreal"
name = "{clip}_{rig}"
[estimate]
focal_mm = 35
[rigs.hero]
file = "rigs/hero.blend:Armature"
map = "mixamo"
[[clips]]
input = "*.mp4"
[[clips]]
input = "b.mov"
name = "duel"
people = { 1 = "hero", 2 = "ignore", "*" = "mannequin" }
[clips.estimate]
start_s = 1.0
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "c.mp4", "b.mov"):
        (tmp_path / name).touch()
    return tmp_path


def written(folder, text, name="job.toml"):
    (folder / name).write_text(text)
    return folder / name


def test_a_job_file_tells_clips_people_rigs_and_settings_relative_to_itself(folder):
    order = load_order(written(folder, TOML))
    assert [clip.input for clip in order.clips] == [str(folder / name) for name in ("a.mp4", "c.mp4", "b.mov")]
    assert order.output == folder / "out"
    assert order.formats == ("fbx", "glb") and order.engine == "unreal"
    assert order.rigs["hero"].file == str(folder / "rigs/hero.blend:Armature")
    assert [one.people for one in order.castings_of(order.clips[0])] == [{EVERYBODY: "hero"}]
    (duel,) = order.castings_of(order.clips[2])
    assert [duel.role_of(person) for person in (1, 2, 3)] == ["hero", IGNORE, MANNEQUIN]
    assert order.estimate_of(order.clips[2]) == {"focal_mm": 35, "start_s": 1.0}


def test_json_says_the_same(folder):
    import tomllib

    (folder / "job.json").write_text(json.dumps(tomllib.loads(TOML)))
    assert load_order(folder / "job.json") == load_order(written(folder, TOML))


@pytest.mark.parametrize(
    "change, said",
    [
        (("output", "outptu"), "Did you mean output"),
        (("version = 1", "version = 2"), "version is 2"),
        (('"glb"', '"obj"'), "'obj'"),
        (("focal_mm = 35", 'focal_mm = "35"'), "estimate"),
        (("focal_mm = 35", "focal_mm = 0.1"), "focal"),
        (('1 = "hero"', '1 = "villain"'), "villain"),
        (('1 = "hero"', 'one = "hero"'), "'one'"),
        (("[rigs.hero]", "[rigs.ignore]"), "ignore"),
        (('input = "*.mp4"', 'input = "*.webm"'), "webm"),
        (("version = 1", "version = 1\nreduce_keys = [5]"), "reduce_keys is"),
        (('file = "rigs/hero.blend:Armature"', ""), "file is missing"),
        (("version = 1", "version = "), "not whole"),
    ],
)
def test_what_is_wrong_is_named(folder, change, said):
    with pytest.raises(AnimePoseError) as caught:
        load_order(written(folder, TOML.replace(*change)))
    assert said in str(caught.value)
