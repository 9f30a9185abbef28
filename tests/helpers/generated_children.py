"""Parents and children made from a number, and what is wrong with the child on its parent."""

import io
import os
import random
import stat
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass

from children import layer_tars, on_parent
from laminix.errors import LaminixError
from laminix.tar.entries import (
    DIRECTORY,
    FILE,
    HARD_LINK,
    OPAQUE,
    SYMLINK,
    WHITEOUT_PREFIX,
    Entry,
    Owner,
    layer_order,
)
from layer_notation import Members, above, shown, tar, tree

NAMES = (b"a", b"b", b"c", b"l", b"m")
NEW_NAMES = (b"x", b"y")  # that no parent has
DIRECTORY_MODES = (0o755, 0o755, 0o755, 0o700, 0o1777, 0o2775)
TARGETS = (b"a", b"b", b"a/b", b"../a", b"../b", b"/a", b"/a/b", b"a/../b", b".", b"/", b"l", b"m", b"nowhere")
KINDS = ("file", "directory", "link", "whiteout", "opaque", "hard link")


@dataclass(frozen=True)
class Case:
    """The layers of a parent and of a child, lowest first."""

    parent: list[Members]
    child: list[Members]


class _Layer:
    """A layer under construction: each path once, and only directories above a path."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.entries: dict[bytes, tuple[Entry, bytes]] = {}

    def add(self, kind: str, path: bytes) -> None:
        """Add a member of KIND at PATH, and the directories above, if the layer stays valid."""
        directory, _, name = path.rpartition(b"/")
        if kind == "whiteout":
            if path not in self.entries:
                self._put(Entry((directory + b"/" if directory else b"") + WHITEOUT_PREFIX + name, FILE, 0o644))
        elif kind == "opaque":
            self._put(Entry(path + b"/" + OPAQUE, FILE, 0o644))
        elif (directory + b"/" if directory else b"") + WHITEOUT_PREFIX + name not in self.entries:
            self._put(*self._member(kind, path))

    def _member(self, kind: str, path: bytes) -> tuple[Entry, bytes]:
        rng, owner = self.rng, Owner(*self.rng.choice([(0, 0), (0, 0), (5, 6)]))
        if kind == "directory":
            return Entry(path, DIRECTORY, rng.choice(DIRECTORY_MODES), owner, explicit=rng.random() < 0.1), b""
        if kind == "link":
            return Entry(path, SYMLINK, 0o777, owner, link=rng.choice(TARGETS)), b""
        files = [entry for entry, _ in self.entries.values() if entry.type == FILE and entry.size]
        earlier = [entry for entry in files if layer_order(entry.path) < layer_order(path)]
        if kind == "hard link" and earlier:
            target = rng.choice(earlier)
            return target._replace(path=path, type=HARD_LINK, link=target.path, size=0), b""
        content = rng.choice([b"one", b"two", b"three"])
        return Entry(path, FILE, rng.choice([0o644, 0o600]), owner, 1, len(content)), content

    def _put(self, entry: Entry, content: bytes = b"") -> None:
        directories = above(entry.path)
        types = (self.entries[path][0].type for path in directories if path in self.entries)
        if entry.path in self.entries or any(type != DIRECTORY for type in types):
            return
        hidden = [path.rpartition(b"/") for path in directories]
        if any(a + slash + WHITEOUT_PREFIX + name in self.entries for a, slash, name in hidden):
            return
        for path in directories:
            self.entries.setdefault(path, (Entry(path, DIRECTORY, 0o755), b""))
        self.entries[entry.path] = entry, content

    def members(self) -> Members:
        return sorted(self.entries.values(), key=lambda member: layer_order(member[0].path))


def generate(seed: int) -> Case:
    """Return the case SEED. The child of every second one only adds files and directories."""
    rng = random.Random(seed)
    parent = [_layer(rng, 12, (3, 6, 6, 0, 0, 1), NAMES)]
    if rng.random() < 0.3:
        parent.append(_layer(rng, 3, (4, 3, 2, 3, 1, 1), NAMES))
    places = [entry.path for members in parent for entry, _ in members if entry.type in (DIRECTORY, SYMLINK)]
    weights, names = ((6, 3, 2, 3, 1, 1), NAMES + NEW_NAMES) if seed % 2 else ((6, 2, 0, 0, 0, 0), NEW_NAMES)
    return Case(parent, [_layer(rng, 4, weights, names, places) for _ in range(rng.randint(1, 3))])


def _layer(
    rng: random.Random, members: int, weights: tuple[int, ...], names: tuple[bytes, ...], places: Sequence[bytes] = ()
) -> Members:
    """Return a layer of up to MEMBERS members, whose kinds have WEIGHTS; most are directly in one of PLACES."""
    layer = _Layer(rng)
    for _ in range(rng.randint(1, members)):
        [kind] = rng.choices(KINDS, weights)
        directory = b"/".join(rng.choice(NAMES) for _ in range(rng.choice((0, 1, 1, 2))))
        if places and rng.random() < 0.7:
            directory = rng.choice(places)
        layer.add(kind, (directory + b"/" if directory else b"") + rng.choice(names))
    return layer.members()


def merged(case: Case, directory: str) -> tuple[str, str] | None:
    """Return the image directories of CASE without and with --skip-existing; None if its layers are refused."""
    parent, child = ([tar(members) for members in layers] for layers in (case.parent, case.child))
    images = []
    for skip_existing in (False, True):
        place = os.path.join(directory, f"skip-{skip_existing}")
        os.mkdir(place)
        try:
            images.append(on_parent(place, parent, child, skip_existing))
        except LaminixError as error:
            assert str(error).startswith("cannot merge the layer with its parent: "), error
    assert len(images) != 1, "refused with or without --skip-existing only"
    return (images[0], images[1]) if images else None


def faults(case: Case, image: str) -> list[str]:
    """Return what of CASE the merged tree of IMAGE lacks."""
    found = tree(layer_tars(image))
    parent = tree([tar(members) for members in case.parent])
    top = case.child[-1]
    result = []
    for entry, content in top:
        if entry.type == FILE and content:
            place = _real(found, entry.path.decode())
            if found.get(place, "") != shown(entry, content):
                result.append(f"{entry.path.decode()} of the top layer is not there, but {found.get(place)}")
    if _only_adds(case):
        for path, what in parent.items():
            if found.get(path) != what and (what[0] != "/" or not _has_explicit_directories(case)):
                result.append(f"{path} of the parent, {what}, has become {found.get(path)}")
    return result


def _only_adds(case: Case) -> bool:
    """Return whether no member of the child replaces one of the parent."""
    parent = tree([tar(members) for members in case.parent])
    for members in case.child:
        for entry, _ in members:
            path = entry.path.decode()
            place = _real(parent, path)
            if entry.type == DIRECTORY and parent.get(place, "/")[0] == "→":
                place = _real(parent, path + "/.")
                if place and place not in parent:
                    return False
            if entry.type not in (FILE, DIRECTORY) or b".wh." in entry.path:
                return False
            if parent.get(place, "/")[0] != "/" or entry.type == FILE and place in parent:
                return False
    return True


def _has_explicit_directories(case: Case) -> bool:
    return any(entry.explicit for members in case.child for entry, _ in members)


def _real(found: dict[str, str], path: str) -> str:
    """Return PATH with the links of the directories above it followed in the tree FOUND; "?" if one leads nowhere."""
    left, real, hops = path.split("/")[::-1], [], 0
    while left:
        name = left.pop()
        if name == "..":
            if real and not found.get("/".join(real), "").startswith("/"):
                return "?"
            del real[-1:]
        elif name not in ("", "."):
            real.append(name)
            what = found.get("/".join(real), "")
            if left and what.startswith("→"):
                hops += 1
                target = what[1:].rpartition(" ")[0]
                real = [] if target.startswith("/") else real[:-1]
                left += target.split("/")[::-1]
        if hops > 40:
            return "?"
    return "/".join(real)


def tree_on_disk(root: str) -> dict[str, str]:
    """Return the files below ROOT as ``layer_notation.tree`` does."""
    result = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            result[os.path.relpath(path, root)] = _on_disk(path)
    return result


def tree_of_tar(data: bytes) -> dict[str, str]:
    """Return the files in the tar of a container's files as ``layer_notation.tree`` does."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name.rstrip("/"): _in_tar(archive, member) for member in archive}


def _in_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    owner = Owner(member.uid, member.gid)
    if member.isdir():
        return shown(Entry(b"", DIRECTORY, member.mode, owner), None)
    if member.issym():
        return shown(Entry(b"", SYMLINK, 0o777, owner, link=member.linkname.encode()), None)
    return shown(Entry(b"", FILE, member.mode, owner), archive.extractfile(member).read())


def _on_disk(path: str) -> str:
    status = os.lstat(path)
    owner, mode = Owner(status.st_uid, status.st_gid), stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return shown(Entry(b"", DIRECTORY, mode, owner), None)
    if stat.S_ISLNK(status.st_mode):
        return shown(Entry(b"", SYMLINK, 0o777, owner, link=os.readlink(path).encode()), None)
    with open(path, "rb") as file:
        return shown(Entry(b"", FILE, mode, owner), file.read())
