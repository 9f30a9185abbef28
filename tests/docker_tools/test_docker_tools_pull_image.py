"""dockerTools.pullImage: an image of a registry on this machine, with the bytes that skopeo writes."""

import base64
import hashlib
import io
import json
import subprocess
import tarfile
from typing import NamedTuple

import pytest

from engines import daemon, registry
from engines.program import output
from engines.skopeo import Skopeo
from error_line import error_line
from laminix.images.platform import machine_platform

# Nothing in the store may be of an earlier run: the hash of a fixed output is all that Nix looks at.
IMAGE = """
  mkImage {{
    name = "app";
    copyToRoot = pkgs.busybox;
    config = {{ Cmd = [ "/bin/echo" "pulled" ]; Env = [ "REGISTRY={host}" ]; }};
  }}
"""
PULLED = """
  (import ./. {{ pkgs = import ./tests/docker_tools/packages.nix {{ }}; }}).dockerTools.pullImage {{
    imageName = "{name}";
    imageDigest = "{digest}";
    finalImageName = "app";
    finalImageTag = "1";
    tlsVerify = false;
    {arguments}
  }}
"""


class Pushed(NamedTuple):
    """An image in a registry, and the hash of the archive that skopeo makes of it."""

    name: str
    digest: str
    sha256: bytes

    def pulled(self, arguments: str) -> str:
        """The expression of its pullImage."""
        return PULLED.format(name=self.name, digest=self.digest, arguments=arguments)

    def sri(self) -> str:
        """The hash as Nix writes it."""
        return f"sha256-{base64.b64encode(self.sha256).decode()}"


@pytest.fixture(scope="module")
def pushed(nix, need, tmp_path_factory):
    need("skopeo", *registry.NEEDS)
    with daemon.scratch() as directory, registry.serve(directory) as server:
        image = nix.build(IMAGE.format(host=server.host))
        skopeo = Skopeo(directory)
        name = f"{server.host}/app"
        skopeo.push(f"oci:{image}:latest", f"docker://{name}:latest")
        raw = output("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{name}:latest", env=skopeo.env)
        digest = f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}"
        archive = tmp_path_factory.mktemp("archive") / "app.tar"
        skopeo.copy(f"docker://{name}@{digest}", f"docker-archive:{archive}:app:1")
        yield Pushed(name, digest, hashlib.sha256(archive.read_bytes()).digest())


def test_the_hash_of_the_archive_of_skopeo_fits(nix, pushed, builder):
    archive = nix.build(pushed.pulled(f'hash = "{pushed.sri()}";'))
    assert hashlib.sha256(archive.read_bytes()).digest() == pushed.sha256
    assert builder("verify-image", archive).returncode == 0


@pytest.mark.parametrize(
    "arguments", ['sha256 = "{hex}";', 'outputHash = "{hex}"; outputHashAlgo = "sha256";', 'outputHash = "{sri}";']
)
def test_other_names_of_the_hash_make_the_same_path(nix, pushed, arguments):
    given = arguments.format(hex=pushed.sha256.hex(), sri=pushed.sri())
    same = f'hash = "{pushed.sri()}";'
    assert nix.evaluate(f"({pushed.pulled(given)}).outPath == ({pushed.pulled(same)}).outPath")


def test_without_a_hash_nix_tells_it(nix, pushed):
    assert pushed.sri() in nix.failure(pushed.pulled(""))


def test_the_result_says_what_it_is(nix, pushed):
    result = pushed.pulled(f'hash = "{pushed.sri()}";')
    found = nix.evaluate(f"with {result}; [ imageName imageTag imageDigest name ]")
    assert found == ["app", "1", pushed.digest, "docker-image-app-1.tar"]


def test_another_image_is_put_on_it(nix, pushed, builder):
    image = nix.build(f"""
        dockerTools.buildImage {{
          name = "on-pulled"; tag = "latest"; fromImage = {pushed.pulled(f'hash = "{pushed.sri()}";')};
          runAsRoot = "echo root >by-root";
        }}
        """)
    files = builder("export-image", image, "--out", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        assert tar.extractfile("./by-root").read() == b"root\n" and tar.getmember("./bin/busybox").isfile()


PREFETCHED = """
  (import ./. {{ pkgs = import ./tests/docker_tools/packages.nix {{ }}; }}).dockerTools.pullImage ({printed})
"""


def prefetched(builder, name: str, *options: str) -> str:
    argv = ["--tag", "app:1", "--plain-http", "--platform", f"linux/{machine_platform().architecture}", *options]
    done = builder("prefetch-archive", f"docker://{name}:latest", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_pull_image_takes_what_prefetch_archive_prints(nix, pushed, builder):
    printed = prefetched(builder, pushed.name)
    archive = nix.build(PREFETCHED.format(printed=printed))
    assert hashlib.sha256(archive.read_bytes()).digest() == pushed.sha256
    found = nix.evaluate(f"({printed})")
    assert found == json.loads(prefetched(builder, pushed.name, "--json"))
    assert found == {
        "imageName": pushed.name,
        "imageDigest": pushed.digest,
        "hash": pushed.sri(),
        "os": "linux",
        "arch": machine_platform().architecture,
        "finalImageName": "app",
        "finalImageTag": "1",
        "tlsVerify": False,
    }


def test_the_name_is_that_of_the_registry_by_default(pushed, builder):
    done = builder("prefetch-archive", f"docker://{pushed.name}", "--plain-http", "--json")
    found = json.loads(done.stdout)
    assert (found["finalImageName"], found["finalImageTag"]) == (pushed.name, "latest")


def test_prefetch_of_pull_image_prints_its_arguments(nix, pushed, builder):
    # The tag in the archive is that of the registry.
    expression = pushed.pulled(f'hash = "{pushed.sri()}";').replace('"1"', '"latest"')
    program = nix.build(f"({expression}).prefetch")
    done = subprocess.run([program / "bin/prefetch-archive"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == prefetched(builder, pushed.name, "--tag", "app:latest")


def test_a_skopeo_that_fails_is_one_line(pushed, builder):
    """Without --plain-http skopeo refuses the registry, which does not speak TLS."""
    done = builder("prefetch-archive", f"docker://{pushed.name}", "--json")
    line = error_line(done, "prefetch-archive")
    assert line.startswith(f"cannot pull image: skopeo copy docker://{pushed.name}@{pushed.digest}: ")
    assert "server gave HTTP response to HTTPS client" in line


def test_without_skopeo_nothing_is_pulled(pushed, builder, tmp_path):
    done = builder("prefetch-archive", f"docker://{pushed.name}", "--skopeo", tmp_path / "skopeo")
    expected = f"cannot pull image: program not found on $PATH ({tmp_path}/skopeo)"
    assert error_line(done, "prefetch-archive") == expected
