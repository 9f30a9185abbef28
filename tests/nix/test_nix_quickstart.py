"""nix/quickstart on a table of machines: a greeting, or one line that says what is missing and what to do.

Each row is a root tree of its own in which nothing is exported.  The first is a bare Debian; the others
begin as that one is after its quickstart, with every engine, and lose what their name says.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from test_nix_examples import GREETING

from checkout import ROOT
from engines import daemon, docker
from machines import CLONE, NEEDED, Machine, bare_machine
from readme import scripts

QUICKSTART = f"{CLONE}/nix/quickstart"

WITHOUT_PODMAN = "rm /usr/bin/podman"
WITHOUT_ENGINES = "rm /usr/bin/podman /usr/bin/docker"
WITHOUT_RUNC = "dpkg --force-depends --purge runc >/dev/null 2>&1"
OWN_STORE = "chown -R newcomer: /nix"
NOTHING_BUILT = "rm -rf /nix/store/* /nix/var/nix/db"
DAEMON = "nix-daemon >/dev/null 2>&1 & until [ -S /nix/var/nix/daemon-socket/socket ]; do sleep 0.01; done"
OUTSIDE_DOCKER = "ln -s /run/outside/docker.sock /run/docker.sock"
NOBODY_ALLOWED = "mkdir -p /etc/nix && echo allowed-users = root >>/etc/nix/nix.conf"


class Row(NamedTuple):
    """A machine, who calls quickstart there, and how that ends."""

    before: str
    user: str = "root"
    docker: str | None = None  # how the dockerd runs that it has, if any
    namespaces: bool = True
    says: str = ""  # a pattern of a line about what is missing, before the greeting
    error: str = ""  # a pattern of the one line; empty for a greeting


BROKEN_DOCKER = "docker cannot run the image: .*OCI runtime.*; running it without an engine"
NO_ENGINE = "no docker and no podman here; the image runs without an engine"
ROWS = {
    "root-podman-with-runc": Row("true", says="loading it into podman"),
    "root-podman-with-crun-only": Row(WITHOUT_RUNC, says="loading it into podman"),
    "root-docker": Row(WITHOUT_PODMAN, docker="runc", says="loading it into docker"),
    "root-docker-that-cannot-run": Row(WITHOUT_PODMAN, docker="broken", says=BROKEN_DOCKER),
    "root-no-engine": Row(WITHOUT_ENGINES, says=NO_ENGINE),
    "root-no-user-namespaces": Row("true", docker="runc", namespaces=False, says="loading it into docker"),
    "root-no-engine-no-user-namespaces": Row(
        WITHOUT_ENGINES, namespaces=False, error="cannot run without an engine: .*install podman, or start docker"
    ),
    "user-own-store": Row(OWN_STORE, "newcomer", docker="runc"),
    "user-daemon": Row(DAEMON, "newcomer", docker="runc"),
    "user-daemon-refuses": Row(
        f"{NOBODY_ALLOWED}; {DAEMON}",
        "newcomer",
        error="Nix cannot write to its store: .*daemon.*; is newcomer among allowed-users",
    ),
    "user-store-at-home": Row(NOTHING_BUILT, "newcomer", docker="runc", says='adding "store = /home/newcomer/'),
    "user-store-at-home-no-engine": Row(f"{NOTHING_BUILT}; {WITHOUT_ENGINES}", "newcomer", says=NO_ENGINE),
    "user-podman": Row(OWN_STORE, "newcomer", says="loading it into podman"),
    "user-podman-without-uidmap": Row(
        f"{OWN_STORE}; rm /usr/bin/newuidmap", "newcomer", says="podman cannot run the image: .*apt-get install uidmap"
    ),
    "user-docker-refuses": Row(f"{OWN_STORE}; {WITHOUT_PODMAN}", "newcomer", says="docker does not answer: .*start it"),
    "user-no-user-namespaces": Row(
        "true", "newcomer", namespaces=False, error="needs user namespaces, .*apt-get install nix-setup-systemd"
    ),
    "user-no-nix": Row("rm /usr/bin/nix-build", "newcomer", error="missing: nix-bin; as root: apt-get install nix-bin"),
}


@pytest.fixture(scope="module")
def bare(need) -> Iterator[Machine]:
    """A bare Debian; no test but the first changes it."""
    need(*NEEDED, root=True)
    machine = bare_machine()
    yield machine
    machine.remove()


@pytest.fixture(scope="module")
def begun(bare) -> tuple[Machine, str, str]:
    """The machine after root's quickstart there; what that printed, and what it said."""
    ended = bare.run(QUICKSTART)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return bare, ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def complete(begun) -> Iterator[Machine]:
    """That machine with every engine."""
    machine = begun[0].next()
    machine.check("apt-get install -y --no-install-recommends podman runc docker-cli crun uidmap")
    yield machine
    machine.remove()


