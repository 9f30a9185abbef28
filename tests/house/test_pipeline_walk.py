"""A newcomer's pipeline: a bare Debian with Python, podman and no Nix types what the README says."""

import re

import pytest

from checkout import ROOT
from engines import daemon, registry
from machines import CLONE, NEEDED, bare_machine
from readme import scripts

PIPELINE = next(script for script in scripts(ROOT / "README.md") if "release 2" in script)
PACKAGES = "python3 busybox-static podman runc"
PUSHED = re.compile(
    r"^127\.0\.0\.1:\d+/greeter:(\S+)@sha256:[0-9a-f]{64}: sent (\d+) \((.*)\), mounted 0, found (\d+)$", re.M
)


@pytest.fixture
def machine(need):
    need(*NEEDED, *registry.NEEDS, root=True)
    machine = bare_machine()
    machine.check(f"apt-get update && apt-get install -y --no-install-recommends {PACKAGES}")
    yield machine
    machine.remove()


def test_the_readmes_pipeline_works_as_typed(machine):
    with daemon.scratch() as directory, registry.serve(directory) as hub:
        ended = machine.run(f"cd {CLONE}\nset -eu\n{PIPELINE.replace('localhost:5000', hub.host)}")
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr[-3000:]}"
    assert ended.stdout.endswith("good night\n")
    assert ended.stdout.count(": valid (2 layers, ") == 2
    sent = {tag: (int(sent), int(found)) for tag, sent, _, found in PUSHED.findall(ended.stdout)}
    assert (sent["1"], sent["2"]) == ((3, 0), (2, 1))
    sizes = [size for tag, _, size, _ in PUSHED.findall(ended.stdout) if tag in "12"]
    assert sizes[0].endswith("MiB") and sizes[1].endswith(" B")
