"""Which system calls a kernel may make: a seccomp filter, assembled here.

The filter is a small program for the kernel's classic BPF machine. It reads the number of the call
and its arguments (never what they point to) and returns a verdict. Everything is allowed that is
not named below; calls newer than this list do not exist for a student's code.

Protects from: new processes and programs; sockets, hence the network and other kernels; signals,
priorities, tracing and memory of other processes; outliving the zygote; memory and disk use that no
limit counts (anonymous shared memory, files passed through sockets, System V and POSIX queues);
changes to modes, owners and times of files; io_uring, namespaces, mounts, keys, BPF and what else
has led out of sandboxes. Does not protect from: reading files (``landlock``), using memory, time
and threads within their limits, and mistakes in the system itself.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable

__all__ = ["install", "program", "supported"]

_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
_TSYNC, _SPEC_ALLOW = 1, 4
_PR_SET_NO_NEW_PRIVS = 38

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
# Instructions: load a word of seccomp_data, jump, mask, return.
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x3FFFFFFF  # numbers above are those of a second ABI of x86_64
_NEWEST = 456  # futex_requeue; what came later answers ENOSYS until somebody has read about it

_CLONE_THREAD = 0x10000
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20
_AF_UNIX, _SOCK_STREAM = 1, 1

# name: number on x86_64, number on aarch64
_NUMBERS: dict[str, tuple[int | None, int | None]] = {}


def _numbers(table: str) -> None:
    for entry in table.split():
        name, *numbers = entry.split(":")
        x86_64, aarch64 = (int(number) if number != "-" else None for number in numbers)
        _NUMBERS[name] = x86_64, aarch64


_REFUSED = """
    fork:57:- vfork:58:- execve:59:221 execveat:322:281
    ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 kcmp:312:272
    pidfd_open:434:434 pidfd_getfd:438:438 pidfd_send_signal:424:424 process_madvise:440:440
    process_mrelease:448:448 migrate_pages:256:238 move_pages:279:239 get_robust_list:274:100
    socket:41:198 connect:42:203 bind:49:200 listen:50:201 sendmsg:46:211 sendmmsg:307:269
    tkill:200:130 ioprio_set:251:30
    memfd_create:319:279 memfd_secret:447:447
    shmget:29:194 shmat:30:196 shmctl:31:195 msgget:68:186 msgsnd:69:189 msgrcv:70:188 msgctl:71:187
    semget:64:190 semop:65:193 semctl:66:191 semtimedop:220:192
    mq_open:240:180 mq_unlink:241:181 mq_timedsend:242:182 mq_timedreceive:243:183 mq_notify:244:184
    io_uring_setup:425:425 io_uring_enter:426:426 io_uring_register:427:427 io_setup:206:0
    mount:165:40 umount2:166:39 move_mount:429:429 open_tree:428:428 fsopen:430:430
    fsconfig:431:431 fsmount:432:432 fspick:433:433 mount_setattr:442:442 pivot_root:155:41
    chroot:161:51 unshare:272:97 setns:308:268
    bpf:321:280 perf_event_open:298:241 userfaultfd:323:282 add_key:248:217 request_key:249:218
    keyctl:250:219 name_to_handle_at:303:264 open_by_handle_at:304:265 personality:135:92
    init_module:175:105 finit_module:313:273 delete_module:176:106 kexec_load:246:104
    kexec_file_load:320:294 reboot:169:142 swapon:167:224 swapoff:168:225 settimeofday:164:170
    clock_settime:227:112 adjtimex:159:171 clock_adjtime:305:266 sethostname:170:161
    setdomainname:171:162 quotactl:179:60 quotactl_fd:443:443 acct:163:89 syslog:103:116
    vhangup:153:58 iopl:172:- ioperm:173:- modify_ldt:154:- lookup_dcookie:212:18 nfsservctl:180:42
    uselib:134:- vmsplice:278:75
    inotify_init:253:- inotify_init1:294:26 fanotify_init:300:262 fanotify_mark:301:263
    setuid:105:146 setgid:106:144 setreuid:113:145 setregid:114:143 setresuid:117:147
    setresgid:119:149 setfsuid:122:151 setfsgid:123:152 setgroups:116:159 capset:126:91
    setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7 removexattr:197:14 lremovexattr:198:15
    fremovexattr:199:16 truncate:76:45 mknod:133:- mknodat:259:33
    landlock_create_ruleset:444:444 landlock_add_rule:445:445
"""
# These say that they worked and do nothing: honest code copies files with their modes and times,
# but a path cannot be inspected here, and it might lead to the instructor's own files.
_PRETENDED = """
    chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452
    chown:92:- fchown:93:55 lchown:94:- fchownat:260:54
    utime:132:- utimes:235:- futimesat:261:- utimensat:280:88
"""
_INSPECTED = """
    clone:56:220 clone3:435:435 socketpair:53:199 mmap:9:222 fcntl:72:25 ioctl:16:29 prctl:157:167
    kill:62:129 tgkill:234:131 rt_sigqueueinfo:129:138 rt_tgsigqueueinfo:297:240
    prlimit64:302:261 setpriority:141:140 sched_setaffinity:203:122 sched_setscheduler:144:119
    sched_setparam:142:118 sched_setattr:314:274
