"""image.run: an image in a container on a machine without an engine."""

import os
import subprocess

HELLO = """
    mkImage {
      name = "hi"; copyToRoot = pkgs.busybox;
      config = { Cmd = [ "${pkgs.coreutils}/bin/cat" "/etc/greeting" ]; Env = [ "PATH=/bin" ]; };
      layers = [ (runLayer { parent = mkImage { name = "b"; copyToRoot = pkgs.busybox; }; script = "mkdir /etc; echo hi > /etc/greeting; chown 5 /etc/greeting"; }) ];
    }
"""


def run(program, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_image_runs_what_its_config_says(nix):
    done = run(nix.build(f"({HELLO}).run"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")


def test_another_command_sees_the_owners_that_a_step_set(nix):
    done = run(nix.build(f"({HELLO}).run"), "stat", "-c", "%u", "/etc/greeting")
    assert (done.returncode, done.stdout) == (0, "5\n")


def test_store_paths_are_shown_and_not_copied(nix):
    busybox = nix.build("pkgs.busybox")
    program = nix.build('(mkImage { name = "b"; config.Cmd = [ "${pkgs.busybox}/bin/ls" ]; }).run')
    done = run(program, f"{busybox}/bin/stat", "-c", "%i", f"{busybox}/bin/busybox")
    assert done.stdout == f"{os.stat(busybox / 'bin' / 'busybox').st_ino}\n"


def test_an_image_on_a_parent_runs_too(nix):
    done = run(nix.build("examples.on-archive.run"))
    assert done.stdout == "This file is the parent's.\nThis one is the child's.\nThe environment is inherited.\n"
