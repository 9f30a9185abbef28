"""mk-layers: a layer directory for each layer of a plan."""

import json

import pytest


@pytest.fixture
def store(tmp_path):
    """Three store paths, named by their digit."""
    paths = []
    for digit in "123":
        path = tmp_path / "store" / f"{digit * 32}-package-{digit}"
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "tool").write_text(f"tool {digit}\n" * 1000)
        paths.append(str(path))
    return paths


def plan(tmp_path, *layers):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"layers": [{"storePaths": list(layer)} for layer in layers]}))
    return file


@pytest.mark.parametrize("options", [[], ["--no-blob"], ["--compressor", "gzip", "--uid", "7", "--mtime", "5"]])
@pytest.mark.parametrize("cores", ["1", "3"])
def test_layers_are_those_of_mk_layer(builder, store, tmp_path, monkeypatch, options, cores):
    monkeypatch.setenv("NIX_BUILD_CORES", cores)
    layers = [store[:2], [], store[2:]]
    done = builder("mk-layers", "--plan", plan(tmp_path, *layers), *options, "--out", tmp_path / "layers")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "layers").iterdir()) == ["000", "001", "002"]
    for index, paths in enumerate(layers):
        words = [word for path in paths for word in ("--store-path", path)]
        nothing = [] if words else ["--files", "/dev/stdin"]
        builder("mk-layer", *words, *nothing, *options, "--out", tmp_path / f"single-{index}", input="{}", check=True)
        single, among = tmp_path / f"single-{index}", tmp_path / "layers" / f"00{index}"
        assert {p.name: p.read_bytes() for p in single.iterdir()} == {p.name: p.read_bytes() for p in among.iterdir()}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ('{"layers": [{"storePaths": ["/s/a"]}, {"storePaths": ["/s/a"]}]}', "layers: found /s/a twice"),
        ('{"layers": [{"storePaths": [1]}]}', "layers[0].storePaths[0]: found a whole number, expected a string"),
        ('{"layers": {}}', "layers: found an object, expected a list"),
        ("[]", "found a list, expected an object"),
    ],
)
def test_a_bad_plan_is_one_line(builder, tmp_path, document, why):
    (tmp_path / "plan.json").write_text(document)
    done = builder("mk-layers", "--plan", tmp_path / "plan.json", "--out", tmp_path / "layers")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and why in done.stderr
    assert not (tmp_path / "layers").exists()


@pytest.mark.parametrize("cores", ["1", "3"])
def test_one_bad_layer_leaves_nothing(builder, store, tmp_path, monkeypatch, cores):
    monkeypatch.setenv("NIX_BUILD_CORES", cores)
    missing = f"/nowhere/{'0' * 32}-gone"
    done = builder("mk-layers", "--plan", plan(tmp_path, *[[p] for p in store], [missing]), "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (1, f"mk-layers: error: cannot pack: no such store path ({missing})\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "store"]
