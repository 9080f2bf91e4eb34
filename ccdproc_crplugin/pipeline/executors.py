# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Who does the work: this process, a pool of processes, or any executor."""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for_any
from queue import SimpleQueue
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError, reason_of
from ccdproc_crplugin.kernels import n_threads
from ccdproc_crplugin.plugins.loader import DEFAULT_PLUGINS

__all__ = ["Crew", "choose_n_workers", "refuse_in_unguarded_script"]

#: Memory of a worker: what Python and its libraries take, in bytes, and frames of float32 beside it.
BASE_MEMORY, FRAMES_IN_MEMORY = 250e6, 6

#: Pixels that take about as long to reduce as a process takes to start.
PIXELS_WORTH_A_PROCESS = 40e6

#: What takes long to import and every worker needs, also where this package asks for it late.
PRELOADED = ("ccdproc", "scipy.sparse.csgraph", "ccdproc_crplugin.pipeline.lights")

#: What to do about a script whose workers run it anew.
GUARD = "In a script, guard the main part with if __name__ == '__main__': or give n_workers=1."

#: Tasks that wait at an executor for each of its workers, and at one whose workers can't be counted.
WAITING, WAITING_ELSEWHERE = 3, 256


def choose_n_workers(n_pixels: Sequence[float]) -> int:
    """How many processes to work with."""
    if not n_pixels:
        return 1
    room = _free_memory() // (BASE_MEMORY + FRAMES_IN_MEMORY * 4 * max(n_pixels))
    worth = sum(n_pixels) // PIXELS_WORTH_A_PROCESS
    return int(max(1, min(n_threads(), len(n_pixels), room, worth)))


def _free_memory() -> float:
    """Memory that can be had without swapping, in bytes; where the system does not say, half of what there is."""
    with suppress(OSError, StopIteration), open("/proc/meminfo", encoding="ascii") as lines:  # only Linux has it
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    return float("inf")


#: What is expected of an executor, and what to do if it does not do so.
EXPECTED = "Expected one of concurrent.futures or like it, which was not shut down."
AGAIN = "What is done so far is kept; run again with a new executor."


class Crew:
    """Those who do the tasks."""

    def __init__(self, executor: Executor | None = None, n_workers: int = 1, *, soon: bool = False):
        self._given = executor
        self._n_workers = n_workers
        self._pool: ProcessPoolExecutor | None = None
        if executor is None and n_workers > 1:
            self._pool = _new_pool(n_workers)
            if soon:
                _make_ready()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def do(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Do tasks."""
        if self._given is None and self._pool is None:
            for task in tasks:
                yield task, _outcome_here(function, task)
            return
        tasks = deque(tasks)
        if self._pool is not None:
            function = functools.partial(_with_threads, self.share(n_threads(), len(tasks)), function)
        yield from self._do_elsewhere(function, tasks)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the work is done where this process can't tell what there is."""
        return self._given is not None

    def share(self, amount: int, n_tasks: int) -> int:
        """What each of those at work may have of something."""
        return max(1, amount // max(1, min(self._n_workers, n_tasks)))

    def _do_elsewhere(self, function: Callable, tasks: deque) -> Iterator[tuple[Any, Any]]:
        suspects: deque = deque()
        at_hand: dict[Future, Any] = {}
        finished: SimpleQueue = SimpleQueue()
        try:
            while tasks or suspects or at_hand:
                alone = bool(suspects) and not at_hand
                for task in self._next(tasks, suspects, len(at_hand)):
                    at_hand[self._submit(function, task, finished)] = task
                future = finished.get()
                task, outcome = at_hand.pop(future), _outcome_of(future)
                if isinstance(outcome, CancelledError):
                    raise CosmicRayError(
                        f"Found that the executor dropped a task; expected it not to be shut down. {AGAIN}"
                    )
                if not isinstance(outcome, BrokenExecutor):
                    yield task, outcome
                    continue
                self._start_anew()
                finished = SimpleQueue()
                if alone:
                    yield task, _killed()
                else:
                    suspects.extend([task, *at_hand.values()])
                    at_hand.clear()
        finally:
            for future in at_hand:
                future.cancel()

    def _next(self, tasks: deque, suspects: deque, n_at_hand: int) -> list[Any]:
        """What to hand out so that the workers stay busy; a suspect works alone."""
        if suspects:
            return [] if n_at_hand else [suspects.popleft()]
        most = WAITING * self._n_workers if self._given is None else WAITING_ELSEWHERE
        return [tasks.popleft() for _ in range(min(len(tasks), most - n_at_hand))]

    def _submit(self, function: Callable, task: Any, finished: SimpleQueue) -> Future:
        """Hand a task out, whose future goes to a queue once it is done, or cancelled by a shutdown."""
        try:
            future = (self._given or self._pool).submit(function, task)
        except BrokenExecutor as err:
            future = Future()
            future.set_exception(err)
        except Exception as err:
            raise CosmicRayError(f"Found an executor that takes no tasks ({reason_of(err)}). {EXPECTED}") from err
        if not hasattr(future, "add_done_callback"):
            raise CosmicRayError(f"Found an executor whose submit gives {type(future).__name__}. {EXPECTED}")
        future.add_done_callback(finished.put)
        return future

    def _start_anew(self) -> None:
        if self._given is not None:
            raise CosmicRayError(
                f"Found that the executor broke, since one of its workers died; expected one that goes on. {AGAIN}"
            )
        self._pool.shutdown(cancel_futures=True)
        self._pool = _new_pool(self._n_workers)
        try:
            self._pool.submit(os.getpid).result()
        except BrokenExecutor as err:
            raise CosmicRayError(
                f"Found that worker processes die as they start; expected them to work. {GUARD}"
            ) from err


def _killed() -> CosmicRayError:
    return CosmicRayError(
        f"Found that the process at work on it died, twice; expected an answer. {GUARD} If it is guarded, look at the "
        "memory: fewer workers leave more to each."
    )


def refuse_in_unguarded_script() -> None:
    """Refuse a run that starts where a worker process only imports the script of its parent."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise CosmicRayError(f"Found a run that starts anew in each worker process; expected one run. {GUARD}")


def _outcome_here(function: Callable, task: Any) -> Any:
    try:
        return function(task)
    except Exception as err:
        return err


def _outcome_of(future: Future) -> Any:
    try:
        return future.result()
    except Exception as err:
        return err


def _new_pool(n_workers: int) -> ProcessPoolExecutor:
    """Processes that end with this one."""
    context = multiprocessing.get_context(_way_to_start())
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload([*PRELOADED, *DEFAULT_PLUGINS.values()])
    return ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin_work)


def _way_to_start() -> str:
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def _make_ready() -> None:
    """Let the process from which the workers are forked import what they need, while this one goes on."""
    if _way_to_start() == "forkserver":
        forkserver.ensure_running()


def _begin_work() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _with_threads(n_threads: int, function: Callable[[Any], Any], task: Any) -> Any:
    """Do a task with so many threads of the engine, so that those at work share the processors."""
    for name in ("CCDCR_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(n_threads)
    return function(task)


def _end_with_parent() -> None:
    """Leave with the process that started this one, even if it was killed."""
    wait_for_any([multiprocessing.parent_process().sentinel])
    os._exit(1)
