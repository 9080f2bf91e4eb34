# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The records that the host and its plugins exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Keywords of the host's own functions: no parameter of a detector may bear one of these names.
HOST_KEYWORDS = frozenset(
    [
        "ccd",
        "detector",
        "gain",
        "readnoise",
        "saturation",
        "dark",
        "scale_dark",
        "bias",
        "bad_pixels",
        "protect",
        "mosaic",
        "dispersion_axis",
        "refine",
        "repair",
        "preflight",
        "max_fraction",
        "force",
        "mask",
        "variance",
        "extra_variance",
        "header",
        "n_pixels",
        "connectivity",
        "ccds",
        "offsets",
        "pixel_size",
        "thickness",
    ]
)

#: Keywords with which the host calls every detector.
DETECTOR_KEYWORDS = ("mask", "variance", "readnoise", "saturation")

#: Further keywords, with which it calls those detectors that have them.
OPTIONAL_KEYWORDS = ("extra_variance", "protected", "header")

#: The names of the host's own flags, and the bits that plugins may claim.
HOST_FLAGS = ("COSMIC_RAY", "SATURATED", "BAD", "NOT_SEARCHED", "TRAIL")
FREE_BITS = (32, 64, 128)

#: The entry of `Detection.info` for the number of pixels that lie along edges and were left alone.
ALONG_EDGES = "along_edges"


#: The quantities whose keywords a dialect names, each with the keyword under which a value that the user gives is
#: written to the header.
QUANTITIES = {
    "kind": "IMAGETYP",
    "object": "OBJECT",
    "name": "FILENAME",
    "unit": "BUNIT",
    "gain": "EGAIN",
    "readnoise": "RDNOISE",
    "saturation": "SATURATE",
    "pedestal": "PEDESTAL",
    "exposure": "EXPTIME",
    "temperature": "CCD-TEMP",
    "pixel_size": "XPIXSZ",
    "altitude": "OBSGEO-H",
    "filter": "FILTER",
    "disperser": "GRATING",
    "slit": "SLIT",
    "central_wavelength": "CENWAVE",
    "binning": "CCDSUM",
    "binning_in_x": "XBINNING",
    "binning_in_y": "YBINNING",
    "camera": "INSTRUME",
    "detector": "DETECTOR",
    "amplifier": "CCDAMP",
    "readout_mode": "READOUTM",
    "gain_setting": "ISO",
    "offset": "OFFSET",
    "bit_depth": "BITDEPTH",
    "overscan": "BIASSEC",
    "overscan_columns": "COVER",
    "overscan_rows": "ROVER",
    "trim": "TRIMSEC",
}

#: The kinds of frame.
KINDS = ("bias", "dark", "flat", "arc", "focus", "light")

#: The corrections that a header may record.
CORRECTIONS = ("bias", "overscan", "trim", "dark", "flat", "gain")


