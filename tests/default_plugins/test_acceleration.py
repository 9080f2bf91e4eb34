# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Others run on the engine: astroscrappy's function replaced, put back, and what is out of reach.
"""

import functools
import gc
import inspect
import pickle
import subprocess
import sys
import threading
from types import ModuleType

import astroscrappy
import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, lacosmic

from ..helpers.hit_frames import hit_frame, hit_pixels


def own():
    """Astroscrappy's function, which no variable of this module may hold."""
    return inspect.unwrap(astroscrappy.detect_cosmics)


def is_on():
    return astroscrappy.detect_cosmics is not own()


@pytest.fixture(autouse=True)
def as_before():
    yield
    crp.accelerate(False)
    gc.collect()  # classes of a test that hold the function
    assert astroscrappy.detect_cosmics is own()


@pytest.fixture
def pipeline(monkeypatch):
    """A module that has imported the function, under two names."""
    module = ModuleType("a_pipeline")
    module.detect_cosmics = module.clean = own()
    monkeypatch.setitem(sys.modules, "a_pipeline", module)
    yield module
    vars(module).clear()


class TestSwitching:
    def test_it_is_never_on_by_itself(self):
        code = "import astroscrappy as a, ccdproc_crplugin as crp; crp.install(); print(a.detect_cosmics.__module__)"
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert printed.strip() == own().__module__
        assert not crp.accelerate(False).on

    def test_it_reaches_modules_that_have_already_imported_the_function(self, pipeline):
        state = crp.accelerate()
        assert state.on
        assert pipeline.detect_cosmics is pipeline.clean is astroscrappy.detect_cosmics is not own()
        assert {"a_pipeline.clean", "a_pipeline.detect_cosmics", "astroscrappy.detect_cosmics"} <= set(state.places)

    def test_it_is_put_back_everywhere_also_where_it_was_imported_since(self, pipeline):
        crp.accelerate()
        pipeline.later = astroscrappy.detect_cosmics
        state = crp.accelerate(False)
        assert not state.on
        assert state.places == state.out_of_reach == []
        assert pipeline.detect_cosmics is pipeline.clean is pipeline.later is own()

    def test_the_drop_in_that_a_module_imported_itself_stays(self, pipeline):
        pipeline.mine = lacosmic.detect_cosmics
        crp.accelerate()
        crp.accelerate(False)
        assert pipeline.mine is lacosmic.detect_cosmics

    def test_again_changes_nothing_but_reaches_new_modules(self, pipeline):
        crp.accelerate()
        first = astroscrappy.detect_cosmics
        pipeline.detect_cosmics = own()
        crp.accelerate()
        assert pipeline.detect_cosmics is astroscrappy.detect_cosmics is first
        crp.accelerate(False)
        assert pipeline.detect_cosmics is own()

    def test_a_block_ends_as_it_began(self):
        with crp.accelerate() as state:
            assert state.on
            with crp.accelerate():
                pass
            assert astroscrappy.detect_cosmics is not own()
            with crp.accelerate(False):
                assert astroscrappy.detect_cosmics is own()
            assert astroscrappy.detect_cosmics is not own()
        assert astroscrappy.detect_cosmics is own()

    def test_a_block_ends_after_an_error_too(self):
        with pytest.raises(KeyError), crp.accelerate():
            raise KeyError
        assert astroscrappy.detect_cosmics is own()

    def test_uninstall_puts_it_back(self):
        crp.accelerate()
        crp.uninstall()
        try:
            assert astroscrappy.detect_cosmics is own()
        finally:
            crp.install()
        assert astroscrappy.detect_cosmics is own()

    def test_threads_that_switch_at_the_same_time_leave_it_off(self):
        def switch():
            crp.accelerate()
            crp.accelerate(False)

        threads = [threading.Thread(target=switch) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert astroscrappy.detect_cosmics is own()

    @pytest.mark.parametrize("on", [1, "on", None])
    def test_other_values_are_refused(self, on):
        with pytest.raises(CosmicRayError, match="on="):
            crp.accelerate(on)

    def test_without_astroscrappy_the_message_names_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "astroscrappy", None)
        with pytest.raises(CosmicRayError, match="pip install astroscrappy"):
            crp.accelerate()


