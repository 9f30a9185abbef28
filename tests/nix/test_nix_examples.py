"""The examples, as Nix builds them, in the engines; and that every image of theirs is sound."""

import shlex

import pytest

GREETING = "Hello from a container that Nix built, layer by layer.\n"
PRINTED = {
    "hello": GREETING,
    "morning": "Good morning.\n",
    "evening": "Good evening.\n",
    "non-root": "alice\nDear Alice, these files are yours.\nThank you.\n",
    "whiteouts": "You read this.\nThere is no secret.\n",
    "on-layers": "The second generation reads:\nDear Alice, these files are yours.\n",
    "on-that-again": "The third generation has no letter from the first.\n",
    "root-steps": "Dear Alice\nalice 600\nroot 4755\n",
    "on-archive": "This file is the parent's.\nThis one is the child's.\nThe environment is inherited.\n",
}


def test_all_examples_are_here(nix):
    names = {*PRINTED, "web-server", "web-application"}
    assert set(nix.evaluate("builtins.attrNames examples")) == names
    # What nix-build makes of `-A examples` is each of them, and none is hidden in a set.
    assert len(nix.build_all("examples")) == len(names)


def test_each_prints_what_it_should_in_every_engine(nix, engine):
    archives = {name: nix.build(f"examples.{name}.dockerArchive") for name in PRINTED}
    assert {name: engine.run(engine.load(str(archive))).out for name, archive in archives.items()} == PRINTED


@pytest.mark.parametrize("name", ["hello", "on-that-again"])
def test_the_image_directory_runs_as_it_is(nix, open_engine, name):
    podman = open_engine("podman")
    assert podman.run(podman.pull(f"oci:{nix.build(f'examples.{name}')}:latest")).out == PRINTED[name]


def test_the_web_server_serves_its_page(nix, open_engine):
    podman = open_engine("podman")
    reference = podman.load(str(nix.build("examples.web-server.dockerArchive")))
    command = shlex.join(nix.evaluate("examples.web-server.config.Cmd"))
    busybox = nix.build("pkgs.busybox") / "bin"
    visit = f"{command} & {busybox}/sleep 1; {busybox}/wget -q -O - http://127.0.0.1:8080/"
    assert "from a layer of its own" in podman.run(reference, f"{busybox}/sh", "-c", visit).out


def test_the_web_application_runs_as_its_user_and_is_well(nix, open_engine):
    podman = open_engine("podman")
    archive = nix.build("examples.web-application.dockerArchive")
    reference = podman.load(str(archive))
    test = shlex.join(nix.evaluate("examples.web-application.config.Healthcheck.Test")[1:])
    script = f"/bin/serve & sleep 1; {test} && echo well; touch /srv/web/new /tmp/new && head -c 27 $SSL_CERT_FILE"
    ran = podman.run(reference, "/bin/sh", "-c", script)
    assert ran.out == "web serves /srv/web\nwell\n-----BEGIN CERTIFICATE-----", ran.err


@pytest.mark.parametrize("name", [*PRINTED, "web-server", "web-application"])
def test_is_sound(nix, name):
    nix.build(f"verifyImage {{ image = examples.{name}; }}")
