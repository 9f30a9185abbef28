"""runLayer in Nix's sandbox, in other settings that people have, and its results in engines."""

import os
import tarfile

import pytest

BASE = """
    base = mkImage { name = "base"; copyToRoot = pkgs.busybox; config.Env = [ "PATH=/bin" ]; };
"""
FIRST = """
    first = runLayer {
      name = "first";
      parent = base;
      script = ''
        mkdir -p /etc /home/ann /srv
        echo ann:x:1000:100::/home/ann:/bin/sh > /etc/passwd
        echo 'Dear Ann' > /home/ann/letter
        chown -R 1000:100 /home/ann
        chmod 600 /home/ann/letter
        cp /bin/busybox /srv/tool
        chmod 4755 /srv/tool
        chmod 711 /bin/busybox
        rm /bin/awk
      '';
    };
"""
SECOND = """
    second = runLayer {
      name = "second";
      parent = base;
      layers = [ first ];
      tools = [ pkgs.coreutils ];
      script = ''
        stat -c '%u %a' /home/ann/letter /srv/tool > /seen
        echo 'Yours' >> /home/ann/letter
        rm /srv/tool
        test ! -e /bin/awk
        ln -s ${pkgs.coreutils}/bin/sort /sort
      '';
    };
"""
LET = f"let{BASE}{FIRST}{SECOND}in "

IMAGE = """
    mkImage {
      name = "steps"; fromImage = base; layers = [ first second ];
      config.Cmd = [ "sh" "-c" "cat /seen /home/ann/letter; stat -c '%u %g %a' /home/ann/letter /bin/busybox; ls /srv" ];
    }
"""
PRINTED = "1000 600\n0 4755\nDear Ann\nYours\n1000 100 600\n0 0 711\n"


def listed(layer) -> list[tuple]:
    with tarfile.open(layer / "layer.tar") as tar:
        return [(info.name, oct(info.mode), info.uid, info.gid) for info in tar]


def settings(nix, name: str):
    """Nix as people have it: in the full sandbox, with ids from a range, without a sandbox."""
    features = nix.settings["experimental-features"]
    if name == "auto-allocate-uids":
        return nix.having(auto_allocate_uids="true", experimental_features=f"{features} auto-allocate-uids")
    return nix if name == "sandbox" else nix.having(sandbox="false")


@pytest.fixture(scope="module")
def expected(nix) -> list[bytes]:
    return tars(nix)


def tars(nix) -> list[bytes]:
    return [(layer / "layer.tar").read_bytes() for layer in nix.build_all(f"{LET}[ first second ]")]


def test_owners_and_modes_survive_the_sandbox(nix):
    first, second = (listed(layer) for layer in nix.build_all(f"{LET}[ first second ]"))
    assert ("srv/tool", "0o4755", 0, 0) in first and ("home/ann/letter", "0o600", 1000, 100) in first
    assert ("bin/.wh.awk", "0o644", 0, 0) in first and ("bin/busybox", "0o711", 0, 0) in first
    assert ("srv/.wh.tool", "0o644", 0, 0) in second and ("home/ann/letter", "0o600", 1000, 100) in second


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to choose how Nix builds")
@pytest.mark.parametrize("name", ["sandbox", "auto-allocate-uids", "no-sandbox"])
def test_the_layers_are_the_same_however_nix_builds(nix, other_store, expected, name):
    assert tars(settings(other_store, name)) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to choose how Nix builds")
def test_a_base_that_another_user_owns_can_be_changed_everywhere(nix):
    """With a range of ids, the store's files belong to none of the builder's."""
    script = """
        echo x >> /bin/busybox; touch /bin/cat; mv /bin/sed /bin/sod; ln /bin/busybox /bin/owk; chmod 700 /bin/owk
        test -w /bin/busybox; mkdir /bin/new; : > /bin/new/file
    """
    step = f"(let{BASE}in runLayer {{ parent = base; script = ''{script}''; }})"
    there = settings(nix, "auto-allocate-uids").build(f"{step}")
    assert {("bin/busybox", "0o700", 0, 0), ("bin/.wh.sed", "0o644", 0, 0)} <= set(listed(there))


def test_a_step_twice_is_the_same_to_the_byte(nix):
    nix.build(f"{LET}second")
    nix.build(f"{LET}second", "--check")


def test_steps_are_derivations_of_their_own_on_one_unpacked_base(nix):
    changed = LET.replace("echo 'Yours'", "echo 'Mine'")
    before, after = nix.derivations(f"{LET}second"), nix.derivations(f"{changed}second")
    assert [path.partition("-")[2] for path in after - before] == ["second.drv"]
    assert len([path for path in after if path.endswith("-unpacked.drv")]) == 1


def test_a_failing_script_fails_the_build_with_its_output_and_status(nix):
    said = nix.failure(
        'runLayer { parent = mkImage { name = "b"; copyToRoot = pkgs.busybox; }; script = "echo no luck; exit 7"; }'
    )
    assert "no luck" in said
    assert "run-layer: error: the command failed: exit status 7 (/bin/sh)" in said


def test_every_engine_runs_the_result(nix, engine):
    archive = nix.build(f"({LET}{IMAGE}).dockerArchive")
    assert engine.run(engine.load(str(archive))).out == PRINTED


def test_the_image_is_sound(nix):
    nix.build(f"verifyImage {{ image = {LET}{IMAGE}; }}")
