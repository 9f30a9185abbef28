"""File capabilities, as setcap(8) writes them and as the kernel defines them."""

import os
import subprocess

import pytest

from laminix.errors import LaminixError
from laminix.layers.capabilities import NAMES, read_capabilities
from laminix.strict_json import Value


def encoded(raw) -> bytes:
    return read_capabilities(Value(raw, "bad perms", None, "[0].capabilities"))


@pytest.mark.parametrize(
    "raw, words",
    [
        # include/uapi/linux/capability.h: magic, then permitted and inheritable, low and high words.
        (["cap_net_bind_service"], "01000002 00040000 00000000 00000000 00000000"),
        ("cap_chown=p", "00000002 01000000 00000000 00000000 00000000"),
        ("cap_chown=i", "00000002 00000000 01000000 00000000 00000000"),
        ("cap_checkpoint_restore=eip", "01000002 00000000 00000000 00010000 00010000"),
        ("CAP_NET_RAW,cap_net_admin+ep", "01000002 00300000 00000000 00000000 00000000"),
    ],
)
def test_is_what_the_kernel_defines(raw, words):
    assert encoded(raw) == bytes.fromhex(words)


@pytest.mark.parametrize(
    "text",
    [
        "cap_net_raw=ep",
        "cap_net_raw=i",
        "cap_net_raw=ei",
        "cap_net_raw=p cap_chown=i",
        "cap_net_raw=p cap_net_raw+e",
        "cap_net_raw=ep cap_net_raw=i",
        ",".join(f"cap_{name}" for name in NAMES) + "=eip",
    ],
)
def test_equals_what_setcap_writes(need, tmp_path, text):
    need("setcap", root=True)
    file = tmp_path / "file"
    file.touch()
    subprocess.run(["setcap", text, file], check=True)
    assert encoded(text) == os.getxattr(file, "security.capability")


@pytest.mark.parametrize(
    "raw, why",
    [
        (["cap_fly"], "[0].capabilities[0]: unknown capability 'cap_fly'"),
        (["net_raw"], "[0].capabilities[0]: unknown capability 'net_raw'"),
        ([], "found no capability"),
        ("", "found no capability"),
        ("cap_net_raw", "found 'cap_net_raw', expected NAMES=FLAGS"),
        ("cap_net_raw=epx", "expected NAMES=FLAGS"),
        ("=ep", "expected NAMES=FLAGS"),
        ("cap_net_raw,=ep", "unknown capability '', expected a name like cap_net_raw"),
        ("cap_net_raw=e", "one effective bit for all"),
        ("cap_net_raw=ep cap_chown=p", "one effective bit for all"),
        (3, "found a whole number"),
        ([3], "found a whole number"),
    ],
)
def test_says_what_is_wrong(raw, why):
    with pytest.raises(LaminixError) as caught:
        encoded(raw)
    assert why in str(caught.value)
