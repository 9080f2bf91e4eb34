# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The record of removed pixels is whole, or nothing is restored from it.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main

from ..helpers.hit_frames import hit_frame


@pytest.fixture
def path(tmp_path):
    ccd = hit_frame(uncertainty=StdDevUncertainty(np.full((50, 60), 10.0, np.float32)))
    return crp.write_ccd(crp.clean_cosmic_rays(ccd, preflight="off"), tmp_path / "cleaned.fits")


def change(path, how):
    with fits.open(path, memmap=False) as hdus:
        changed = fits.HDUList([hdu.copy() for hdu in hdus])
    how(changed)
    changed.writeto(path, overwrite=True)


def shorten(hdus):
    hdus["CRPIXELS"].data = hdus["CRPIXELS"].data[:-3]


def shorten_and_count(hdus):
    shorten(hdus)
    hdus[0].header["CRNPIX"] -= 3


def shorten_count_and_unflag(hdus):
    rows = hdus["CRPIXELS"].data[-3:]
    hdus["CRFLAGS"].data[rows["y"], rows["x"]] = 0
    shorten_and_count(hdus)


def change_a_value(hdus):
    hdus["CRPIXELS"].data["removed"][2] += 1


def count_in_words(hdus):
    hdus[0].header["CRNPIX"] = "many"


def widen_a_column(hdus):
    table = hdus["CRPIXELS"]
    columns = [fits.Column("y", "2J", array=np.zeros((len(table.data), 2), np.int32)), *table.columns[1:]]
    hdus["CRPIXELS"] = fits.BinTableHDU.from_columns(columns, table.header)


def put_words_in_a_column(hdus):
    table = hdus["CRPIXELS"]
    columns = [fits.Column("y", "5A", array=["a"] * len(table.data)), *table.columns[1:]]
    hdus["CRPIXELS"] = fits.BinTableHDU.from_columns(columns, table.header)


def drop_a_column(hdus):
    table = hdus["CRPIXELS"]
    hdus["CRPIXELS"] = fits.BinTableHDU.from_columns(table.columns[1:], table.header)


def drop_a_fact(hdus):
    del hdus["CRPIXELS"].header["CRUNIT"]


def spoil_the_kind_of_uncertainty(hdus):
    hdus["CRPIXELS"].header["CRUKIND"] = "std"


def replace_by_an_image(hdus):
    hdus["CRPIXELS"] = fits.ImageHDU(np.zeros((3, 3)), name="CRPIXELS")


def crop(name):
    def cropped(hdus):
        hdus[name].data = hdus[name].data[:-1]

    return cropped


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (shorten, "as many rows as CRNPIX = 8 says, not 5"),
        (shorten_and_count, "a row for each pixel that CRFLAGS has as hit"),
        (shorten_count_and_unflag, "the values that its checksum was made from"),
        (change_a_value, "the values that its checksum was made from"),
        (count_in_words, "as many rows as CRNPIX = 'many' says"),
        (widen_a_column, "a number in each row of the column 'y'"),
        (put_words_in_a_column, "a number in each row of the column 'y'"),
        (drop_a_column, "the column 'y'"),
        (drop_a_fact, "the card CRUNIT as it was written"),
        (spoil_the_kind_of_uncertainty, "the card CRUKIND as it was written"),
        (replace_by_an_image, "the column 'y'"),
        (crop("CRFLAGS"), r"CRFLAGS of shape \(49, 60\)"),
        (crop("UNCERT"), r"UNCERT of shape \(49, 60\)"),
        (crop("MASK"), r"MASK of shape \(49, 60\)"),
    ],
)
def test_a_damaged_record_is_refused(path, capsys, how, found):
    change(path, how)
    with pytest.raises(CosmicRayError, match=found):
        crp.read_ccd(path)
    assert main(["restore", str(path), "--in-place"]) == 1
    assert "ccdcr: Found" in capsys.readouterr().err


def test_a_record_without_a_checksum_is_of_an_earlier_version(path):
    change(path, lambda hdus: hdus["CRPIXELS"].header.remove("CRCHECK"))
    np.testing.assert_array_equal(crp.read_ccd(path).restore_cosmic_rays().data, hit_frame().data)
