"""mk-config: a config object, checked and written in one order."""

import json
import os

import pytest

WRONG_TYPES = {
    "config.Env: found a string, expected a list": {"Env": "A=b"},
    "config.Env[2]: found a whole number, expected a string": {"Env": ["A=b", "C=", 3]},
    "config.Cmd[0]: found null, expected a string": {"Cmd": [None]},
    "config.User: found a whole number, expected a string": {"User": 1000},
    "config.Labels.a: found a boolean, expected a string": {"Labels": {"a": True}},
    "config.ExposedPorts.80/tcp: found a list, expected an object or null": {"ExposedPorts": {"80/tcp": []}},
    "config.Tty: found a string, expected a boolean": {"Tty": "yes"},
    "config.Healthcheck.Interval: found a fraction, expected a whole number": {"Healthcheck": {"Interval": 0.5}},
    "config: found a list, expected an object": [],
}
TEST = "expected ['NONE'], ['CMD', PROGRAM, ARGUMENT...] or ['CMD-SHELL', COMMAND]"
PORT = "expected a port such as '80', '80/tcp' or '3000-3005/udp'"
WRONG_VALUES = {
    "config.Env[0]: found 'A', expected NAME=VALUE": {"Env": ["A"]},
    "config.Env[0]: found '=b', expected NAME=VALUE": {"Env": ["=b"]},
    "config: unknown key 'Cmdd': did you mean 'Cmd'?": {"Cmdd": ["x"]},
    "config: unknown key 'env': did you mean 'Env'?": {"env": ["A=b"]},
    "config: unknown key 'x-own'; --lenient-config (in Nix lenientConfig) keeps unknown keys": {"x-own": 1},
    "config: unknown key 'config': give the object inside it, not a whole image config": {"config": {"Cmd": []}},
    "config.Healthcheck: unknown key 'Intervall': did you mean 'Interval'?": {"Healthcheck": {"Intervall": 1}},
    f"config.Healthcheck.Test: found ['curl', '-f'], {TEST}": {"Healthcheck": {"Test": ["curl", "-f"]}},
    f"config.Healthcheck.Test: found ['CMD'], {TEST}": {"Healthcheck": {"Test": ["CMD"]}},
    "config.Healthcheck.Interval: found '30s', expected nanoseconds: 30000000000": {"Healthcheck": {"Interval": "30s"}},
    "config.Healthcheck.Timeout: found 30, expected nanoseconds: 0 or at least 1000000 (1 ms)": {
        "Healthcheck": {"Timeout": 30}
    },
    "config.Healthcheck.Retries: found -1, expected zero or more": {"Healthcheck": {"Retries": -1}},
    "config.WorkingDir: found 'srv', expected an absolute path": {"WorkingDir": "srv"},
    "config.StopSignal: unknown signal 'SIGTRM': did you mean 'SIGTERM'?": {"StopSignal": "SIGTRM"},
    "config.StopSignal: unknown signal '0', expected a name such as SIGTERM, or a number": {"StopSignal": "0"},
    f"config.ExposedPorts: found 'http', {PORT}": {"ExposedPorts": {"http": {}}},
    f"config.ExposedPorts: found '80/ftp', {PORT}": {"ExposedPorts": {"80/ftp": {}}},
    f"config.ExposedPorts: found '90-80', {PORT}": {"ExposedPorts": {"90-80": {}}},
    f"config.ExposedPorts: found '65536', {PORT}": {"ExposedPorts": {"65536": {}}},
    "config.Volumes: found 'data', expected an absolute path other than '/'": {"Volumes": {"data": {}}},
    "config.Volumes: found '/', expected an absolute path other than '/'": {"Volumes": {"/": {}}},
    "config.User: found 'a:b:c', expected USER or USER:GROUP, names or numbers": {"User": "a:b:c"},
    "config.User: found 2147483648, expected at most 2147483647": {"User": "0:2147483648"},
}
GOOD = [
    {"StopSignal": "SIGTERM"},
    {"StopSignal": "term"},
    {"StopSignal": "9"},
    {"StopSignal": "SIGRTMIN+3"},
    {"StopSignal": ""},
    {"WorkingDir": ""},
    {"WorkingDir": "C:\\app"},
    {"User": "alice:1000"},
    {"ExposedPorts": {"80": {}, "53/udp": None, "3000-3005/tcp": {}, "9/sctp": {}}},
    {"Volumes": {"/data": {}}},
    {"Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30 * 10**9, "Timeout": 0, "StartInterval": None}},
    {"Healthcheck": {"Test": []}},
    {"Cmd": None, "Memory": 1, "MacAddress": "", "Tty": True},
]


@pytest.fixture
def mk_config(builder, tmp_path):
    """``mk_config(document)``: the process that was given it; its output is to be ``tmp_path / "out"``."""

    def run(document, *options):
        file = tmp_path / "config.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return builder("mk-config", "--config", file, *options, "--out", tmp_path / "out")

    return run


def test_keeps_all_fields_in_one_order(mk_config, tmp_path):
    config = {
        "Healthcheck": {"Test": ["NONE"], "Retries": 3},
        "Env": ["B=2", "A=1"],
        "Labels": {"b": "1", "a": "2"},
    }
    done = mk_config(config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == (
        '{"Env":["B=2","A=1"],"Healthcheck":{"Retries":3,"Test":["NONE"]},"Labels":{"a":"2","b":"1"}}\n'
    )


def test_without_a_config_it_is_empty(builder, tmp_path):
    builder("mk-config", "--out", tmp_path / "out", check=True)
    assert (tmp_path / "out").read_text() == "{}\n"


@pytest.mark.parametrize("why", WRONG_TYPES | WRONG_VALUES)
def test_refuses_what_engines_refuse_by_its_path(mk_config, tmp_path, why):
    done = mk_config((WRONG_TYPES | WRONG_VALUES)[why])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"mk-config: error: bad config: {why} ({tmp_path / 'config.json'})\n"
    assert sorted(os.listdir(tmp_path)) == ["config.json"]


@pytest.mark.parametrize("config", GOOD, ids=str)
def test_takes_what_engines_take(mk_config, config):
    done = mk_config(config)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("why", WRONG_TYPES)
def test_refuses_most_wrong_types_when_lenient_too(mk_config, why):
    assert mk_config(WRONG_TYPES[why], "--lenient-config").returncode == 1


def test_when_lenient_it_reads_as_docker_does_and_writes_what_the_specification_has(mk_config, tmp_path):
    config = {
        "ENTRYPOINT": "/bin/sh",
        "cmd": ["-c", "x"],
        "WorkingDir": "srv",
        "healthcheck": {"test": ["CMD", "x"], "interval": "1m30s", "Timeout": "1.5s"},
        "x-own": [{"b": 1, "a": 2}],
    }
    done = mk_config(config, "--lenient-config")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "out").read_text()) == {
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-c", "x"],
        "WorkingDir": "srv",
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 90 * 10**9, "Timeout": 15 * 10**8},
        "x-own": [{"a": 2, "b": 1}],
    }


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
