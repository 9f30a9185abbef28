"""Headers that tar readers read in different ways are read as container engines read them.

tests/engines/test_as_the_clients_read.py asks the engines about the same archives.
"""

import io

import pytest

from disputed_layers import LAYERS, REFUSED, REPORTED
from file_trees import tar
from laminix.errors import LaminixError
from laminix.tar import reader
from raw_tar import END, long_name, member, pax


def entries(data, report=None):
    """The paths of the archive's entries, and what the files contain."""
    return {entry.path.decode(): content.read() for entry, content in reader.read(io.BytesIO(data), report=report)}


@pytest.mark.parametrize("name", LAYERS)
def test_is_read_as_the_engines_read_it(name):
    layer, expected = LAYERS[name]
    assert entries(layer) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_as_the_engines_refuse_it(name):
    with pytest.raises(LaminixError) as caught:
        entries(REFUSED[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LAYERS)
def test_other_readers_are_warned_of(name):
    told = []
    entries(LAYERS[name][0], told.append)
    assert bool(told) == (name in REPORTED)


def test_a_common_archive_is_not_reported():
    told = []
    long = tar({"a" * 200: b"1", "b": b"2"})
    entries(pax(b"g", comment=b"0123abcd") + long, told.append)
    assert told == []


def test_a_second_pax_header_replaces_the_first_whole():
    layer = pax(path=b"one", uid=b"7", mtime=b"77") + pax(path=b"two") + member(b"x") + END
    [(entry, _)] = reader.read(io.BytesIO(layer))
    assert (entry.path, entry.owner.uid, entry.mtime) == (b"two", 0, 1)


@pytest.mark.parametrize("length, taken", [(4095, True), (4096, False)])
def test_a_link_is_as_long_as_the_kernel_takes(length, taken):
    layer = pax(linkpath=b"l" * length) + member(b"x", kind=b"2") + END
    if taken:
        [(entry, _)] = reader.read(io.BytesIO(layer))
        assert len(entry.link) == length
    else:
        with pytest.raises(LaminixError, match="'x': symbolic link has a target of 4096 bytes; expected at most 4095"):
            entries(layer)


@pytest.mark.parametrize("extended", [lambda name: pax(path=name), long_name])
def test_long_names_have_a_limit_in_total(monkeypatch, extended):
    monkeypatch.setattr(reader, "LONG_NAMES_LIMIT", 1000)
    names = [b"%09d" % number * 11 for number in range(11)]
    layers = [b"".join(extended(name) + member(b"x") for name in names[:count]) + END for count in (10, 11)]
    assert len(entries(layers[0])) == 10
    with pytest.raises(LaminixError, match="found more than 1000 bytes of long names and links in total"):
        entries(layers[1])
