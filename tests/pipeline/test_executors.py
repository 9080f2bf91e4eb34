# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The workers: processes of this machine, any executor, and a Dask cluster.
"""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CalibrationWarning, Check, CosmicRayError, Detection, Detector, hookimpl
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.pipeline import executors
from ccdproc_crplugin.pipeline.executors import Crew

from ..helpers.nights import (
    STEPS,
    by_file,
    clean,
    config,
    contents,
    reduce,
    write_lights,
    write_night,
)


class _Nothing:
    @hookimpl
    def ccdcr_detectors(self):
        yield Detector("nothing", "finds nothing", _find_nothing)

    @hookimpl
    def ccdcr_checks(self):
        yield Check("nothing", "looks at nothing", lambda ccd, *, gain, readnoise, dark: None)

    @hookimpl
    def ccdcr_refine(self, ccd, mask):
        return None


def _find_nothing(data, *, mask, variance, readnoise, saturation):
    return Detection(np.zeros(data.shape, bool))


@pytest.fixture
def serial(tmp_path):
    """Six frames, and what one process makes of them."""
    write_lights(tmp_path / "raw", 6)
    clean(tmp_path / "raw", tmp_path / "serial")
    return tmp_path


class TestExecutors:
    @pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_any_executor_gives_the_same_bytes(self, serial, output, pool):
        context = {"mp_context": multiprocessing.get_context("spawn")} if pool is ProcessPoolExecutor else {}
        with pool(2, **context) as executor:
            clean(serial / "raw", output, executor=executor)
        assert contents(output) == contents(serial / "serial")

    def test_a_script_without_a_guard_is_told_to_have_one(self, lights, output, tmp_path):
        script = tmp_path / "script.py"
        paths = [str(path) for path in sorted(lights.iterdir())]
        script.write_text(
            f"import ccdproc_crplugin as crp\ncrp.clean_collection({paths}, {str(output)!r}, n_workers=2)"
        )
        run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
        assert run.returncode == 1
        assert "Found a run that starts anew in each worker process" in run.stderr
        assert run.stderr.splitlines()[-1] == (
            "ccdproc_crplugin.errors.CosmicRayError: Found that worker processes die as they start; expected them to "
            "work. In a script, guard the main part with if __name__ == '__main__': or give n_workers=1."
        )
        assert "another run at work" not in run.stderr

    def test_an_executor_that_takes_nothing_is_refused(self, lights, output):
        closed = ThreadPoolExecutor(1)
        closed.shutdown()
        for executor in (closed, 3):
            with pytest.raises(CosmicRayError, match="Found an executor that takes no tasks"):
                clean(lights, output, executor=executor)

    def test_two_workers_give_the_same_bytes(self, serial, output):
        table = clean(serial / "raw", output, n_workers=2)
        assert set(by_file(table).values()) == {"done"}
        assert contents(output) == contents(serial / "serial")

    def test_a_detector_of_this_process_alone_works_without_asking_for_one_worker(self, serial, output):
        crp.plugins.register(_Nothing(), "nothing")
        try:
            table = clean(serial / "raw", output, detector="nothing", n_workers=None)
        finally:
            crp.plugins.unregister("nothing")
        assert set(by_file(table).values()) == {"done"}

    @pytest.mark.parametrize(
        ("keywords", "named"),
        [
            ({"detector": "nothing"}, "the detector 'nothing', the check 'nothing', the hook ccdcr_refine of 'mine'"),
            ({}, "the check 'nothing', the hook ccdcr_refine of 'mine'"),
        ],
    )
    def test_what_this_process_alone_knows_is_refused_for_more_workers(self, lights, output, keywords, named):
        crp.plugins.register(_Nothing(), "mine")
        try:
            with pytest.raises(CosmicRayError, match=rf"Found {named} registered in this process alone.*n_workers=1\."):
                clean(lights, output, n_workers=2, **keywords)
            assert not output.exists()
            assert set(by_file(clean(lights, output, n_workers=1, **keywords)).values()) == {"done"}
        finally:
            crp.plugins.unregister("mine")

    @pytest.fixture
    def tasks_of_this_file(self, monkeypatch):
        """Workers can load what is defined here; the package is still the installed one, which stands before."""
        monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[2])])

    @pytest.mark.usefixtures("tasks_of_this_file")
    def test_a_worker_that_dies_costs_a_second_try(self, tmp_path):
        with Crew(n_workers=2) as crew:
            outcomes = dict(crew.do(_die_once, [str(tmp_path / f"{number}") for number in range(6)]))
        assert sorted(outcomes.values()) == sorted(outcomes)

    @pytest.mark.usefixtures("tasks_of_this_file")
    def test_a_task_that_kills_each_worker_is_given_up_and_no_other(self):
        with Crew(n_workers=2) as crew:
            outcomes = dict(crew.do(_die_of_three, range(6)))
        assert isinstance(outcomes.pop(3), CosmicRayError)
        assert outcomes == {number: number for number in (0, 1, 2, 4, 5)}


def _die_once(path):
    try:
        with open(path, "x"):
            pass
    except FileExistsError:
        return path
    if path.endswith("2"):
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def _die_of_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


class TestBrokenExecutors:
    def test_one_that_is_shut_down_midway_ends_the_run(self, tmp_path, output):
        paths = write_lights(tmp_path / "raw", 8)
        executor = ThreadPoolExecutor(1)

        def shut_down_after_the_first(rows, total):
            for row in rows:
                executor.shutdown(wait=False, cancel_futures=True)
                yield row

        with pytest.raises(CosmicRayError, match="the executor dropped a task"):
            crp.clean_collection(paths, output, executor=executor, progress=shut_down_after_the_first)
        table = crp.clean_collection(paths, output, n_workers=1)
        assert "kept" in by_file(table).values()

    @pytest.mark.parametrize("trouble", [OSError, KeyError, TimeoutError])
    def test_one_that_takes_no_tasks_is_refused(self, tmp_path, output, trouble):
        class Sulky(ThreadPoolExecutor):
            def submit(self, *args):
                raise trouble("not today")

        with Sulky(1) as executor, pytest.raises(CosmicRayError, match=r"takes no tasks .*not today"):
            crp.clean_collection(write_lights(tmp_path / "raw", 1), output, executor=executor)

    def test_one_that_gives_no_futures_is_refused(self, tmp_path, output):
        class Odd(ThreadPoolExecutor):
            def submit(self, *args):
                return 5

        with Odd(1) as executor, pytest.raises(CosmicRayError, match="submit returns int"):
            crp.clean_collection(write_lights(tmp_path / "raw", 1), output, executor=executor)


class TestCluster:
    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bytes(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        raw, output = write_night(tmp_path / "raw", 30), tmp_path / "dask"
        reduce(raw, tmp_path / "serial")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            victim = next(iter(client.run(os.getpid).values()))
            killed = []

            def kill_in_the_middle(rows, total):
                for number, row in enumerate(rows):
                    if number == total // 2:
                        os.kill(victim, signal.SIGKILL)
                        killed.append(victim)
                    yield row

            table = crp.reduce_night(config(raw, output), executor=client.get_executor(), progress=kill_in_the_middle)
        assert killed
        assert set(by_file(table).values()) <= {"done", "kept"}
        assert contents(output) == contents(tmp_path / "serial")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_the_command_takes_the_address_of_a_scheduler(self, raw, tmp_path):
        distributed = pytest.importorskip("distributed")
        (tmp_path / "night.toml").write_text(
            '[night]\ninput = "raw"\noutput = "dask"\n' + "".join(f'[[step]]\nname = "{name}"\n' for name in STEPS)
        )
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
        ) as cluster:
            words = [
                "reduce",
                str(tmp_path / "night.toml"),
                "--dask",
                cluster.scheduler_address,
                "--no-report",
                "--quiet",
            ]
            assert main(words) == 0
        reduce(raw, tmp_path / "serial")
        assert contents(tmp_path / "dask") == contents(tmp_path / "serial")


class TestFullSystem:
    """No room for another process: a full /dev/shm, or too few file handles."""

    def test_the_run_goes_on_in_this_process(self, tmp_path, monkeypatch):
        def full(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        write_lights(tmp_path / "raw", 2)
        monkeypatch.setattr(executors, "ProcessPoolExecutor", full)
        with pytest.warns(CalibrationWarning, match=r"no worker processes can be started .*No space left on device"):
            table = clean(tmp_path / "raw", tmp_path / "out", n_workers=2)
        assert set(by_file(table).values()) == {"done"}

    def test_a_process_that_can_not_be_started_later_is_named(self, monkeypatch):
        def full(*_, **__):
            raise OSError(errno.EMFILE, "Too many open files")

        with Crew(n_workers=2) as crew:
            monkeypatch.setattr(ProcessPoolExecutor, "submit", full)
            with pytest.raises(CosmicRayError, match=r"no worker process can be started .*open files.*n_workers=1"):
                list(crew.do(abs, [1, 2]))


class TestInterrupts:
    def test_one_waits_until_a_process_is_started(self):
        done = []
        with pytest.raises(KeyboardInterrupt), executors._interrupts_later():
            signal.raise_signal(signal.SIGINT)
            done.append("started")
        assert done == ["started"]

    def test_a_process_that_is_started_ignores_them(self):
        ask = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
        with executors._answering_interrupts(signal.SIG_IGN):
            answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "True"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
