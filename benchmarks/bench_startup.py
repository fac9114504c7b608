"""CPU time of whole commands on the running kernel, over that of a bare interpreter (`python -c pass`).

Uses only the standard library, so that it also runs where numpy is not installed. Commands that print
arrays are not among these.

    python benchmarks/bench_startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from statistics import median

COMMANDS = (
    "info",
    "find task_struct",
    "find tcp_*",
    "show task_struct",
    f"show task_struct --html {os.devnull}",
    "show tcp_sendmsg --c",
    "users sk_buff",
    "users sk_buff --role parameter --kind func",
    "holes",
    "at sk_buff 0x70",
    "dtype list_head",
    "lint",
    "dump --format c --root task_struct",
)
ROUNDS = 25
_RUN = "import sys; sys.argv[0] = 'btfmmap'; from btfmmap.cli import run_and_exit; run_and_exit()"


def cpu_seconds(command: list[str]) -> float:
    """Run a process without its output, and return its CPU time in user and kernel mode.

    Raises:
        RuntimeError: It failed.
    """
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"exit code {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime


def ratios(words: Sequence[str], rounds: int) -> tuple[float, float]:
    """The median CPU time of a command in milliseconds, and the median ratio to the bare interpreter's.

    Both run in each round, in alternating order.
    """
    bare, ours = [sys.executable, "-c", "pass"], [sys.executable, "-c", _RUN, *words]
    times: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        pair = {id(each): cpu_seconds(each) for each in ((bare, ours), (ours, bare))[number % 2]}
        times.append((pair[id(ours)], pair[id(bare)]))
    del times[0]  # the first round fills the caches
    return median(own for own, _ in times) * 1e3, median(own / other for own, other in times)


def main() -> None:
    """Print one table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    width = max(map(len, COMMANDS))
    print(f"{'command':<{width}}  CPU ms  times python -c pass")
    for command in COMMANDS:
        milliseconds, ratio = ratios(command.split(), rounds)
        print(f"{command:<{width}}  {milliseconds:6.1f}  {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