@dataclass(frozen=True)
class Detection:
    """
    What a detector found.

    Parameters
    ----------
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        True where a cosmic ray hit.
    score : `~numpy.ndarray` of float or None, shape (ny, nx)
        Significance or probability of each pixel, if the detector has one.
    cleaned : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        The frame without its cosmic rays, in electron. Without it the host repairs.
    info : dict
        Whatever else is worth telling. The values go to the HISTORY of the cleaned frame.
    not_searched : `~numpy.ndarray` of bool or None, shape (ny, nx)
        True where the detector did not look.
    flags : dict of str to `~numpy.ndarray` of bool, shape (ny, nx)
        Pixels that get a flag of their own: ``"TRAIL"``, or one that a plugin claimed, see `Flag`. They are not
        repaired unless ``mask`` is True there too, nor masked but for those of trails.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin import Detection
    >>> Detection(np.eye(3, dtype=bool)).mask.sum()
    np.int64(3)
    """

    mask: np.ndarray
    score: np.ndarray | None = None
    cleaned: np.ndarray | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    not_searched: np.ndarray | None = None
    flags: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Detector:
    """
    Something that can find cosmic rays.

    Parameters
    ----------
    name : str
        The name users type: letters, digits, ``_``, ``-`` and ``.``.
    summary : str
        One line that says what it does.
    detect : callable
        ``detect(data, *, mask, variance, readnoise, saturation, **own) -> Detection``. ``data`` is
        float32 (ny, nx) in electron, finite everywhere and read-only; ``mask`` is True at bad pixels;
        ``variance`` is float32 in electron squared or None; ``readnoise`` (electron) and
        ``saturation`` (electron, infinity if unknown) are floats. Its own parameters are explicit,
        with defaults. If it has a keyword ``extra_variance`` too, it is given the variance of what was subtracted,
        pixel by pixel (float32, electron squared, or None); otherwise this is part of ``variance``. Where amplifiers
        differ, ``readnoise`` is then the lowest and the extra variance has the rest; otherwise it is the median and
        ``variance`` has the noise of each pixel. If it has a keyword ``protected``, it is given the pixels that are
        good but not to be searched (bool (ny, nx), or None); otherwise ``mask`` is True there. If it has a keyword
        ``header``, it is given the header of the frame (a mapping not to be changed). If it has a parameter
        ``background``, it is given the sky lines and traces of a spectrum (float32, electron).
    references : tuple of str
        What to cite: ADS bibcodes, DOIs, arXiv numbers, addresses, or whole entries of BibTeX; see `citations`.
    check : callable or None
        ``check(**own)`` raises an error if values of its own parameters make no sense. A night calls it before
        anything is done.
    plugins : callable or None
        ``plugins(**own)`` gives (kind, name) of what else is registered and decides the result, as for a `Step`.

    Examples
    --------
    >>> from ccdproc_crplugin import Detection, Detector
    >>> def detect(data, *, mask, variance, readnoise, saturation, threshold=1000.0):
    ...     return Detection((data > threshold) & ~mask)
    >>> Detector("threshold", "every pixel above a level", detect).name
    'threshold'
    """

    name: str
    summary: str
    detect: Callable[..., Detection]
    references: tuple[str, ...] = ()
    check: Callable[..., None] | None = None
    plugins: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Exposure:
    """
    One of several exposures of a field, as a stack detector gets it.

    Parameters
    ----------
    data : `~numpy.ndarray` of float32, shape (ny, nx)
        The frame on its own pixels, in electron, finite everywhere and read-only. All exposures of a stack have the
        same shape.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        True at bad and protected pixels.
    readnoise : float
        Read noise, electron.
    saturation : float
        Saturation level, electron; infinity if unknown.
    offset : tuple of float
        Where a source of the first exposure lies in this one, (dy, dx) in pixels relative to the first.
    variance : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        The variance of each pixel, electron squared; `None` means photons and read noise.
    background : `~numpy.ndarray` of float32 or None, shape (ny, nx)
        The sky lines and traces of a spectrum, electron.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin import Exposure
    >>> sky = np.full((4, 5), 100, dtype=np.float32)
    >>> Exposure(sky, np.zeros(sky.shape, dtype=bool), readnoise=5.0, saturation=60000.0).offset
    (0.0, 0.0)
    """

    data: np.ndarray
    mask: np.ndarray
    readnoise: float
    saturation: float
    offset: tuple[float, float] = (0.0, 0.0)
    variance: np.ndarray | None = None
    background: np.ndarray | None = None


@dataclass(frozen=True)
class StackDetector:
    """
    Something that can find cosmic rays in several exposures of one field.

    Parameters
    ----------
    name : str
        The name users type: letters, digits, ``_``, ``-`` and ``.``.
    summary : str
        One line that says what it does.
    detect : callable
        ``detect(exposures, **own)`` returns a `Detection` for each `Exposure`, in their order. There are two exposures
        at least. Its own parameters are explicit, with defaults.
    references : tuple of str
        Papers to cite.
    check : callable or None
        ``check(**own)`` raises an error if values of its own parameters make no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from ccdproc_crplugin import Detection, StackDetector
    >>> def detect(exposures, *, factor=2.0):
    ...     lowest = np.min([exposure.data for exposure in exposures], axis=0)
    ...     return [Detection((one.data > factor * lowest) & ~one.mask) for one in exposures]
    >>> StackDetector("brighter", "pixels that are brighter in one exposure", detect).name
    'brighter'
    """

    name: str
    summary: str
    detect: Callable[..., Sequence[Detection]]
    references: tuple[str, ...] = ()
    check: Callable[..., None] | None = None


