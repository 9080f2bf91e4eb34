# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The properties of a frame that decide which frames belong together, from its header."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from astropy import units as u

from ccdproc_crplugin.errors import wrong_value
from ccdproc_crplugin.frames import header

#: The kinds of frame that are combined, in the order in which they are needed.
CALIBRATION_KINDS = ("bias", "dark", "flat")

#: How far the temperatures of frames of a group may lie from its middle, in deg_C. Dark current doubles every 6 to
#: 8 deg_C, so that 1 deg_C changes it by about a tenth.
TEMPERATURE_TOLERANCE = 1.0

#: Relative difference of two exposure times that count as the same: shutters are that exact.
EXPOSURE_TOLERANCE = 1e-3

#: Relative difference of two central wavelengths that count as the same, 5 Angstrom at 5000: gratings do not return
#: exactly, and settings lie much further apart.
WAVELENGTH_TOLERANCE = 1e-3

#: The properties that stand in one value of a key, and their names in messages and in [group].
SINGLE = {
    "filter": "filter",
    "disperser": "disperser",
    "slit": "slit",
    "wavelength": "central wavelength",
    "binning": "binning",
    "gain": "gain",
    "offset": "offset",
    "bit_depth": "bit depth",
    "readout": "readout mode",
}

#: The properties of which a header may have several cards; those that two headers have in common are compared.
CARDS = ("camera", "detector", "amplifier")

#: What the light went through, which says nothing about a frame that saw no light.
IN_BEAM = ("filter", "disperser", "slit", "wavelength")

#: Properties that are ignored for frames of a kind: a bias has no exposure, and no light falls on bias and dark.
NOT_COUNTED = {"bias": ("exposure", *IN_BEAM), "dark": IN_BEAM, "flat": ("exposure",)}

#: Everything that [group] can ignore by its name, and the field of a key.
NAMES = {name: fieldname for fieldname, name in SINGLE.items()} | {
    name: name for name in (*CARDS, "exposure", "temperature")
}

#: Cards of text, of which a header has many.
COMMENTARY = ("COMMENT", "HISTORY")

#: The name of a header card.
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}|[A-Z0-9_-]+( [A-Z0-9_-]+)+")

