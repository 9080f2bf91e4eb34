# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The cosmic rays out of a collection of frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from astropy.table import QTable

from ccdproc_crplugin.io.atomic import as_folder
from ccdproc_crplugin.io.ccd import given_unit
from ccdproc_crplugin.io.selection import paths_of
from ccdproc_crplugin.pipeline.config import check_calls, check_ending
from ccdproc_crplugin.pipeline.model import Call, Night
from ccdproc_crplugin.pipeline.run import run_night
from ccdproc_crplugin.pipeline.summary import warn_of_failed_checks

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection

__all__ = ["clean_collection"]


def clean_collection(
    ifc: ImageFileCollection | Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    detector: str = "lacosmic",
    unit: str | None = None,
    ending: str = ".fits",
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
    **parameters: Any,
) -> QTable:
    """
    Take the cosmic rays out of the light frames of a collection.

    Parameters
    ----------
    ifc : `~ccdproc.ImageFileCollection` or list of paths
        The frames. Those that are no light frames are left alone.
    output : path
        The folder to write to; made if missing. Each result keeps the stem of its input's name.
    detector : str
        Who looks for cosmic rays, see `clean_cosmic_rays`.
    unit : str or None
        Unit of frames without ``BUNIT``, see `read_ccd`.
    ending : str
        How the names of the results end: ``.fits``, ``.fits.gz`` or ``.fits.fz``. Equal frames give equal files.
    executor : Executor or None
        Who does the work, such as the executor of a Dask client. `None` means processes of this machine.
    n_workers : int or None
        How many of those; 1 means this process. `None` means as many as processors and memory allow and
        the work is worth. A script that leaves it out must guard its main part with
        ``if __name__ == "__main__":``, as for every pool of processes.
    progress : callable or None
        A progress bar such as ``tqdm.tqdm``: called with an iterable and ``total=``, it gives the same items.
    **parameters
        What else `clean_cosmic_rays` takes, the detector's parameters among it.

    Returns
    -------
    `~astropy.table.QTable`
        A row a file, as written to ``night.ecsv`` in the output. ``status`` is ``done``, ``failed`` (see
        ``reason``), ``kept`` where an earlier run did the same, or ``skipped``.

    Raises
    ------
    CosmicRayError
        If a parameter is wrong, there is no file, the output can't be written, or another run is at work there.
        Trouble with a frame is no error: it costs that frame alone.

    Warns
    -----
    PreflightWarning
        Once, if checks of the preflight failed; ``findings`` says of which frames.

    Notes
    -----
    Run again, it does what is left: frames that are new or changed, those that failed, and those whose
    parameters have changed.

    Examples
    --------
    >>> from ccdproc import ImageFileCollection
    >>> import ccdproc_crplugin as crp
    >>> table = crp.clean_collection(ImageFileCollection("raw"), "cleaned", sigclip=6)  # doctest: +SKIP
    >>> print(table["file", "status", "n_events"])  # doctest: +SKIP
    """
    calls = (Call("clean_cosmic_rays", {"detector": detector, **parameters}),)
    check_calls(calls)
    check_ending(ending)
    headers = {} if unit is None else {"unit": given_unit(unit)}
    night = Night(as_folder("output", output), calls, paths=tuple(paths_of(ifc)), headers=headers, ending=ending)
    table = run_night(night, executor=executor, n_workers=n_workers, progress=progress)
    warn_of_failed_checks(table)
    return table