@dataclass(frozen=True)
class Step:
    """
    A reduction step of a night.

    Parameters
    ----------
    name : str
        The name users type, in a night's configuration too.
    summary : str
        One line that says what it does.
    run : callable
        ``run(ccd, **own) -> CCDData``, a new frame, or ``(CCDData, {name: table})``: each table is written
        beside the frame, as ``FRAME_name.ecsv``, those of a file of several frames as one with a column ``hdu``.
        Its own parameters are explicit; one whose default is a bool is given nothing but a bool.
    kinds : tuple of str
        The kinds of frame that it is for. A bias, dark or flat gets the steps that stand before the one
        that takes it.
    master : {"", "bias", "dark", "flat"}
        The kind of combined frame that it takes. ``run`` gets the one that fits as keyword ``master``, with its
        uncertainty if the frame has one too.
    any_exposure : callable or None
        ``any_exposure(**own) -> bool``: whether a dark of another exposure time will do. `None` means no.
    check : callable or None
        ``check(**own)`` raises a `CosmicRayError` on parameters that make no sense. Needed where ``run``
        takes ``**parameters``.
    plugins : callable or None
        ``plugins(**own)`` gives (kind, name) of what else is registered and decides the result, such as
        ``("detector", "lacosmic")``. A frame is reduced anew when its release changes.
    files : tuple of str
        Parameters that are paths, in a configuration relative to its folder. A frame is reduced anew when what such a
        file holds changes.
    lacking : callable or None
        ``lacking(meta, **own)`` returns what the header of a raw frame lacks for the step, in words, or ``""``. The
        plan of a night names it.
    correction : {"", "overscan", "trim", "bias", "dark", "flat", "gain"}
        The correction that the step makes. A night may have it once, as every step that takes a combined frame, and a
        frame whose header says that its bias, dark, flat or gain was corrected is refused.
    references : tuple of str
        What to cite, as for a `Detector`.

    Examples
    --------
    >>> from ccdproc_crplugin import Step
    >>> Step("double", "twice the signal", lambda ccd: ccd.multiply(2)).summary
    'twice the signal'
    """

    name: str
    summary: str
    run: Callable[..., Any]
    kinds: tuple[str, ...] = ("light",)
    master: str = ""
    any_exposure: Callable[..., bool] | None = None
    check: Callable[..., Any] | None = None
    plugins: Callable[..., Any] | None = None
    files: tuple[str, ...] = ()
    lacking: Callable[..., str] | None = None
    correction: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackStep(Step):
    """
    A reduction step of a night that takes several exposures of one field at once.

    The parameters are those of a `Step`, but for these:

    Parameters
    ----------
    run : callable
        ``run(ccds, **own)`` returns a new CCDData for each of the exposures, in their order. There are two at least,
        of one object, filter, exposure time, camera and shape. An error that names one of them, as ``exposure`` of a
        `CosmicRayError` does, costs this one; the step is done again on the others.
    kinds : tuple of str
        It is for light frames alone.
    master : ""
        It takes no combined frame.

    Examples
    --------
    >>> from ccdproc_crplugin import StackStep
    >>> StackStep("sky", "the sky of the first", lambda ccds: [ccd.copy() for ccd in ccds]).kinds
    ('light',)
    """


