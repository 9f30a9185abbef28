"""command: how every builder runs, shown by a small one, from a shell and as a derivation's builder."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from checkout import ROOT
from default_signals import restore_default_signals

LIBRARY = ROOT / "lib"

# It says what it was told; --raise and --wait are for what goes wrong.
SPEAKER = """\
import json, os, sys, time
sys.path.insert(0, {library!r})
from laminix.command import Parser, json_file, run
from laminix.errors import LaminixError, UsageError
from laminix.output import new_file

def parser():
    result = Parser("speak", "Say it again.", "  speak WORD")
    result.add_argument("word", metavar="WORD", nargs="?")
    result.add_argument("--many", action="append", default=[])
    result.add_argument("--flag", action="store_true")
    result.add_argument("--document", type=json_file)
    result.add_argument("--raise", dest="error")
    result.add_argument("--wait", metavar="OUT")
    return result

def main(options):
    if options.error == "ours":
        raise LaminixError("bad thing", "too\\nbad", b"\\xff")
    if options.error == "usage":
        raise UsageError("bad --raise", "found usage")
    if options.error == "system":
        open("/none/at/all")
    if options.error == "bug":
        raise KeyError("bug")
    if options.wait:
        with new_file(options.wait):
            print("ready", file=sys.stderr, flush=True)
            time.sleep(60)
    document = options.document and options.document.raw
    said = [options.word, options.many, options.flag, document, os.environ.get("PATH")]
    return json.dumps(said, ensure_ascii=False) + "\\n"

