# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Stack detectors of plugins: the rules of detectors hold for them, and their faults cost no more than themselves.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import Detection, StackDetector, hookimpl, plugins

from ..helpers.hit_frames import hit_frame


def plugin(detect, name="mine"):
    @hookimpl
    def ccdcr_stack_detectors():
        yield StackDetector(name, "a test", detect)

    return SimpleNamespace(ccdcr_stack_detectors=ccdcr_stack_detectors)


@pytest.fixture
def register():
    yield lambda detect, name="mine": plugins.register(plugin(detect, name), "test")
    plugins.unregister("test")


def pair():
    other = hit_frame()
    other.data = other.data + np.float32(1)
    return [hit_frame(), other]


def clean(**parameters):
    return crp.clean_cosmic_rays_stack(pair(), "mine", offsets=[(0, 0), (1.5, 2)], preflight="off", **parameters)


def nothing(exposures):
    return [Detection(np.zeros(one.data.shape, dtype=bool)) for one in exposures]


def test_it_gets_electrons_masks_and_offsets(register):
    seen = []

    def detect(exposures, *, limit=2):
        seen.extend(exposures)
        return nothing(exposures)

    register(detect)
    cleaned = clean(limit=3)
    assert [one.offset for one in seen] == [(0.0, 0.0), (1.5, 2.0)]
    assert seen[0].data.dtype == np.float32
    assert np.median(seen[0].data) == pytest.approx(400, rel=0.05)
    assert not seen[0].data.flags.writeable
    assert "limit=3" in cleaned[0].meta["HISTORY"]


def test_what_it_does_not_repair_is_repaired_from_the_surroundings(register):
    register(lambda exposures: [Detection(one.data > 1400) for one in exposures])
    cleaned = clean()
    assert cleaned[0].meta["CRREPAIR"] == "profile"
    assert cleaned[0].data.max() < 700


@pytest.mark.parametrize(
    ("detect", "reason"),
    [
        (lambda exposures, **others: None, "name each of its parameters"),
        (lambda exposures, *, gain=1: None, "the host's own"),
        (lambda exposures, *, offsets=1: None, "the host's own"),
        (lambda exposures, *, limit: None, "no default"),
        ("text", "can't be called"),
    ],
)
def test_one_that_breaks_a_rule_is_left_out_with_the_reason(register, detect, reason):
    with pytest.warns(crp.PluginWarning, match=reason):
        register(detect)
    assert "mine" not in crp.stack_detectors()


def test_a_name_that_is_taken_is_refused(register):
    with pytest.warns(crp.PluginWarning, match="taken already"):
        register(nothing, "stack")


def test_a_detector_of_frames_may_have_the_same_name():
    assert "stack" not in crp.detectors()


@pytest.mark.parametrize(
    ("detect", "reason"),
    [
        (lambda exposures: nothing(exposures)[:1], "1 items"),
        (lambda exposures: None, "NoneType"),
        (lambda exposures: [np.zeros((3, 3))] * 2, "expected a Detection"),
        (lambda exposures: [Detection(np.zeros((3, 3), dtype=bool))] * 2, "shape"),
        (lambda exposures: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_wrong_answer_becomes_an_error_that_names_the_plugin(register, detect, reason):
    register(detect)
    with pytest.raises(crp.CosmicRayError, match=reason) as error:
        clean()
    assert "'test'" in str(error.value)
    assert "'mine'" in str(error.value)


def test_it_is_listed_with_the_plugins():
    report = crp.plugin_report()
    assert "stack" in report["name"][report["kind"] == "stack detector"]