@dataclass(frozen=True)
class Check:
    """
    A test of the preflight.

    Parameters
    ----------
    name : str
        The name users see.
    summary : str
        One line that says what it looks at.
    run : callable
        ``run(ccd, *, gain, readnoise, dark) -> Finding`` (or several, or None). ``gain`` and
        ``readnoise`` are Quantities (electron/adu, electron) or None where they are not known;
        ``dark`` is a CCDData or None. A check that names them among its parameters is told too the
        ``saturation`` (electron), the name of the ``detector`` that is going to search, and all of its
        ``parameters`` (mapping), each None where it is not known.
    by_plane : bool
        Whether the four planes of a colour mosaic are checked one by one. For checks that compare a pixel with its
        neighbours.

    Examples
    --------
    >>> from ccdproc_crplugin import Check, Finding
    >>> def run(ccd, *, gain, readnoise, dark):
    ...     return Finding("square", "ok" if ccd.shape[0] == ccd.shape[1] else "warn", "...")
    >>> Check("square", "is the frame square?", run).name
    'square'
    """

    name: str
    summary: str
    run: Callable[..., Any]
    by_plane: bool = False


@dataclass(frozen=True)
class Dialect:
    """
    What the header cards of a camera or program mean.

    Parameters
    ----------
    name : str
        The name users see.
    summary : str
        One line that says whose headers it is for.
    cards : dict of str to str
        Keywords and the values that a header must have for the dialect to hold, with ``*`` for any text:
        ``{"INSTRUME": "MyCam*"}``. Without them it holds for every header.
    keywords : dict of str to list of str
        For each quantity (one of ``QUANTITIES``) the keywords under which it stands, the most reliable first. ``#``
        stands for a number from 1 to 9. After ``/`` may follow what the card's comment must say, as in
        ``"DATAMAX / *saturation*"``.
    ignored : dict of str to list of str
        For each quantity the keywords, written in the same way, that mean something else in this dialect.
    kinds : dict of str to list of str
        For each kind of frame (one of ``KINDS``) the words that mean it, with ``*`` for any text. Case, blanks and
        punctuation do not count.
    units : dict of str to list of str
        For each unit, as `astropy.units` spells it, the words that mean it in ``BUNIT``, in values and in comments.
    corrections : dict of str to list of str
        For each correction (one of ``CORRECTIONS``) the keywords that record it.

    Notes
    -----
    Dialects that need certain cards are tried before those that hold for every header; among these, those of the user
    come first, then plugins, then the built-in ones.

    Examples
    --------
    >>> from ccdproc_crplugin import Dialect
    >>> Dialect("mycam", "my own camera", {"INSTRUME": "MyCam*"}, {"gain": ["ELPERADU"]}).keywords["gain"]
    ['ELPERADU']
    """

    name: str
    summary: str
    cards: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    units: Mapping[str, Sequence[str]] = field(default_factory=dict)
    corrections: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Flag:
    """
    A bit of the flags of a cleaned frame that a plugin claims.

    Parameters
    ----------
    name : str
        Its name, in capital letters, digits and ``_``.
    bit : {32, 64, 128}
        The bit; the others are the host's, see `PixelFlag`.
    summary : str
        One line that says what the pixels are.

    Examples
    --------
    >>> from ccdproc_crplugin import Flag
    >>> Flag("GHOST", 32, "reflection of a bright star in the optics").bit
    32
    """

    name: str
    bit: int
    summary: str


@dataclass(frozen=True)
class Finding:
    """
    What a check found.

    Parameters
    ----------
    check : str
        Name of the check.
    status : {"ok", "warn", "fail"}
        The verdict.
    message : str
        What was found, in a sentence.
    note : int or None
        Which of the five notes for users of L.A.Cosmic it speaks of, 1 to 5.
    measured, expected : object
        The values compared, if any.
    fix : str
        What to do.

    Examples
    --------
    >>> from ccdproc_crplugin import Finding
    >>> Finding("unit", "fail", "the frame is in electron / s", fix="multiply by the exposure").status
    'fail'
    """

    check: str
    status: str
    message: str
    note: int | None = None
    measured: Any = None
    expected: Any = None
    fix: str = ""