"""
for _table in (_REFUSED, _PRETENDED, _INSPECTED):
    _numbers(_table)

# Terminal size and mode (isatty), close-on-exec, blocking, bytes waiting; no device, no file flags.
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Signals and owners of descriptors, leases, directory notes, sizes of pipes.
_FCNTLS = (8, 10, 15, 1024, 1026, 1031)
# PDEATHSIG would let a kernel survive; DUMPABLE would hide its open files from the watchdog.
_PRCTLS = (1, 4, 35, 62)

_Code = list[tuple[int, int, int, int]]


def supported() -> bool:
    """Whether this system takes such filters. Asking changes nothing."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return False
    action = ctypes.c_uint32(_ERRNO)
    return _seccomp(_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0


def install(pid: int) -> None:
    """Filter all threads of the calling process, whose id is ``pid``, for good.

    Raises:
        OSError: the system refuses. Nothing is filtered then.
    """
    code = program(pid, platform.machine())
    data = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(data, len(data))
    filter_ = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero)
    # Without SPEC_ALLOW, systems before 5.16 slow down every filtered process.
    result = _seccomp(_SET_MODE_FILTER, _TSYNC | _SPEC_ALLOW, filter_)
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error) if result < 0 else 'a thread refuses'}")


def program(pid: int, machine: str) -> _Code:
    """The filter for a process.

    Raises:
        OSError: a processor whose system calls are not listed here.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(f"no system-call filter for {machine}")
    column = list(_ARCHITECTURES).index(machine)
    code: _Code = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_GREATER, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_GREATER, 0, 1, _NEWEST),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for name, body in _bodies(pid).items():
        number = _NUMBERS[name][column]
        if number is not None:
            code += [(_EQUAL, 0, len(body), number), *body]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _bodies(pid: int) -> dict[str, _Code]:
    """What to do with each call that is named; every body ends in a verdict."""
    own = (0, pid)
    bodies = {_name(entry): _refuse(errno.EPERM) for entry in _REFUSED.split()}
    bodies |= {_name(entry): _refuse(0) for entry in _PRETENDED.split()}
    return bodies | {
        "clone": _bits(0, (_CLONE_THREAD,), missing=_ERRNO | errno.EPERM, present=_ALLOW),
        "clone3": _refuse(errno.ENOSYS),  # flags behind a pointer; glibc falls back to clone
        "mmap": _bits(
            3, (_MAP_ANONYMOUS, _MAP_SHARED), missing=_ALLOW, present=_ERRNO | errno.ENOMEM
        ),
        # Datagrams can be sent to any path, without connecting.
        "socketpair": [
            (_LOAD, 0, 0, _ARGUMENTS_AT),
            (_EQUAL, 0, 4, _AF_UNIX),
            (_LOAD, 0, 0, _ARGUMENTS_AT + 8),
            (_AND, 0, 0, 0xF),
            (_EQUAL, 0, 1, _SOCK_STREAM),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        ],
        "fcntl": _never(1, _FCNTLS),
        "ioctl": _only(1, _IOCTLS, errno.ENOTTY),
        "prctl": _never(0, _PRCTLS),
        "kill": _only(0, (pid, -pid & 0xFFFFFFFF)),  # ipykernel interrupts its own group
        "tgkill": _only(0, (pid,)),
        "rt_sigqueueinfo": _only(0, (pid,)),
        "rt_tgsigqueueinfo": _only(0, (pid,)),
        "prlimit64": _only(0, own),
        # For processes (0), not for groups or users, and for itself.
        "setpriority": [
            (_LOAD, 0, 0, _ARGUMENTS_AT),
            (_EQUAL, 1, 0, 0),
            (_RETURN, 0, 0, _ERRNO | errno.EPERM),
            *_only(1, own),
        ],
        "sched_setaffinity": _only(0, own),
        # For others it says that it worked and does nothing. A thread of ZeroMQ's begins by setting
        # its own, under a number of its own, and aborts the process where that is refused; the
        # kernel's have often begun before they are filtered, and on a busy machine not always.
        "sched_setscheduler": _only(0, own, error=0),
        "sched_setparam": _only(0, own),
        "sched_setattr": _only(0, own),
    }


def _name(entry: str) -> str:
    return entry.partition(":")[0]


def _refuse(error: int) -> _Code:
    return [(_RETURN, 0, 0, _ERRNO | error)]


def _only(argument: int, values: Iterable[int], error: int = errno.EPERM) -> _Code:
    """Allow the call where the argument is one of the values."""
    return _choose(argument, tuple(values), found=_ALLOW, otherwise=_ERRNO | error)


def _never(argument: int, values: Iterable[int]) -> _Code:
    """Refuse the call where the argument is one of the values."""
    return _choose(argument, tuple(values), found=_ERRNO | errno.EPERM, otherwise=_ALLOW)


def _choose(argument: int, values: tuple[int, ...], *, found: int, otherwise: int) -> _Code:
    # Arguments that matter here are ints: the system ignores the upper half, and so do we.
    tests = [(_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]
    load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
    return [load, *tests, (_RETURN, 0, 0, otherwise), (_RETURN, 0, 0, found)]


def _bits(argument: int, bits: tuple[int, ...], *, missing: int, present: int) -> _Code:
    """Decide by whether all bits are set."""
    tests = [(_ANY_BIT, 0, len(bits) - i, bit) for i, bit in enumerate(bits)]
    load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
    return [load, *tests, (_RETURN, 0, 0, present), (_RETURN, 0, 0, missing)]


def _seccomp(operation: int, flags: int, data: object) -> int:
    number = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(number, operation, flags, data))
