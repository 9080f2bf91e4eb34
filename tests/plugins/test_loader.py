# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Plugins of others: what works, and that what does not work costs no more than itself.
"""

import os
import re
import subprocess
import sys
import warnings
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import Check, CosmicRayError, Detection, Detector, Finding, PluginWarning, Step, hookimpl, plugins
from ccdproc_crplugin.plugins import loader
from ccdproc_crplugin.plugins.loader import PluginHost
from ccdproc_crplugin.plugins.model import HOST_KEYWORDS
from ccdproc_crplugin.plugins.registry import Plugin

from ..helpers.hit_frames import hit_frame, hit_mask
from ..helpers.plugins_on_disk import BROKEN, BROKEN_RUNS, WORKING, install, yields_detector

BUILT_IN = ["lacosmic", "astroscrappy", "median", "consensus"]

numbers = count()


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Installs a plugin on disk under a name that no other test uses."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(source, entry_point=""):
        name = f"plugin{next(numbers)}"
        install(tmp_path, name, source, f"ccdcr_test_{name}{entry_point}" if entry_point else None)
        return name

    put.path = tmp_path
    return put


@pytest.fixture
def use(monkeypatch):
    """Makes a plugin host the one of the process, for this test."""

    def become(host):
        monkeypatch.setattr(loader, "_host", host)
        return host

    return become


@pytest.fixture(autouse=True)
def methods_as_before():
    yield
    crp.methods.install()


@pytest.fixture
def register():
    """Registers hook implementations for this test."""
    names = []

    def add(**implementations):
        names.append(f"test{next(numbers)}")
        plugins.register(SimpleNamespace(**implementations), names[-1])
        return names[-1]

    yield add
    for name in names:
        plugins.unregister(name)


def hosts(path, **environ):
    return PluginHost(path=[str(path)], environ={f"CCDCR_{key}": value for key, value in environ.items()}).load()


def failed(host):
    return [entry for entry in host.registrations if entry.status == "failed"]


class TestBuiltIns:
    def test_the_detectors_are_plugins_like_any_other(self):
        host = PluginHost(path=[]).load()
        assert list(host.registered("detector")) == BUILT_IN
        assert {host.plugin_of("detector", name).distribution for name in BUILT_IN} == {"ccdproc-crplugin"}

    def test_none_of_them_fails(self):
        assert failed(PluginHost(path=[]).load()) == []

    def test_they_can_be_found_by_name(self):
        assert plugins.find_detector("median") is crp.detectors()["median"]

    def test_what_is_registered_cannot_be_changed_from_outside(self):
        with pytest.raises(TypeError):
            crp.detectors()["mine"] = None

    def test_steps_and_checks_are_mappings(self):
        assert "unit" in crp.checks()
        assert isinstance(dict(crp.steps()), dict)


class TestOnDisk:
    def test_a_working_plugin_is_found_after_the_built_in_ones(self, disk):
        name = disk(WORKING)
        host = hosts(disk.path)
        assert list(host.registered("detector")) == [*BUILT_IN, "threshold"]
        assert host.plugin_of("detector", "threshold") == Plugin(name, f"dist_{name}", "1.0")

    def test_it_cleans_a_frame(self, disk, use, ccd):
        disk(WORKING)
        use(hosts(disk.path))
        cleaned = crp.clean_cosmic_rays(ccd, "threshold", threshold=1500.0)
        np.testing.assert_array_equal(cleaned.mask, hit_mask())
        assert "threshold=1500.0" in cleaned.meta["HISTORY"]

    def test_an_entry_point_may_name_an_object(self, disk):
        disk(WORKING + "\nimport types\nplugin = types.SimpleNamespace(ccdcr_detectors=ccdcr_detectors)", ":plugin")
        assert "threshold" in hosts(disk.path).registered("detector")

    @pytest.mark.parametrize(("source", "message"), BROKEN.values(), ids=BROKEN)
    def test_a_broken_one_costs_one_warning_that_names_it(self, disk, source, message):
        ending = {"class": ":Plugin", "x = 1": ":missing"}.get("class" if "class Plugin" in source else source, "")
        if source == "x = 1" and "no hook" in message:
            ending = ""
        name = disk(source, ending)
        disk(WORKING)
        with pytest.warns(PluginWarning, match=message) as caught:
            host = hosts(disk.path)
        assert len(caught) == 1
        assert f"plugin {name!r} of distribution 'dist_{name} 1.0' was left out" in str(caught[0].message)
        assert list(host.registered("detector")) == [*BUILT_IN, "threshold"]
        assert [entry.plugin.name for entry in failed(host)] == [name]

    def test_entry_points_that_cannot_be_read_cost_a_warning(self, disk):
        (disk.path / "odd-1.0.dist-info").mkdir()
        (disk.path / "odd-1.0.dist-info" / "entry_points.txt").write_text("no section")
        with pytest.warns(PluginWarning, match=r"(?s)entry points can't be read.*odd-1.0"):
            host = hosts(disk.path)
        assert list(host.registered("detector")) == BUILT_IN

    def test_an_entry_point_that_makes_no_sense_costs_a_warning(self, disk):
        install(disk.path, f"plugin{next(numbers)}", "", "not a module!")
        with pytest.warns(PluginWarning, match="not a module!"):
            assert list(hosts(disk.path).registered("detector")) == BUILT_IN

    def test_two_that_claim_one_name_get_a_warning_for_the_second(self, disk):
        first, second = sorted([disk(WORKING), disk(WORKING)])
        with pytest.warns(PluginWarning, match="'threshold' is taken already by plugin 'plugin"):
            host = hosts(disk.path)
        assert {host.plugin_of("detector", "threshold").name, failed(host)[0].plugin.name} == {first, second}

    def test_what_is_listed_is_not_imported_before_its_turn(self, disk):
        name = disk("raise RuntimeError")
        hosts(disk.path, DISABLE_PLUGINS=name)
        assert f"ccdcr_test_{name}" not in sys.modules

    def test_one_that_is_imported_before_this_package_is_loaded_whole(self, disk):
        name = disk("import ccdproc_crplugin as crp\nassert 'threshold' not in crp.detectors()\n" + WORKING)
        code = f"import ccdcr_test_{name}, ccdproc_crplugin as crp; print(list(crp.detectors()))"
        paths = os.pathsep.join([str(disk.path), *sys.path])
        words = [sys.executable, "-W", "error", "-c", code]
        printed = subprocess.run(words, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
        assert printed.stdout.strip() == str([*BUILT_IN, "threshold"]), printed.stderr

    def test_the_methods_of_one_that_is_imported_first_are_on_frames(self, disk):
        method = (
            "\ndef brightest(ccd):\n    return ccd.data.max()\n@hookimpl\ndef ccdcr_methods():\n    yield brightest"
        )
        name = disk("import ccdproc_crplugin\n" + WORKING + method)
        code = (
            f"import ccdcr_test_{name}, ccdproc_crplugin as crp; from astropy.nddata import CCDData; crp.detectors(); "
            "print(CCDData([[1, 2]], unit='adu').brightest())"
        )
        paths = os.pathsep.join([str(disk.path), *sys.path])
        words = [sys.executable, "-W", "error", "-c", code]
        printed = subprocess.run(words, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
        assert printed.stdout.strip() == "2", printed.stderr


class TestBlockingAndTracing:
    @pytest.mark.parametrize("by", ["{name}", "dist_{name}", "other, {name}"])
    def test_a_plugin_can_be_disabled_by_its_name_or_distribution(self, disk, by):
        name = disk(WORKING)
        host = hosts(disk.path, DISABLE_PLUGINS=by.format(name=name))
        assert list(host.registered("detector")) == BUILT_IN
        assert [(entry.name, entry.status) for entry in host.registrations if entry.status != "ok"] == [
            (name, "disabled")
        ]

    def test_a_built_in_detector_can_be_disabled(self):
        host = PluginHost(path=[], environ={"CCDCR_DISABLE_PLUGINS": "median"}).load()
        assert list(host.registered("detector")) == ["lacosmic", "astroscrappy", "consensus"]

    def test_tracing_tells_what_happens(self, disk, capsys):
        name = disk(WORKING)
        hosts(disk.path, TRACE_PLUGINS="1")
        trace = capsys.readouterr().err
        assert f"loaded: plugin '{name}'" in trace
        assert "registered: detector threshold" in trace

    def test_without_tracing_nothing_is_printed(self, disk, capsys):
        disk(WORKING)
        hosts(disk.path)
        assert capsys.readouterr() == ("", "")


class TestAtRunTime:
    @pytest.mark.parametrize(("body", "message"), BROKEN_RUNS.values(), ids=BROKEN_RUNS)
    def test_a_detector_that_fails_is_named_with_the_frame(self, disk, use, ccd, body, message):
        signature = "def detect(data, *, mask, variance, readnoise, saturation):\n    "
        name = disk(yields_detector(signature + body))
        use(hosts(disk.path))
        ccd.meta["OBJECT"] = "M 31"
        before = ccd.data.copy()
        with pytest.raises(CosmicRayError, match=message) as error:
            crp.clean_cosmic_rays(ccd, "theirs")
        assert name in str(error.value)
        assert "'theirs'" in str(error.value)
        assert "M 31" in str(error.value)
        np.testing.assert_array_equal(ccd.data, before)

    def test_an_unknown_parameter_lists_those_of_the_detector(self, disk, use, ccd):
        disk(WORKING)
        use(hosts(disk.path))
        with pytest.raises(CosmicRayError, match=r"'level'.*'threshold' does not have; expected one of: threshold"):
            crp.clean_cosmic_rays(ccd, "threshold", level=3)

    def test_the_detector_sees_finite_electrons(self, register, ccd):
        seen = {}

        def detect(data, *, mask, variance, readnoise, saturation):
            seen.update(data=data, mask=mask, variance=variance, readnoise=readnoise, saturation=saturation)
            return Detection(np.zeros(data.shape, dtype=bool), info={"level": 4.5})

        register(ccdcr_detectors=hookimpl(named("ccdcr_detectors", lambda: [Detector("seer", "", detect)])))
        ccd.data[3, 4] = np.nan
        big_endian = hit_frame(">f8")
        big_endian.data[3, 4] = np.nan
        cleaned = crp.clean_cosmic_rays(big_endian, "seer", saturation=1000)
        assert seen["data"].dtype == np.dtype("=f4")
        assert seen["data"].flags.c_contiguous
        assert seen["data"][10, 12] == pytest.approx(2 * big_endian.data[10, 12], rel=1e-6)
        assert seen["data"][3, 4] == pytest.approx(400, abs=20)
        assert seen["mask"][3, 4]
        assert (seen["variance"], seen["readnoise"], seen["saturation"]) == (None, 5.0, 2000.0)
        assert "level=4.5" in cleaned.meta["HISTORY"]

    def test_the_frame_a_detector_cleaned_is_used(self, register, ccd):
        def detect(data, *, mask, variance, readnoise, saturation):
            return Detection(data > 1500, cleaned=np.full(data.shape, 7.0, dtype=np.float32))

        register(ccdcr_detectors=hookimpl(named("ccdcr_detectors", lambda: [Detector("painter", "", detect)])))
        cleaned = crp.clean_cosmic_rays(ccd, "painter")
        assert np.all(cleaned.data[cleaned.mask] == 3.5)
        assert np.all(cleaned.data[~cleaned.mask] == ccd.data[~cleaned.mask])


def named(name, function):
    """The function under the name of a hook."""
    function.__name__ = name
    return function


def no_items():
    return []


class TestRefine:
    def test_it_can_veto_pixels(self, register, ccd):
        @hookimpl
        def ccdcr_refine(ccd, mask):
            mask[10, 12] = False
            return mask

        register(ccdcr_refine=ccdcr_refine)
        cleaned = crp.clean_cosmic_rays(ccd)
        assert cleaned.data[10, 12] == ccd.data[10, 12]
        assert cleaned.mask.sum() == 7

    def test_it_can_grow_events_but_not_over_bad_pixels(self, register, ccd):
        ccd.mask = np.zeros(ccd.shape, dtype=bool)
        ccd.mask[11, 12] = True

        @hookimpl
        def ccdcr_refine(mask):
            mask[9:12, 12] = True
            return mask

        register(ccdcr_refine=ccdcr_refine)
        flags = crp.clean_cosmic_rays(ccd).flags
        assert flags[9, 12] & 1
        assert not flags[11, 12] & 1

    def test_none_leaves_the_mask(self, register, ccd):
        @hookimpl
        def ccdcr_refine(mask):
            mask[:] = True

        register(ccdcr_refine=ccdcr_refine)
        np.testing.assert_array_equal(crp.clean_cosmic_rays(ccd).mask, hit_mask())

    def test_each_sees_what_the_others_made(self, register, ccd):
        sizes = []

        def shrink(mask):
            sizes.append(int(mask.sum()))
            mask[tuple(np.argwhere(mask)[0])] = False
            return mask

        for _ in range(2):
            register(ccdcr_refine=hookimpl(named("ccdcr_refine", lambda mask: shrink(mask))))
        crp.clean_cosmic_rays(ccd)
        assert sizes == [8, 7]

    def test_it_works_for_the_segments_too(self, register, ccd):
        register(ccdcr_refine=hookimpl(named("ccdcr_refine", lambda mask: np.zeros_like(mask))))
        assert len(crp.cr_segments(ccd)) == 0

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (lambda: 1 / 0, "ZeroDivisionError"),
            (lambda: 5, "mask of type int"),
            (lambda: np.ones((2, 2), bool), r"shape \(2, 2\)"),
        ],
    )
    def test_one_that_fails_is_named(self, register, ccd, result, message):
        name = register(ccdcr_refine=hookimpl(named("ccdcr_refine", lambda mask: result())))
        with pytest.raises(CosmicRayError, match=message) as error:
            crp.clean_cosmic_rays(ccd)
        assert name in str(error.value)
        assert "ccdcr_refine" in str(error.value)


class TestObservers:
    def test_they_see_every_cleaned_frame(self, register, ccd):
        seen = []

        @hookimpl
        def ccdcr_cleaned(ccd, detection):
            seen.append((ccd, detection))

        register(ccdcr_cleaned=ccdcr_cleaned)
        cleaned = crp.clean_cosmic_rays(ccd)
        np.testing.assert_array_equal(seen[0][0].data, cleaned.data)
        np.testing.assert_array_equal(seen[0][1].mask, hit_mask())

    def test_one_that_fails_costs_a_warning_and_not_the_frame(self, register, ccd):
        name = register(ccdcr_cleaned=hookimpl(named("ccdcr_cleaned", lambda ccd: 1 / 0)))
        with pytest.warns(PluginWarning, match=f"{name}.*ccdcr_cleaned failed: ZeroDivisionError"):
            assert crp.clean_cosmic_rays(ccd).meta["CRNPIX"] == 8


class TestOtherHooks:
    def test_a_step_is_registered(self, register):
        register(
            ccdcr_steps=hookimpl(named("ccdcr_steps", lambda: [Step("twice", "double", lambda ccd: ccd.multiply(2))]))
        )
        assert crp.steps()["twice"].summary == "double"

    def test_a_check_is_run_before_the_cleaning(self, register, ccd):
        def run(ccd, *, gain, readnoise, dark):
            return Finding("moon", "warn", f"the moon is up at gain {gain.value}", fix="wait")

        register(ccdcr_checks=hookimpl(named("ccdcr_checks", lambda: [Check("moon", "", run)])))
        with pytest.warns(crp.PreflightWarning, match=r"moon: the moon is up at gain 2.0 What to do: wait\."):
            crp.clean_cosmic_rays(ccd)

    def test_a_method_is_put_on_ccddata_under_its_name(self, register, ccd):
        def cr_fraction(ccd):
            return float((ccd.flags & 1).mean())

        register(ccdcr_methods=hookimpl(named("ccdcr_methods", lambda: [cr_fraction])))
        crp.methods.install()
        try:
            assert crp.clean_cosmic_rays(ccd).cr_fraction() == pytest.approx(8 / 3000)
        finally:
            crp.methods.uninstall()


class TestRegisteringByHand:
    def test_a_name_can_be_used_once(self, register):
        name = register(ccdcr_steps=hookimpl(named("ccdcr_steps", no_items)))
        with pytest.raises(CosmicRayError, match=f"{name}.*registered already"):
            plugins.register(SimpleNamespace(ccdcr_steps=hookimpl(named("ccdcr_steps", no_items))), name)

    def test_a_plugin_that_fits_no_hook_is_refused(self):
        with pytest.raises(CosmicRayError, match=r"'odd' can't be registered.*ccdcr_nonsense"):
            plugins.register(SimpleNamespace(ccdcr_nonsense=hookimpl(named("ccdcr_nonsense", no_items))), "odd")

    def test_an_unknown_name_cannot_be_unregistered(self):
        with pytest.raises(CosmicRayError, match="No plugin is named 'nobody'; registered are: lacosmic"):
            plugins.unregister("nobody")


class TestReport:
    def test_it_lists_what_is_registered_and_the_engine(self):
        report = crp.plugin_report()
        expected = "kind name plugin distribution version licence references needs status detail"
        assert report.colnames == expected.split()
        assert set(BUILT_IN) <= set(report["name"][report["kind"] == "detector"])
        assert report["kind"][0] == "engine"

    def test_it_says_what_failed_and_why(self, disk, use):
        name = disk("import no_such_module")
        with pytest.warns(PluginWarning):
            use(hosts(disk.path))
        report = crp.plugin_report()
        row = report[report["status"] == "failed"][0]
        assert row["plugin"] == name
        assert "no_such_module" in row["detail"]


def test_the_hosts_keywords_are_those_of_its_functions():
    import inspect

    names = {
        parameter.name
        for function in (crp.clean_cosmic_rays, crp.clean_cosmic_rays_stack, crp.cr_segments)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    assert names | {"variance", "extra_variance", "header", "protect", "mosaic"} == HOST_KEYWORDS


def test_the_plugins_are_loaded_once_by_eight_threads(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(loader, "_host", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ThreadPoolExecutor(8) as pool:
            assert len({id(host) for host in pool.map(lambda _: plugins.host(), range(32))}) == 1


def test_no_hook_is_without_a_specification_in_the_documentation():
    from pathlib import Path

    from ccdproc_crplugin.plugins import hookspecs

    page = Path(__file__).parents[2] / "docs" / "plugins" / "hooks.rst"
    text = page.read_text(encoding="utf-8")
    for name in (name for name in dir(hookspecs) if name.startswith("ccdcr_")):
        function = getattr(hookspecs, name)
        arguments = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
        assert re.search(rf"{name}\({arguments}\)", text), f"{name}({arguments}) has no section in {page.name}"
