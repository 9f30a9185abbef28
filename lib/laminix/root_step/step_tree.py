"""The directories that a step works on, laid out for overlayfs in the working directory.

"base" is the parent's unpacked tree, "lower" what the layers on it have and the parent's tree cannot: FIFOs,
device nodes and mount points.  "directories" has every directory anew, since overlayfs lets nobody write to those
of another user's tree; it is in memory, where a thousand take 15 ms.  "upper" gets all that the step changes.
"""

import os
import stat
from collections.abc import Iterable, Sequence

from laminix.errors import LaminixError, shown
from laminix.images.image import StoredLayer
from laminix.root_step import linux
from laminix.root_step.file_records import Attributes, FileRecords
from laminix.root_step.unpack import Spool, Unpacking, merged
from laminix.root_step.unpacked import Unpacked
from laminix.tar.entries import BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, FIFO, FILE, SYMLINK, Entry

KINDS = {
    FILE: stat.S_IFREG,
    DIRECTORY: stat.S_IFDIR,
    SYMLINK: stat.S_IFLNK,
    FIFO: stat.S_IFIFO,
    CHARACTER_DEVICE: stat.S_IFCHR,
    BLOCK_DEVICE: stat.S_IFBLK,
}

MOST_LINKS = 40  # on the way to one path, as the kernel counts them


def attributes_of_entry(entry: Entry) -> Attributes:
    """What the file of ENTRY is to look like."""
    mode = 0o777 if entry.type == SYMLINK else entry.mode
    return Attributes(
        KINDS[entry.type], mode, entry.owner.uid, entry.owner.gid, os.makedev(*entry.device), entry.xattrs
    )


