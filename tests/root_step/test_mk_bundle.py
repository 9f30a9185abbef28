"""mk-bundle: OCI runtime bundles, run by runc and crun."""

import json
import os
import subprocess

import pytest

from file_trees import DIRECTORY, busybox
from image_maker import ImageMaker

FILES = {**busybox(), "etc": DIRECTORY, "etc/passwd": b"ann:x:1000:100::/home/ann:/bin/sh\n", "etc/motd": b"hello\n"}
CONFIG = {
    "Env": ["PATH=/bin", "COLOUR=green"],
    "Entrypoint": ["/bin/sh", "-c"],
    "Cmd": ["cat /etc/motd; echo $COLOUR $HOME; id -u; exit 3"],
    "User": "ann",
}
PRINTED = "hello\ngreen /home/ann\n1000\n"

# crun refuses machines that mix both versions of cgroups.
RUNTIMES = {
    "runc": ["runc"],
    "crun": ["unshare", "-m", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"', "crun"],
}
# systemd-nspawn manages control groups of the second version, and keeps sockets in /run, which must be a tmpfs.
NSPAWN = """
if mountpoint -q /sys/fs/cgroup; then umount -R /sys/fs/cgroup; fi
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
group="/sys/fs/cgroup/$1"
mkdir "$group"
echo $$ >"$group/cgroup.procs"
status=0
systemd-nspawn --quiet --oci-bundle="$2" --machine="$1" --register=no --keep-unit --console=pipe || status=$?
echo $$ >/sys/fs/cgroup/cgroup.procs
find "$group" -depth -type d -exec rmdir {} +
exit $status
"""


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    return ImageMaker(builder, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def image(maker):
    return maker.image("small", CONFIG, maker.layer("small", FILES))


@pytest.fixture
def runtime(need, scratch):
    """``runtime("runc", BUNDLE)``: the ended container of the bundle."""

    def run(name: str, bundle) -> subprocess.CompletedProcess:
        need(name, root=True)
        argv = [*RUNTIMES[name], "--root", f"{scratch}/{name}", "run", "--bundle", bundle, f"laminix-{os.getpid()}"]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("form", ["layers", "unpacked"])
def test_runs_what_the_config_says(maker, image, runtime, name, form):
    source = maker.build("unpacked", "unpack-image", image) if form == "unpacked" else image
    done = runtime(name, maker.build(f"bundle-{form}", "mk-bundle", source))
    assert (done.returncode, done.stdout) == (3, PRINTED), done.stderr


@pytest.fixture
def nspawn(need):
    """``nspawn(BUNDLE)``: the ended container of the bundle in systemd-nspawn."""

    def run(bundle) -> subprocess.CompletedProcess:
        need("systemd-nspawn", "unshare", root=True)
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", NSPAWN, "sh", f"laminix-{os.getpid()}"]
        return subprocess.run([*argv, bundle], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    return run


def test_systemd_nspawn_runs_a_copy(maker, image, nspawn):
    done = nspawn(maker.build("whole", "mk-bundle", "--copy", image))
    assert (done.returncode, done.stdout) == (3, PRINTED), done.stderr


def test_an_unpacked_image_is_not_copied(maker, image):
    unpacked = maker.build("unpacked", "unpack-image", image)
    line = maker.refused("mk-bundle", "--copy", unpacked)
    assert line == f"cannot copy: found an unpacked image, expected an image ({unpacked})"


def test_the_root_is_read_only_and_tmp_is_not(maker, image, runtime, builder, tmp_path):
    command = "echo x > /tmp/x; cat /tmp/x; echo x > /x"
    done = builder("mk-bundle", "--out", tmp_path / "bundle", image, command)
    assert (done.returncode, done.stderr) == (0, "")
    done = runtime("runc", tmp_path / "bundle")
    assert done.stdout == "x\n" and "Read-only file system" in done.stderr and done.returncode == 1


def test_a_bundle_of_an_unpacked_image_is_kilobytes(maker, image):
    bundle = maker.build("bundle-unpacked", "mk-bundle", maker.build("unpacked", "unpack-image", image))
    files = [path for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < 20_000


def test_options_end_up_in_the_config(builder, image, tmp_path):
    options = (
        "--user",
        "5:6",
        "--env",
        "COLOUR=red",
        "--workdir",
        "/etc",
        "--network",
        "host",
        "--entrypoint",
        "/bin/ls",
        "--terminal",
    )
    done = builder("mk-bundle", *options, "--out", tmp_path / "bundle", "--", image, "-l", "/")
    assert (done.returncode, done.stderr) == (0, "")
    config = json.loads((tmp_path / "bundle" / "config.json").read_bytes())
    process = config["process"]
    assert process["args"] == ["/bin/ls", "-l", "/"] and process["cwd"] == "/etc" and process["terminal"] is True
    assert process["user"] == {"uid": 5, "gid": 6, "additionalGids": [6]}
    assert "COLOUR=red" in process["env"] and process["capabilities"]["effective"] == []
    assert {"type": "network"} not in config["linux"]["namespaces"]


def test_nix_builds_one_that_refers_to_the_store(nix, need, runtime):
    need("runc", root=True)
    bundle = nix.build(
        'mkBundle { image = mkImage { name = "b"; config.Cmd = [ "${pkgs.busybox}/bin/echo" "hi" ]; }; }'
    )
    assert runtime("runc", bundle).stdout == "hi\n"
    references = nix("nix-store", "--query", "--references", bundle).stdout.split()
    assert str(nix.build("pkgs.busybox")) in references
    assert sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()) < 20_000


def test_nix_unpacks_a_parent_once_for_it(nix, need, runtime):
    need("runc", root=True)
    bundle = nix.build("mkBundle { image = examples.on-archive; }")
    assert runtime("runc", bundle).stdout.startswith("This file is the parent's.\n")


@pytest.mark.parametrize("image", ["examples.hello", "examples.on-archive"])
def test_nix_copies_store_paths_into_one(nix, need, runtime, nspawn, image):
    need("runc", root=True)
    bundle = nix.build(f"mkBundle {{ image = {image}; copy = true; }}")
    mounts = json.loads((bundle / "config.json").read_bytes())["mounts"]
    assert not [mount for mount in mounts if mount["type"] == "bind"]
    ran = runtime("runc", bundle)
    assert ran.returncode == 0 and ran.stdout
    done = nspawn(bundle)
    assert (done.returncode, done.stdout) == (0, ran.stdout), done.stderr
