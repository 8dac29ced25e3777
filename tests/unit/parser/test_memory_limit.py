"""The memory limit over real allocations, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actors.parser.memory_limit import GIB, MIB, call_limit

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="the kernel limit exists on Linux only")


def run(call: str, *, kernel_limit: bool = True) -> subprocess.CompletedProcess[str]:
    """A call in a process that may hold 1 GiB more; the caller is told through stdout."""
    program = f"""
import ctypes, mmap, time
from actors.parser import memory_limit
memory_limit.ANSWER_WITHIN_S = 0.2
limit = memory_limit.MemoryLimit(0, kernel_limit={kernel_limit})
try:
    with limit.watch(0, lambda: print("refused", flush=True)):
        {call}
except MemoryError:
    print("MemoryError", flush=True)
print("went on")
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=200)


GROWS = "data = [bytearray(8 << 20) for _ in range(1000)]"
#: Slow enough for the watch, and for this machine.
CREEPS = "data = []\n        while len(data) < 250: data.append(bytearray(b'x' * (8 << 20))); time.sleep(0.02)"
SHARED = "data = mmap.mmap(-1, 2 << 30)\n        for at in range(0, 2 << 30, 4096): data[at] = 1\n        time.sleep(9)"
HOLDS_THE_INTERPRETER = """libc = ctypes.PyDLL(None)
        libc.calloc.restype = ctypes.c_void_p
        if not libc.calloc(1, ctypes.c_size_t(4 << 30)): raise MemoryError"""


@LINUX_ONLY
@pytest.mark.parametrize("call", [GROWS, HOLDS_THE_INTERPRETER])
def test_allocations_above_the_limit_fail_and_the_process_lives_on(call: str) -> None:
    ended = run(call)
    assert (ended.returncode, ended.stdout) == (0, "MemoryError\nwent on\n")


@pytest.mark.parametrize(("call", "kernel_limit"), [(CREEPS, False), (SHARED, True)])
def test_a_process_that_the_kernel_does_not_limit_answers_and_then_ends(call: str, kernel_limit: bool) -> None:
    ended = run(call, kernel_limit=kernel_limit)
    assert (ended.returncode, "refused\n" in ended.stdout, "went on" in ended.stdout) == (1, True, False)
    assert "memory_limit_passed" in ended.stderr


def test_a_call_within_its_limit_is_left_alone() -> None:
    ended = run("data = bytearray(b'x' * (400 << 20)); time.sleep(0.2)")
    assert (ended.returncode, ended.stdout) == (0, "went on\n")


@LINUX_ONLY
def test_the_limit_ends_with_its_call() -> None:
    ended = run("pass\n    data = mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    assert (ended.returncode, ended.stdout) == (0, "went on\n")


@pytest.mark.parametrize(
    ("held", "ceiling", "given", "limit"),
    [
        (GIB, 100 * GIB, 0, 3 * GIB),  # a tiny file, however large the machine is
        (GIB, 100 * GIB, 10 * MIB, 3 * GIB + 1000 * MIB),  # a larger file needs more
        (GIB, 4 * GIB, 100 * MIB, 4 * GIB),  # never more than the process may hold
        (4 * GIB, 4 * GIB, 0, 5 * GIB),  # a process that is full, and waits to be replaced, still parses
    ],
)
def test_a_call_s_limit_follows_from_its_bytes_and_its_process(held: int, ceiling: int, given: int, limit: int) -> None:
    assert call_limit(held=held, ceiling=ceiling, given=given) == limit
