"""mk-layer and what it must not take: one line, exit status 1, nothing left behind and nothing harmed."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from checkout import ROOT
from default_signals import restore_default_signals
from file_trees import write_directory
from layer_files import LayerMaker, layer_json, names, one_line, store_path
from peak_memory import peak_memory

SCRIPT = ROOT / "builders/mk-layer"
ARGV = [sys.executable, "-I", "-B", SCRIPT]


@pytest.fixture
def maker(builder, tmp_path) -> LayerMaker:
    return LayerMaker(builder, tmp_path / "layers")


@pytest.fixture
def root(tmp_path) -> Path:
    """A tree with something in it."""
    return Path(write_directory(str(tmp_path / "t"), {"a": b"a", "sub/f": b"f", "z": b"z"}))


# What is no file, directory or link


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def make_device(path: Path) -> None:
    os.mknod(path, 0o20600, os.makedev(1, 3))


@pytest.mark.parametrize("merged", [False, True], ids=["plain", "merged"])
@pytest.mark.parametrize(
    "make, found", [(os.mkfifo, "a FIFO"), (make_socket, "a socket"), (make_device, "a character device")]
)
def test_what_a_layer_cannot_hold(need, maker, root, make, found, merged):
    need(root=make is make_device)
    make(root / "sub/x")
    more = ["--remove", "sub/none"] if merged else []
    line = maker.refused("--copy", root, *more, timeout=20)
    assert line == f"cannot pack: found {found}, expected a file, a directory or a symbolic link ({root}/sub/x)"


def test_a_fifo_as_a_store_path(maker, tmp_path):
    path = tmp_path / ("0" * 32 + "-fifo")
    os.mkfifo(path)
    assert "found a FIFO" in maker.refused("--store-path", path, timeout=20)


@pytest.mark.parametrize("option", ["--perms", "--closure"])
def test_a_fifo_for_a_document_is_never_opened(maker, tmp_path, option):
    os.mkfifo(tmp_path / "fifo")
    assert (
        maker.refused(option, tmp_path / "fifo", timeout=20)
        == f"cannot read: found a FIFO, expected a regular file ({tmp_path}/fifo)"
    )


@pytest.mark.parametrize("name", [".wh.x", ".wh..wh..opq", ".wh."])
@pytest.mark.parametrize("merged", [False, True], ids=["plain", "merged"])
def test_whiteouts_in_a_source(maker, root, name, merged):
    (root / "sub" / name).touch()
    line = maker.refused("--copy", root, *["--remove", "sub/none"] * merged)
    assert "names that start with '.wh.' are reserved for whiteouts" in line and f"({root}/sub/{name})" in line


# Sources that are not there, or not for us


@pytest.mark.parametrize(
    "argv, line",
    [
        (["--copy", "none"], "cannot copy: no such file or directory (none)"),
        (["--copy", "t/a"], "cannot copy: found a file without a destination, expected t/a:/PATH"),
        (["--copy", "t/a/b"], "cannot copy: no such file or directory (t/a/b)"),
        (["--copy", "t:/../x"], "bad path in a layer: found '..', expected a path without it (/../x)"),
        (
            ["--copy", "t:/.wh.x"],
            "bad path in a layer: names that start with '.wh.' are reserved for whiteouts (/.wh.x)",
        ),
        (["--remove", "/"], "bad path to remove: the root of a layer cannot be removed (/)"),
        (["--remove", "a/../b"], "bad path in a layer: found '..', expected a path without it (a/../b)"),
        (
            ["--remove", "a/.wh.b"],
            "bad path in a layer: names that start with '.wh.' are reserved for whiteouts (a/.wh.b)",
        ),
        (["--store-path", "/nix/store/" + "0" * 32 + "-x"], "cannot pack: no such store path"),
        (["--store-path", "t"], "bad store path: found 't', expected STORE/HASH-NAME"),
        (["--store-path", "/nix/store/" + "e" * 32 + "-x"], "bad store path: found"),
        (["--closure", "none"], "cannot access: No such file or directory (none)"),
        (["--perms", "t"], "cannot read: found a directory, expected a regular file (t)"),
        (
            ["--exclude", "t"],
            "bad layer: expected a directory that mk-layer or mk-layers wrote; found no layer.json (t)",
        ),
        (
            ["--exclude", "none"],
            "bad layer: expected a directory that mk-layer or mk-layers wrote; found no layer.json (none)",
        ),
        (["--uid=-1"], "bad --uid: found '-1', expected a number from 0 to 4294967294"),
        (["--gid", "4294967295"], "bad --gid: found '4294967295'"),
        (["--uid", "root"], "bad --uid: found 'root'"),
        (["--uname", "a\nb"], "bad --uname: found 'a\\nb', expected a name without line breaks"),
        (["--mtime", "yesterday"], "bad time: found 'yesterday', expected RFC 3339, whole seconds or 'now'"),
        (["--mtime", "2023-02-29T00:00:00Z"], "bad time: found '2023-02-29T00:00:00Z', expected a day of the calendar"),
        (["--mtime=-1"], "bad --mtime: found -1, expected a time in 1970 or later"),
        (["--mtime", "9" * 30], "bad time: found"),
    ],
)
def test_options_that_make_no_sense(maker, root, argv, line):
    usage = ("bad --uid", "bad --gid", "bad --uname", "bad --mtime", "bad time")
    status = 2 if line.startswith(usage) else 1
    assert maker.refused(*argv, status=status, cwd=root.parent).startswith(line)


@pytest.mark.parametrize("spelling", ["{store}/./{name}", "/{store}/{name}", "{store}//{name}"])
def test_a_store_path_has_one_spelling(maker, tmp_path, spelling):
    path = store_path(tmp_path / "nix/store", "tool")
    given = spelling.format(store=path.parent, name=path.name)
    assert maker.refused("--store-path", given).startswith("bad store path: ")


@pytest.mark.parametrize("argv", [["--none"], ["extra"], ["--cop", "x"], ["--uid"], [os.fsdecode(b"--\xff\n")]])
def test_wrong_usage_is_two(builder, tmp_path, argv):
    done = builder("mk-layer", *argv, "--out", tmp_path / "out")
    assert "bad usage: " in one_line(done, status=2)
    assert os.listdir(tmp_path) == []


def test_out_is_required(builder):
    assert "--out" in one_line(builder("mk-layer"), status=2)


@pytest.mark.parametrize("what", ["sub/f", "sub"])
def test_what_cannot_be_read(need, maker, root, what):
    need("setpriv", root=True)
    (root / what).chmod(0)
    # Root as it is for its own files where it has no privileges: bound by their modes.
    argv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *ARGV, "--copy", root]
    done = subprocess.run([*argv, "--out", maker.directory / "out"], capture_output=True, text=True)
    assert one_line(done).endswith(f"ermission denied ({root}/{what})")
    assert maker.there() == []


# Documents


@pytest.mark.parametrize(
    "document, why",
    [
        (b"", "not JSON: "),
        (b"{", "not JSON: "),
        (b"\xff\xff", "not JSON: "),
        (b"[NaN]", "not JSON: NaN is not a JSON number"),
        (b"[1e999]", "not JSON: number 1e999 is too large"),
        pytest.param(b"[" * 100000, "JSON is nested too deeply", id="lists in lists"),
        pytest.param(b'{"a":' * 100000, "JSON is nested too deeply", id="objects in objects"),
        pytest.param(b"[" + b"9" * 5000 + b"]", "not JSON: ", id="five thousand digits"),
        (b'[{"path":"a","path":"b"}]', "not JSON: repeated key 'path' in one object"),
        (b"{}", "found an object, expected a list"),
        (b"3", "found a whole number, expected a list"),
    ],
)
def test_perms_that_are_no_such_document(maker, root, tmp_path, document, why):
    (tmp_path / "perms.json").write_bytes(document)
    line = maker.refused("--copy", root, "--perms", tmp_path / "perms.json")
    assert why in line and line.endswith(f"({tmp_path}/perms.json)")


STORE = "/nix/store/" + "0" * 32


@pytest.mark.parametrize(
    "document, why",
    [
        ("x", "found a string, expected a list or an object"),
        ([{}], "[0]: the key 'path' is missing"),
        ([{"path": 1, "references": [], "narSize": 1}], "[0].path: found a whole number"),
        (
            [{"path": f"{STORE}-a", "references": [1], "narSize": 1}],
            "[0].references[0]: found a whole number",
        ),
        (
            [{"path": f"{STORE}-a", "references": [f"{STORE}-b"], "narSize": 1}],
            f"{STORE}-b, which is not in the closure",
        ),
        ({f"{STORE}-a": None}, f"{STORE}-a: found null"),
        ({"a\ud800": {"references": [], "narSize": 1}}, "half a surrogate pair"),
        ([{"path": "/nix/store/a\0b", "references": [], "narSize": 1}], "found a zero byte"),
    ],
)
def test_closures_that_are_none(maker, tmp_path, document, why):
    (tmp_path / "closure.json").write_text(json.dumps(document))
    assert why in maker.refused("--closure", tmp_path / "closure.json")


@pytest.mark.parametrize(
    "change, why",
    [
        (
            lambda layer, said: said.update(laminix=2),
            "laminix: found version 2, expected 1; build the layer again",
        ),
        (lambda layer, said: said.pop("storePaths"), "the key 'storePaths' is missing"),
        (lambda layer, said: said.update(storePaths="x"), "storePaths: found a string, expected a list"),
        (lambda layer, said: said["descriptor"].update(digest="md5:0"), "descriptor.digest: found 'md5:0'"),
        (lambda layer, said: said.update(blob="../x"), "blob: found '../x', expected a file name without a slash"),
        (lambda layer, said: said.update(blob="x\0"), "found no file here, expected the blob that layer.json names"),
        (
            lambda layer, said: (layer / "layer.tar").unlink(),
            "found no file here, expected the blob that layer.json names",
        ),
        (
            lambda layer, said: (layer / "layer.tar").write_bytes(b"x"),
            "found a blob of 1 bytes, expected 1024 as in layer.json",
        ),
        (lambda layer, said: said.update(history=[]), "history: found a list, expected an object"),
        (lambda layer, said: said.update(recipe=[]), "recipe: found a list, expected an object"),
    ],
)
def test_excluded_layers_torn_by_hand(maker, tmp_path, change, why):
    layer = maker.make("--files", "/dev/stdin", input="{}")
    said = layer_json(layer)
    change(layer, said)
    (layer / "layer.json").write_text(json.dumps(said))
    assert why in maker.refused("--exclude", layer)


def test_an_excluded_layer_cut_short(maker):
    layer = maker.make("--files", "/dev/stdin", input="{}")
    with open(layer / "layer.json", "r+b") as file:
        file.truncate(50)
    assert maker.refused("--exclude", layer).startswith("bad layer: not JSON: ")


@pytest.mark.parametrize(
    "attributes, why",
    [
        ([], "found a list, expected an object"),
        ({}, "the key 'request' is missing"),
        ({"request": []}, "request: found a list"),
        ({"request": {"none": 1}}, "request.none: unknown option, expected one of "),
        ({"request": {"copy": "t"}}, "request.copy: found a string, expected a list"),
        (
            {"request": {"copy": [["t"]]}},
            "request.copy[0]: found a list, expected a string or a whole number",
        ),
        ({"request": {"no-blob": "yes"}}, "request.no-blob: found a string, expected a boolean"),
        ({"request": {"mtime": 1.5}}, "request.mtime: found a fraction"),
        ({"request": {"copy": ["a\0b"]}}, "request.copy[0]: found a zero byte"),
        ({"request": {"perms": "a\0b"}}, "request.perms: found a zero byte"),
        ({"request": {"uname": "\ud800"}}, "request.uname: found half a surrogate pair in '\\ud800'"),
        ({"request": {"compressor": "cat \0"}}, "request.compressor: found a zero byte"),
        ({"request": {}, "path": ["\0"]}, "path[0]: found a zero byte"),
        ({"request": {}, "path": "/bin"}, "path: found a string, expected a list"),
        ({"request": {}, "closure": 3}, "closure: found a whole number"),
        ({"request": {}, "outputs": {}}, "outputs: the key 'out' is missing"),
    ],
)
def test_attributes_that_make_no_sense(builder, tmp_path, attributes, why):
    if isinstance(attributes, dict):
        attributes = {"outputs": {"out": str(tmp_path / "out")}} | attributes
    (tmp_path / "attrs.json").write_text(json.dumps(attributes))
    line = one_line(builder("mk-layer", env={"NIX_ATTRS_JSON_FILE": str(tmp_path / "attrs.json")}))
    assert why in line
    assert os.listdir(tmp_path) == ["attrs.json"]


# Messages


def test_names_that_would_break_the_line_are_escaped(maker, root):
    os.mkfifo(root / os.fsdecode(b"\n\x1b[31m\xff\xe2\x80\xae"))
    line = maker.refused("--copy", root)
    assert line.endswith(f"({root}/\\n\\x1b[31m\\xff\\u202e)")


# Compressors


@pytest.mark.parametrize(
    "command, why",
    [
        ("", "bad compressor: found an empty command"),
        ("'", "expected a command line: No closing quotation"),
        ("no-such-program -9", "unknown compressor: expected none, gzip, zstd or a command on $PATH (no-such-program)"),
        ("/", "or a command on $PATH (/)"),
        ("cat", "bad compressor: expected output in gzip or zstd format, found neither (cat)"),
        ("sh -c 'cat >/dev/null'", "bad compressor: expected output in gzip or zstd format, found neither (sh"),
        ("true", "program failed: it ended before it had read all of its input"),
        ("sh -c 'echo sorry >&2; exit 3'", "program failed: exit status 3: sorry"),
        ("sh -c 'gzip; exit 3'", "program failed: exit status 3: no error message"),
        ("sh -c 'kill -9 $$'", "program failed: exit status -9"),
        ("sh -c 'gzip </dev/null'", "program failed: it ended before it had read all of its input"),
    ],
)
def test_compressors_that_do_not_compress(maker, root, command, why):
    (root / "large").write_bytes(bytes(1 << 20))
    status = 2 if command in ("", "'", "no-such-program -9", "/") else 1
    assert why in maker.refused("--copy", root, "--compressor", command, status=status, timeout=20)


@pytest.mark.parametrize("script", ["exit 3", "#!/none"])
def test_a_broken_zstd(maker, tmp_path, script):
    zstd = tmp_path / "zstd"
    zstd.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
    zstd.chmod(0o755)
    maker.refused("--compressor", "zstd", env={"PATH": f"{tmp_path}:/usr/bin:/bin"})


# Outputs


def identity(path):
    """What tells whether PATH is still the same and unchanged; not when it was looked at last."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("there", ["file", "directory", "full directory", "dangling link"])
