"""Manifests, indexes and configs: read strictly, written the same way every time."""

import json

import pytest

from laminix.errors import LaminixError
from laminix.images import oci
from laminix.images.platform import Platform
from laminix.strict_json import loads

DIGEST = f"sha256:{'0' * 64}"
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 1}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": DIGEST, "size": 2}
MANIFEST = {"schemaVersion": 2, "mediaType": oci.media_types.OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX = {"schemaVersion": 2, "manifests": [{**CONFIG, "mediaType": oci.media_types.OCI_MANIFEST}]}
IMAGE_CONFIG = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [DIGEST]}}


def value(document, what="bad document"):
    return loads(json.dumps(document).encode(), what, "file")


def refusal(read, document) -> str:
    with pytest.raises(LaminixError) as caught:
        read(value(document))
    return str(caught.value)


def changed(document, path, new):
    """A copy of DOCUMENT in which the member at PATH is NEW."""
    copy = json.loads(json.dumps(document))
    *parents, last = path
    inner = copy
    for key in parents:
        inner = inner[key]
    inner[last] = new
    return copy


@pytest.mark.parametrize("media_type", sorted(oci.MANIFEST_TYPES))
@pytest.mark.parametrize("config_type", sorted(oci.CONFIG_TYPES))
def test_reads_both_kinds_of_manifest(media_type, config_type):
    document = changed(changed(MANIFEST, ["mediaType"], media_type), ["config", "mediaType"], config_type)
    manifest = oci.read_manifest(value(document))
    assert (manifest.media_type, manifest.config.media_type) == (media_type, config_type)


def test_manifest_is_written_as_it_was_read():
    document = {**MANIFEST, "annotations": {"a": "1", "b": "2"}, "subject": {"any": "thing"}}
    document["layers"] = [{**LAYER, "annotations": {"c": "3"}, "urls": ["https://example.org"]}]
    assert json.loads(oci.read_manifest(value(document)).to_bytes()) == document


def test_manifest_bytes_do_not_depend_on_the_order_of_annotations():
    one, other = (
        {**MANIFEST, "annotations": {"a": "1", "b": "2"}},
        {**MANIFEST, "annotations": {"b": "2", "a": "1"}},
    )
    assert oci.read_manifest(value(one)).to_bytes() == oci.read_manifest(value(other)).to_bytes()


@pytest.mark.parametrize(
    "path, new, why",
    [
        (["schemaVersion"], "2", "schemaVersion: found a string, expected a whole number"),
        (["schemaVersion"], 1, "schemaVersion: found 1, an obsolete schema"),
        (["schemaVersion"], 3, "schemaVersion: found 3, expected 2"),
        (["mediaType"], oci.media_types.OCI_INDEX, "expected an image manifest's media type"),
        (["config"], None, "config: found null, expected an object"),
        (["config", "mediaType"], "application/vnd.example+json", "which is an artifact and not an image"),
        (["layers"], {}, "layers: found an object, expected a list"),
        (["layers", 0], "x", "layers[0]: found a string, expected an object"),
        (["layers", 0, "size"], 1.5, "layers[0].size: found a fraction, expected a whole number"),
        (["layers", 0, "size"], -1, "layers[0].size: found -1, expected zero or more"),
        (["layers", 0, "size"], True, "layers[0].size: found a boolean, expected a whole number"),
        (["layers", 0, "digest"], "sha256:0", "layers[0].digest: found 'sha256:0', expected a digest"),
        (["layers", 0, "digest"], "../../etc", "layers[0].digest: found '../../etc', expected a digest"),
        (["annotations"], {"a": 1}, "annotations.a: found a whole number, expected a string"),
    ],
)
def test_manifest_of_a_wrong_shape_is_told_by_path(path, new, why):
    assert why in refusal(oci.read_manifest, changed(MANIFEST, path, new))


@pytest.mark.parametrize("key", ("schemaVersion", "config"))
def test_manifest_without_a_key_is_refused(key):
    document = {name: member for name, member in MANIFEST.items() if name != key}
    assert refusal(oci.read_manifest, document) == f"bad document: the key '{key}' is missing (file)"


