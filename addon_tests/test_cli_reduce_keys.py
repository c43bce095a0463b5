"""`convert --reduce-keys`: fewer keys in what is saved, with a bound that can be said."""

from __future__ import annotations

from pathlib import Path

import pytest

from animepose_blender import cli
from animepose_blender.cli.values import WITHIN
from animepose_blender.core.synthetic import walking_take

pytest.importorskip("bpy")


def _keys(path: Path) -> int:
    import bpy

    from animepose_blender.host import compat

    bpy.ops.wm.open_mainfile(filepath=str(path))
    people = [one for one in bpy.data.objects if one.type == "ARMATURE"]
    assert len(people) == 2
    return sum(len(curve.keyframe_points) for one in people for curve in compat.curves_of(one))


def test_the_default_bound_is_that_of_the_panels():
    from animepose_blender.host.key_options import Within

    assert Within(*WITHIN) == Within()


def test_convert_leaves_out_keys_only_where_it_is_told_to(tmp_path):
    take = str(walking_take(people=2, frames=60, gaps=False).save(tmp_path / "walk.take.npz"))
    counts = []
    for number, words in enumerate(([], ["--reduce-keys"], ["--reduce-keys", "1"], ["--reduce-keys=1,0.1"])):
        out = tmp_path / str(number)
        assert cli.main(["convert", take, "-o", str(out), *words]) == 0
        counts.append(_keys(out / "walk.blend"))
    dense, usual, near, nearest = counts
    assert 3 * usual < dense and usual < near < nearest < dense


@pytest.mark.parametrize("said", ["0", "-5", "5,0", "much", "5,2,1", "nan", "inf", ",", "clip.mp4"])
def test_a_bound_that_allows_nothing_ends_with_2(said, tmp_path, capsys):
    assert cli.main(["convert", "walk.npz", "-o", str(tmp_path), "--reduce-keys", said]) == 2
    assert "--reduce-keys=5" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
