"""Nix as the tests call it: the machine's own or with another store, always with settings told here."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = {
    "experimental-features": "nix-command flakes",
    "sandbox": "true",
    "sandbox-fallback": "false",
    "substituters": "",
    "allow-import-from-derivation": "false",
}

PRELUDE = """
let
  pkgs = import ./nix/host-pkgs.nix { };
  laminix = import ./. { inherit pkgs; };
in
with laminix;
"""


@dataclass(frozen=True)
class Nix:
    """Nix with some settings and a store; its expressions see the checkout in ``tree``."""

    settings: dict[str, str] = field(default_factory=lambda: SETTINGS | _root_settings())
    store: Path | None = None  # the root of another store; None is the machine's own
    tree: Path = ROOT

    def having(self, **settings: str) -> "Nix":
        """The same with further SETTINGS, dashes written as underscores."""
        named = {key.replace("_", "-"): value for key, value in settings.items()}
        return replace(self, settings=self.settings | named)

    def __call__(self, *argv: object, check: bool = True, **how) -> subprocess.CompletedProcess:
        """The ended process of the command ARGV, its output as text.

        A failure fails the test, unless CHECK is off.  HOW goes to subprocess.run.
        """
        command, *arguments = map(str, argv)
        store = [] if self.store is None else ["--store", str(self.store)]
        environment = {
            **os.environ,
            "NIX_PATH": "",
            "NIX_CONFIG": "\n".join(f"{key} = {value}" for key, value in self.settings.items()),
        }
        process = subprocess.run(
            [command, *store, *arguments],
            **{"cwd": self.tree, "env": environment, "capture_output": True, "text": True, **how},
        )
        assert not check or process.returncode == 0, process.stderr
        return process

    def build(self, expression: str, *options: str) -> Path:
        """Where what EXPRESSION gives was built, as a path to read; laminix's functions and pkgs are in scope."""
        return self.build_all(expression, *options)[-1]

    def build_all(self, expression: str, *options: str) -> list[Path]:
        """The same for each of what EXPRESSION, a list, gives, in its order."""
        process = self("nix-build", "--no-out-link", *options, "-E", PRELUDE + expression)
        return [self.real(path) for path in process.stdout.split()]

    def real(self, path: str) -> Path:
        """The place on disk of a store path."""
        return Path(path) if self.store is None else Path(f"{self.store}{path}")

    def failure(self, expression: str) -> str:
        """What Nix says while it fails to build what EXPRESSION gives."""
        process = self("nix-build", "--no-out-link", "-E", PRELUDE + expression, check=False)
        assert process.returncode != 0, process.stdout
        return process.stderr

    def evaluate(self, expression: str, *options: str) -> Any:
        """The value of EXPRESSION; all of laminix's functions and pkgs are in scope."""
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", *options]
        return json.loads(self(*argv, "-E", PRELUDE + expression).stdout)

    def derivations(self, expression: str) -> set[str]:
        """All derivations that building what EXPRESSION gives may run, by their store paths."""
        roots = self("nix-instantiate", "-E", PRELUDE + expression).stdout.split()
        paths = self("nix-store", "--query", "--requisites", *roots).stdout.split()
        return {path for path in paths if path.endswith(".drv")}


def _root_settings() -> dict[str, str]:
    """Root without a daemon and its users builds as itself; anybody else asks the daemon."""
    return {"build-users-group": ""} if os.geteuid() == 0 else {}


def copy_tree(destination: Path) -> Path:
    """A copy of the checkout at DESTINATION, to edit."""
    kept_out = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", "result*")
    shutil.copytree(ROOT, destination, symlinks=True, ignore=kept_out)
    return destination
