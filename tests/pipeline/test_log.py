# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The log of a run, the warnings of its threads, and its summary.
"""

import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from astropy.io import fits
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import Step, hookimpl
from ccdproc_crplugin.pipeline.log import caught_warnings, preflight_lines, verdict_lines

from ..helpers.nights import (
    clean,
    config,
    level,
    write_frame,
)


class TestLog:
    def test_other_logs_have_only_its_warnings(self, lights, output, caplog):
        (lights / "light_5.fits").write_text("no FITS")
        with caplog.at_level(logging.DEBUG):
            clean(lights, output)
        assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["light_5.fits"]
        assert {record.levelname for record in caplog.records} == {"WARNING"}
        assert "light_1.fits: done" in (output / "night.log").read_text()

    def test_two_runs_at_once_have_each_its_own(self, lights, tmp_path):
        write_frame(tmp_path / "other" / "alone.fits")
        with ThreadPoolExecutor(2) as executor:
            list(executor.map(clean, (lights, tmp_path / "other"), (tmp_path / "one", tmp_path / "two")))
        one, two = ((tmp_path / name / "night.log").read_text() for name in ("one", "two"))
        assert "alone.fits" not in one
        assert "light_" not in two


class TestPreflight:
    @pytest.fixture
    def dull(self, raw):
        """The night, its lights averaged in the camera."""
        for path in raw.glob("light*"):
            with fits.open(path, mode="update") as hdus:
                hdus[0].data[...] = level(520, 1, 2)
        return raw

    def test_one_warning_sums_up_the_checks_that_failed(self, dull, output):
        with pytest.warns(crp.PreflightWarning) as caught:
            crp.reduce_night(config(dull, output), n_workers=1)
        (warning,) = caught
        assert str(warning.message) == (
            "preflight: noise failed on 2 frames (light_1.fits, …), see findings in night.ecsv"
        )
        assert warning.filename == __file__

    def test_a_collection_is_warned_of_too_and_kept_frames_are(self, dull, output):
        for _ in range(2):
            with pytest.warns(crp.PreflightWarning, match=r"failed on 1 frame \(light_2.fits\)"):
                crp.clean_collection([dull / "light_2.fits"], output, n_workers=1)

    def test_verdicts_that_speak_against_events_are_told(self):
        verdicts = ["plausible", "too many", "", "too large", "too many", "cannot tell"]
        table = QTable({"file": list("abcdef"), "verdict": verdicts})
        assert verdict_lines(table) == ["verdict: too large on 1 frame (d)", "verdict: too many on 2 frames (b, …)"]

    def test_fails_are_told_before_warnings(self):
        findings = ["ok", "warn: sky, gain; fail: unit", "fail: unit; warn: sky; fail: unit", ""]
        table = QTable({"file": ["a", "b", "c", "d"], "findings": findings})
        assert [line.partition(", see")[0] for line in preflight_lines(table)] == [
            "preflight: unit failed on 2 frames (b, …)",
            "preflight: sky warns on 2 frames (b, …)",
            "preflight: gain warns on 1 frame (b)",
        ]


class TestWarningsOfThreads:
    @pytest.mark.usefixtures("warning_step")
    def test_threads_do_not_mix_up_the_warnings_of_their_frames(self, lights, output):
        night = {"night": {"input": str(lights), "output": str(output)}, "step": [{"name": "warn_by_name"}]}
        with ThreadPoolExecutor(2) as executor:
            crp.reduce_night(night, executor=executor)
        log = (output / "night.log").read_text()
        told = [line.partition("WARNING ")[2] for line in log.splitlines() if "WARNING" in line]
        assert sorted(told) == [f"light_{number}.fits: this is frame {number}" for number in (1, 2, 3, 4)]

    @pytest.fixture
    def warning_step(self, lights):
        """A step that warns of each frame, two frames at a time."""
        for number in (1, 2, 3, 4):
            fits.setval(lights / f"light_{number}.fits", "FRAME", value=number)
        two = threading.Barrier(2, timeout=30)

        def warn_by_name(ccd):
            two.wait()
            warnings.warn(f"this is frame {ccd.meta['FRAME']}", crp.PreflightWarning, stacklevel=1)
            warnings.warn("a card is odd", fits.verify.VerifyWarning, stacklevel=1)
            two.wait()
            return ccd

        class Warns:
            @hookimpl
            def ccdcr_steps(self):
                yield Step("warn_by_name", "", warn_by_name)

        crp.plugins.register(Warns(), "warns")
        yield
        crp.plugins.unregister("warns")


class TestCaughtWarnings:
    def test_a_thread_that_does_not_catch_is_left_alone(self):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with caught_warnings() as mine, ThreadPoolExecutor(1) as other:
                warnings.warn("mine", crp.PreflightWarning, stacklevel=1)
                other.submit(warnings.warn, "theirs", crp.PreflightWarning).result()
        assert mine == ["mine"]
        assert [str(item.message) for item in seen] == ["theirs"]

    def test_the_filters_of_other_threads_stay_in_force(self):
        with (
            caught_warnings() as mine,
            ThreadPoolExecutor(1) as other,
            pytest.raises(crp.PreflightWarning, match="theirs"),
        ):
            other.submit(warnings.warn, "theirs", crp.PreflightWarning).result()
        assert mine == []

    def test_afterwards_all_is_as_before(self):
        before = warnings.showwarning, list(warnings.filters)
        with caught_warnings() as outer:
            with caught_warnings() as inner:
                warnings.warn("inside", crp.PreflightWarning, stacklevel=1)
            warnings.warn("outside", crp.PreflightWarning, stacklevel=1)
        assert (outer, inner) == (["outside"], ["inside"])
        assert warnings.showwarning is before[0]
        assert [item for item in warnings.filters if item[2].__name__ != "_NeverWarned"] == before[1]

    def test_what_was_shown_before_is_caught_all_the_same(self):
        def warn():
            warnings.warn("again", crp.PreflightWarning, stacklevel=1)

        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("default")
            warn()
            with caught_warnings() as mine:
                warn()
        assert len(seen) == 1
        assert mine == ["again"]
