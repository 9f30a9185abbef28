"""Closures in every form that Nix writes, and what is refused."""

import json

import pytest

from laminix.errors import LaminixError
from laminix.store.closure import StorePath, read_closure
from laminix.strict_json import loads

A = "/nix/store/" + "a" * 32 + "-glibc-2.40"
B = "/nix/store/" + "b" * 32 + "-hello-2.12.1"
EXPECTED = (StorePath(A, (A,), 30), StorePath(B, (A, B), 7))


def read(document):
    return read_closure(loads(json.dumps(document).encode(), "bad closure", "c.json"))


def member(path, size, references, **others):
    return {"path": path, "narSize": size, "references": references, **others}


def without_path(members):
    return {each.pop("path"): each for each in members}


def test_export_references_graph():
    members = [member(B, 7, [A, B], closureSize=37, valid=True), member(A, 30, [A], narHash="x")]
    assert read(members) == EXPECTED


def test_an_object_by_path():
    assert read(without_path([member(B, 7, [A, B], ca=None), member(A, 30, [A])])) == EXPECTED


def test_base_names_beside_a_store_directory():
    members = [member(B[11:], 7, [A[11:], B[11:]], version=2), member(A[11:], 30, [A[11:]])]
    assert read({"version": 2, "storeDir": "/nix/store", "info": without_path(members)}) == EXPECTED


def test_base_names_in_another_store():
    members = without_path([member("x", 1, ["x"])])
    assert read({"storeDir": "/s", "info": members}) == (StorePath("/s/x", ("/s/x",), 1),)


def test_an_empty_closure():
    assert read([]) == read({}) == ()


@pytest.mark.parametrize(
    "document, complaint",
    [
        ("x", "found a string, expected a list or an object"),
        ([3], "[0]: found a whole number, expected an object"),
        ([member(A, 1, [])] * 2, f"[1]: repeated store path {A}, expected each path once"),
        ([{"path": A, "references": []}], "[0]: the key 'narSize' is missing"),
        ([{"path": A, "narSize": 1}], "[0]: the key 'references' is missing"),
        ([{"narSize": 1, "references": []}], "[0]: the key 'path' is missing"),
        ([member(A, "1", [])], "[0].narSize: found a string, expected a whole number"),
        ([member(A, True, [])], "[0].narSize: found a boolean, expected a whole number"),
        ([member(A, -1, [])], "[0].narSize: found -1, expected zero or more"),
        ([member(A, 10**400, [])], "[0].narSize: found 1000"),
        ([member(A, 1, A)], "[0].references: found a string, expected a list"),
        ([member(A, 1, [A, None])], "[0].references[1]: found null, expected a string"),
        ([member("glibc", 1, [])], "[0]: found the path 'glibc', expected a store path"),
        ([member("/nix/../x", 1, [])], "[0]: found the path '/nix/../x', expected a store path"),
        ([member(B, 1, [B, A])], f"[0].references: found {A}, which is not in the closure (with"),
        ({A: None}, f"{A}: found null, which means that the path is not in the store"),
        ({A: {"references": [], "narSize": 1.5}}, f"{A}.narSize: found a fraction, expected a whole number"),
        ({"storeDir": "/s"}, "the key 'info' is missing"),
    ],
)
def test_refused(document, complaint):
    with pytest.raises(LaminixError) as caught:
        read(document)
    assert str(caught.value).startswith(f"bad closure: {complaint}")
    assert str(caught.value).endswith("(c.json)")
