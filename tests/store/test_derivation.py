"""Derivations: .drv files are read as Nix writes them."""

import json

import pytest

from laminix.errors import LaminixError
from laminix.store.derivation import Derivation, Output, parse_derivation, read_derivations

DRV = "/nix/store/x.drv"


def derive(outputs='("out","/nix/store/o","","")', inputs="", sources="", env="") -> bytes:
    """A derivation in Nix's notation."""
    return f'Derive([{outputs}],[{inputs}],[{sources}],"x86_64-linux","/bin/sh",["-c","(["],[{env}])'.encode()


def test_what_is_read():
    outputs = '("dev","/nix/store/d","",""),("out","/nix/store/o","r:sha256","ab")'
    found = parse_derivation(derive(outputs, '("/nix/store/i.drv",["out","dev"])', '"/nix/store/s"'), DRV)
    assert found == Derivation(
        DRV,
        {"dev": Output("/nix/store/d", None), "out": Output("/nix/store/o", "sha256:ab")},
        {"/nix/store/i.drv": ("out", "dev")},
        ("/nix/store/s",),
    )


def test_strings_may_contain_anything():
    env = r'("a","(\"[)\\"),("b","' + "\t\x01é" + r'\n\\\"(")'
    assert parse_derivation(derive(env=env) + b"", DRV) == parse_derivation(derive(), DRV)
    assert parse_derivation(derive(env='("b","X")').replace(b"X", b"\xff"), DRV) == parse_derivation(derive(), DRV)


@pytest.mark.parametrize(
    ("method", "content", "digest"),
    [
        ("sha512", "ab", "sha512:ab"),
        ("fixed:r:sha1", "ab", "sha1:ab"),
        ("md5", "ab", None),
        ("r:sha256", "", None),
        ("", "", None),
    ],
)
def test_fixed_outputs(method, content, digest):
    found = parse_derivation(derive(f'("out","","{method}","{content}")'), DRV)
    assert found.outputs == {"out": Output("", digest)}


@pytest.mark.parametrize("data", [b"", b"x", b"Derive(", b"Derive([],[])", b"Derive(1,2,3)", b"[" * 100_000, b"\xff"])
def test_anything_else(data):
    with pytest.raises(LaminixError, match=r"^bad derivation: not a derivation: expected Derive\(…\) \(/nix/store/x"):
        parse_derivation(data, DRV)


def test_a_dynamic_derivation():
    with pytest.raises(LaminixError, match="found a dynamic derivation"):
        parse_derivation(b'DrvWithVersion("xp-dyn-drv",[])', DRV)


def test_inputs_of_inputs_are_read(tmp_path):
    a, b, c = (tmp_path / f"{name}.drv" for name in "abc")
    a.write_bytes(derive(inputs=f'({json.dumps(str(b))},["out"]),({json.dumps(str(c))},["out"])'))
    b.write_bytes(derive(inputs=f'({json.dumps(str(c))},["out"])'))
    c.write_bytes(derive())
    assert set(read_derivations([str(a), str(b)])) == {str(a), str(b), str(c)}
    c.unlink()
    with pytest.raises(FileNotFoundError, match="c.drv"):
        read_derivations([str(a)])
