"""JSON documents of images, as Go's encoding/json reads them; and what a document may cost."""

import tracemalloc

import pytest

from laminix import image_json, strict_json
from laminix.errors import LaminixError
from laminix.forms.members import MAX_DOCUMENT_SIZE
from laminix.image_json import TEXT, Map

SHAPE = {"config": {"Env": [TEXT], "Labels": Map(TEXT)}, "os": None, "layers": [{"digest": None}]}


def read(text, report=None):
    data = text if isinstance(text, bytes) else text.encode()
    return image_json.loads(data, SHAPE, "bad document", "file", report).raw


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"OS":1,"os":2,"Os":3}', {"os": 3}),
        ('{"o\u017f":1}', {"os": 1}),
        ('{"Layers":[{"DIGEST":1}]}', {"layers": [{"digest": 1}]}),
        ('{"config":{"Labels":{"a":"1","A":"2"}}}', {"config": {"Labels": {"a": "1", "A": "2"}}}),
        ('{"config":{"Env":["a"]},"CONFIG":{"Labels":{}}}', {"config": {"Env": ["a"], "Labels": {}}}),
        ('{"config":{"Labels":{"a":"1"},"labels":{"b":null}}}', {"config": {"Labels": {"a": "1", "b": ""}}}),
        ('{"config":{"Env":["a",null]}}', {"config": {"Env": ["a", ""]}}),
        ('{"config":{"Env":["a"],"Env":null}}', {"config": {"Env": None}}),
        ('{"os":1,"os":null}', {"os": 1}),
        ('{"unknown":{"X":1,"x":2,"x":3}}', {"unknown": {"X": 1, "x": 3}}),
        (b'{"os":"\xff"}', {"os": "\ufffd"}),
        ('{"os":"\\ud800"}', {"os": "\ufffd"}),
        ('{"os":"\\udcff"}', {"os": "\udcff"}),
        ('{"os":"\\ud83d\\ude00"}', {"os": "\U0001f600"}),
    ],
)
def test_as_go_reads(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize("text", ['{"OS":1}', '{"os":1,"os":1}', b'{"os":"\xff"}', '{"unknown":{"a":1,"a":1}}'])
def test_reports_what_others_read_otherwise(text):
    told = []
    read(text, told.append)
    assert len(told) == 1


def test_reports_nothing_of_an_ordinary_document():
    told = []
    read('{"os":"linux","config":{"Labels":{"os":"A","OS":"B"}},"layers":[{"digest":null}],"other":[{}]}', told.append)
    assert told == []


@pytest.mark.parametrize("text", ['{"os":1,"os":1}', b'{"os":"\xff"}'])
def test_our_own_documents_stay_strict(text):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(LaminixError, match="bad document: not JSON"):
        strict_json.loads(data, "bad document")


@pytest.mark.parametrize("text", ["", "{", "{} {}", '{"a":NaN}', '{"a":1e999}', "[" * 5000 + "]" * 5000, "9" * 5000])
def test_refuses_in_one_line(text):
    with pytest.raises(LaminixError) as caught:
        read(text)
    assert str(caught.value).startswith("bad document: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_refuses_other_encodings(encoding):
    with pytest.raises(LaminixError):
        read('{"os":"linux"}'.encode(encoding))


@pytest.mark.parametrize("element", [b"{}", b"[]", b"0", b'""', b'{"a":1}'])
def test_a_document_of_the_largest_size_takes_little_memory(element):
    data = b'{"unknown":[' + b",".join([element] * ((MAX_DOCUMENT_SIZE - 100) // (len(element) + 1))) + b"]}"
    tracemalloc.start()
    try:
        read(data)
    except LaminixError as error:
        assert "too many objects and lists" in str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 128 << 20
