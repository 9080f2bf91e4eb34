# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The workers of a run: this process, a pool of processes, or any executor."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for_any
from queue import SimpleQueue
from typing import Any

from astropy import log

from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, reason_of
from ccdproc_crplugin.frames.dialects import in_use, with_dialects
from ccdproc_crplugin.kernels import n_threads
from ccdproc_crplugin.plugins.loader import DEFAULT_PLUGINS

#: Memory of a worker: bytes of Python and its libraries, and the number of frames of float32 beside them.
BASE_MEMORY, FRAMES_IN_MEMORY = 250e6, 6

#: Number of pixels whose reduction takes about as long as the start of a process.
PIXELS_WORTH_A_PROCESS = 40e6

#: Modules that every worker needs and that take long to import; this package imports some of them late.
PRELOADED = ("ccdproc", "scipy.sparse.csgraph", "ccdproc_crplugin.pipeline.lights")

#: The advice for a script that each worker would run again.
GUARD = "In a script, guard the main part with if __name__ == '__main__': or give n_workers=1."

#: Number of tasks handed out: for each worker of a pool, and to an executor, whose workers can't be counted.
WAITING, WAITING_ELSEWHERE = 3, 256


def choose_n_workers(n_pixels: Sequence[float]) -> int:
    """The number of processes for files of these sizes, from processors, memory and amount of work."""
    if not n_pixels:
        return 1
    room = _free_memory() // (BASE_MEMORY + FRAMES_IN_MEMORY * 4 * max(n_pixels))
    worth = sum(n_pixels) // PIXELS_WORTH_A_PROCESS
    return int(max(1, min(n_threads(), len(n_pixels), room, worth)))


def _free_memory() -> float:
    """Free memory in bytes; half of all memory if the system reports only that."""
    with suppress(OSError, StopIteration), open("/proc/meminfo", encoding="ascii") as lines:  # only Linux has it
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    return float("inf")


#: Ends of the messages about an executor that does not work.
EXPECTED = "Expected one of concurrent.futures or like it, which was not shut down."
AGAIN = "What is done so far is kept; run again with a new executor."
AGAIN_ALONE = "What is done so far is kept; run again with fewer workers."


