# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Functions of other packages that run on the engine, if the user wants it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError, check_bool
from ccdproc_crplugin.plugins import replacing

DETECT_COSMICS = "astroscrappy.detect_cosmics"


class Acceleration:
    """
    The state of `accelerate`, and a context manager at the end of which the state is as before.

    `accelerate` returns it.

    Parameters
    ----------
    wanted : bool
        Whether it is to be on.

    Attributes
    ----------
    on : bool
        Whether `astroscrappy.detect_cosmics` runs on the engine.
    places : list of str
        The modules that hold the function that runs on the engine, with the name it has there.
    out_of_reach : list of str
        What still holds astroscrappy's own: default arguments, closures, classes, tables of functions.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._closed = False
        with _LOCK:
            self._ended = set() if wanted else set(_ON)
            _ON.difference_update(self._ended)
            if wanted:
                _ON.add(self)
            _apply()
        known = replacing.replacement(DETECT_COSMICS)
        self.on = known is not None
        self.places = [] if known is None else replacing.places(known.ours)
        self.out_of_reach = [] if known is None else replacing.out_of_reach(known.theirs)

    def __repr__(self) -> str:
        if not self.on:
            return f"<Acceleration: off, {DETECT_COSMICS} is astroscrappy's own>"
        beyond = f"; out of reach: {', '.join(self.out_of_reach)}" if self.out_of_reach else ""
        return f"<Acceleration: on in {', '.join(self.places)}{beyond}>"

    def __enter__(self) -> Acceleration:
        if not self._wanted:
            with _LOCK:
                _ON.update(other for other in self._ended if not other._closed)
                _OFF.add(self)
                _apply()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _LOCK:
            self._closed = True
            _ON.discard(self)
            _OFF.discard(self)
            _apply()


#: Who wants it on, and the blocks in which it is off: blocks of several threads may overlap.
_ON: set[Acceleration] = set()
_OFF: set[Acceleration] = set()
_LOCK = threading.RLock()


def accelerate(on: bool = True) -> Acceleration:
    """
    Let astroscrappy run on the engine, in this process, for all who call it.

    ``ccdproc_crplugin.lacosmic.detect_cosmics`` takes the place of ``astroscrappy.detect_cosmics`` in every module that
    holds it, so that `ccdproc.cosmicray_lacosmic` and each package that is built on astroscrappy runs faster. Masks
    and values are the same, but for ``cleantype="median"``, where astroscrappy's own returns memory that nothing was
    written to. It is never on by itself. `plugin_report` shows it.

    Parameters
    ----------
    on : bool
        Whether to put the drop-in there, or to put astroscrappy's own function back.

    Returns
    -------
    Acceleration
        Where it is on, and what is out of its reach; as a context manager it is on for a block.

    Raises
    ------
    CosmicRayError
        If ``on`` is not a bool, or astroscrappy is not installed.

    Notes
    -----
    Other processes are not changed. Those that are forked while it is on have it on, too. The detector
    ``"astroscrappy"`` of this package still runs astroscrappy's own function.

    Examples
    --------
    >>> import astroscrappy
    >>> import numpy as np
    >>> import ccdproc_crplugin as crp
    >>> frame = np.full((32, 32), 100.0, dtype=np.float32)
    >>> frame[10, 20] = 900.0
    >>> with crp.accelerate():
    ...     mask, cleaned = astroscrappy.detect_cosmics(frame)
    >>> int(mask.sum())
    1
    >>> crp.accelerate(False)
    <Acceleration: off, astroscrappy.detect_cosmics is astroscrappy's own>
    """
    check_bool("on", on)
    return Acceleration(on)


def forget_all() -> None:
    """Turn it off for all who want it, and in all blocks."""
    with _LOCK:
        _ON.clear()
        _OFF.clear()
        _apply()


def _apply() -> None:
    """Put in its place the function that is wanted there now."""
    if _ON and not _OFF:
        replacing.replace(DETECT_COSMICS, _astroscrappys(), _drop_in())
    else:
        replacing.put_back(DETECT_COSMICS)


def _astroscrappys() -> Any:
    try:
        from astroscrappy import detect_cosmics
    except ImportError as err:
        raise CosmicRayError(
            "Found no package 'astroscrappy'; expected it for accelerate.",
            "Install it with: python -m pip install astroscrappy",
        ) from err
    return detect_cosmics


def _drop_in() -> Any:
    from ccdproc_crplugin.lacosmic import detect_cosmics

    return detect_cosmics
