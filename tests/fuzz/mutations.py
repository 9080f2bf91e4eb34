# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""FITS files made and damaged, each by a seed."""

import gzip
import io

import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin.io.ccd import to_hdus

CARD, BLOCK = 80, 2880

#: Values that a damaged card may have.
VALUES = (
    "T",
    "F",
    "0",
    "-1",
    "1",
    "32767",
    "999",
    "1000",
    str(2**31),
    str(2**63),
    "1E999",
    "NaN",
    "'x",
    "''",
    "'abc'",
    "1.5",
    "",
)

#: Whole cards that a file may have, sound or not.
CARDS = (
    "HUMIDITY= 4.5e-01",
    "airmass = 1.2",
    "CAM.GAIN= 1.5",
    "REMARK  = 'tab\there' / and\r\n there",
    "BZERO   = 0",
    "BZERO   = 32768",
    "BSCALE  = 0",
    "BLANK   = 5",
    "NAXIS3  = 1",
    "NAXIS   = 3",
    "GROUPS  = T",
    "PCOUNT  = 9223372036854775807",
    "GCOUNT  = 0",
    "TFIELDS = 1000000",
    "ZIMAGE  = T",
    "CRNPIX  = 'many'",
    "GAIN    = *",
    "CTYPE1  = 'RA---TAN-SIP'",
    "A_ORDER = 99",
    "EXTNAME = 'SCI'",
    "CONTINUE  'lost'",
    "HIERARCH a.b = ?",
    "END",
)


def frames() -> dict[str, bytes]:
    """Whole files of several kinds by their name."""
    rng = np.random.default_rng(0)
    sky = rng.normal(300, 10, (40, 50))
    sky[20, 10:16] += 4000
    header = fits.Header([("IMAGETYP", "LIGHT"), ("GAIN", 1.5), ("RDNOISE", 5.0), ("EXPTIME", 60.0), ("BUNIT", "adu")])
    image = fits.PrimaryHDU(sky.astype(np.uint16), header)
    chips = [fits.ImageHDU(sky.astype(np.float32), header, name="SCI", ver=number) for number in (1, 2)]
    planes = [fits.ImageHDU(np.zeros((40, 50), np.int16), name="DQ", ver=number) for number in (1, 2)]
    ccd = CCDData(
        sky.astype(np.float32), unit="adu", meta=header, uncertainty=StdDevUncertainty(np.full(sky.shape, 9.0))
    )
    cleaned = crp.clean_cosmic_rays(ccd, preflight="off")
    bias = fits.PrimaryHDU(image.data, fits.Header([("IMAGETYP", "BIAS"), ("BUNIT", "adu")]))
    made = {
        "raw.fits": fits.HDUList([image]),
        "bias.fits": fits.HDUList([bias]),
        "chips.fits": fits.HDUList([fits.PrimaryHDU(), chips[0], planes[0], chips[1], planes[1]]),
        "packed.fits.fz": fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image.data, header)]),
        "cleaned.fits": to_hdus(cleaned),
    }
    return {name: _bytes(hdus) for name, hdus in made.items()}


def _bytes(hdus) -> bytes:
    stream = io.BytesIO()
    hdus.update_extend()
    hdus.writeto(stream)
    return stream.getvalue()


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to four faults; every fourth one is packed."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        FAULTS[rng.integers(len(FAULTS))](damaged, rng)
    if rng.random() < 0.25:
        packed = bytearray(gzip.compress(bytes(damaged), mtime=0))
        if rng.random() < 0.3:
            packed[rng.integers(len(packed))] ^= 1 << rng.integers(8)
        return bytes(packed)
    return bytes(damaged)


def _places_of_cards(content: bytearray) -> list[int]:
    """Where the cards of all headers stand."""
    places, in_header = [], False
    for block in range(0, len(content), BLOCK):
        start = bytes(content[block : block + 8])
        in_header = in_header or start.startswith((b"SIMPLE", b"XTENSION"))
        for place in range(block, min(block + BLOCK, len(content)) if in_header else block, CARD):
            if content[place : place + CARD] == b"END".ljust(CARD):
                in_header = False
                break
            places.append(place)
    return places


def _card(content: bytearray, rng: np.random.Generator) -> int | None:
    places = _places_of_cards(content)
    return places[rng.integers(len(places))] if places else None


def flip_a_bit(content, rng):
    """Any bit of the file."""
    if content:
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)


def flip_a_byte_of_a_card(content, rng):
    place = _card(content, rng)
    if place is not None and place + CARD <= len(content):
        content[place + rng.integers(CARD)] = rng.integers(256)


def change_a_value(content, rng):
    place = _card(content, rng)
    if place is not None:
        value = VALUES[rng.integers(len(VALUES))].rjust(20).encode()
        content[place + 8 : place + 30] = (b"= " + value)[:22]


def replace_a_card(content, rng):
    place = _card(content, rng)
    if place is not None:
        content[place : place + CARD] = CARDS[rng.integers(len(CARDS))].ljust(CARD).encode()


def repeat_a_card(content, rng):
    first, second = _card(content, rng), _card(content, rng)
    if first is not None and second is not None:
        content[second : second + CARD] = content[first : first + CARD]


def cut_off_the_end(content, rng):
    if content:
        del content[rng.integers(len(content)) :]


def remove_a_block(content, rng):
    if len(content) > BLOCK:
        block = rng.integers(len(content) // BLOCK) * BLOCK
        del content[block : block + BLOCK]


def repeat_a_block(content, rng):
    if len(content) > BLOCK:
        block = rng.integers(len(content) // BLOCK) * BLOCK
        content[block:block] = content[block : block + BLOCK]


def add_rubbish(content, rng):
    content += rng.bytes(int(rng.integers(1, 6000)))


FAULTS = (
    flip_a_bit,
    flip_a_byte_of_a_card,
    flip_a_byte_of_a_card,
    change_a_value,
    change_a_value,
    replace_a_card,
    replace_a_card,
    repeat_a_card,
    cut_off_the_end,
    remove_a_block,
    repeat_a_block,
    add_rubbish,
)