sys.exit(run(parser(), main))
"""


@pytest.fixture
def argv(tmp_path) -> list[str]:
    script = tmp_path / "speak"
    script.write_text(SPEAKER.format(library=str(LIBRARY)))
    return [sys.executable, "-I", "-B", str(script)]


@pytest.fixture
def speak(argv):
    """``speak(OPTION, …)``: the ended process."""

    def start(*options: object, **how) -> subprocess.CompletedProcess:
        how = {
            "capture_output": True,
            "text": True,
            "stdin": subprocess.DEVNULL,
            "env": {"PATH": "/bin"},
        } | how
        return subprocess.run([*argv, *map(str, options)], **how)

    return start


@pytest.fixture
def derivation(speak, tmp_path):
    """``derivation(ATTRIBUTES)``: the ended process, and what is in its output."""

    def build(attributes: dict) -> tuple[subprocess.CompletedProcess, list | None]:
        out = tmp_path / "out"
        attributes_file = tmp_path / "attrs.json"
        attributes_file.write_text(json.dumps({"outputs": {"out": str(out)}} | attributes))
        done = speak(env={"NIX_ATTRS_JSON_FILE": str(attributes_file), "PATH": "/path-not-set"})
        return done, json.loads(out.read_text()) if out.exists() else None

    return build


def test_prints_what_it_returns(speak, tmp_path):
    (tmp_path / "d.json").write_text("[1]")
    done = speak("hello", "--many", "1", "--many", "2", "--flag", "--document", tmp_path / "d.json")
    assert json.loads(done.stdout) == ["hello", ["1", "2"], True, [1], "/bin"]
    assert (done.returncode, done.stderr) == (0, "")


def test_prints_bytes_that_are_not_utf8_as_they_are(speak):
    done = speak(b"caf\xe9".decode("utf-8", "surrogateescape"), text=False, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.startswith(b'["caf\xe9"')


@pytest.mark.parametrize(
    "options, status, line",
    [
        (["--raise", "ours"], 1, "speak: error: bad thing: too\\nbad (\\xff)\n"),
        (
            ["--raise", "system"],
            1,
            "speak: error: cannot access: No such file or directory (/none/at/all)\n",
        ),
        (["--document", "none"], 1, "speak: error: cannot access: No such file or directory (none)\n"),
        (["a", "b"], 2, "speak: error: bad usage: unrecognized arguments: b (see speak --help)\n"),
        (["--fla"], 2, "speak: error: bad usage: unknown option --fla: did you mean '--flag'? (see speak --help)\n"),
        (["--xyz=1"], 2, "speak: error: bad usage: unknown option --xyz (see speak --help)\n"),
        (["--raise", "usage"], 2, "speak: error: bad --raise: found usage\n"),
    ],
)
def test_errors_are_one_line(speak, options, status, line):
    done = speak(*options)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", line)


def test_a_bug_keeps_its_traceback(speak):
    done = speak("--raise", "bug")
    assert done.returncode == 1 and "Traceback" in done.stderr and "KeyError: 'bug'" in done.stderr


def test_help(speak):
    done = speak("--help")
    assert done.returncode == 0
    assert "Say it again." in done.stdout and "example:\n  speak WORD" in done.stdout


@pytest.mark.parametrize("columns", [40, 200])
def test_help_is_as_wide_as_there_is_room(speak, columns):
    usage = speak("--help", env={"PATH": "/bin", "COLUMNS": str(columns)}).stdout.partition("\n\n")[0]
    assert all(len(line) < columns for line in usage.splitlines())
    assert (usage.count("\n") == 0) == (columns == 200)


def test_a_request_says_the_same(derivation):
    request = {"WORD": "--flag", "many": ["--1", 2], "flag": True, "document": {"a": []}}
    done, said = derivation({"request": request, "path": ["/a", "/b"], "name": "ignored"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert said == ["--flag", ["--1", "2"], True, {"a": []}, "/a:/b"]


def test_a_request_leaves_out_what_is_null_or_false(derivation):
    request = {"WORD": None, "many": [], "flag": False, "document": None}
    assert derivation({"request": request})[1] == [None, [], False, None, "/path-not-set"]


def test_a_document_in_its_three_forms(derivation, tmp_path):
    (tmp_path / "d.json").write_text("[1]")
    assert derivation({"request": {"document": [1]}})[1][3] == [1]
    assert derivation({"request": {"document": str(tmp_path / "d.json")}})[1][3] == [1]
    # As exportReferencesGraph puts it: beside the request.
    assert derivation({"request": {}, "document": [1]})[1][3] == [1]


@pytest.mark.parametrize(
    "attributes, why",
    [
        ({}, "the key 'request' is missing"),
        (
            {"request": {"word": "a"}},
            "request.word: unknown option, expected one of WORD, document, flag, many",
        ),
        ({"request": {"help": True}}, "request.help: unknown option, expected one of WORD, document, flag, many"),
        ({"request": {"flag": "true"}}, "request.flag: found a string, expected a boolean"),
        ({"request": {"many": "a"}}, "request.many: found a string, expected a list"),
        ({"request": {"many": [None]}}, "request.many[0]: found null, expected a string or a whole number"),
        ({"request": {"WORD": ["a"]}}, "request.WORD: found a list, expected a string or a whole number"),
        ({"request": {"WORD": "\0"}}, "request.WORD: found a zero byte"),
        (
            {"request": {"document": 1}, "document": 2},
            "document: found 'document' in the request too; set only one of them",
        ),
        ({"request": {}, "outputs": {}}, "outputs: the key 'out' is missing"),
    ],
)
def test_a_bad_request_is_one_line(derivation, tmp_path, attributes, why):
    done, said = derivation(attributes)
    assert said is None and done.returncode == 1
    assert done.stderr.startswith(f"speak: error: bad attributes: {why}") and done.stderr.count("\n") == 1


def test_an_error_in_a_derivation_leaves_no_output(derivation):
    done, said = derivation({"request": {"raise": "ours"}})
    assert (done.returncode, said) == (1, None)


def test_with_any_argument_the_attributes_are_not_read(speak):
    assert speak("a", env={"NIX_ATTRS_JSON_FILE": "/none"}).returncode == 0
    assert "/none" in speak(env={"NIX_ATTRS_JSON_FILE": "/none"}).stderr


def test_a_reader_that_has_seen_enough(argv):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*argv, "word"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_under_standard_output(argv):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*argv, "word"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "speak: error: cannot write: No space left on device (standard output)\n",
    )


def test_a_closed_standard_output(argv):
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *argv, "word"], stderr=subprocess.PIPE, text=True)
    line = "speak: error: cannot write the output: standard output is closed\n"
    assert (done.returncode, done.stderr) == (1, line)


@pytest.mark.parametrize("options", [["--raise", "ours"], ["--raise", "system"], ["--none"]])
def test_a_closed_standard_error(argv, options):
    done = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", *argv, *options], stdout=subprocess.PIPE)
    assert done.returncode in (1, 2) and done.stdout == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_cleanly_when_told_to(argv, tmp_path, number):
    (tmp_path / "outs").mkdir()
    command = [*argv, "--wait", str(tmp_path / "outs/out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=restore_default_signals)
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate(timeout=30)[1] == "speak: error: interrupted\n"
    assert process.returncode == 128 + number and os.listdir(tmp_path / "outs") == []


def test_goes_on_where_a_signal_is_to_be_ignored(argv, tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    (tmp_path / "outs").mkdir()
    command = [*argv, "--wait", str(tmp_path / "outs/out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=ignore)
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.terminate()
    assert process.communicate(timeout=30)[1] == "speak: error: interrupted\n"


IMPORTING = "import os, signal, sys, time; import laminix.command; os.kill(os.getpid(), {}); time.sleep(60)"


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "-c: error: interrupted\n"), (signal.SIGTERM, ""), (signal.SIGHUP, "")]
)
def test_a_signal_while_modules_are_imported(number, said):
    """Before run() has its handlers: no traceback, and the status that a shell shows as 128 and the number."""
    command = [sys.executable, "-c", IMPORTING.format(int(number))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=restore_default_signals)
    assert (done.returncode, done.stdout, done.stderr) == (-number, "", said)


def test_any_other_exception_while_modules_are_imported_is_a_bug(tmp_path):
    command = [sys.executable, "-c", "import laminix.command; import laminix.missing"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "lib")})
    assert done.returncode == 1 and "Traceback" in done.stderr