@pytest.fixture
def machine(complete) -> Iterator[Machine]:
    """That one, to be changed by one test."""
    machine = complete.next()
    yield machine
    machine.remove()


def test_a_bare_machine_gets_nix_and_the_greeting(begun):
    _, printed, said = begun
    assert printed == GREETING
    assert "adding the group nixbld with users nixbld1 to nixbld10" in said


@pytest.mark.parametrize("name", ROWS)
def test_greets_or_says_in_one_line_what_to_do(need, machine, name):
    row = ROWS[name]
    with served(need, row.docker) as outside:
        before = f"{row.before}; {OUTSIDE_DOCKER}" if row.docker else row.before
        ended = machine.run(QUICKSTART, row.user, before, outside, row.namespaces)
    assert re.search(row.says, ended.stderr), ended.stderr[-3000:]
    if not row.error:
        assert (ended.returncode, ended.stdout) == (0, GREETING), ended.stderr[-3000:]
        return
    errors = [line for line in ended.stderr.splitlines() if line.startswith("quickstart: error: ")]
    assert (ended.returncode, ended.stdout, len(errors)) == (1, "", 1), ended.stderr[-3000:]
    assert re.search(row.error, errors[0]) and ended.stderr.endswith(f"{errors[0]}\n"), ended.stderr[-3000:]


FIRST_IMAGE = next(script for script in scripts(ROOT / "README.md") if "image.nix" in script)


@pytest.mark.parametrize(("user", "before"), [("root", "true"), ("newcomer", DAEMON), ("newcomer", OWN_STORE)])
def test_the_readmes_first_image_works_as_typed(machine, user, before):
    script = f"cp -r {CLONE} mine && cd mine\n{FIRST_IMAGE}\ntar -tf greeter.tar && cat image/index.json"
    assert "greeter:1.0" in machine.check(script, user, before=before)


def test_without_a_daemon_the_first_image_runs_too(need, machine):
    """Where links of nix-build lead nowhere, the README says to use quickstart."""
    files = FIRST_IMAGE[: FIRST_IMAGE.index("nix-build")]
    with served(need, "runc") as outside:
        script = f"cd {CLONE}\n{files}\nnix/quickstart image.nix"
        said = machine.check(script, "newcomer", before=f"{NOTHING_BUILT}; {OUTSIDE_DOCKER}", outside=outside)
    assert said == "good morning\n"


MOVED = next(script for script in scripts(ROOT / "nix/docker-tools/README.md") if "images.nix" in script)


@pytest.mark.parametrize(("user", "before"), [("root", "true"), ("newcomer", OWN_STORE)])
def test_an_image_of_docker_tools_moves_over_as_the_page_says(need, machine, user, before):
    machine.check("apt-get install -y --no-install-recommends fakeroot")
    with served(need, "runc") as outside:
        script = f"cp -r {CLONE} mine && cd mine\nset -eu\n{MOVED}"
        said = machine.check(script, user, before=f"{before}; {OUTSIDE_DOCKER}", outside=outside)
    greetings = [line for line in said.splitlines() if not line.startswith(("Loaded image: ", "/nix/store/"))]
    assert greetings == ["1000 owns /srv", "good morning", "saved"]


NIX_RUN = next(script for script in scripts(ROOT / "README.md") if script.startswith("nix run"))


@pytest.mark.parametrize(("user", "before"), [("root", "true"), ("newcomer", NOTHING_BUILT)])
def test_nix_run_loads_an_image_after_quickstart(need, machine, user, before):
    """Also from a store that only Nix sees, in the home directory."""
    with served(need, "runc") as outside:
        script = f"cd {CLONE}\nset -eu\nnix/quickstart >/dev/null\n{NIX_RUN}"
        said = machine.check(script, user, before=f"{before}; {OUTSIDE_DOCKER}", outside=outside)
    assert said.endswith(GREETING)


def test_an_ordinary_user_is_told_paths_that_exist(machine):
    ended = machine.run(QUICKSTART, "newcomer", NOTHING_BUILT)
    archive = re.search(r"built (/home/newcomer/\S+)", ended.stderr)[1]
    assert "manifest.json" in machine.check(f"tar -tf {archive}", "newcomer")


@contextlib.contextmanager
def served(need, kind: str | None) -> Iterator[str]:
    """A directory with the socket of a dockerd of that KIND, for anybody; empty where there is none."""
    with daemon.scratch() as directory:
        if kind is None:
            yield directory
            return
        need(*docker.NEEDS)
        broken = ["--add-runtime=broken=/bin/false", "--default-runtime=broken"] if kind == "broken" else []
        with docker.serve(directory, "overlay2", *broken):
            os.chmod(directory, 0o755)
            os.chmod(f"{directory}/docker.sock", 0o666)
            yield directory
