"""A command run as root of a parent's tree, and the layer of what it changed."""

import os
import resource
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laminix.compression.compressor import Compressor
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.layers.blob_writer import write_blob
from laminix.layers.layer_directory import Layer, write_layer
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.root_step import linux
from laminix.root_step.abilities import check_abilities
from laminix.root_step.changes import Changes
from laminix.root_step.file_records import FileRecords
from laminix.root_step.merged_root import Bind, Places, make_places, mount_merged, mount_root
from laminix.root_step.namespaces import as_first_process, become_root
from laminix.root_step.parent_files import ParentFiles
from laminix.root_step.step_tree import StepTree
from laminix.root_step.system_calls import this_machine
from laminix.root_step.temporary import temporary_directory
from laminix.root_step.tracer import Tracer, end_all
from laminix.root_step.unpacked import Unpacked
from laminix.root_step.user import User, find_user, read_start
from laminix.tar.entries import Entry
from laminix.tar.stream import tar_stream
from laminix.tar.writer import END
from laminix.write_errors import temporary_write_errors

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SCRIPT = "/dev/script"  # where the command finds it: no layer has what is in /dev


@dataclass(frozen=True)
class Command:
    """What to run, and how."""

    words: tuple[str, ...]
    script: bytes | None = None  # the content of SCRIPT, which WORDS mention
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "0"
    directory: str = "/"
    binds: Sequence[Bind] = ()
    parallel: bool = False  # on all processors; on one, a call that is emulated takes a fifth of the time
    own_network: bool = True
    keep_tmp: bool = False  # whether files in /tmp are those of the tree, and part of the layer


@dataclass(frozen=True)
class Packing:
    """How to pack what the command changed."""

    compressor: Compressor
    mtime: int  # seconds since the epoch, of every entry
    devices: bool  # whether device nodes are packed
    created_by: str  # for the image's history
    threads: int


def script_command(script: bytes) -> tuple[str, ...]:
    """The words that run SCRIPT: by itself where it names an interpreter, else by the shell."""
    return (SCRIPT,) if script.startswith(b"#!") else ("/bin/sh", "-e", SCRIPT)


def run_layer(
    read_parent: Callable[[str], Unpacked] | None,
    layers: Sequence[StoredLayer],
    command: Callable[[Unpacked | None], Command],
    packing: Packing,
    directory: str,
) -> None:
    """Run COMMAND as root of the parent's tree with LAYERS, and fill DIRECTORY with a layer of what changed.

    READ_PARENT gives the parent, if there is one; it may unpack it in the directory it is given.  Raises LaminixError where
    the command fails, and where the machine forbids what it takes.
    """
    out = os.path.abspath(directory)

    def work(place: str) -> None:
        with temporary_write_errors():
            parent = None if read_parent is None else read_parent(place)
            ran = Step(os.path.join(place, "step"), parent, layers, command(parent))
            status = ran.run(_write_to_log)
        if status:
            raise LaminixError("the command failed", _ending(status), ran.command.words[0])
        _write_layer(ran.changes(packing), packing, out)

    in_namespaces(work, own_network=True)


def in_namespaces(
    work: Callable[[str], Any], own_network: bool, attend: Callable[[int, int], None] = lambda pid, outcome: None
) -> Any:
    """What WORK returns, called as root with an empty directory that is gone at the end.

    ATTEND is called meanwhile, as ``as_first_process`` has it.
    """
    become_root(own_network)
    with temporary_directory() as place:

        def prepared() -> Any:
            check_abilities(os.path.join(place, "abilities"))
            return work(place)

        return as_first_process(prepared, attend)


class Step:
    """COMMAND on the tree of PARENT and LAYERS, laid out in the new directory PLACE, which becomes the working one."""

    def __init__(self, place: str, parent: Unpacked | None, layers: Sequence[StoredLayer], command: Command):
        self.command = command
        os.mkdir(place)
        os.chdir(place)
        self._outside = os.open("/", os.O_PATH | os.O_DIRECTORY)
        self._here = os.open(".", os.O_PATH | os.O_DIRECTORY)
        os.umask(0)
        self.tree = StepTree(parent, layers)
        self._places = make_places(self.tree, command.binds, command.keep_tmp)
        self._most_descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)  # the records raise it for themselves
        self._records = FileRecords()

    def run(self, attach: Callable[[], None], started: Callable[[int], None] = lambda pid: None) -> int:
        """Run the command and end what it leaves running; its wait status.

        ATTACH connects the standard streams, in the command's process and root; STARTED gets the ID of that.
        """
        inodes = self.tree.separate_shared()
        mount_merged()
        self.tree.record(self._records, inodes)
        mount_root(self._places)
        if self.command.script is not None:
            _write_script(self._places, self.command.script)
        root, merged, proc = (_open_directory(path) for path in ("root", "merged", self._places.proc))
        user = find_user(self.command.user, lambda path: _read_in(root, path))
        tracer = Tracer(this_machine(), self._records, ParentFiles(self._records, merged), proc)
        if not self.command.parallel:
            os.sched_setaffinity(0, [_this_processor()])
        try:
            environment = self._environment(user)
            return tracer.run(self.command.words, environment, user.ids, lambda: self._enter(root, attach), started)
        finally:
            end_all()
            os.fchdir(self._outside)
            os.chroot(".")
            os.fchdir(self._here)

    def changes(self, packing: Packing) -> Iterator[Entry]:
        """The entries of the layer."""
        return Changes(self.tree.entries, self._records, packing.mtime, packing.devices).entries()

    def _enter(self, root: int, attach: Callable[[], None]) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._most_descriptors)
        os.fchdir(root)
        os.chroot(".")
        attach()
        os.umask(0o022)
        os.makedirs(self.command.directory, exist_ok=True)
        os.chdir(self.command.directory)

    def _environment(self, user: User) -> dict[bytes, bytes]:
        environment = {"PATH": DEFAULT_PATH, "HOME": user.home, **self.command.environment}
        return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


def _write_to_log() -> None:
    """Connect a step's streams: no input, and all output to standard error, as the result is in a file."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)


def _open_directory(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _write_script(places: Places, script: bytes) -> None:
    with open(f"{places.dev}/{os.path.basename(SCRIPT)}", "xb") as file:
        file.write(script)
        os.fchmod(file.fileno(), 0o755)


def _read_in(root: int, path: str) -> str:
    """The text of the file at PATH in the open ROOT, empty where there is none.  Changes the root."""
    os.fchdir(root)
    os.chroot(".")
    try:
        return read_start(path)
    except (OSError, LaminixError):
        return ""


def _this_processor() -> int:
    return linux.libc.sched_getcpu()


def _ending(status: int) -> str:
    """How a process ended, by its wait status."""
    if os.WIFEXITED(status):
        return f"exit status {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    return f"killed by signal {number} ({signal.Signals(number).name})"


def _write_layer(entries: Iterator[Entry], packing: Packing, directory: str) -> None:
    def tar() -> Iterator[bytes]:
        yield from tar_stream(entries, lambda: memoryview(bytearray(CHUNK_SIZE)))
        yield END

    blob = write_blob(tar(), packing.compressor, directory, packing.threads)
    layer = Layer(
        descriptor=blob.descriptor,
        diff_id=blob.diff_id,
        diff_size=blob.diff_size,
        blob=blob.file,
        recipe=None,
        store_paths=(),
        history={"created_by": packing.created_by, "comment": ""},
    )
    write_layer(directory, layer)
