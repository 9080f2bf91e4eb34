# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The view of one frame."""

import numpy as np
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin.report.frame import view_frame
from ccdproc_crplugin.report.night import Row, rows_of_folder

from ..helpers.hit_frames import hit_mask


def test_the_counts_follow_the_frame_rather_than_the_table(folder):
    restored = crp.read_ccd(folder / "light_1.fits").restore_cosmic_rays(labels=1)
    crp.write_ccd(restored, folder / "light_1.fits", overwrite=True)
    row = view_frame(rows_of_folder(folder)[0]).row
    assert (row.n_events, row.n_pixels, row.seconds) == (2, 7, 1.5)


def test_what_the_header_says_goes_before_the_table(folder):
    with fits.open(folder / "light_1.fits", mode="update") as hdus:
        hdus[0].header.update(CRVERDCT="too few", CREXPLO=4, CREXPHI=9, CRNTRACK=2, CRNNOISE=0.25)
    row = view_frame(rows_of_folder(folder)[0]).row
    assert (row.verdict, row.expected) == ("too few", "4 to 9")
    assert (row.n_tracks, row.n_noise) == (2, 0.25)


def test_a_row_without_a_file_has_no_view():
    assert view_frame(Row("light_1.fits", "failed")) is None


def test_the_pixels_hit_have_the_labels_of_their_events(folder):
    view = view_frame(rows_of_folder(folder)[0])
    assert np.array_equal(view.pixels, np.flatnonzero(hit_mask()))
    assert np.bincount(view.labels)[1:].tolist() == view.events["area"].value.tolist()
