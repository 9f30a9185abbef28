"""Progress: what is said, and to whom."""

import json
import os
import runpy

import pytest

from checkout import ROOT
from laminix import progress
from laminix.forms import dir_transport, oci_layout, open_image
from laminix.human_size import human_size
from laminix.store.closure import StorePath
from laminix.store.selection import total_size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1536, "1.5 KiB"), (1023.99 * 1024, "1.0 MiB"), (5 << 40, "5.0 TiB")],
)
def test_sizes_for_people(size, text):
    assert human_size(size) == text


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (10 << 20, None, 2.0, "packed 10.0 MiB, 5.0 MiB/s"),
        (10 << 20, 40 << 20, 2.0, "packed 10.0 MiB of 40.0 MiB, 5.0 MiB/s, 6 s left"),
        (1 << 20, 1 << 30, 1.0, "packed 1.0 MiB of 1.0 GiB, 1.0 MiB/s, 17 min 3 s left"),
        (40 << 20, 40 << 20, 4.0, "packed 40.0 MiB of 40.0 MiB, 10.0 MiB/s"),
        (0, 5, 0.0, "packed 0 B of 5 B, 0 B/s"),
        (41 << 20, 40 << 20, 1.0, "packed 41.0 MiB, 41.0 MiB/s"),
    ],
)
def test_a_line_says_bytes_rate_and_time_left(done, total, seconds, line):
    assert progress.bytes_line("packed", done, total, seconds) == line


def test_nix_is_told_by_phases_on_its_log(monkeypatch):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # as the caller's
    monkeypatch.setenv("NIX_LOG_FD", str(writer))
    monkeypatch.setattr(progress, "NIX_INTERVAL", 0.0)
    chunks = [b"ab", b"c"]
    assert list(progress.watched(chunks, "packed")) == chunks
    os.close(writer)
    with open(reader) as log:
        lines = log.read().splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["@nix", "@nix"]
    said = [json.loads(line.split(" ", 1)[1]) for line in lines]
    assert {message["action"] for message in said} == {"setPhase"}
    assert said[1]["phase"].startswith("packed 3 B, ")


def test_items_are_counted(monkeypatch):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # as the caller's
    monkeypatch.setenv("NIX_LOG_FD", str(writer))
    monkeypatch.setattr(progress, "NIX_INTERVAL", 0.0)
    assert list(progress.counted("xyz", "packed layers", 3)) == ["x", "y", "z"]
    os.close(writer)
    with open(reader) as log:
        assert '"packed layers 3 of 3"' in log.read().splitlines()[-1]


@pytest.mark.parametrize("terminal, told", [("xterm", True), ("dumb", False), (None, False)])
def test_a_terminal_that_cannot_redraw_a_line_is_told_nothing(monkeypatch, terminal, told):
    monkeypatch.delenv("NIX_LOG_FD", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.delenv("TERM", raising=False)
    if terminal is not None:
        monkeypatch.setenv("TERM", terminal)
    assert (progress.find_reporter() is not None) == told


def test_nobody_waiting_is_told_nothing(monkeypatch):
    monkeypatch.delenv("NIX_LOG_FD", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    chunks = [b"a"]
    assert progress.watched(chunks, "packed") is chunks


@pytest.mark.parametrize("descriptor", ["987654", "9" * 30])
def test_a_log_that_is_closed_stops_no_work(monkeypatch, descriptor):
    monkeypatch.setenv("NIX_LOG_FD", descriptor)
    monkeypatch.setattr(progress, "NIX_INTERVAL", 0.0)
    assert list(progress.watched([b"ab", b"c"], "packed")) == [b"ab", b"c"]


def test_without_standard_error_nobody_is_told(monkeypatch):
    monkeypatch.delenv("NIX_LOG_FD", raising=False)
    monkeypatch.setattr("sys.stderr", None)
    assert list(progress.watched([b"ab"], "packed")) == [b"ab"]


@pytest.mark.parametrize("form", [dir_transport.FORM, oci_layout.FORM], ids=lambda form: form.name)
def test_layers_that_are_copied_are_told(builder, tmp_path, monkeypatch, form):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(bytes(1 << 20))
    builder("mk-layer", "--copy", tmp_path / "tree", "--out", tmp_path / "layer")
    builder("mk-image", "--name", "image", "--layer", tmp_path / "layer", "--out", tmp_path / "image")
    image = open_image(str(tmp_path / "image"))
    (tmp_path / "out").mkdir()
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # as the caller's
    monkeypatch.setenv("NIX_LOG_FD", str(writer))
    monkeypatch.setattr(progress, "NIX_INTERVAL", 0.0)
    form.write_directory(str(tmp_path / "out"), image, image.references)
    os.close(writer)
    with open(reader) as log:
        assert "copying a layer: 1.0 MiB of 1.0 MiB" in log.read().splitlines()[-1]


def test_a_layer_of_a_closure_has_a_total(tmp_path, monkeypatch):
    store = tmp_path / "store"
    path = store / f"{'0' * 32}-data"
    path.mkdir(parents=True)
    (path / "file").write_bytes(bytes(1 << 20))
    closure = tmp_path / "closure.json"
    closure.write_text(json.dumps([{"path": str(path), "references": [], "narSize": 4 << 20}]))
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # as the caller's
    monkeypatch.setenv("NIX_LOG_FD", str(writer))
    monkeypatch.setenv("NIX_STORE", str(store))
    monkeypatch.setattr(progress, "NIX_INTERVAL", 0.0)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    mk_layer = runpy.run_path(str(ROOT / "builders/mk-layer"))
    mk_layer["main"](mk_layer["parser"]().parse_args(["--closure", str(closure), "--out", str(tmp_path / "out")]))
    os.close(writer)
    with open(reader) as log:
        assert "MiB of 4.0 MiB, " in log.read()


def test_sizes_that_a_closure_lacks_make_no_total():
    closure = [StorePath("/a", (), 3), StorePath("/b", (), 4)]
    assert (total_size(closure, ["/a", "/b"]), total_size(closure, ["/a", "/c"])) == (7, None)
