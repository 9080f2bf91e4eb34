# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built-in dialects, by cards as cameras write them.
"""

import pytest
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.records import corrections

PER_ADU = u.electron / u.adu
JWST = {"TELESCOP": "JWST"}
HST = {"TELESCOP": "HST"}
KAST = {"PROGRAM": "NEWCAM", "NAXIS1": 2112, "NAXIS2": 350, "DATASEC": "[1:2048,1:350]"}


@pytest.mark.parametrize(
    ("look_up", "meta", "value"),
    [
        (header.temperature, {"TEMPDET": 192.7}, -80.45 * u.deg_C),
        (header.temperature, {"CAMTEMP": "13 C"}, 13 * u.deg_C),
        (header.gain, {"ADCGAIN": 1.2}, 1.2 * PER_ADU),
        (header.gain, {"ATODGAIN": 7.0}, 7 * PER_ADU),
        (header.gain, {"GAIN": "1.7 e/ADU"}, 1.7 * PER_ADU),
        (header.gain, {"GAIN": "1.6"}, 1.6 * PER_ADU),
        (header.gain, {"GAIN": (120, "sensor"), "ADCGAIN": 1.2}, 1.2 * PER_ADU),
        (header.gain, {"GAIN": (1, "DCS GAIN INDEX")}, None),
        (header.gain, {**KAST, "GAIN": 1}, None),
        (header.exposure, {**JWST, "EXPOSURE": "1", "EFFEXPTM": 26.013}, 26.013 * u.s),
        (header.exposure, {**JWST, "EXPOSURE": "1", "XPOSURE": 26.013}, 26.013 * u.s),
        (header.exposure, {**JWST, "EXPOSURE": "1"}, None),
        (header.exposure, {"EXPOSURE": ("1", "Exposure request number")}, None),
        (header.exposure, {"EXPOSURE": (0.5, "[d] time on source"), "TELAPSE": (0.6, "[d]")}, 43200 * u.s),
        (header.exposure, {"TELAPSE": 32.6}, 32.6 * u.s),
        (header.altitude, {"ELEV-OBS": 1160.0}, 1160 * u.m),
        (header.altitude, {"ELEVATIO": (1800, "Site Elevation [meters]")}, 1800 * u.m),
        (header.altitude, {"ELEVATIO": (62.5, "telescope elevation [deg]")}, None),
        (header.bit_depth, {"BITDEPTH": 12}, 12),
        (header.pedestal, {"PEDESTAL": -100}, 100 * u.adu),
        (header.pedestal, {"PEDESTAL": 0}, None),
        (header.saturation, {"DATAMAX": (65535, "SATURATION LEVEL")}, 65535 * u.adu),
        (header.saturation, {"DATAMAX": 65535, "SBSTDVER": "SBFITSEXT Version 1.0"}, 65535 * u.adu),
        (header.saturation, {"DATAMAX": (98528.2, "Maximum data value")}, None),
        (header.saturation, {"DATAMAX": 98528.2}, None),
        (header.overscan_section, {**KAST, "COVER": 32}, "[2049:2112, 1:350]"),
        (header.overscan_section, {**KAST, "COVER": 0, "ROVER": 0}, None),
        (header.overscan_section, {**KAST, "COVER": 99}, None),
        (header.overscan_section, {"COVER": 32}, None),
        (header.overscan_section, {"NAXIS1": 10, "NAXIS2": 24, "TRIMSEC": "[1:10,1:20]", "ROVER": 4}, "[1:10, 21:24]"),
        (header.trim_section, {"DATASEC": "[1:8,1:9]", "TRIMSEC": "[2:8,2:9]"}, "[2:8,2:9]"),
        (header.filters, {**JWST, "FILTER": "F480M", "PUPIL": "NRM"}, ("F480M", "NRM")),
        (header.filters, {**JWST, "FILTER": "F480M", "PUPIL": "CLEARP"}, ("F480M",)),
        (header.filters, {"FILTER": "V", "PUPIL": 1.5}, ("V",)),
        (header.readnoise, {"HIERARCH CELL.READNOISE": 5.9, "HIERARCH FPA.TELESCOPE": "PS1"}, 5.9 * u.electron),
    ],
)
def test_a_card_means_what_the_camera_means(look_up, meta, value):
    for form in (meta, header.read_header(meta), fits.Header([(key, *_pair(card)) for key, card in meta.items()])):
        found = look_up(form)
        if value is None:
            assert found is None
        elif isinstance(value, u.Quantity):
            assert u.isclose(found.value, value)
        else:
            assert found.value == value


def _pair(card):
    return card if isinstance(card, tuple) else (card,)


@pytest.mark.parametrize(
    ("meta", "kind"),
    [
        ({**HST, "IMAGETYP": "EXT"}, "light"),
        ({"IMAGETYP": "EXT"}, "unknown"),
        ({**HST, "IMAGETYP": "DARK", "EXPTIME": 900}, "dark"),
        ({**JWST, "EXP_TYPE": "NIS_AMI"}, "light"),
        ({**JWST, "EXP_TYPE": "NRC_DARK"}, "dark"),
        ({**JWST, "EXP_TYPE": "NRS_LAMP"}, "arc"),
        ({**JWST, "EXP_TYPE": "MIR_FLATIMAGE"}, "flat"),
        ({"ESO GEN EXPO TYPE": "SCI"}, "light"),
        ({"FPA.OBSTYPE": "OBJECT", "FPA.TELESCOPE": "PS1"}, "light"),
    ],
)
def test_kinds_have_words_of_their_own(meta, kind):
    assert header.frame_kind(meta) == kind


@pytest.mark.parametrize(
    ("meta", "made"),
    [
        ({"DARKCORR": "COMPLETE", "FLATCORR": "COMPLETE"}, {"dark", "flat"}),
        ({"DARKCORR": "OMIT", "FLATCORR": "PERFORM"}, set()),
        ({**JWST, "S_DARK": "COMPLETE", "S_FLAT": "SKIPPED", "S_SUPERB": "COMPLETE"}, {"dark", "bias"}),
        ({"S_DARK": "COMPLETE"}, set()),
    ],
)
def test_corrections_have_records_of_their_own(meta, made):
    assert corrections(meta) == made
