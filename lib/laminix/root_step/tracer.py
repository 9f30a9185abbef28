"""The tracer: runs a command under the seccomp filter and emulates the calls that the filter traps.

A call that the filter answers with TRAP does not run; the thread gets SIGSYS instead, at which ptrace stops
it.  The tracer emulates the call, puts the result into the thread's register and drops the signal.  Calls that
the filter answers with TRACE stop before they run; the tracer looks at them there, at their end, or both.
All other calls run at full speed (ptrace(2), seccomp(2)).
"""

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Callable, Mapping, Sequence
from ctypes import c_ulonglong

from laminix.root_step import answers, file_calls, linux, watched_calls
from laminix.root_step.file_calls import FileCalls
from laminix.root_step.file_records import FileRecords
from laminix.root_step.linux import AT_FDCWD, Iovec, ptrace
from laminix.root_step.parent_files import ParentFiles
from laminix.root_step.seccomp_filter import (
    IF_ANY_BIT,
    IF_EQUAL,
    NO_SUCH_CALL,
    TRACE,
    TRAP,
    Condition,
    Rule,
    filter_program,
    install,
)
from laminix.root_step.system_calls import Machine
from laminix.root_step.thread import Thread
from laminix.root_step.thread_ids import IdCalls, Ids, ThreadIds
from laminix.root_step.watched_calls import AtTheEnd, WatchedCalls

# A trap's signal has the filter's 16 bits in si_errno: a program may have trapping filters of its own.
TRAP_MARK = 0x4C58
SYS_SECCOMP = 1  # si_code
# The message of a TRACE event: look at the call before it runs, or at its answer.
BEFORE, ANSWER = 1, 2

OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x100000  # SYSGOOD, FORK, VFORK, CLONE, SECCOMP, EXITKILL
EVENTS_OF_BIRTH, EVENT_SECCOMP, EVENT_STOP = (1, 2, 3), 7, 128
CALL_HAS_ENDED = signal.SIGTRAP | 0x80
WALL = 0x40000000

ID_CALLS = {name: getattr(IdCalls, name) for name in vars(IdCalls) if name.startswith(("get", "set", "prctl"))}
# They would go round the filter or the records; programs do without, as on older kernels.
REFUSED = ("io_uring_setup", "openat2", "setxattrat", "getxattrat", "listxattrat", "removexattrat")
TRAP_CONDITIONS = {
    "prctl": Condition(0, IF_EQUAL, linux.PR_SET_KEEPCAPS),
    # Of the types only character and block devices have this bit: FIFOs, sockets and files can be made.
    "mknod": Condition(1, IF_ANY_BIT, 0o020000),
    "mknodat": Condition(2, IF_ANY_BIT, 0o020000),
}


def _rules() -> list[Rule]:
    trapped = [*file_calls.CALLS, *ID_CALLS, "mknod", "mknodat"]
    answered = [*answers.STAT_CALLS, *answers.STATX_CALLS, *answers.ACCESS_CALLS]
    return [
        *(Rule(name, TRAP | TRAP_MARK, TRAP_CONDITIONS.get(name)) for name in trapped),
        *(Rule(name, TRACE | ANSWER, answers.CONDITIONS.get(name)) for name in answered),
        *(Rule(name, TRACE | BEFORE, watched_calls.CONDITIONS.get(name)) for name in watched_calls.CALLS),
        *(Rule(name, NO_SUCH_CALL) for name in REFUSED),
    ]