#: A property that stands in several cards, by keyword.
Cards = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class CalibrationKey:
    """The properties in which frames that are combined agree; None if unknown or ignored for their kind."""

    kind: str
    exposure: float | None = None  # s, to four digits
    filter: str | None = None  # of all wheels
    binning: tuple[int, int] | None = None  # along x and y
    gain: float | None = None  # as in the header: electron/adu or a setting of the camera
    readout: str | None = None
    temperature: float | None = None  # deg_C
    disperser: str | None = None
    slit: str | None = None
    wavelength: float | None = None  # in any unit
    offset: float | None = None
    bit_depth: float | None = None
    camera: Cards = ()
    detector: Cards = ()
    amplifier: Cards = ()
    more: Cards = ()  # the cards of [group] by, None for those that the header does not have

    def fits(
        self, frame: CalibrationKey, *, tolerance: float = TEMPERATURE_TOLERANCE, any_exposure: bool = False
    ) -> bool:
        """Whether a combined frame of this key calibrates a frame; unknown properties agree with any."""
        return not self.misfits(frame, tolerance=tolerance, any_exposure=any_exposure)

    def misfits(
        self, frame: CalibrationKey, *, tolerance: float = TEMPERATURE_TOLERANCE, any_exposure: bool = False
    ) -> list[str]:
        """The names of the properties in which a combined frame of this key does not fit a frame."""
        names = self.differences(frame)
        if not any_exposure and not same_exposure(self.exposure, frame.exposure):
            names.append("exposure")
        if not _close(self.temperature, frame.temperature, tolerance):
            names.append("temperature")
        return names

    def differences(self, frame: CalibrationKey) -> list[str]:
        """The names of the properties, exposure and temperature aside, that both know and that differ."""
        return [name for name, agree in self._compared(frame) if agree is False]

    def unsure(self, frame: CalibrationKey) -> list[str]:
        """The names of the properties, exposure and temperature aside, that only one of the two knows."""
        return [name for name, agree in self._compared(frame) if agree is None]

    def _compared(self, frame: CalibrationKey) -> Iterator[tuple[str, bool | None]]:
        """Whether a frame agrees, property by property; None if only one knows it."""
        frame = frame.as_seen_by(self.kind)
        for fieldname, name in SINGLE.items():
            mine, other = getattr(self, fieldname), getattr(frame, fieldname)
            yield name, _agreement(mine, other, WAVELENGTH_TOLERANCE if fieldname == "wavelength" else 0)
        for name in CARDS:
            mine, other = dict(getattr(self, name)), dict(getattr(frame, name))
            differing = [keyword for keyword in mine if keyword in other and mine[keyword] != other[keyword]]
            yield from ((keyword, False) for keyword in differing)
            if not differing:
                yield name, True if mine.keys() & other.keys() or not (mine or other) else None
        others = dict(frame.more)
        for keyword, value in self.more:
            yield keyword, _agreement(value, others.get(keyword))

    def value_of(self, name: str) -> Any:
        """The value of a property by its name in messages; None if it is not known."""
        if name in CARDS:
            return next((value for _, value in getattr(self, name)), None)
        if name in NAMES:
            return getattr(self, NAMES[name])
        return dict((*self.camera, *self.detector, *self.amplifier, *self.more)).get(name)

    def keywords_of(self, name: str) -> list[str]:
        """The keywords under which a header has a property that may stand in several cards."""
        return [keyword for keyword, _ in getattr(self, name)] if name in CARDS else []

    def apart(self, frame: CalibrationKey, what: str) -> float:
        """
        How far the key lies from a frame's in exposure (s) or temperature (deg_C).

        Where only the frame's is known, the distance is infinite: a combined frame of known temperature is preferred.
        """
        mine, other = getattr(self, what), getattr(frame, what)
        if other is None:
            return 0.0
        return math.inf if mine is None else abs(mine - other)

    def as_seen_by(self, kind: str) -> CalibrationKey:
        """The key without the properties that are ignored for a combined frame of a kind."""
        ignored: dict[str, Any] = dict.fromkeys(NOT_COUNTED.get(kind, ()))
        return replace(self, **ignored)

    def united(self, other: CalibrationKey) -> CalibrationKey:
        """The key completed with what another one, which agrees with it, knows beside."""
        values: dict[str, Any] = {
            name: getattr(other, name) if getattr(self, name) is None else getattr(self, name) for name in SINGLE
        }
        cards: dict[str, Any] = {
            name: tuple((dict(getattr(other, name)) | dict(getattr(self, name))).items()) for name in CARDS
        }
        others = dict(other.more)
        more = tuple((keyword, others.get(keyword) if value is None else value) for keyword, value in self.more)
        return replace(self, **values, **cards, more=more)

    @property
    def name(self) -> str:
        """The name of the combined frame's file, without ending: ``dark_120s_2x2_-20C``."""
        parts = [
            self.kind,
            self.exposure is not None and f"{self.exposure:g}s",
            self.filter,
            self.binning is not None and "{}x{}".format(*self.binning),
            self.gain is not None and f"gain{self.gain:g}",
            self.readout,
        ]
        words = [as_word(part) for part in parts if part]
        if self.temperature is not None:
            words.append(f"{round(self.temperature):d}C")
        return "_".join(filter(None, words))

    def described(self) -> str:
        """The properties in words."""
        known = {
            "exposure": self.exposure is not None and f"{self.exposure:g} s",
            "filter": self.filter,
            "disperser": self.disperser,
            "slit": self.slit,
            "central wavelength": self.wavelength is not None and f"{self.wavelength:g}",
            "binning": self.binning and "{} x {}".format(*self.binning),
            "gain": self.gain is not None and f"{self.gain:g}",
            "offset": self.offset is not None and f"{self.offset:g}",
            "bit depth": self.bit_depth is not None and f"{self.bit_depth:g}",
            "readout mode": self.readout,
            "temperature": self.temperature is not None and f"{self.temperature:g} deg_C",
        }
        known |= dict(value for name in CARDS for value in getattr(self, name)[:1]) | dict(self.more)
        return ", ".join(f"{name} {value}" for name, value in known.items() if value) or "the frame"


