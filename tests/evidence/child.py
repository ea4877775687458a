"""``python -m tests.evidence.child COMMAND...``: run it, and print what it took as JSON.

A process of its own, and a small one: what a process takes at most includes the memory of the one
that started it, until it has become another program.
"""

import json
import os
import sys
import time
from subprocess import DEVNULL, Popen


def main(command: list[str]) -> int:
    """Run a command without its output; its exit status is ours."""
    start = time.monotonic()
    process = Popen(command, stdout=DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    taken = {
        "seconds": time.monotonic() - start,
        "processor": usage.ru_utime + usage.ru_stime,
        "mebibytes": usage.ru_maxrss / 1024,
    }
    print(json.dumps(taken))
    return process.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
