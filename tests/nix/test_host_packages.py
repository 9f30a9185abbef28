"""nix/host-pkgs.nix: the host's programs as packages, with the libraries that they need and no more."""

import re
import subprocess

import pytest

EVALUATION = ["nix-instantiate", "nix/host-pkgs.nix", "-A", "python3", "-A", "nix", "-A", "bash", "-A", "cacert"]

# An overlay on /usr whose directories that packages share may be entered and not listed, not even by root.
UNLISTED = """
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" usr /usr
shift
chmod 0311 /usr /usr/bin /usr/sbin /usr/lib /usr/lib/*-linux-gnu /usr/share
exec setpriv --bounding-set=-all "$@"
"""


def listed_by_ldd(program: str) -> set[str]:
    """The names of the libraries that the host's loader gives to PROGRAM."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {word.rpartition("/")[2] for word in re.findall(r"^\s(\S+) ", listed, re.MULTILINE)} - {"linux-vdso.so.1"}


@pytest.mark.parametrize(("package", "program"), [("nix", "nix"), ("bash", "bash"), ("coreutils", "ls")])
def test_a_package_has_the_libraries_that_its_program_is_linked_with(nix, package, program):
    shared = {path.name for path in (nix.build(f"pkgs.{package}") / "lib" / "shared").iterdir()}
    linked = listed_by_ldd(f"/usr/bin/{program}")
    assert linked <= shared if package == "coreutils" else linked == shared


def test_the_programs_start(nix):
    packages = nix.build_all("with pkgs; [ python3 nix bash coreutils zstd ]")
    programs = ("python3", "nix", "bash", "ls", "zstd")
    for package, program in zip(packages, programs):
        subprocess.run([package / "bin" / program, "--version"], check=True, capture_output=True)


def test_python_starts_in_an_image_without_a_shell(nix, open_engine):
    podman = open_engine("podman")
    command = '[ "${pkgs.python3}/bin/python3" "-c" "import ssl, sqlite3; print(5)" ]'
    image = f'mkImage {{ name = "python"; config.Cmd = {command}; }}'
    ran = podman.run(podman.load(str(nix.build(f"({image}).dockerArchive"))))
    assert (ran.status, ran.out) == (0, "5\n"), ran.err


def test_evaluation_lists_no_directory_that_packages_share(nix, need, tmp_path):
    """So that no package that is installed meanwhile can disturb it."""
    need("setpriv", root=True)
    unlisted = ["unshare", "--mount", "sh", "-euc", UNLISTED, "unlisted", tmp_path]
    refused = subprocess.run([*unlisted, "ls", "/usr/bin"], capture_output=True, text=True)
    assert "Permission denied" in refused.stderr
    assert nix(*unlisted, *EVALUATION).stdout.count(".drv\n") == 4