@dataclass(frozen=True)
class GroupRule:
    """
    What tells groups apart beside the properties that always count.

    ``by`` holds keywords of header cards that count too, for all kinds or by kind; ``ignore`` names properties or
    keywords that do not.
    """

    by: Any = ()  # becomes a dict of tuples by kind
    ignore: Any = ()  # becomes a frozenset
    _fields: frozenset[str] = field(default=frozenset(), init=False, repr=False)

    def __post_init__(self) -> None:
        by = self.by if isinstance(self.by, Mapping) else dict.fromkeys(CALIBRATION_KINDS, self.by)
        for kind, keywords in by.items():
            if kind not in CALIBRATION_KINDS:
                expected = f"keywords of header cards, or lists of these for {', '.join(CALIBRATION_KINDS)}"
                raise wrong_value("group_by", self.by, expected)
            _check_words("group_by", keywords, self.by, "a list of keywords of header cards in capitals")
        expected = f"a list of keywords of header cards in capitals, or of: {', '.join(NAMES)}"
        _check_words("group_ignore", self.ignore, self.ignore, expected, NAMES)
        words = {_spelt(word) for word in self.ignore}
        for name, value in (
            ("by", {kind: tuple(keywords) for kind, keywords in by.items()}),
            ("ignore", frozenset(words)),
            ("_fields", frozenset(NAMES[word] for word in words & NAMES.keys())),
        ):
            object.__setattr__(self, name, value)

    @property
    def settings(self) -> list[Any]:
        """Both as plain values, to be hashed."""
        return [self.by, sorted(self.ignore)]

    def key_of(self, meta: Mapping) -> CalibrationKey:
        """The key that the header of a frame of any kind contains."""
        cards = header.read_header(meta)
        kind, exposure, temperature = header.frame_kind(cards), exposure_of(cards), header.temperature(cards)
        counted = self._counted(cards)
        gain = header.gain_setting(counted)
        key = CalibrationKey(
            kind=kind,
            exposure=None if exposure is None else float(f"{exposure:.4g}"),
            filter=_in_beam(header.filters(counted), "clear"),
            binning=_value(header.binning(counted)),
            gain=gain,
            readout=_value(header.readout_mode(counted)),
            temperature=None if temperature is None else float(temperature.value.to_value(u.deg_C)),
            disperser=_in_beam(header.disperser(counted), "open"),
            slit=_in_beam(header.slit(counted), "open"),
            wavelength=_value(header.central_wavelength(counted)),
            offset=_value(header.offset(counted)),
            bit_depth=_value(header.bit_depth(counted)),
            more=tuple((keyword, _text_of(cards, keyword)) for keyword in self._keywords(kind)),
            **{name: tuple(header.texts(counted, name).items()) for name in CARDS},
        )
        ignored: dict[str, Any] = {name: () if name in CARDS else None for name in self._fields}
        return replace(key, **ignored).as_seen_by(kind)

    def _keywords(self, kind: str) -> list[str]:
        """The further cards that count for a kind; for a light frame those of every kind."""
        kinds = [kind] if kind in CALIBRATION_KINDS else self.by
        return list(dict.fromkeys(keyword for kind in kinds for keyword in self.by.get(kind, ())))

    def _counted(self, cards: header.FrameHeader) -> header.FrameHeader:
        """The cards that are not ignored."""
        if not self.ignore:
            return cards
        counted = header.FrameHeader()
        counted.update({keyword: value for keyword, value in cards.items() if keyword not in self.ignore})
        counted.comments |= cards.comments
        return counted


def _check_words(name: str, words: Any, given: Any, expected: str, names: Container[str] = ()) -> None:
    if isinstance(words, str) or not isinstance(words, list | tuple | set | frozenset):
        raise wrong_value(name, given, expected)
    for word in words:
        is_keyword = isinstance(word, str) and _KEYWORD.fullmatch(word) and word not in COMMENTARY
        if not isinstance(word, str) or not (is_keyword or _spelt(word) in names):
            raise wrong_value(name, given, expected)


def _spelt(word: str) -> str:
    """The name of a property as `NAMES` has it, or a keyword as it is."""
    name = word.lower().replace("_", " ")
    return name if name in NAMES and not word.isupper() else word


#: The rule without settings of a user.
USUAL = GroupRule()


def calibration_key(meta: Mapping) -> CalibrationKey:
    """The key that the header of a frame of any kind contains."""
    return USUAL.key_of(meta)


def exposure_of(meta: Mapping) -> float | None:
    """The exposure in seconds; None if the header does not have it."""
    exposure = header.exposure(meta)
    return None if exposure is None else float(exposure.value.to_value(u.s))


def as_word(value: Any) -> str:
    """A value as a part of a file name."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII).strip("-.")[:40]


def same_exposure(a: float | None, b: float | None) -> bool:
    """Whether two exposures (s) agree within the accuracy of a shutter, or one is unknown."""
    return a is None or b is None or math.isclose(a, b, rel_tol=EXPOSURE_TOLERANCE, abs_tol=1e-9)


def _close(a: float | None, b: float | None, tolerance: float) -> bool:
    return a is None or b is None or abs(a - b) <= tolerance + 1e-9


def _agreement(a: Any, b: Any, tolerance: float = 0) -> bool | None:
    """Whether two values agree, None if only one is known."""
    if a is None or b is None:
        return True if a is b else None
    return math.isclose(a, b, rel_tol=tolerance) if tolerance else bool(a == b)


def _value(found: header.HeaderValue | None) -> Any:
    return None if found is None else found.value


def _in_beam(found: header.HeaderValue | None, nothing: str) -> str | None:
    """The names of what is in the beam as one text, or the word for nothing."""
    return None if found is None else "+".join(found.value) or nothing


def _text_of(meta: Mapping, keyword: str) -> str | None:
    value = header.value_of(meta, keyword)
    return None if value is None else str(value).strip() or None
