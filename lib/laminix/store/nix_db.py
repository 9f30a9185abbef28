"""Nix's registration database, which lists the valid store paths, as ``nix-store --load-db`` writes it.

The tables follow Nix's schema version 10 (nix/src/libstore/schema.sql).
"""

import sqlite3

from laminix.store.valid_paths import ValidPath

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
