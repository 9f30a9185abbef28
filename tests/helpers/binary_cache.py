"""Binary caches of Nix, made by hand: good ones, and those that lie."""

import base64
import bz2
import gzip
import hashlib
import lzma
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from laminix.store.nar import nar

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "gzip": gzip.compress,
    "zstd": lambda data: subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout,
}
ENDINGS = {"none": "", "xz": ".xz", "bzip2": ".bz2", "gzip": ".gz", "zstd": ".zst"}


class BinaryCache:
    """A binary cache in DIRECTORY for the store directory STORE."""

    def __init__(self, directory: Path, store: Path):
        self.directory = directory
        (directory / "nar").mkdir(parents=True)
        (directory / "nix-cache-info").write_text(f"StoreDir: {store}\nWantMassQuery: 1\nPriority: 40\n")

    @property
    def url(self) -> str:
        """The address that --from takes."""
        return f"file://{self.directory}"

    def add(self, *paths: Path, compression: str = "xz") -> None:
        """Add store paths."""
        for path in paths:
            self.add_nar(path, b"".join(nar(str(path))), compression)

    def add_nar(self, path: Path, data: bytes, compression: str = "none", **fields: str | None) -> Path:
        """Add DATA as the NAR of PATH and return its file. FIELDS replace those of the narinfo; None drops one."""
        stored = COMPRESS[compression](data)
        name = f"nar/{path.name[:32]}.nar{ENDINGS[compression]}"
        (self.directory / name).write_bytes(stored)
        told = {
            "StorePath": str(path),
            "URL": name,
            "Compression": compression,
            "FileHash": sri(stored),
            "FileSize": str(len(stored)),
            "NarHash": sri(data),
            "NarSize": str(len(data)),
            "References": "",
            "Sig": "key-1:aGVsbG8=",
        } | fields
        lines = [f"{key}: {value}\n" for key, value in told.items() if value is not None]
        self.narinfo(path).write_text("".join(lines))
        return self.directory / name

    def narinfo(self, path: Path) -> Path:
        """The narinfo of PATH."""
        return self.directory / f"{path.name[:32]}.narinfo"

    def nars(self, paths: Iterable[Path]) -> list[Path]:
        """The files with the NARs of PATHS."""
        return [next((self.directory / "nar").glob(f"{path.name[:32]}.nar*")) for path in paths]


def sri(data: bytes) -> str:
    """The hash of DATA as Nix writes it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