@pytest.mark.parametrize(
    "path, new, why",
    [
        (["manifests", 0], [], "manifests[0]: found a list, expected an object"),
        (["mediaType"], oci.media_types.OCI_MANIFEST, "expected an index's media type"),
        (
            ["manifests", 0, "platform"],
            {"os": "linux"},
            "manifests[0].platform: the key 'architecture' is missing",
        ),
        (["manifests", 0, "platform"], "linux", "manifests[0].platform: found a string, expected an object"),
        (["manifests", 0, "annotations"], [], "manifests[0].annotations: found a list, expected an object"),
    ],
)
def test_index_of_a_wrong_shape_is_told_by_path(path, new, why):
    assert why in refusal(oci.read_index, changed(INDEX, path, new))


@pytest.mark.parametrize(
    "path, new, why",
    [
        (["os"], 1, "os: found a whole number, expected a string"),
        (["created"], 1, "created: found a whole number, expected a string"),
        (["rootfs", "diff_ids"], "x", "rootfs.diff_ids: found a string, expected a list"),
        (["rootfs", "diff_ids"], [1], "rootfs.diff_ids[0]: found a whole number, expected a string"),
        (["history"], {}, "history: found an object, expected a list"),
        (["history"], ["x"], "history[0]: found a string, expected an object"),
        (
            ["history"],
            [{"empty_layer": 1}],
            "history[0].empty_layer: found a whole number, expected a boolean",
        ),
        (["config"], [], "config: found a list, expected an object"),
        (["config"], {"Env": ["A=b", "C=d", 3]}, "config.Env[2]: found a whole number, expected a string"),
        (["config"], {"Cmd": "sh"}, "config.Cmd: found a string, expected a list"),
        (["config"], {"ExposedPorts": ["80"]}, "config.ExposedPorts: found a list, expected an object"),
        (["config"], {"Volumes": {"/a": 1}}, "config.Volumes./a: found a whole number"),
        (
            ["config"],
            {"Healthcheck": {"Test": "x"}},
            "config.Healthcheck.Test: found a string, expected a list",
        ),
    ],
)
def test_config_of_a_wrong_shape_is_told_by_path(path, new, why):
    assert why in refusal(oci.read_config, changed(IMAGE_CONFIG, path, new))


def test_config_keeps_what_nobody_knows():
    document = {**IMAGE_CONFIG, "x": [1], "config": {"Env": None, "Strange": {"a": 1}}, "history": None}
    config = oci.read_config(value(document))
    assert json.loads(config.to_bytes()) == document
    assert (config.runtime["Strange"], config.history, config.diff_ids) == ({"a": 1}, (), (DIGEST,))


def test_config_that_is_made_says_what_was_asked():
    config = oci.make_config(Platform("linux", "arm", "v7"), "T", {"B": 1, "A": {"d": 1, "c": 2}}, [DIGEST], [{}])
    assert config.to_bytes() == (
        b'{"created":"T","architecture":"arm","os":"linux","variant":"v7","config":{"A":{"c":2,"d":1},"B":1},'
        b'"rootfs":{"type":"layers","diff_ids":["' + DIGEST.encode() + b'"]},"history":[{}]}\n'
    )
    assert config.platform == Platform("linux", "arm", "v7")


def test_history_of_layers_passes_over_entries_without_one():
    history = [{"created_by": "a"}, {"created_by": "b", "empty_layer": True}]
    assert oci.layer_history(oci.Config({**IMAGE_CONFIG, "history": history})) == [{"created_by": "a"}]


@pytest.mark.parametrize("history", ([], [{"empty_layer": True}], [{}, {}]))
def test_history_that_does_not_fit_the_layers_is_none(history):
    assert oci.layer_history(oci.Config({**IMAGE_CONFIG, "history": history})) is None


def test_takes_as_many_layers_as_every_engine():
    oci.check_layer_count(125)
    with pytest.raises(LaminixError, match="126 layers, but engines load at most 125"):
        oci.check_layer_count(126)
