"""strict_json: what is read, what is refused and by which path, and what is written."""

import random

import pytest

from laminix.errors import LaminixError
from laminix.strict_json import dumped_parts, dumps, loads


def read(data: bytes):
    return loads(data, "bad thing", "thing.json")


def complaint(act) -> str:
    with pytest.raises(LaminixError) as caught:
        act()
    return str(caught.value)


@pytest.mark.parametrize(
    "data, why",
    [
        (b"", "not JSON: Expecting value"),
        (b"{'a': 1}", "not JSON: "),
        (b"[1,]", "not JSON: "),
        (b"1 2", "not JSON: Extra data"),
        (b'"\xff"', "not JSON: 'utf-8' codec can't decode"),
        (b'"\xed\xa0\x80"', "not JSON: 'utf-8' codec can't decode"),  # half a surrogate pair as bytes
        (b"NaN", "not JSON: NaN is not a JSON number"),
        (b"[-Infinity]", "not JSON: -Infinity is not a JSON number"),
        (b"-1e400", "not JSON: number -1e400 is too large"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "not JSON: repeated key 'b' in one object"),
        (b"[" * 200_000, "JSON is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_refuses_what_is_not_json(data, why):
    line = complaint(lambda: read(data))
    assert line.startswith(f"bad thing: {why}") and line.endswith("(thing.json)")


@pytest.mark.parametrize(
    "act, why",
    [
        (lambda value: value["a"]["none"], "a: the key 'none' is missing"),
        (lambda value: value["a"]["list"].text(), "a.list: found a list, expected a string"),
        (lambda value: value["a"]["list"].texts(), "a.list[1]: found a whole number, expected a string"),
        (lambda value: value["a"]["true"].number(), "a.true: found a boolean, expected a whole number"),
        (lambda value: value["a"]["less"].number(), "a.less: found -1, expected zero or more"),
        (lambda value: value["a"]["half"].number(), "a.half: found a fraction, expected a whole number"),
        (lambda value: value["a"].text_map(), "a.list: found a list, expected a string"),
        (lambda value: value["a"]["list"]["x"], "a.list: found a list, expected an object"),
        (lambda value: list(value["a"]), "a: found an object, expected a list"),
        (
            lambda value: value["a"].only({"list", "true"}),
            "a: unknown key 'less', expected one of list, true",
        ),
        (
            lambda value: value["null"].expect(int, str),
            "null: found null, expected a whole number or a string",
        ),
        (lambda value: value["half"].text(), "half: found half a surrogate pair in '\\ud800'"),
        (lambda value: dict(value["key"].items()), "key: found half a surrogate pair in '\\udfff'"),
        (lambda value: read(b"3").text(), "found a whole number, expected a string"),
    ],
)
def test_complains_by_json_path(act, why):
    document = b"""{"a": {"list": ["x", 1], "true": true, "less": -1, "half": 0.5},
                    "null": null, "half": "\\ud800", "key": {"\\udfff": 1}}"""
    assert complaint(lambda: act(read(document))).startswith(f"bad thing: {why}")


def test_get_takes_null_for_missing():
    value = read(b'{"null": null, "zero": 0}')
    assert (value.get("null"), value.get("none"), value.get("zero").raw) == (None, None, 0)


def test_reads_bytes_that_are_not_utf8_as_escapes():
    assert read(b'"caf\\udce9"').text().encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_writes_one_way():
    value = {"b": 1, "a": ["ä", "\u2028", "\udce9", True, None, {}], "c": "\n"}
    written = '{"b":1,"a":["ä","\u2028","\\udce9",true,null,{}],"c":"\\n"}\n'
    assert dumps(value) == written.encode()
    assert read(dumps(value)).raw == value


def random_value(rng: random.Random, depth: int = 0):
    if depth < 4 and rng.random() < 0.5:
        members = [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        return members if rng.random() < 0.5 else {random_text(rng): member for member in members}
    return rng.choice([None, True, False, rng.randrange(-(2**70), 2**70), rng.random(), random_text(rng)])


def random_text(rng: random.Random) -> str:
    return "".join(rng.choices('aä€😀"\\/\n\x00\x7f\udc80', k=rng.randrange(5)))


@pytest.mark.parametrize("seed", range(20))
def test_reads_what_it_writes(seed):
    value = random_value(random.Random(seed))
    assert read(dumps(value)).raw == value
    dumps(value).decode()  # UTF-8, whatever the strings hold


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 2000])
def test_writes_an_iterator_as_a_list(count):
    whole = {"a": [1, {}], "ü": [{"number": n, "text": "é"} for n in range(count)], "z": "\udcff"}
    parts = list(dumped_parts(whole | {"ü": iter(whole["ü"])}))
    assert b"".join(parts) == dumps(whole)
    assert max(map(len, parts)) < 20_000
    assert b"".join(dumped_parts({})) == dumps({})