class Tracer:
    """Traces one command and all that it starts."""

    def __init__(self, machine: Machine, records: FileRecords, parent_files: ParentFiles, proc: int):
        self._machine = machine
        self._names = {number: name for name, number in machine.numbers.items()}
        self._records = records
        self._parent_files = parent_files
        self._proc = proc  # a descriptor of the /proc of this process's PID namespace
        self._ids = ThreadIds()
        self._answers = answers.Answers(records, machine)
        self._known: set[int] = set()  # threads that their parent's event has told of
        self._early: set[int] = set()  # threads that have stopped before that
        self._ends: dict[int, AtTheEnd] = {}  # by thread: what to do when its call has succeeded
        self._words = (c_ulonglong * machine.registers)()
        self._registers = Iovec(ctypes.addressof(self._words), ctypes.sizeof(self._words))
        self._information = ctypes.create_string_buffer(128)  # siginfo_t

    def run(
        self,
        command: Sequence[str | bytes],
        environment: Mapping[bytes, bytes],
        ids: Ids,
        prepare: Callable[[], None],
        started: Callable[[int], None],
    ) -> int:
        """Run COMMAND as IDS, after PREPARE in its process; its wait status.

        STARTED gets the ID of the process.  What it leaves running is not ended.
        """
        ready, go_on = os.pipe()
        main = os.fork()
        if main == 0:
            os.close(go_on)
            _be_command(ready, command, environment, prepare, filter_program(_rules(), self._machine))
        os.close(ready)
        ptrace(linux.PTRACE_SEIZE, main, 0, OPTIONS)
        self._known.add(main)
        self._ids.set(main, ids)
        started(main)
        os.write(go_on, b"!")
        os.close(go_on)
        return self._follow(main)

    def _follow(self, main: int) -> int:
        while True:
            pid, status = os.waitpid(-1, WALL)
            if os.WIFSTOPPED(status):
                try:
                    self._stopped(pid, status >> 16, status >> 8 & 0xFF)
                except ProcessLookupError:
                    pass  # killed meanwhile
                continue
            self._known.discard(pid)
            self._ids.forget(pid)
            self._ends.pop(pid, None)
            if pid == main:
                return status

    def _stopped(self, pid: int, event: int, number: int) -> None:
        """The thread PID has stopped; let it go on."""
        if event == EVENT_SECCOMP:
            ptrace(self._before(pid), pid)
        elif number == CALL_HAS_ENDED:
            self._after(pid)
            ptrace(linux.PTRACE_CONT, pid)
        elif event == 0:  # about to get a signal
            is_ours = number == signal.SIGSYS and self._emulate(pid)
            ptrace(linux.PTRACE_CONT, pid, 0, 0 if is_ours else number)
        elif event in EVENTS_OF_BIRTH:
            self._born(pid, self._message(pid))
            ptrace(linux.PTRACE_CONT, pid)
        elif event == EVENT_STOP and number != signal.SIGTRAP:  # a signal has stopped it, and it stays so
            ptrace(linux.PTRACE_LISTEN, pid)
        elif event == EVENT_STOP and pid not in self._known:
            self._early.add(pid)  # it goes on once its parent's event says whose ids it has
        else:
            ptrace(linux.PTRACE_CONT, pid)

    def _born(self, parent: int, child: int) -> None:
        self._ids.inherit(parent, child)
        self._known.add(child)
        if child in self._early:
            self._early.discard(child)
            ptrace(linux.PTRACE_CONT, child)

    def _emulate(self, pid: int) -> bool:
        """Play the trapped call of PID; False where the signal has another origin."""
        ptrace(linux.PTRACE_GETSIGINFO, pid, 0, ctypes.addressof(self._information))
        if struct.unpack_from("=iii", self._information) != (signal.SIGSYS, TRAP_MARK, SYS_SECCOMP):
            return False
        self._get_registers(pid)
        words = self._words
        arguments = tuple(words[index] for index in self._machine.arguments)
        try:
            result = self._result_of(pid, self._names[words[self._machine.number]], arguments)
        except OSError as error:
            result = -error.errno
        words[self._machine.result] = result & 0xFFFFFFFFFFFFFFFF
        self._set_registers(pid)
        return True

    def _result_of(self, pid: int, name: str, words: tuple[int, ...]) -> int:
        thread = Thread(pid, self._proc)
        if name in ID_CALLS:
            function = ID_CALLS[name]
            return function(IdCalls(thread, self._ids), *words[: function.__code__.co_argcount - 1])
        calls = self._file_calls(thread)
        if name == "mknod":
            return calls.make_device(AT_FDCWD, *words[:3])
        if name == "mknodat":
            return calls.make_device(*words[:4])
        named, act, count = file_calls.CALLS[name]
        place, rest = named(words)
        with thread.opened(*place) as file:
            return act(calls, file, *rest[:count])

    def _file_calls(self, thread: Thread) -> FileCalls:
        return FileCalls(thread, self._records, self._parent_files, self._ids.of(thread.pid))

    def _before(self, pid: int) -> int:
        """Look at a call that is about to run; the request by which it does."""
        if self._message(pid) == ANSWER:
            return linux.PTRACE_SYSCALL
        self._get_registers(pid)
        words = tuple(self._words[index] for index in self._machine.arguments)
        thread = Thread(pid, self._proc)
        watched = WatchedCalls(thread, self._file_calls(thread), self._parent_files)
        try:
            at_the_end = watched.begin(self._names[self._words[self._machine.number]], words)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
                raise
            return linux.PTRACE_CONT  # the call itself will say what is wrong
        if at_the_end is None:
            return linux.PTRACE_CONT
        self._ends[pid] = at_the_end
        return linux.PTRACE_SYSCALL

    def _after(self, pid: int) -> None:
        """A call of PID has ended that was to be looked at."""
        at_the_end = self._ends.pop(pid, None)
        if at_the_end is not None:
            try:
                at_the_end()
            except OSError:
                pass  # the call has failed
            return
        self._get_registers(pid)
        name = self._names[self._words[self._machine.number]]
        if self._answers.correct(pid, name, self._words, self._ids.of(pid).users.effective == 0):
            self._set_registers(pid)

    def _message(self, pid: int) -> int:
        ptrace(linux.PTRACE_GETEVENTMSG, pid, 0, ctypes.addressof(self._information))
        return struct.unpack_from("@L", self._information)[0]

    def _get_registers(self, pid: int) -> None:
        ptrace(linux.PTRACE_GETREGSET, pid, linux.NT_PRSTATUS, ctypes.addressof(self._registers))

    def _set_registers(self, pid: int) -> None:
        ptrace(linux.PTRACE_SETREGSET, pid, linux.NT_PRSTATUS, ctypes.addressof(self._registers))


def _be_command(
    ready: int,
    command: Sequence[str | bytes],
    environment: Mapping[bytes, bytes],
    prepare: Callable[[], None],
    program: list,
) -> None:
    """Become COMMAND once the tracer says so; exit with 126 or 127, as a shell does, where that fails."""
    status = 127
    try:
        if os.read(ready, 1):
            prepare()
            install(program)
            os.execvpe(command[0], command, environment)
    except FileNotFoundError:
        os.write(2, b"cannot run %b: not found\n" % os.fsencode(command[0]))
    except OSError as error:
        os.write(2, b"cannot run %b: %b\n" % (os.fsencode(command[0]), os.fsencode(str(error.strerror))))
        status = 126
    finally:
        os._exit(status)


def end_all() -> None:
    """End all processes of this PID namespace but this one, which is its first."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            os.waitpid(-1, WALL)
        except ChildProcessError:
            return