class StepTree:
    """The tree of PARENT and LAYERS, laid out in the working directory, which is empty."""

    def __init__(self, parent: Unpacked | None, layers: Sequence[StoredLayer]):
        self.entries: dict[bytes, Entry] = {}  # by path
        self._in_base: list[Entry] = []
        self._in_lower: list[tuple[Entry, int]] = []  # with the inode number
        self._lower_directories = {b""}
        for name in ("base", "lower", "directories", "upper", "work", "merged", "root"):
            os.mkdir(name, 0o755)
        linux.mount("tmpfs", "directories", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
        if parent is not None:
            linux.mount(parent.tree, "base", "", linux.MS_BIND)
        entries = parent.entries if parent is not None else ()
        if layers:
            spool = Spool(b"spool")
            self._lay_out(merged(entries, layers, spool), spool)
            self._hide(entries)
            spool.remove()
        else:
            self._lay_out((Unpacking(entry, None, entry.path) for entry in entries), None)

    def _lay_out(self, found: Iterable[Unpacking], spool: Spool | None) -> None:
        for entry, content, parent_path in found:
            self.entries[entry.path] = entry
            if entry.type == DIRECTORY:
                os.mkdir(b"directories/" + entry.path, entry.mode & 0o777)
            elif entry.type in (FILE, SYMLINK) and parent_path == entry.path:
                self._in_base.append(entry)
            elif content is not None:
                spool.place(content, self._new_in_lower(entry.path))
                self._note_in_lower(entry)
            else:
                self._make_in_lower(entry, parent_path)

    def _make_in_lower(self, entry: Entry, source: bytes | None) -> None:
        """Make what ENTRY says; a file has the content of the parent's file SOURCE."""
        path = self._new_in_lower(entry.path)
        if entry.type == FILE:
            _copy_file(b"base/" + source, path)
        elif entry.type == SYMLINK:
            os.symlink(entry.link, path)
        elif entry.type == FIFO:
            os.mkfifo(path, 0o666)
        else:
            os.mknod(path, 0o666)
        self._note_in_lower(entry)

    def _note_in_lower(self, entry: Entry) -> None:
        self._in_lower.append((entry, os.lstat(b"lower/" + entry.path).st_ino))

    def _new_in_lower(self, path: bytes) -> bytes:
        """Where PATH is in "lower", its parents made."""
        parent = os.path.dirname(path)
        if parent not in self._lower_directories:
            os.makedirs(b"lower/" + parent, exist_ok=True)
            self._lower_directories.add(parent)
        return b"lower/" + path

    def _hide(self, entries: Iterable[Entry]) -> None:
        """Put whiteouts into "lower" for those ENTRIES of the parent that the layers delete."""
        for entry in entries:
            parent = self.entries.get(os.path.dirname(entry.path))
            has_parent = parent is None and b"/" not in entry.path or parent is not None and parent.type == DIRECTORY
            if entry.path not in self.entries and has_parent:
                os.mknod(self._new_in_lower(entry.path), stat.S_IFCHR)

    def add_mount_point(self, path: bytes, is_directory: bool) -> bytes:
        """Where to mount what is to be seen at PATH: a place without links, made where there is none.

        What is made is no part of the layer.  Raises LaminixError where links lead in circles.
        """
        path = self._without_links(path)
        place = self._new_in_lower(path)
        if path not in self.entries and not os.path.lexists(place):
            if is_directory:
                os.mkdir(place, 0o755)
            else:
                os.mknod(place, 0o644)
        return path

    def _without_links(self, path: bytes) -> bytes:
        left, real, links = path.split(b"/")[::-1], [], 0
        while left:
            name = left.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                del real[-1:]
                continue
            entry = self.entries.get(b"/".join([*real, name]))
            if entry is None or entry.type != SYMLINK:
                real.append(name)
                continue
            links += 1
            if links > MOST_LINKS:
                raise LaminixError("cannot mount", "too many symbolic links", shown(path))
            left += entry.link.split(b"/")[::-1]
            if entry.link.startswith(b"/"):
                real = []
        return b"/".join(real)

    def record(self, records: FileRecords, inodes: dict[bytes, int]) -> None:
        """Record what all files look like; "merged" is mounted.

        INODES are the numbers of the files in "base".
        """
        base = [(entry, inodes[entry.path]) for entry in self._in_base]
        for found in base, self._in_lower:
            device = _device(found)
            for entry, inode in found:
                records.add_parents_file((device, inode), attributes_of_entry(entry), entry.path, entry.mtime)
        for entry in self.entries.values():
            if entry.type == DIRECTORY and (any(entry.owner[:2]) or entry.mode & ~0o777 or entry.xattrs):
                directory = os.open(b"merged/" + entry.path, os.O_PATH | os.O_NOFOLLOW)
                records.set(directory, attributes_of_entry(entry), by_program=False)
                os.close(directory)

    def separate_shared(self) -> dict[bytes, int]:
        """The inode numbers of the files in "base", after those with the number of another are copied to "lower".

        A store that is optimised has equal files as hard links of each other, whatever their owners are.
        """
        inodes = _inodes("base") if self._in_base else {}
        seen: set[int] = set()
        kept = []
        for entry in self._in_base:
            inode = inodes.get(entry.path)
            if inode is None:
                raise LaminixError("bad unpacked image", "a path of its list is missing", shown(entry.path))
            if inode in seen:
                self._make_in_lower(entry, entry.path)
            else:
                seen.add(inode)
                kept.append(entry)
        self._in_base = kept
        return inodes


def _copy_file(source: bytes, target: bytes) -> None:
    with open(source, "rb") as old, open(target, "xb") as new:
        os.fchmod(new.fileno(), os.fstat(old.fileno()).st_mode & 0o777 | 0o200)
        while os.sendfile(new.fileno(), old.fileno(), None, 1 << 20):
            pass


def _device(found: Sequence[tuple[Entry, int]]) -> int:
    """The device number that overlayfs gives to the files FOUND, which are of one layer."""
    if not found:
        return 0
    entry, inode = found[0]
    status = os.lstat(b"merged/" + entry.path)
    if status.st_ino != inode:
        why = "overlayfs gives files other inode numbers than the file system below it"
        raise LaminixError("cannot run a command as root", why, shown(entry.path))
    return status.st_dev


def _inodes(top: str) -> dict[bytes, int]:
    """The inode number of every path below TOP but directories'; no file is looked at for it."""
    numbers: dict[bytes, int] = {}
    prefix = len(top) + 1
    left = [os.fsencode(top)]
    while left:
        with os.scandir(left.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                else:
                    numbers[entry.path[prefix:]] = entry.inode()
    return numbers
