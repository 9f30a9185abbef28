"""Nix's registration database, which lists the valid store paths, as ``nix-store --load-db`` writes it.

The tables follow Nix's schema version 10 (nix/src/libstore/schema.sql).
"""

import base64
import binascii
import re
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from laminix.store.closure import members
from laminix.strict_json import Value

SCHEMA_VERSION = 10
REGISTRATION_TIME = 1  # seconds since the epoch; Nix uses it only to sort listings

SCHEMA = """
create table ValidPaths (
    id               integer primary key autoincrement not null,
    path             text unique not null,
    hash             text not null,
    registrationTime integer not null,
    deriver          text,
    narSize          integer,
    ultimate         integer,
    sigs             text,
    ca               text
);
create table Refs (
    referrer  integer not null,
    reference integer not null,
    primary key (referrer, reference),
    foreign key (referrer) references ValidPaths(id) on delete cascade,
    foreign key (reference) references ValidPaths(id) on delete restrict
);
create index IndexReferrer on Refs(referrer);
create index IndexReference on Refs(reference);
create trigger DeleteSelfRefs before delete on ValidPaths
  begin
    delete from Refs where referrer = old.id and reference = old.id;
  end;
create table DerivationOutputs (
    drv  integer not null,
    id   text not null,
    path text not null,
    primary key (drv, id),
    foreign key (drv) references ValidPaths(id) on delete cascade
);
create index IndexDerivationOutputs on DerivationOutputs(path);
create table SchemaMigrations (migration text primary key not null);
"""

# Header fields that depend on the SQLite that wrote the file, by offset (fileformat2.html, "The Database Header"):
# change counter, version-valid-for number, SQLite version.
WRITER_FIELDS = {24: 1, 92: 1, 96: 3_040_000}

NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"


@dataclass(frozen=True)
class ValidPath:
    """A store path as Nix registers it."""

    path: str
    nar_digest: str  # sha256:HEX of its NAR
    nar_size: int  # bytes
    references: tuple[str, ...]
    ca: str | None = None  # content address; None if the path is not content-addressed


def read_valid_paths(closure: Value, kept: Collection[str]) -> list[ValidPath]:
    """Return the store paths of CLOSURE that are in KEPT, sorted by path.

    Raises LaminixError if a narHash is missing or is not a SHA-256 hash.
    """
    found = [
        ValidPath(item.path, _nar_digest(member["narHash"]), item.size, item.references, _ca(member))
        for member, item in members(closure)
        if item.path in kept
    ]
    return sorted(found, key=lambda valid: valid.path)


def roots(paths: list[ValidPath]) -> list[str]:
    """Return the store paths in PATHS that no other path refers to, in the same order."""
    referred = {reference for valid in paths for reference in valid.references if reference != valid.path}
    return [valid.path for valid in paths if valid.path not in referred]


def database(paths: list[ValidPath]) -> bytes:
    """Return an SQLite database in which PATHS are valid. The same paths give the same bytes.

    PATHS must include all references of its members.
    """
    ids = {valid.path: number for number, valid in enumerate(paths, 1)}
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(SCHEMA)
        connection.executemany(
            "insert into ValidPaths values (?, ?, ?, ?, null, ?, null, null, ?)",
            [
                (ids[valid.path], valid.path, valid.nar_digest, REGISTRATION_TIME, valid.nar_size, valid.ca)
                for valid in paths
            ],
        )
        connection.executemany("insert into Refs values (?, ?)", sorted(_references(paths, ids)))
        connection.commit()
        return _with_fixed_header(connection.serialize())
    finally:
        connection.close()


def _references(paths: list[ValidPath], ids: dict[str, int]) -> set[tuple[int, int]]:
    return {(ids[valid.path], ids[reference]) for valid in paths for reference in valid.references}


def _with_fixed_header(data: bytes) -> bytes:
    """Return the database DATA with a header that is independent of the SQLite version."""
    header = bytearray(data)
    for offset, number in WRITER_FIELDS.items():
        header[offset : offset + 4] = number.to_bytes(4, "big")
    return bytes(header)


def _ca(member: Value) -> str | None:
    ca = member.get("ca")
    return None if ca is None else ca.text()


def _nar_digest(value: Value) -> str:
    """Return the hash in VALUE, in any of Nix's formats, as sha256:HEX."""
    text = value.text()
    if re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        return text
    if re.fullmatch(rf"sha256:[01][{NIX32}]{{51}}", text):
        return f"sha256:{_from_nix32(text.removeprefix('sha256:')).hex()}"
    if re.fullmatch(r"sha256-[0-9A-Za-z+/]{43}=", text):
        return f"sha256:{binascii.hexlify(base64.b64decode(text[7:])).decode()}"
    raise value.error(f"found {text!r}, expected a SHA-256 hash in base 16, Nix's base 32 or SRI format")


def _from_nix32(text: str) -> bytes:
    """Return the bytes of a hash in Nix's base 32: five bits a digit, last digit lowest, bytes little-endian."""
    number = 0
    for digit in text:
        number = number << 5 | NIX32.index(digit)
    return number.to_bytes(32, "little")
