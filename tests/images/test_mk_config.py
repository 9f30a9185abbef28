"""mk-config: a config object, checked and written in one order."""

import json
import os

import pytest

BAD = {
    "config.Env: found a string, expected a list": {"Env": "A=b"},
    "config.Env[2]: found a whole number, expected a string": {"Env": ["A=b", "C=", 3]},
    "config.Env[0]: found 'A', expected NAME=VALUE": {"Env": ["A"]},
    "config.Env[0]: found '=b', expected NAME=VALUE": {"Env": ["=b"]},
    "config.Cmd[0]: found null, expected a string": {"Cmd": [None]},
    "config.User: found a whole number, expected a string": {"User": 1000},
    "config.Labels.a: found a boolean, expected a string": {"Labels": {"a": True}},
    "config.ExposedPorts.80/tcp: found a list, expected an object or null": {"ExposedPorts": {"80/tcp": []}},
    "config.Tty: found a string, expected a boolean": {"Tty": "yes"},
    "config.Healthcheck.Interval: found a fraction, expected a whole number": {
        "Healthcheck": {"Interval": 0.5}
    },
    "config: found a list, expected an object": [],
}


@pytest.fixture
def mk_config(builder, tmp_path):
    """``mk_config(document)``: the process that was given it; its output is to be ``tmp_path / "out"``."""

    def run(document):
        file = tmp_path / "config.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return builder("mk-config", "--config", file, "--out", tmp_path / "out")

    return run


def test_keeps_all_fields_in_one_order(mk_config, tmp_path):
    config = {
        "Healthcheck": {"Test": ["NONE"], "Retries": 3},
        "Env": ["B=2", "A=1"],
        "x-own": [{"b": 1, "a": 2}],
    }
    done = mk_config(config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == (
        '{"Env":["B=2","A=1"],"Healthcheck":{"Retries":3,"Test":["NONE"]},"x-own":[{"a":2,"b":1}]}\n'
    )


def test_without_a_config_it_is_empty(builder, tmp_path):
    builder("mk-config", "--out", tmp_path / "out", check=True)
    assert (tmp_path / "out").read_text() == "{}\n"


@pytest.mark.parametrize("why", BAD)
def test_refuses_a_wrong_type_by_its_path(mk_config, tmp_path, why):
    done = mk_config(BAD[why])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"mk-config: error: bad config: {why} ({tmp_path / 'config.json'})\n"
    assert sorted(os.listdir(tmp_path)) == ["config.json"]


@pytest.mark.parametrize("text", ('{"Env":', '{"Env":[],"Env":[]}', '{"a":NaN}', "", "[" * 100000))
def test_refuses_what_is_no_json(mk_config, tmp_path, text):
    done = mk_config(text)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("mk-config: error: bad JSON file: ")
    assert sorted(os.listdir(tmp_path)) == ["config.json"]


def test_as_a_derivations_builder(builder, tmp_path):
    attributes = {"request": {"config": {"Env": ["A"]}}, "outputs": {"out": str(tmp_path / "out")}}
    file = tmp_path / "attrs.json"
    file.write_text(json.dumps(attributes))
    done = builder("mk-config", env={**os.environ, "NIX_ATTRS_JSON_FILE": str(file)})
    assert (done.returncode, done.stderr) == (
        1,
        f"mk-config: error: bad config: config.Env[0]: found 'A', expected NAME=VALUE ({file})\n",
    )
    attributes["request"]["config"]["Env"] = ["A=b"]
    file.write_text(json.dumps(attributes))
    builder("mk-config", env={**os.environ, "NIX_ATTRS_JSON_FILE": str(file)}, check=True)
    assert (tmp_path / "out").read_text() == '{"Env":["A=b"]}\n'
