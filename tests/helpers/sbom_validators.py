"""Validators of bills of materials, run as programs: those of the CycloneDX and SPDX projects."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

NEEDS = ("pyspdxtools",)  # beside it is the Python that has the other validators
CYCLONEDX = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_7).validate_str(open(sys.argv[1]).read()))
"""
# The project's own classes, which are made from its SHACL model: reading checks types, writing checks what is required.
SPDX3 = """
import os, sys
from spdx_python_model import v3_0_1 as spdx
objects = spdx.SHACLObjectSet()
with open(sys.argv[1]) as document:
    spdx.JSONLDDeserializer().read(document, objects)
missing = objects.link()
with open(os.devnull, "wb") as nowhere:
    spdx.JSONLDSerializer().write(objects, nowhere)
sys.exit(f"no such elements: {missing}" if missing else 0)
"""


def validate_cyclonedx(document: Path) -> str:
    """Return what the strict CycloneDX 1.7 schema does not allow in DOCUMENT; nothing if it is valid."""
    return _complaint(_python(), "-c", CYCLONEDX, document)


def validate_spdx(document: Path) -> str:
    """Return what SPDX 2.3 does not allow in DOCUMENT; nothing if it is valid."""
    return _complaint("pyspdxtools", "--infile", document)


def validate_spdx3(document: Path) -> str:
    """Return what SPDX 3.0.1 does not allow in DOCUMENT, and elements that it names and lacks; nothing if it is valid."""
    return _complaint(_python(), "-c", SPDX3, document)


def _python() -> Path:
    return Path(shutil.which("pyspdxtools")).with_name("python")


def _complaint(*argv: object) -> str:
    ended = subprocess.run(list(map(str, argv)), capture_output=True, text=True)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr or "invalid"


VALIDATORS: dict[str, Callable[[Path], str]] = {
    "cyclonedx": validate_cyclonedx,
    "spdx": validate_spdx,
    "spdx3": validate_spdx3,
}
