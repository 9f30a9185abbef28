"""Outputs that appear completely or not at all: they are written beside their final path and then renamed."""

import contextlib
import fcntl
import os
import re
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import BinaryIO

from laminix.directory_trees import remove_tree
from laminix.errors import LaminixError, shown
from laminix.nix_store import lies_in_store, store_directories
from laminix.write_errors import write_errors_at

# Paths of this process's own descriptors. They are duplicated instead of opened: opening would write a file from its
# start, and a socket cannot be opened.
STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
OWN_DESCRIPTOR = re.compile(r"/dev/stdout|/dev/stderr|/(?:dev/fd|proc/self/fd)/([0-9]{1,9})")

LIKELY_DRAFTS = 16  # abandoned drafts are looked for up to this number; one for each process with the same output


@contextlib.contextmanager
def new_directory(out: str, refuse_irreplaceable: Callable[[str], None] | None = None) -> Iterator[str]:
    """Yield the path of a new directory, and rename it to OUT at the end. It is removed if the block raises.

    Raises LaminixError if the parent directory of OUT does not exist, or if OUT exists. With REFUSE_IRREPLACEABLE,
    which is called with the path of what exists and raises if it must stay, replaces that.
    """
    refuse_existing(out, refuse_irreplaceable)
    with _draft(out, _make_directory) as (draft, _):
        os.chmod(draft, 0o755)
        with write_errors_at(out):
            yield draft
        refuse_existing(out, refuse_irreplaceable)
        _put(draft, out)


def _put(draft: str, out: str) -> None:
    """Rename DRAFT to OUT. A directory there is moved away first and removed at the end."""
    if not os.path.lexists(out.rstrip("/") or out):
        os.rename(draft, out)
        return
    with _draft(out, _make_directory) as (old, _):
        with _interruptions_held():
            os.rename(out, old)
            try:
                os.rename(draft, out)
            except BaseException:
                os.rename(old, out)
                raise
        _remove(old)


@contextlib.contextmanager
def new_file(out: str, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Yield a new file with permissions MODE, and rename it to OUT at the end. It is removed if the block raises.

    An existing file at OUT is replaced. A link is followed, as by a shell's ``>``. A FIFO, a character device or a
    descriptor such as /dev/stdout is written to directly; an error does not undo that. Raises LaminixError if OUT is
    a directory, a block device or a socket, if a link leads into the Nix store, or if the parent is not a directory.
    """
    with write_errors_at(out), _new_file(out, mode) as file:
        yield file


@contextlib.contextmanager
def _new_file(out: str, mode: int) -> Iterator[BinaryIO]:
    descriptor = _open_existing(out)
    if descriptor is not None:
        with open(descriptor, "wb") as file:
            yield file
        return
    # After os.stat() in _open_existing, where the kernel may refuse to follow a link (proc(5), protected_symlinks).
    place = os.path.realpath(out) if os.path.islink(out) else out
    _refuse_link_into_store(out)
    with _draft(place, _make_file) as (draft, lock):
        with open(os.dup(lock), "wb") as file:
            os.fchmod(lock, mode)
            yield file
        os.replace(draft, place)


def _refuse_link_into_store(out: str) -> None:
    """Raise LaminixError if a link leads from OUT, which is outside the Nix store, into it.

    `nix-build` leaves such links, and root could replace the file in the store.
    """
    absolute = os.path.abspath(out)
    if not absolute.startswith(tuple(f"{store}/" for store in store_directories())) and lies_in_store(absolute):
        why = f"a link leads into the Nix store ({shown(os.path.realpath(out))}); remove it or choose another path"
        raise LaminixError("cannot write the output", why, out)


def _open_existing(out: str) -> int | None:
    """Return a descriptor of the FIFO, device or descriptor at OUT; None if OUT is to become a new file."""
    if (named := OWN_DESCRIPTOR.fullmatch(out)) is not None:
        return _duplicate(out, named)
    try:
        mode = os.stat(out).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return os.open(out, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(mode):
        why = f"found {_kind(mode)}, expected a file, a FIFO, a character device or no file"
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


def refuse_existing(out: str, refuse_irreplaceable: Callable[[str], None] | None = None) -> None:
    """Raise LaminixError if OUT exists, even as a dangling link. With REFUSE_IRREPLACEABLE, leave that to it."""
    if not os.path.lexists(out.rstrip("/") or out):
        return
    if refuse_irreplaceable is None:
        raise LaminixError("cannot write the output", "it exists already; remove it first", out)
    refuse_irreplaceable(out)


def refuse_inside(out: str, directories: Iterable[str]) -> None:
    """Raise LaminixError if OUT is inside one of DIRECTORIES, which are read while OUT is written."""
    place = os.path.realpath(out)
    for directory in directories:
        if os.path.commonpath([place, os.path.realpath(directory)]) == os.path.realpath(directory):
            why = f"it is inside the source {shown(directory)!r}; choose a path outside"
            raise LaminixError("cannot write the output", why, out)


@contextlib.contextmanager
def _draft(out: str, make: Callable[[str], int]) -> Iterator[tuple[str, int]]:
    """Create a draft beside OUT with MAKE. Yield its path and a descriptor that holds a lock on it.

    The draft is removed if the block raises. Removes drafts of processes that were killed as well.
    """
    with contextlib.ExitStack() as until_guarded:
        until_guarded.enter_context(_interruptions_held())
        draft, lock = _made_draft(out, make)
        try:
            until_guarded.close()
            yield draft, lock
        except BaseException:
            _remove(draft)
            raise
        finally:
            os.close(lock)


@contextlib.contextmanager
def _interruptions_held() -> Iterator[None]:
    """Hold back signals that end the process until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _made_draft(out: str, make: Callable[[str], int]) -> tuple[str, int]:
    parent, name = os.path.split(out.rstrip("/"))
    if name in ("", ".", ".."):
        raise LaminixError("cannot write the output", f"found {shown(out)!r}, expected a path that ends in a name")
    # Only a part of the name: the name of a draft is longer, and names are limited to 255 bytes.
    start = os.path.join(parent or ".", f".{name[:50]}.laminix-")
    for number in range(LIKELY_DRAFTS):
        _remove_if_abandoned(f"{start}{number}")
    try:
        for number in count():
            draft = f"{start}{number}"
            with contextlib.suppress(FileExistsError):  # another process has this number
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
    except FileNotFoundError:  # another process considered it abandoned and removed it
        raise FileExistsError(path) from None


def _locked(draft: str, descriptor: int) -> bool:
    """Lock the new DRAFT. Return False if another process removed it as abandoned before it was locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # the file system has no locks, so drafts on it are never removed
    return _is_at(draft, descriptor)


def _remove_if_abandoned(draft: str) -> None:
    """Remove DRAFT if it belongs to this user and no process holds its lock.

    A lock ends with the process that holds it. A process ID would not be enough: containers have separate IDs.
    """
    try:
        descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # usually it does not exist
    try:
        found = os.fstat(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if found.st_uid == os.geteuid() and _is_at(draft, descriptor):
            _remove(draft)
    except OSError:
        pass  # another process holds the lock, or the file system has no locks
    finally:
        os.close(descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    """Return whether PATH is the file that DESCRIPTOR has open."""
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
        remove_tree(path)
