# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What can be learnt from a result.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin.frames.cards import add_history
from ccdproc_crplugin.pipeline.results import doubts_in

from ..helpers.nights import by_file, level, reduce, write_frame

LONG = "Found events that may be no cosmic rays: 12 of class 'structure?', of 40 in all. Look at cr_segments."


class TestDoubts:
    @pytest.mark.parametrize("text", [LONG, LONG + 40 * " and more", "x"])
    def test_they_are_read_from_the_history(self, text):
        header = fits.Header()
        add_history(header, "clean_cosmic_rays(sigclip=5): 40 events")
        add_history(header, f"result: {text}")
        add_history(header, "measure_events(n_pixels=3): done")
        assert doubts_in(fits.Header.fromstring(header.tostring())) == text

    def test_a_result_without_doubts_has_none(self):
        header = fits.Header()
        add_history(header, "clean_cosmic_rays(sigclip=5): 40 events")
        assert doubts_in(header) == doubts_in(fits.Header()) == ""

    def test_the_table_has_them(self, tmp_path, output):
        raw = level(520, 1, 10)
        raw[20, 10:14] += 3000
        write_frame(tmp_path / "raw" / "light.fits", data=raw)
        table = reduce(tmp_path / "raw", output, {"name": "clean_cosmic_rays", "preflight": "off"})
        assert by_file(table, "doubts")["light.fits"] == doubts_in(fits.getheader(output / "light.fits"))
