"""Runs in parallel: each process has an environment of its own."""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from clawtrace_otel.costcraft.replay.execute import Work, replay
from clawtrace_otel.costcraft.replay.interface import Environment
from clawtrace_otel.costcraft.replay.record import Replays
from clawtrace_otel.errors import CostCraftError

_environment: Environment | None = None


def replay_all(
    make: Callable[[], Environment], work: Iterable[Work], jobs: int = 1
) -> Iterator[Replays]:
    """What came of each run, in the order of ``work``.

    Args:
        make: makes the environment; it can be pickled.
        work: runs.
        jobs: processes; 1 is this one.

    Raises:
        CostCraftError: the environment cannot be had, or a process died.
    """
    if jobs <= 1:
        environment = make()
        yield from (replay(environment, each) for each in work)
        return
    # Not "fork": whoever calls us may have threads.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start, (make,)) as pool:
        try:
            yield from pool.map(_replay, work)
        except BrokenProcessPool as e:
            msg = "a process that replays was killed, perhaps for want of memory; try --jobs 1"
            raise CostCraftError(msg) from e
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start(make: Callable[[], Environment]) -> None:
    global _environment
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _environment = make()


def _replay(work: Work) -> Replays:
    if _environment is None:
        msg = "this process has not been started as a worker"
        raise RuntimeError(msg)
    return replay(_environment, work)
