"""Copy the shared libraries that programs need, as their dynamic sections say (System V gABI, "Dynamic Section")."""

import os
import shutil
import struct
import sys

LOAD, DYNAMIC = 1, 2  # types of segments
NEEDED, STRING_TABLE, SONAME = 1, 5, 14  # tags of the dynamic section


def names_in(path):
    """Return the name that the ELF file at PATH has as a library, or None, and the names of the libraries it needs."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return None, []
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, start + number * size) for number in range(count)]
    loaded = [(address, offset, length) for kind, _, offset, address, _, length in segments if kind == LOAD]
    entries = [
        entry
        for kind, _, offset, _, _, length in segments
        if kind == DYNAMIC
        for entry in struct.iter_unpack("<qQ", data[offset : offset + length])
    ]
    tables = [value for tag, value in entries if tag == STRING_TABLE]
    if not tables:  # a static program
        return None, []
    (table,) = [tables[0] - address + offset for address, offset, length in loaded if 0 <= tables[0] - address < length]

    def text(value):
        return data[table + value : data.index(b"\0", table + value)].decode()

    return (
        next((text(value) for tag, value in entries if tag == SONAME), None),
        [text(value) for tag, value in entries if tag == NEEDED],
    )


def libraries_for(programs, candidates, others=()):
    """Return the path of each of CANDIDATES that PROGRAMS need, by name, and of OTHERS. Exits if one is missing."""
    known = {}
    for path in candidates:
        name, needed = names_in(path)
        if name is not None:
            known[name] = path, needed
    found = {}
    wanted = [(name, program) for program in programs for name in names_in(program)[1]]
    wanted += [(name, "the package") for name in others]
    while wanted:
        name, wanting = wanted.pop()
        if name not in known:
            sys.exit(f"laminix: {wanting} needs {name}, which is in no package that its package depends on")
        if name not in found:
            found[name], needed = known[name]
            wanted += [(other, name) for other in needed]
    return found


def copy_libraries(libraries, directory):
    """Copy LIBRARIES, a path by name, to DIRECTORY."""
    os.makedirs(directory)
    for name, path in libraries.items():
        shutil.copyfile(path, f"{directory}/{name}")
