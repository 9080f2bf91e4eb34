# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which engine runs, and with how many threads."""

import os
import sys

import numpy as np
import pytest

from ccdproc_crplugin import kernels
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.engines import load_engine


@pytest.fixture
def no_c_engine(monkeypatch):
    monkeypatch.delenv("CCDCR_ENGINE", raising=False)
    monkeypatch.setitem(sys.modules, "ccdproc_crplugin.kernels._lacosmic", None)


def test_environment_forces_an_engine(monkeypatch):
    monkeypatch.setenv("CCDCR_ENGINE", "numpy")
    choice = kernels.engine()
    assert choice.name == "numpy"
    assert choice.reason == "CCDCR_ENGINE asks for it"


def test_argument_outranks_environment(monkeypatch):
    monkeypatch.setenv("CCDCR_ENGINE", "fortran")
    assert kernels.engine("numpy").name == "numpy"


def test_unknown_engine_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("CCDCR_ENGINE", "fortran")
    with pytest.raises(CosmicRayError, match="Found CCDCR_ENGINE='fortran'; expected one of: 'c', 'numpy'"):
        kernels.engine()


def test_without_extension_the_numpy_engine_runs_and_says_why(no_c_engine):
    choice = kernels.engine()
    assert choice.name == "numpy"
    assert choice.reason.startswith("the C engine can't be loaded")


def test_without_extension_asking_for_c_is_refused(no_c_engine):
    with pytest.raises(CosmicRayError, match=r"can't be loaded .* Install it where there is a C compiler"):
        kernels.engine("c")


def test_without_extension_cosmic_rays_are_found_all_the_same(no_c_engine):
    frame = np.full((20, 20), 100.0, dtype=np.float32)
    frame[10, 10] = 3000.0
    assert np.argwhere(kernels.lacosmic(frame, readnoise=5.0).mask).tolist() == [[10, 10]]


def test_environment_sets_the_threads(monkeypatch):
    monkeypatch.setenv("CCDCR_NUM_THREADS", "3")
    assert kernels.n_threads() == 3


def test_wrong_number_of_threads_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("CCDCR_NUM_THREADS", "many")
    with pytest.raises(CosmicRayError, match=r"Found CCDCR_NUM_THREADS='many'; expected a whole number of 1 or more"):
        kernels.n_threads()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
def test_threads_follow_the_processors_the_process_may_use(monkeypatch):
    monkeypatch.delenv("CCDCR_NUM_THREADS", raising=False)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert kernels.n_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_the_number_of_threads_can_be_given():
    assert kernels.n_threads(2) == 2
    assert kernels.n_threads(1000) == 256


def test_the_module_of_an_engine_has_its_three_functions(engine_name):
    module = load_engine(engine_name)
    assert callable(module.prepare)
    assert callable(module.find)
    assert callable(module.holes)
