"""merge.config_inheritance: a config inherited as with FROM in a Dockerfile."""

import pytest

from laminix.errors import LaminixError
from laminix.images.oci import Config
from laminix.merge.config_inheritance import environment, full_history, inherit, runtime

ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


def config(diff_ids=(), runtime=None, history=None, **others):
    rootfs = {"type": "layers", "diff_ids": list(diff_ids)}
    document = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    if runtime is not None:
        document["config"] = runtime
    if history is not None:
        document["history"] = history
    return Config(document | others)


def test_environment_keeps_the_order_and_the_childs_value():
    merged = environment(["PATH=/bin", "A=1"], ["B=2", "PATH=/usr/bin", "C="])
    assert merged == ["PATH=/usr/bin", "A=1", "B=2", "C="]


def test_environment_goes_by_whole_names():
    assert environment(["A=x=1", "AB=2"], ["A=y=3"]) == ["A=y=3", "AB=2"]


@pytest.mark.parametrize("key", ["Labels", "ExposedPorts", "Volumes"])
def test_unites_what_is_a_set(key):
    assert runtime({key: {"a": 1, "b": 1}}, {key: {"b": 2, "c": 2}}) == {key: {"a": 1, "b": 2, "c": 2}}
    assert runtime({key: {"a": 1}}, {key: None}) == {key: {"a": 1}}
    assert runtime({key: None}, {key: {"a": 1}}) == {key: {"a": 1}}


def test_entrypoint_clears_an_inherited_cmd():
    parent = {"Entrypoint": ["/e"], "Cmd": ["c"]}
    assert runtime(parent, {"Entrypoint": ["/f"]}) == {"Entrypoint": ["/f"]}
    assert runtime(parent, {"Entrypoint": []}) == {"Entrypoint": []}
    assert runtime(parent, {"Entrypoint": ["/f"], "Cmd": ["d"]}) == {"Entrypoint": ["/f"], "Cmd": ["d"]}
    assert runtime(parent, {"Cmd": ["d"]}) == {"Entrypoint": ["/e"], "Cmd": ["d"]}
    assert runtime(parent, {"Entrypoint": None}) == parent


def test_other_fields_are_the_childs_where_set():
    parent = {"User": "u", "WorkingDir": "/w", "Shell": ["sh"], "OnBuild": ["RUN x"], "Unknown": {"a": [1]}}
    assert runtime(parent, {"User": "v", "WorkingDir": "", "Other": 5}) == parent | {"User": "v", "Other": 5}


def test_inherits_the_environment_alone():
    parent = {"Env": ["A=1"], "Cmd": ["c"], "Labels": {"l": "1"}}
    assert runtime(parent, {"Env": ["B=2"], "User": "u"}, "env") == {"Env": ["A=1", "B=2"], "User": "u"}
    assert runtime({"Cmd": ["c"]}, {}, "env") == {}


def test_inherits_nothing():
    assert runtime({"Env": ["A=1"], "Cmd": ["c"]}, {"User": "u"}, "none") == {"User": "u"}


@pytest.mark.parametrize("mode", ["all", "env", "none"])
def test_joins_layers_and_history_whatever_is_inherited(mode):
    steps = [{"created_by": "a"}, {"created_by": "b", "empty_layer": True}]
    parent = config([ONE, ONE], history=steps)
    child = config([TWO], history=[{"created_by": "c"}])
    merged = inherit(parent, child, mode)
    assert merged.diff_ids == (ONE, ONE, TWO)
    assert merged.history == (*steps, {}, {"created_by": "c"})


def test_fills_up_a_history_that_is_missing():
    assert full_history(config([ONE, TWO]), "parent") == [{}, {}]


def test_refuses_more_history_than_layers():
    with pytest.raises(LaminixError, match="the parent has 2 history entries for layers, but only 1 layers"):
        inherit(config([ONE], history=[{}, {}]), config())


def test_keeps_the_childs_time_and_the_parents_unknown_fields():
    ours_alone = {"container": "abc", "docker_version": "1"}
    parent = config(created="2001-01-01T00:00:00Z", author="p", unknown=1, both="p", **ours_alone)
    child = config(created="2002-02-02T00:00:00Z", both="c", other=2)
    merged = inherit(parent, child).raw
    assert (merged["created"], merged["author"]) == ("2002-02-02T00:00:00Z", "p")
    assert (merged["unknown"], merged["both"], merged["other"]) == (1, "c", 2)
    assert not ours_alone.keys() & merged.keys()


def test_a_child_without_a_time_gets_none_from_its_parent():
    assert inherit(config(created="2001-01-01T00:00:00Z"), config()).created is None


def test_takes_the_platform_from_the_parent():
    parent = config(architecture="arm64", variant="v8", **{"os.version": "10"})
    merged = inherit(parent, config(architecture="arm64"), "none").raw
    assert (merged["architecture"], merged["variant"], merged["os.version"]) == ("arm64", "v8", "10")


def test_takes_the_childs_platform_where_the_parent_has_none():
    assert inherit(config(architecture="", os=""), config()).platform == config().platform


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ({"architecture": "arm64"}, {}),
        ({"os": "windows"}, {}),
        ({"architecture": "arm", "variant": "v6"}, {"architecture": "arm", "variant": "v7"}),
    ],
    ids=str,
)
def test_refuses_platforms_that_contradict_each_other(parent, child):
    with pytest.raises(LaminixError, match="platforms disagree"):
        inherit(config(**parent), config(**child))


def test_changes_neither_config():
    parent = config([ONE], {"Env": ["A=1"], "Labels": {"a": "1"}})
    child = config([TWO], {"Labels": {"b": "2"}})
    before = repr((parent, child))
    inherit(parent, child)
    assert repr((parent, child)) == before
