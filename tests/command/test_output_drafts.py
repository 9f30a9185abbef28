"""Drafts of killed processes go with the next run; those of running processes stay."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from checkout import ROOT
from laminix.output import LIKELY_DRAFTS, new_directory, new_file

LIBRARY = ROOT / "lib"
WRITER = """\
import os, sys, time
sys.path.insert(0, {library!r})
from laminix import output
with output.{make}({out!r}) as draft:
    if {make!r} == "new_directory":
        os.makedirs(draft + "/a/b")
    print("ready", flush=True)
    time.sleep(60)
"""
MAKERS = ["new_file", "new_directory"]
MAKE = {"new_file": new_file, "new_directory": new_directory}


@pytest.fixture
def writing(tmp_path):
    """``writing(make)``: a process that writes to tmp_path/out and goes on until it is killed."""
    processes = []

    def start(make):
        program = WRITER.format(library=str(LIBRARY), make=make, out=str(tmp_path / "out"))
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in processes:
        kill(process)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("before", MAKERS)
@pytest.mark.parametrize("after", MAKERS)
def test_the_draft_of_a_killed_process_goes(writing, tmp_path, before, after):
    kill(writing(before))
    assert os.listdir(tmp_path) == [".out.laminix-0"]
    with MAKE[after](str(tmp_path / "out")):
        assert os.listdir(tmp_path) == [".out.laminix-0"]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("make", MAKERS)
def test_the_draft_of_a_running_process_stays(writing, tmp_path, make):
    writing(make)
    with MAKE[make](str(tmp_path / "out")):
        assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", ".out.laminix-1"]
    assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", "out"]


def test_the_drafts_of_several_killed_processes_go(writing, tmp_path):
    writers = [writing("new_file") for _ in range(3)]
    for process in writers[1:]:
        kill(process)
    with new_file(str(tmp_path / "out")):
        assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", ".out.laminix-1"]
    assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", "out"]


def test_what_is_no_draft_stays(tmp_path):
    names = [".out.1", ".out.laminix-", ".out.laminix-x", f".out.laminix-{LIKELY_DRAFTS}", ".other.laminix-0"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "precious").touch()
    (tmp_path / ".out.laminix-2").symlink_to("precious")
    with new_file(str(tmp_path / "out")):
        pass
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "precious", ".out.laminix-2", "out"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_draft_of_another_user_stays(tmp_path):
    (tmp_path / ".out.laminix-0").touch()
    os.chown(tmp_path / ".out.laminix-0", 12345, 0)
    with new_file(str(tmp_path / "out")):
        pass
    assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", "out"]


@pytest.mark.parametrize("make", MAKERS)
def test_a_draft_that_is_removed_before_it_is_locked_is_made_anew(tmp_path, monkeypatch, make):
    """To another process a draft looks abandoned until it is locked."""
    removed = []
    flock = fcntl.flock

    def removing(descriptor, operation):
        draft = tmp_path / ".out.laminix-0"
        if not removed:
            removed.append(draft)
            draft.rmdir() if draft.is_dir() else draft.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removing)
    with MAKE[make](str(tmp_path / "out")):
        assert os.listdir(tmp_path) == [".out.laminix-1"]
    assert removed and os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("make", MAKERS)
def test_a_draft_that_another_process_has_locked_to_remove_it_is_left_to_it(tmp_path, monkeypatch, make):
    holders = []
    flock = fcntl.flock

    def overtaken(descriptor, operation):
        if not holders:
            holders.append(os.open(tmp_path / ".out.laminix-0", os.O_RDONLY))
            flock(holders[0], fcntl.LOCK_EX)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", overtaken)
    with MAKE[make](str(tmp_path / "out")):
        assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", ".out.laminix-1"]
    os.close(holders[0])
    assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", "out"]


def test_a_directory_that_is_removed_before_it_is_opened_is_made_anew(tmp_path, monkeypatch):
    removed = []
    mkdir = os.mkdir

    def removing(path):
        mkdir(path)
        if not removed:
            removed.append(path)
            os.rmdir(path)

    monkeypatch.setattr(os, "mkdir", removing)
    with new_directory(str(tmp_path / "out")):
        assert os.listdir(tmp_path) == [".out.laminix-1"]
    assert removed and os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("make", MAKERS)
def test_a_file_system_without_locks(writing, tmp_path, monkeypatch, make):
    def refuse(descriptor, operation):
        raise OSError(95, "Operation not supported")

    writing(make)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with MAKE[make](str(tmp_path / "out")):
        pass
    assert sorted(os.listdir(tmp_path)) == [".out.laminix-0", "out"]


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("make", MAKERS)
def test_an_interruption_while_a_draft_is_made_leaves_none(tmp_path, monkeypatch, make):
    lock = fcntl.flock

    def interrupted(descriptor, operation):
        os.kill(os.getpid(), signal.SIGINT)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", interrupted)
    with pytest.raises(KeyboardInterrupt), MAKE[make](str(tmp_path / "out")):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_while_a_result_is_replaced_loses_none(tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    rename = os.rename

    def interrupted(old, new):
        rename(old, new)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), new_directory(str(out), lambda _: None) as draft:
        open(f"{draft}/new", "w").close()
        monkeypatch.setattr(os, "rename", interrupted)
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(out) in (["old"], ["new"])
