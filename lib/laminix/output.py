"""Output that appears whole or not at all: written beside its place, then renamed into it."""

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import BinaryIO

from laminix.errors import LaminixError, shown
from laminix.nix_store import lies_in_store, store_directories

# Names of this process's own descriptors.  Opening a file by such a name would start it anew, and a socket
# cannot be opened at all.
STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
OWN_DESCRIPTOR = re.compile(r"/dev/stdout|/dev/stderr|/(?:dev/fd|proc/self/fd)/([0-9]{1,9})")

LIKELY_DRAFTS = 16  # as many processes may write to one place at once, and their drafts are found again


@contextlib.contextmanager
def new_directory(out: str) -> Iterator[str]:
    """A directory to fill, renamed to OUT at the end; gone if the block raises.

    Raises LaminixError where OUT exists already, or its parent does not.
    """
    refuse_existing(out)
    draft, lock = _draft(out, _make_directory)
    try:
        os.chmod(draft, 0o755)
        yield draft
        refuse_existing(out)
        os.rename(draft, out)
    except BaseException:
        _remove(draft)
        raise
    finally:
        os.close(lock)


@contextlib.contextmanager
def new_file(out: str, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to write, renamed to OUT at the end with MODE as its permissions; gone if the block raises.

    A file at OUT is replaced.  A link is followed, as a shell's ``>`` follows it.  A FIFO or a character
    device is written into, and so is a descriptor that OUT names (/dev/stdout): there nothing is taken back.
    Raises LaminixError where OUT is a directory, a block device or a socket, or its parent is no directory.
    """
    descriptor = _open_existing(out)
    if descriptor is not None:
        with open(descriptor, "wb") as file:
            yield file
        return
    # Only now: the kernel has had its say about the link (proc(5), protected_symlinks).
    place = os.path.realpath(out) if os.path.islink(out) else out
    _refuse_link_into_store(out)
    draft, lock = _draft(place, _make_file)
    try:
        with open(os.dup(lock), "wb") as file:
            os.fchmod(lock, mode)
            yield file
        os.replace(draft, place)
    except BaseException:
        _remove(draft)
        raise
    finally:
        os.close(lock)


def _refuse_link_into_store(out: str) -> None:
    """Raise LaminixError if a link leads from OUT, which is outside the Nix store, into it.

    `nix-build` leaves such links, and root could replace the file in the store.
    """
    absolute = os.path.abspath(out)
    if not absolute.startswith(tuple(f"{store}/" for store in store_directories())) and lies_in_store(absolute):
        why = f"a link leads into the Nix store ({shown(os.path.realpath(out))}); remove it or choose another path"
        raise LaminixError("cannot write the output", why, out)


def _open_existing(out: str) -> int | None:
    """A descriptor to write into the FIFO or device at OUT, or None if a new file is to take OUT's place."""
    if (named := OWN_DESCRIPTOR.fullmatch(out)) is not None:
        return _duplicate(out, named)
    try:
        mode = os.stat(out).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return os.open(out, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(mode):
        why = f"{_kind(mode)} stands there, expected nothing, a file, a FIFO or a character device"
        raise LaminixError("cannot write the output", why, out)
    return None


def _duplicate(out: str, named: re.Match) -> int:
    number = STANDARD.get(out) or int(named[1])
    try:
        return os.dup(number)
    except OSError as error:
        why = f"descriptor {number} is not open: {error.strerror}"
        raise LaminixError("cannot write the output", why, out) from None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFBLK: "a block device", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "something else")


def refuse_existing(out: str) -> None:
    """Raises LaminixError if anything, a dangling link included, stands at OUT."""
    if os.path.lexists(out.rstrip("/") or out):
        raise LaminixError("cannot write the output", "it exists already; remove it first", out)


def refuse_inside(out: str, directories: Iterable[str]) -> None:
    """Raises LaminixError if OUT would be in one of DIRECTORIES, which are read while it is written."""
    place = os.path.realpath(out)
    for directory in directories:
        if os.path.commonpath([place, os.path.realpath(directory)]) == os.path.realpath(directory):
            raise LaminixError("cannot write the output", f"it would be inside {shown(directory)!r}, which is read", out)


def _draft(out: str, make: Callable[[str], int]) -> tuple[str, int]:
    """The path of a draft beside OUT, which MAKE makes, and a descriptor of it that holds a lock on it.

    Drafts of processes that were killed are removed.
    """
    parent, name = os.path.split(out.rstrip("/"))
    if name in ("", ".", ".."):
        raise LaminixError("cannot write the output", f"found {shown(out)!r}, expected the path of something new")
    # Names have at most 255 bytes, and this one is longer than OUT's.
    start = os.path.join(parent or ".", f".{name[:50]}.laminix-")
    for number in range(LIKELY_DRAFTS):
        _remove_if_abandoned(f"{start}{number}")
    try:
        for number in count():
            draft = f"{start}{number}"
            with contextlib.suppress(FileExistsError):  # another process's
                descriptor = make(draft)
                if _locked(draft, descriptor):
                    return draft, descriptor
                os.close(descriptor)
    except FileNotFoundError:
        raise LaminixError("cannot write the output", "its parent directory does not exist", out) from None
    except NotADirectoryError:
        raise LaminixError("cannot write the output", "its parent is not a directory", out) from None


def _make_file(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _make_directory(path: str) -> int:
    os.mkdir(path)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:  # another process took it for abandoned
        raise FileExistsError(path) from None


def _locked(draft: str, descriptor: int) -> bool:
    """Lock the new DRAFT; return False if another process took it for abandoned before it was locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks, where nobody removes it
    return _is_at(draft, descriptor)


def _remove_if_abandoned(draft: str) -> None:
    """Remove DRAFT if it is this user's and no process holds its lock.

    A process ID would not tell: each container has IDs of its own.  The kernel drops a lock with its holder.
    """
    try:
        descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # as a rule there is none
    try:
        found = os.fstat(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if found.st_uid == os.geteuid() and _is_at(draft, descriptor):
            _remove(draft)
    except OSError:
        pass  # somebody writes it, or this file system has no locks
    finally:
        os.close(descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    """Whether PATH is what DESCRIPTOR has open."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        _remove_tree(path)


def _remove_tree(path: str) -> None:
    import shutil  # 4 ms with all that it imports, and only a failure needs it

    shutil.rmtree(path, ignore_errors=True)