class TestOutOfReach:
    def test_what_holds_the_function_outside_of_modules_is_listed(self, pipeline):
        def default(frame, detect=None):
            return detect(frame)

        default.__defaults__ = (own(),)

        class Step:
            run = staticmethod(own())

        def closure():
            detect = own()
            return lambda frame: detect(frame)

        pipeline.table = {"lacosmic": own()}
        pipeline.strict = functools.partial(own(), sigclip=9)
        pipeline.kept = [default, Step, closure()]
        here = f"{__name__}.TestOutOfReach.test_what_holds_the_function_outside_of_modules_is_listed.<locals>"
        state = crp.accelerate()
        expected = {
            f"tuple of {here}.default",
            f"staticmethod of {here}.Step",
            f"closure of {here}.closure.<locals>.<lambda>",
            "a_pipeline.table",
            "a_pipeline.strict",
        }
        assert expected <= set(state.out_of_reach)
        assert "out of reach: " in repr(state)

    def test_nothing_is_listed_where_only_modules_hold_it(self, pipeline):
        assert crp.accelerate().out_of_reach == []

    def test_this_package_is_not_changed(self):
        crp.accelerate()
        assert crp.lacosmic.detect_cosmics.__module__ == "ccdproc_crplugin.lacosmic"


class TestResults:
    @pytest.mark.parametrize(
        "keywords",
        [
            {},
            {"gain": 1.7, "readnoise": 4, "sigclip": 6, "sepmed": False},
            {"cleantype": "medmask", "satlevel": 900},
            {"fsmode": "convolve", "psfmodel": "moffat", "psffwhm": 3},
            {"niter": 0},
        ],
    )
    def test_masks_and_values_are_those_of_astroscrappy(self, keywords):
        frame = hit_pixels().astype(np.float32)
        mask, cleaned = astroscrappy.detect_cosmics(frame, **keywords)
        with crp.accelerate():
            ours, ours_cleaned = astroscrappy.detect_cosmics(frame, **keywords)
        np.testing.assert_array_equal(ours, mask)
        np.testing.assert_array_equal(ours_cleaned, cleaned)

    def test_ccdproc_runs_on_it_without_a_changed_line(self, monkeypatch):
        calls = []
        drop_in = lacosmic.detect_cosmics
        monkeypatch.setattr(lacosmic, "detect_cosmics", lambda *args, **kw: calls.append(kw) or drop_in(*args, **kw))
        keywords = {"gain": 2 * u.electron / u.adu, "readnoise": 5 * u.electron, "gain_apply": False}
        plain = ccdproc.cosmicray_lacosmic(hit_frame(), **keywords)
        assert not calls
        with crp.accelerate():
            fast = ccdproc.cosmicray_lacosmic(hit_frame(), **keywords)
        assert len(calls) == 1
        assert fast.mask.any()
        np.testing.assert_array_equal(fast.mask, plain.mask)
        np.testing.assert_array_equal(fast.data, plain.data)

    def test_the_detector_astroscrappy_is_still_astroscrappys_own(self, ccd, monkeypatch):
        monkeypatch.setattr(lacosmic, "detect_cosmics", None)
        with crp.accelerate():
            assert isinstance(crp.clean_cosmic_rays(ccd, "astroscrappy"), CCDData)

    def test_it_looks_like_astroscrappys_function(self):
        signature, text = inspect.signature(own()), own().__doc__
        with crp.accelerate():
            assert inspect.signature(astroscrappy.detect_cosmics) == signature
            assert astroscrappy.detect_cosmics.__doc__ == text
            assert pickle.loads(pickle.dumps(astroscrappy.detect_cosmics)) is astroscrappy.detect_cosmics


class TestReport:
    def test_the_plugin_report_shows_it_while_it_is_on(self, pipeline):
        def rows():
            report = crp.plugin_report()
            return report[report["name"] == "astroscrappy.detect_cosmics"]

        assert len(rows()) == 0
        crp.accelerate()
        (row,) = rows()
        assert (row["kind"], row["status"]) == ("engine", "ok")
        assert "a_pipeline.detect_cosmics" in row["detail"]
        crp.accelerate(False)
        assert len(rows()) == 0

    def test_it_describes_itself(self):
        assert repr(crp.accelerate()).startswith("<Acceleration: on in astroscrappy.")
        assert repr(crp.accelerate(False)) == "<Acceleration: off, astroscrappy.detect_cosmics is astroscrappy's own>"


class TestBlocks:
    def test_those_that_overlap_leave_nothing_on(self):
        first = crp.accelerate()
        first.__enter__()
        second = crp.accelerate()
        second.__enter__()
        first.__exit__(None, None, None)
        assert is_on()
        second.__exit__(None, None, None)
        assert not is_on()

    def test_one_that_begins_inside_of_the_call_of_another_leaves_nothing_on(self):
        first, second = crp.accelerate(), crp.accelerate()
        first.__enter__()
        second.__enter__()
        second.__exit__(None, None, None)
        first.__exit__(None, None, None)
        assert not is_on()

    def test_one_in_which_it_is_off_ends_as_it_was(self):
        with crp.accelerate():
            with crp.accelerate(False):
                assert not is_on()
            assert is_on()
        assert not is_on()
