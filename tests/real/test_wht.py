# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Raw long-slit frames of the ISIS red arm of the WHT: a thick CCD, full of cosmic rays.
"""

import gzip

import ccdproc
import numpy as np
import pytest
from astropy.nddata import CCDData
from ccdproc import ImageFileCollection
from scipy.ndimage import median_filter

import ccdproc_crplugin as crp
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.ccd import read_header

LONG = ["r2701242.fit.gz", "r2701244.fit.gz"]


@pytest.fixture(scope="module")
def folder(request):
    return request.getfixturevalue("real_data") / "wht_isis"


@pytest.fixture(scope="module")
def pair(folder, tmp_path_factory):
    """A part of the two exposures of one field, bias subtracted and dead columns masked, cleaned by default."""
    (bias,) = crp.combine_calibrations(sorted(folder.glob("*.fit.gz")), tmp_path_factory.mktemp("calibration"))
    master = CCDData.read(bias)
    master.uncertainty = None
    lights = [ccdproc.subtract_bias(crp.read_ccd(folder / name), master)[1500:2500] for name in LONG]
    for light in lights:
        level = np.median(light.data, axis=0)
        light.mask = np.broadcast_to(level < 0.5 * median_filter(level, 9), light.data.shape)
    return lights, [light.clean_cosmic_rays() for light in lights]


def test_the_light_frames_are_told_from_the_bias_frames(folder):
    ifc = ImageFileCollection(folder, ext=1)
    assert [path.name for path in crp.select_frames(ifc)] == [*LONG, "r2701253.fit.gz", "r2701255.fit.gz"]
    assert len(crp.select_frames(ifc, "bias")) == 5


def test_keywords_are_found_in_the_extension_and_in_the_primary_header(folder):
    meta = read_header(folder / LONG[0])
    assert header.gain(meta).value.value == 0.98
    assert header.readnoise(meta).value.value == 4.0
    assert header.exposure(meta).value.value == pytest.approx(1800, abs=1)
    assert header.altitude(meta).value.value == 2344
    assert header.frame_kind(meta) == "light"


def test_a_file_cleaned_and_restored_is_the_raw_frame_bit_for_bit(folder, tmp_path):
    raw = crp.read_ccd(folder / LONG[0])
    path = crp.write_ccd(raw.clean_cosmic_rays(preflight="off"), tmp_path / "cleaned.fits.fz")
    restored = crp.read_ccd(path).restore_cosmic_rays()
    assert restored.data.dtype == raw.data.dtype
    np.testing.assert_array_equal(restored.data, raw.data)


def test_most_of_the_large_events_are_in_one_exposure_only(pair):
    (first, second), (cleaned, _) = pair
    segments = cleaned.cr_segments()
    large = segments.table["label"][segments.areas >= 5]
    in_second = []
    for label in large:
        hit = segments.data == label
        removed = np.median((first.data - cleaned.data)[hit])
        in_second.append(np.median((second.data - cleaned.data)[hit]) > 0.3 * removed)
    assert len(large) > 20
    assert np.mean(in_second) < 0.05


def test_the_tracks_are_long(pair):
    tables = [cleaned.cr_segments().table for cleaned in pair[1]]
    assert min(table["length"].value.max() for table in tables) > 10
    assert sum((table["class"] == "track").sum() for table in tables) > 20


def test_the_files_are_what_the_readme_of_the_data_says(folder):
    with gzip.open(folder / LONG[0]) as stream:
        assert stream.read(6) == b"SIMPLE"