def test_an_output_that_exists_stays_as_it_is(builder, root, tmp_path, there):
    out = tmp_path / "out"
    make_output(out, there)
    before = identity(out)
    for given in (str(out), f"{out}/"):
        line = one_line(builder("mk-layer", "--copy", root, "--out", given))
        assert line == f"cannot write the output: it exists already; remove it first ({given})"
    assert identity(out) == before and sorted(os.listdir(tmp_path)) == ["out", "t"]


def make_output(out: Path, there: str) -> None:
    if there == "file":
        out.write_text("precious")
    elif there == "dangling link":
        out.symlink_to("none")
    else:
        out.mkdir()
        if there == "full directory":
            (out / "precious").touch()


@pytest.mark.parametrize(
    "out, why",
    [
        ("none/out", "its parent directory does not exist (none/out)"),
        ("file/out", "its parent is not a directory (file/out)"),
        ("", "found '', expected a path that ends in a name"),
        ("none/..", "found 'none/..', expected a path that ends in a name"),
        ("x" * 256, "File name too long"),
    ],
)
def test_places_where_nothing_can_be(builder, root, tmp_path, out, why):
    (tmp_path / "file").touch()
    assert why in one_line(builder("mk-layer", "--copy", "t", "--out", out, cwd=tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["file", "t"]


def test_an_output_may_have_the_longest_name(builder, root, tmp_path):
    assert builder("mk-layer", "--copy", root, "--out", tmp_path / ("x" * 255)).returncode == 0


@pytest.mark.parametrize("out", ["t/out", "t/sub/out"])
def test_an_output_inside_of_what_is_read(builder, root, tmp_path, out):
    (tmp_path / "link").symlink_to("t")
    for given in ("t", "link"):
        line = one_line(builder("mk-layer", "--copy", given, "--out", out, cwd=tmp_path))
        assert line == f"cannot write the output: it is inside the source '{given}'; choose a path outside ({out})"
    assert sorted(os.listdir(root)) == ["a", "sub", "z"]


def test_an_output_beside_of_what_is_read(builder, root, tmp_path):
    assert builder("mk-layer", "--copy", "t", "--out", "tt", cwd=tmp_path).returncode == 0
    assert builder("mk-layer", "--copy", ".", "--out", "../out", cwd=root).returncode == 0


@pytest.mark.parametrize("compressor", ["none", "gzip", "pigz -n", "zstd"])
def test_a_full_disk(need, tmp_path, compressor):
    need("unshare", "mount", "zstd", "pigz", root=True)
    (tmp_path / "t").mkdir()
    (tmp_path / "t/noise").write_bytes(os.urandom(6 << 20))
    (tmp_path / "small").mkdir()
    script = 'mount -t tmpfs -o size=3m none small && shift; "$@"; status=$?; ls -A small >&2; exit $status'
    argv = ["unshare", "-m", "sh", "-c", script, "sh", "sh", *ARGV, "--copy", "t", "--compressor", compressor]
    done = subprocess.run([*argv, "--out", "small/out"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert one_line(done) == "cannot write: No space left on device (small/out)"


# What changes meanwhile


@pytest.mark.parametrize("change", [b"more", None], ids=["grows", "shrinks"])
def test_a_file_that_changes_its_size_while_read(maker, tmp_path, change):
    # The compressor's start is the sign that reading has begun; it reads on when the file has changed.
    root, large = tmp_path / "t", tmp_path / "t/large"
    root.mkdir()
    large.write_bytes(bytes(8 << 20))
    os.mkfifo(tmp_path / "started")
    os.mkfifo(tmp_path / "changed")
    wait = f"echo >{tmp_path}/started; cat {tmp_path}/changed"
    command = f"sh -c 'dd bs=64k count=1 status=none | gzip; {wait}; gzip'"
    changer = threading.Thread(target=change_between, args=(tmp_path, large, change))
    changer.start()
    line = maker.refused("--copy", root, "--compressor", command, timeout=30)
    changer.join()
    assert line == f"cannot pack: file changed size while being read: it had {8 << 20} bytes at first ({large})"


def change_between(directory: Path, file: Path, more: bytes | None) -> None:
    (directory / "started").read_bytes()
    if more:
        with open(file, "ab") as appended:
            appended.write(more)
    else:
        os.truncate(file, 5 << 20)
    (directory / "changed").write_bytes(b"")


def test_a_file_that_says_it_is_empty_and_is_not(maker, tmp_path):
    if not os.path.isfile("/proc/sys/kernel/ostype"):
        pytest.skip("no /proc here")
    line = maker.refused("--copy", "/proc/sys/kernel/random", timeout=20)
    assert "file changed size while being read: it had 0 bytes at first" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_killed_half_way(tmp_path, number):
    out, started = tmp_path / "layers/out", tmp_path / "started"
    out.parent.mkdir()
    os.mkfifo(started)
    # The compressor says that it runs, and comes to no end before its input does.
    command = f"sh -c 'echo >{started}; exec cat'"
    argv = [*ARGV, "--copy", endless(tmp_path / "endless"), "--compressor", command, "--out", out]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, preexec_fn=restore_default_signals)
    try:
        started.read_text()
        process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
    assert not out.exists()
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert (process.returncode, said) == (128 + number, "mk-layer: error: interrupted\n")
        assert os.listdir(out.parent) == []


def endless(directory: Path) -> Path:
    """A directory with a file that takes minutes to read."""
    directory.mkdir()
    with open(directory / "sparse", "wb") as file:
        file.truncate(1 << 40)
    return directory


# Large trees


def test_directories_two_thousand_levels_deep(maker, tmp_path):
    root = tmp_path / "t"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        found = names(maker.make("--copy", root))
    finally:
        subprocess.run(["rm", "-rf", root], check=True)
    assert (len(found), found[-1]) == (2001, "deep/" * 2000 + "f")


def test_a_hundred_thousand_files_in_little_memory():
    # In memory where that is possible: making the files would take most of the time.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        root, out = Path(directory, "t"), Path(directory, "out")
        root.mkdir()
        for index in range(100_000):
            os.close(os.open(root / f"file-{index:06}", os.O_CREAT | os.O_WRONLY))
        peak = peak_memory([*ARGV, "--copy", root, "--no-blob", "--out", out])
        assert layer_json(out)["diffSize"] == 100_000 * 512 + 1024
    assert peak < 64 << 20
