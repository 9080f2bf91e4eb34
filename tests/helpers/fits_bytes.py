# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""FITS files as bytes, in which cards can be changed as no library would write them."""

import io

import numpy as np
from astropy.io import fits

CARD = 80


def sky(dtype="uint16"):
    """A small frame with one cosmic ray."""
    pixels = np.random.default_rng(3).normal(300, 10, (40, 50))
    pixels[20, 10:16] += 4000
    return pixels.astype(dtype)


def header(**cards):
    """The header of a light frame."""
    known = {"IMAGETYP": "LIGHT", "GAIN": 1.5, "RDNOISE": 5.0, "EXPTIME": 60.0, "BUNIT": "adu"}
    return fits.Header([(name, value) for name, value in (known | cards).items() if value is not None])


def bytes_of(*hdus):
    """The bytes of a file."""
    stream = io.BytesIO()
    hdus = fits.HDUList(list(hdus))
    hdus.update_extend()
    hdus.writeto(stream)
    return stream.getvalue()


def raw(**cards):
    """A file with one light frame."""
    return bytes_of(fits.PrimaryHDU(sky(), header(**cards)))


def with_cards(content, *texts):
    """The same file with cards added to the end of its first header, which has room for them."""
    end = b"END".ljust(CARD)
    place = content.index(end)
    added = b"".join(text.encode("latin-1").ljust(CARD) for text in texts) + end
    assert not content[place + CARD : place + len(added)].strip()
    return content[:place] + added + content[place + len(added) :]


def with_card_replaced(content, keyword, text):
    """The same file with the first card of a keyword replaced."""
    place = content.index(keyword.ljust(8).encode() + b"=")
    return content[:place] + text.encode("latin-1").ljust(CARD) + content[place + CARD :]
