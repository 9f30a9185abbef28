"""Validators of bills of materials, run as programs: those of the CycloneDX and SPDX projects."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

NEEDS = ("pyspdxtools",)  # beside it is the Python that has CycloneDX's validator
CYCLONEDX = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_7).validate_str(open(sys.argv[1]).read()))
"""


def validate_cyclonedx(document: Path) -> str:
    """Return what the strict CycloneDX 1.7 schema does not allow in DOCUMENT; nothing if it is valid."""
    python = Path(shutil.which("pyspdxtools")).with_name("python")
    return _complaint(python, "-c", CYCLONEDX, document)


def validate_spdx(document: Path) -> str:
    """Return what SPDX 2.3 does not allow in DOCUMENT; nothing if it is valid."""
    return _complaint("pyspdxtools", "--infile", document)


def _complaint(*argv: object) -> str:
    ended = subprocess.run(list(map(str, argv)), capture_output=True, text=True)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr or "invalid"


VALIDATORS: dict[str, Callable[[Path], str]] = {"cyclonedx": validate_cyclonedx, "spdx": validate_spdx}
