"""Run Nix commands, on the machine's store or another one, with the settings given here."""

import json
import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from checkout import ROOT

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
    """Runs Nix with the given settings and store.  Expressions are evaluated in the directory ``tree``."""

    settings: dict[str, str] = field(default_factory=lambda: SETTINGS | _root_settings())
    store: Path | None = None  # the root of another store; None is the machine's own
    tree: Path = ROOT

    def having(self, **settings: str) -> "Nix":
        """A copy with further SETTINGS; write underscores for dashes."""
        named = {key.replace("_", "-"): value for key, value in settings.items()}
        return replace(self, settings=self.settings | named)

    def __call__(self, *argv: object, check: bool = True, **how) -> subprocess.CompletedProcess:
        """Run the command ARGV and return the ended process, with its output as text.

        If the command fails and CHECK is true, the test fails.  HOW goes to subprocess.run.
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
        """Build EXPRESSION and return the path of the result.  laminix's functions and pkgs are in scope."""
        return self.build_all(expression, *options)[-1]

    def build_all(self, expression: str, *options: str) -> list[Path]:
        """Build each derivation of the list EXPRESSION, and return their paths in the same order."""
        process = self("nix-build", "--no-out-link", *options, "-E", PRELUDE + expression)
        return [self.real(path) for path in process.stdout.split()]

    def real(self, path: str) -> Path:
        """Where a store path is on disk."""
        return Path(path) if self.store is None else Path(f"{self.store}{path}")

    def failure(self, expression: str) -> str:
        """Build EXPRESSION, which must fail, and return the messages."""
        process = self("nix-build", "--no-out-link", "-E", PRELUDE + expression, check=False)
        assert process.returncode != 0, process.stdout
        return process.stderr

    def evaluate(self, expression: str, *options: str) -> Any:
        """The value of EXPRESSION.  laminix's functions and pkgs are in scope."""
        argv = ["nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", *options]
        return json.loads(self(*argv, "-E", PRELUDE + expression).stdout)

    def derivations(self, expression: str) -> set[str]:
        """The store paths of all derivations that a build of EXPRESSION may run."""
        roots = self("nix-instantiate", "-E", PRELUDE + expression).stdout.split()
        paths = self("nix-store", "--query", "--requisites", *roots).stdout.split()
        return {path for path in paths if path.endswith(".drv")}


def _root_settings() -> dict[str, str]:
    """Without a daemon, root builds as itself; other users ask the daemon."""
    return {"build-users-group": ""} if os.geteuid() == 0 else {}
