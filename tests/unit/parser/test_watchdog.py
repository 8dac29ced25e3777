"""The watchdog over real hangs, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actors.parser.watchdog import Watchdog

HANGS = {
    "gives the interpreter back": "import time; time.sleep(100_000)",
    "computes": "while True: pass",
}
HOLDS_THE_INTERPRETER = "import ctypes; ctypes.PyDLL(None).sleep(100_000)"

#: Seconds that a call may take which takes next to none: more than a loaded machine keeps a process waiting.
AMPLE_S = 1.0


def run(script: str, seconds: float) -> subprocess.CompletedProcess[str]:
    program = (
        f"from actors.parser.watchdog import Watchdog\nwith Watchdog().watch('call', {seconds}):\n    {script}\n"
        f"import time; time.sleep({seconds} + 0.2); print('went on')"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("hang", [*HANGS.values(), HOLDS_THE_INTERPRETER], ids=[*HANGS, "holds the interpreter"])
def test_a_hang_ends_the_process_and_logs_where_it_was(hang: str) -> None:
    ended = run(hang, seconds=0.2)
    assert ended.returncode == 1
    assert "went on" not in ended.stdout
    assert "most recent call first" in ended.stderr


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS.keys())
def test_stacks_are_logged_while_no_thread_can_change_them(hang: str) -> None:
    """`Current` is the thread that holds the interpreter lock. A log without the lock segfaults now and then."""
    no_timer = "import actors.parser.watchdog; actors.parser.watchdog.NATIVE_AFTER_S = 100"
    program = f"{no_timer}\nwith actors.parser.watchdog.Watchdog().watch('call', 0.2):\n    {hang}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Current thread" in ended.stderr


def test_a_call_that_returns_is_watched_no_longer() -> None:
    ended = run("pass", seconds=AMPLE_S)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "went on\n", "")


def test_a_call_that_raises_is_watched_no_longer() -> None:
    program = (
        "from actors.parser.watchdog import Watchdog\n"
        f"try:\n    with Watchdog().watch('call', {AMPLE_S}): 1 / 0\n"
        f"except ZeroDivisionError:\n    import time; time.sleep({AMPLE_S} + 0.2); print('went on')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "went on\n")


def hurried(call: str, sleep_s: float) -> subprocess.CompletedProcess[str]:
    program = (
        "import time\nfrom actors.parser.watchdog import Watchdog\nwatchdog = Watchdog()\n"
        f"with watchdog.watch('call', 100):\n    watchdog.hurry({call!r}, 0.1, list)\n"
        f"    time.sleep({sleep_s})\n    print('went on')"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_a_call_can_be_given_less_time_than_it_had() -> None:
    ended = hurried("call", sleep_s=100)
    assert (ended.returncode, ended.stdout) == (1, "")


def test_hurrying_a_call_that_is_over_does_not_touch_the_next() -> None:
    ended = hurried("the call before", sleep_s=0.5)
    assert (ended.returncode, ended.stdout) == (0, "went on\n")


def test_only_the_call_that_runs_is_asked_to_stop() -> None:
    watchdog, asked = Watchdog(), []
    watchdog.hurry("early", AMPLE_S, lambda: asked.append("early"))
    with watchdog.watch("call", 100):
        watchdog.hurry("call", 100, lambda: asked.append("call"))
        watchdog.hurry("another", 100, lambda: asked.append("another"))
    watchdog.hurry("call", AMPLE_S, lambda: asked.append("late"))
    assert asked == ["call"]


def test_hurrying_never_gives_more_time() -> None:
    program = (
        "import time\nfrom actors.parser.watchdog import Watchdog\nwatchdog = Watchdog()\n"
        "with watchdog.watch('call', 0.1):\n    watchdog.hurry('call', 100, list)\n"
        "    time.sleep(100)\n    print('went on')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_call_is_given_more_time_once() -> None:
    program = (
        "import time\nfrom actors.parser.watchdog import Watchdog\nwatchdog = Watchdog()\n"
        f"with watchdog.watch('call', {AMPLE_S}):\n    watchdog.extend('call', 3 * {AMPLE_S})\n"
        f"    time.sleep({AMPLE_S} + 0.1)\n    print('went on', flush=True)\n    watchdog.extend('call', 100)\n"
        "    time.sleep(100)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "went on\n")
