# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Flags that detectors of plugins set.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, Detector, Flag, PluginWarning, hookimpl, plugins


def detector(flags):
    def detect(data, *, mask, variance, readnoise, saturation):
        return Detection(np.zeros(data.shape, dtype=bool), flags=flags(data))

    return Detector("theirs", "flags the first column", detect)


@contextmanager
def plugins_registered(plugin):
    plugins.register(plugin, "refines")
    try:
        yield
    finally:
        plugins.unregister("refines")


def first_column(data):
    flagged = np.zeros(data.shape, dtype=bool)
    flagged[:, 0] = True
    return flagged


@pytest.fixture
def plugin():
    """Registers flags, and a detector that sets some."""
    names = []

    def register(flags, claimed=()):
        @hookimpl
        def ccdcr_detectors():
            return [detector(flags)] if flags is not None else []

        @hookimpl
        def ccdcr_flags():
            return claimed

        names.append(f"flags {len(names)}")
        plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors, ccdcr_flags=ccdcr_flags), names[-1])

    yield register
    for name in names:
        plugins.unregister(name)


GHOST = Flag("GHOST", 32, "reflection of a bright star")


def test_a_claimed_flag_is_set_and_named_in_the_header(plugin, ccd):
    plugin(lambda data: {"GHOST": first_column(data)}, [GHOST])
    cleaned = crp.clean_cosmic_rays(ccd, "theirs")
    assert np.all(cleaned.flags[:, 0] == 32)
    assert cleaned.meta["CRFLAGS"] == "GHOST=32"
    assert not cleaned.mask.any()
    assert crp.flags()["GHOST"] is GHOST


def test_trails_need_no_claim(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})
    assert crp.PixelFlag.TRAIL == 16
    assert np.all(crp.clean_cosmic_rays(ccd, "theirs").flags[:, 0] == 16)


def test_trails_are_masked_and_keep_their_values(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})
    cleaned = crp.clean_cosmic_rays(ccd, "theirs")
    np.testing.assert_array_equal(cleaned.mask, first_column(ccd.data))
    np.testing.assert_array_equal(cleaned.data, ccd.data)
    assert cleaned.restore_cosmic_rays().mask is None


def test_trails_keep_their_flag_when_the_frame_is_cleaned_again(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[0, :2] = True
    trails = crp.clean_cosmic_rays(ccd, "theirs")
    again = crp.clean_cosmic_rays(trails, force=True)
    assert again.flags[:2, 0].tolist() == [4, 16]
    assert again.meta["CRFLAGS"] == "TRAIL=16"
    assert np.all(again.mask[:, 0])
    assert (again.flags & 1).any()
    np.testing.assert_array_equal(again.restore_cosmic_rays().mask, ccd.mask)


def test_a_trail_stays_masked_when_its_cosmic_rays_are_put_back(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})

    @hookimpl
    def ccdcr_refine(mask):
        mask[10, :2] = mask[30, 30] = True
        return mask

    with plugins_registered(SimpleNamespace(ccdcr_refine=ccdcr_refine)):
        cleaned = crp.clean_cosmic_rays(ccd, "theirs")
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[10, :2] = True
    restored = crp.restore_cosmic_rays(cleaned, mask=mask)
    assert restored.mask[10, :2].tolist() == [True, False]


def test_they_come_through_a_file_and_a_restore(plugin, ccd, tmp_path):
    plugin(lambda data: {"TRAIL": first_column(data)})
    crp.write_ccd(crp.clean_cosmic_rays(ccd, "theirs"), tmp_path / "a.fits")
    assert np.all(crp.read_ccd(tmp_path / "a.fits").flags[:, 0] == 16)


def test_a_bad_pixel_has_no_other_flag(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[0, 0] = True
    assert crp.clean_cosmic_rays(ccd, "theirs").flags[:2, 0].tolist() == [4, 16]


def test_a_mosaic_has_them_too(plugin, ccd):
    plugin(lambda data: {"TRAIL": first_column(data)})
    flags = crp.clean_cosmic_rays(ccd, "theirs", mosaic="RGGB", preflight="off").flags
    assert np.all(flags[:, :2] == 16)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (lambda data: {"GHOST": first_column(data)}, r"flag 'GHOST' from .*expected one of: TRAIL.*hook ccdcr_flags"),
        (lambda data: {"COSMIC_RAY": first_column(data)}, "flag 'COSMIC_RAY'"),
        (lambda data: {"TRAIL": data}, "dtype float32"),
        (lambda data: {"TRAIL": first_column(data)[1:]}, "shape"),
        (lambda data: [1], "flags of type list"),
    ],
)
def test_what_is_no_flag_is_refused(plugin, ccd, flags, message):
    plugin(flags)
    with pytest.raises(CosmicRayError, match=message):
        crp.clean_cosmic_rays(ccd, "theirs")


@pytest.mark.parametrize(
    ("claimed", "message"),
    [
        (Flag("GHOST", 16, ""), "claims the bit 16; expected one of: 32, 64, 128"),
        (Flag("GHOST", 96, ""), "claims the bit 96"),
        (Flag("ghost", 32, ""), "should be capital letters"),
        (Flag("TRAIL", 32, ""), "is the host's"),
    ],
)
def test_a_claim_that_makes_no_sense_costs_a_warning(plugin, claimed, message):
    with pytest.warns(PluginWarning, match=message):
        plugin(None, [claimed])
    assert not crp.flags()


def test_a_bit_can_be_claimed_once(plugin):
    plugin(None, [GHOST])
    with pytest.warns(PluginWarning, match="the bit 32 is claimed already for 'GHOST' by plugin 'flags 0'"):
        plugin(None, [Flag("HALO", 32, "light around a star")])
    with pytest.warns(PluginWarning, match="the flag name 'GHOST' is taken already"):
        plugin(None, [Flag("GHOST", 64, "another")])
