"""join-layers: one directory of layers that were built one by one."""

import json

from error_line import error_line
from image_files import manifest
from layer_files import LayerMaker, diff_id, store_path


def test_layers_are_joined_in_order_and_make_an_image(builder, tmp_path):
    layers = LayerMaker(builder, tmp_path / "layers")
    base, top = (layers.make("--store-path", store_path(tmp_path / "store", name)) for name in ("base", "top"))
    plan = {"layers": []}
    (tmp_path / "empty.json").write_text(json.dumps(plan))
    builder("mk-layers", "--plan", tmp_path / "empty.json", "--out", tmp_path / "none", check=True)
    done = builder("join-layers", base, tmp_path / "none", top, "--out", tmp_path / "joined")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name: path.readlink() for path in (tmp_path / "joined").iterdir()} == {"000": base, "001": top}
    builder("mk-image", "--name", "x", "--layer", tmp_path / "joined", "--out", tmp_path / "image", check=True)
    digests = [layer["digest"] for layer in manifest(tmp_path / "image")["layers"]]
    assert digests == [diff_id(base), diff_id(top)]


def test_joined_layers_may_be_joined_again(builder, tmp_path):
    layer = LayerMaker(builder, tmp_path / "layers").make("--store-path", store_path(tmp_path / "store", "base"))
    builder("join-layers", layer, "--out", tmp_path / "joined", check=True)
    builder("join-layers", tmp_path / "joined", "--out", tmp_path / "again", check=True)
    assert (tmp_path / "again" / "000").readlink() == layer


def test_what_is_no_layer_is_an_error(builder, tmp_path):
    (tmp_path / "file").write_text("")
    done = builder("join-layers", tmp_path / "file", "--out", tmp_path / "joined")
    why = "expected a directory that mk-layer or mk-layers wrote; found no layer.json"
    assert error_line(done, "join-layers") == f"bad layer: {why} ({tmp_path / 'file'})"
    assert not (tmp_path / "joined").exists()