class Crew:
    """
    The workers; with ``soon``, a pool is prepared at once, while the tasks are still being planned.

    A worker that dies breaks its pool, and all tasks handed out are lost. They are done again one by one in a new
    pool: the task that kills its worker is identified, and all others get done.
    """

    def __init__(self, executor: Executor | None = None, n_workers: int = 1, *, soon: bool = False) -> None:
        self.is_elsewhere = executor is not None  # perhaps on other machines, with other memory
        self._n_workers = n_workers
        self._executor: Any = executor
        if executor is None and n_workers > 1:
            try:
                self._executor = _new_pool(n_workers)
                if soon:
                    _make_ready()
            except OSError as err:
                # a full /dev/shm, or too few file handles
                self._executor, self._n_workers = None, 1
                warnings.warn(
                    f"Found that no worker processes can be started ({err}); all work is done in this process.",
                    CalibrationWarning,
                    stacklevel=2,
                )

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._executor is not None and not self.is_elsewhere:
            self._executor.shutdown(cancel_futures=True)

    def do(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Do tasks in any order; yield each with its result, or with the exception that it raised."""
        if self._executor is None:
            for task in tasks:
                yield task, _outcome_of(function, task)
            return
        tasks = deque(tasks)
        function = functools.partial(with_dialects, in_use(), function)
        if not self.is_elsewhere:
            function = functools.partial(_with_threads, self.share(n_threads(), len(tasks)), function)
        yield from self._do_elsewhere(function, tasks)

    def share(self, amount: int, n_tasks: int) -> int:
        """The share of a worker in an amount of memory or threads, at least 1."""
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
                task, outcome = at_hand.pop(future), _outcome_of(future.result)
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
        """The next tasks to hand out so that no worker waits; a suspect of having killed its worker is done alone."""
        if suspects:
            return [] if n_at_hand else [suspects.popleft()]
        most = WAITING * self._n_workers if not self.is_elsewhere else WAITING_ELSEWHERE
        return [tasks.popleft() for _ in range(min(len(tasks), most - n_at_hand))]

    def _submit(self, function: Callable, task: Any, finished: SimpleQueue) -> Future:
        """Hand a task out; its future goes to the queue when it is done, or cancelled by a shutdown."""
        try:
            if self.is_elsewhere:
                future = self._executor.submit(function, task)
            else:
                _make_ready()
                with _interrupts_later():
                    future = self._executor.submit(function, task)
        except BrokenExecutor as err:
            future = Future()
            future.set_exception(err)
        except OSError as err:
            if self.is_elsewhere:
                raise _no_executor(err) from err
            raise CosmicRayError(
                f"Found that no worker process can be started ({err}); expected room for it. {AGAIN_ALONE}",
                "Give {n_workers=1}.",
            ) from err
        except Exception as err:
            raise _no_executor(err) from err
        if not hasattr(future, "add_done_callback"):
            raise CosmicRayError(f"Found an executor whose submit returns {type(future).__name__}. {EXPECTED}")
        future.add_done_callback(finished.put)
        return future

    def _start_anew(self) -> None:
        if self.is_elsewhere:
            raise CosmicRayError(
                f"Found an executor that broke, because one of its workers died; expected one that works on. {AGAIN}"
            )
        self._executor.shutdown(cancel_futures=True)
        try:
            self._executor = _new_pool(self._n_workers)
            self._executor.submit(os.getpid).result()
        except (BrokenExecutor, OSError) as err:
            raise CosmicRayError(
                f"Found that worker processes die as they start; expected them to work. {GUARD}"
            ) from err


def _no_executor(err: Exception) -> CosmicRayError:
    return CosmicRayError(f"Found an executor that takes no tasks ({reason_of(err)}). {EXPECTED}")


def _killed() -> CosmicRayError:
    return CosmicRayError(
        f"Found that the worker process died twice; expected a result. {GUARD} If it is guarded, look at the memory: "
        "fewer workers leave more to each."
    )


def refuse_in_unguarded_script() -> None:
    """Refuse a run in a worker process that only imports the script of its parent."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise CosmicRayError(f"Found a run that starts anew in each worker process; expected one run. {GUARD}")


def _outcome_of(function: Callable, *task: Any) -> Any:
    try:
        return function(*task)
    except Exception as err:
        return err


def _new_pool(n_workers: int) -> ProcessPoolExecutor:
    """A pool of processes that end with this one."""
    context = multiprocessing.get_context(_way_to_start())
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload([*PRELOADED, *DEFAULT_PLUGINS.values()])
    return ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin_work)


def _way_to_start() -> str:
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def _make_ready() -> None:
    """Start the process from which workers are forked, so that it imports modules while this process works on."""
    if _way_to_start() == "forkserver":
        # the process that is started ignores Ctrl-C, which reaches all of them and which this one answers
        with _answering_interrupts(signal.SIG_IGN):
            forkserver.ensure_running()


@contextmanager
def _answering_interrupts(handler: Any) -> Iterator[None]:
    """Answer Ctrl-C with a handler; other threads than the main one are never interrupted."""
    try:
        before = signal.signal(signal.SIGINT, handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Answer Ctrl-C at the end, so that no process is left half started, which would complain of its missing parent."""
    received: list[Any] = []
    try:
        with _answering_interrupts(lambda *interrupt: received.append(interrupt)):
            yield
    finally:
        if received:
            signal.raise_signal(signal.SIGINT)


def _begin_work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, without a traceback
    threading.Thread(target=_end_with_parent, daemon=True).start()
    log.setLevel(logging.WARNING)  # what astropy logs for information would be printed


def _with_threads(n_threads: int, function: Callable[[Any], Any], task: Any) -> Any:
    """Do a task with this number of threads, so that the workers share the processors."""
    for name in ("CCDCR_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(n_threads)
    return function(task)


def _end_with_parent() -> None:
    """Exit when the process that started this one ends, even if it is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(1)
