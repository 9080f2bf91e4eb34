# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cards that break the standard: mended where it is plain what they mean, left out otherwise.
"""

import pytest
from astropy.io import fits

from ccdproc_crplugin.io.mending import mended_card


def mended(text):
    return mended_card(text.encode("latin-1").ljust(80))


@pytest.mark.parametrize(
    "text",
    [
        "GAIN    =                  1.5 / [e/adu]",
        "OBJECT  = 'it''s M 31' / name",
        "FLAG    =                    T",
        "EMPTY   =",
        "COMMENT free text = 5",
        "HISTORY 'quoted",
        "",
        "CONTINUE  'more' / of it",
        "HIERARCH ESO DET OUT1 GAIN = 1.5",
        "HIERARCH PPSUB.KERNEL = 'a(b)'",
        "BIG     = 123456789012345678901234567890",
        "COMPLEX = (1.0, 2.0)",
    ],
)
def test_a_sound_card_stays_byte_for_byte(text):
    assert mended(text) == text.encode().ljust(80)


@pytest.mark.parametrize(
    ("text", "keyword", "value"),
    [
        ("HUMIDITY= 4.5e-01", "HUMIDITY", 0.45),
        ("airmass = 1.2", "AIRMASS", 1.2),
        ("CAM.GAIN= 1.5", "CAM_GAIN", 1.5),
        ("A B     = 3", "A_B", 3),
        ("KEY = 5", "KEY", 5),
        ("GAIN    =1.5", "GAIN", 1.5),
        ("TEMP    = 5 / in\tdeg\r\n", "TEMP", 5),
        ("DATE    = 2020-01-01", "DATE", "2020-01-01"),
        ("SITE    = 'Cura\xe7ao'", "SITE", "Cura?ao"),
    ],
)
def test_a_card_whose_meaning_is_plain_is_mended(text, keyword, value):
    card = fits.Card.fromstring(mended(text))
    card.verify("exception")
    assert (card.keyword, card.value) == (keyword, value)


@pytest.mark.parametrize("text", ["HUGE    = 1E999", "foo bar baz", "CONTINUE without a text", "???"])
def test_a_card_that_means_nothing_is_left_out(text):
    assert mended(text) == b""
