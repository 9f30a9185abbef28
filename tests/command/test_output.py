"""Outputs appear whole or not at all."""

import os

import pytest

from laminix.errors import LaminixError
from laminix.output import new_directory, new_file, refuse_inside


class Trouble(Exception):
    pass


def test_a_directory_appears_at_the_end(tmp_path):
    with new_directory(f"{tmp_path}/out/") as draft:
        (tmp_path / draft / "f").touch()
        assert not (tmp_path / "out").exists()
    assert os.listdir(tmp_path) == ["out"] and os.listdir(tmp_path / "out") == ["f"]
    assert (tmp_path / "out").stat().st_mode & 0o7777 == 0o755


def test_a_directory_does_not_appear_after_trouble(tmp_path):
    with pytest.raises(Trouble), new_directory(str(tmp_path / "out")) as draft:
        (tmp_path / draft / "f").touch()
        raise Trouble
    assert os.listdir(tmp_path) == []


def test_a_directory_replaces_nothing(tmp_path):
    with pytest.raises(LaminixError), new_directory(str(tmp_path / "out")):
        (tmp_path / "out").mkdir()  # meanwhile, by somebody else
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_replaces_a_file_at_the_end(tmp_path):
    out = tmp_path / "out"
    out.write_bytes(b"before")
    with new_file(str(out)) as file:
        file.write(b"after")
        file.flush()
        assert out.read_bytes() == b"before"
    assert out.read_bytes() == b"after" and os.listdir(tmp_path) == ["out"]
    assert out.stat().st_mode & 0o7777 == 0o644


def test_a_file_stays_after_trouble(tmp_path):
    out = tmp_path / "out"
    out.write_bytes(b"before")
    with pytest.raises(Trouble), new_file(str(out)) as file:
        file.write(b"after")
        raise Trouble
    assert out.read_bytes() == b"before" and os.listdir(tmp_path) == ["out"]


def test_a_file_replaces_no_directory(tmp_path):
    with pytest.raises(LaminixError, match="found a directory, expected a file"), new_file(str(tmp_path)):
        pass


@pytest.mark.parametrize("make", [new_file, new_directory])
@pytest.mark.parametrize("out", ["none/out", "file/out", "", "/", ".", "..", "a/.."])
def test_places_where_nothing_can_be(tmp_path, monkeypatch, make, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(LaminixError, match="cannot write the output"), make(out):
        pass
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("out", ["d/out", "d/e/out", "link/out", "d/../d/out"])
def test_refuses_to_write_into_what_is_read(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    os.makedirs("d/e")
    os.symlink("d", "link")
    with pytest.raises(LaminixError, match="it is inside the source 'd'"):
        refuse_inside(out, ["d"])
    refuse_inside("dd/out", ["d", "d/e"])
