"""split-plan: a plan of one layer for each file, and empty ones for the rest."""

import json

from error_line import error_line

PLAN = {"layers": [{"storePaths": ["/s/a", "/s/b"]}, {"storePaths": ["/s/c"]}]}


def test_each_file_has_one_layer_in_the_order_of_the_plan(builder, tmp_path):
    files = [tmp_path / name for name in ("z", "y", "x")]
    done = builder("split-plan", "--plan", "/dev/stdin", *files, input=json.dumps(PLAN))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pieces = [json.loads(file.read_bytes()) for file in files]
    assert pieces == [{"layers": PLAN["layers"][:1]}, {"layers": PLAN["layers"][1:]}, {"layers": []}]


def test_too_few_files_are_an_error_and_nothing_is_written(builder, tmp_path):
    done = builder("split-plan", "--plan", "/dev/stdin", tmp_path / "only", input=json.dumps(PLAN))
    why = "found 2 layers, expected at most 1, one for each FILE; name more (in Nix, raise maxLayers)"
    assert error_line(done, "split-plan") == f"too many layers: {why}"
    assert not (tmp_path / "only").exists()


def test_if_one_file_cannot_be_written_none_is(builder, tmp_path):
    done = builder("split-plan", "--plan", "/dev/stdin", tmp_path / "a", tmp_path / "no/b", input=json.dumps(PLAN))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
