# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The reduction of a night from its configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

from astropy.table import QTable

from ccdproc_crplugin.pipeline.config import read_night
from ccdproc_crplugin.pipeline.folder import check_folders
from ccdproc_crplugin.pipeline.inventory import list_files, take_inventory
from ccdproc_crplugin.pipeline.model import Plan
from ccdproc_crplugin.pipeline.plan import make_plan
from ccdproc_crplugin.pipeline.run import run_night
from ccdproc_crplugin.pipeline.summary import warn_of_failed_checks
from ccdproc_crplugin.pipeline.thread_warnings import caught_warnings

__all__ = ["plan_night", "reduce_night"]


def reduce_night(
    config: str | os.PathLike | Mapping[str, Any],
    *,
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
) -> QTable:
    """
    Reduce a whole night: combine its calibration frames, and take its light frames through the steps.

    Parameters
    ----------
    config : path or mapping
        A TOML file, or what it would hold: ``[night]`` with ``input`` and ``output`` (and ``subfolders``,
        ``ending``), the steps ``[[step]]``, each with its ``name`` and parameters, and where needed ``[headers]``,
        ``[select]`` and ``[combine]``. Relative paths are relative to the file.
    executor : Executor or None
        Who does the work, as for `clean_collection`.
    n_workers : int or None
        How many processes, as for `clean_collection`.
    progress : callable or None
        A progress bar, as for `clean_collection`.

    Returns
    -------
    `~astropy.table.QTable`
        A row a file, as for `clean_collection`; written to ``night.ecsv`` in the output.

    Raises
    ------
    CosmicRayError
        If something in the configuration is unknown, the input holds no FITS file or lies within the output, the
        output can't be written or lies within the input, or another run is at work there.

    Warns
    -----
    PreflightWarning
        Once, if checks of the preflight failed, as for `clean_collection`.

    See Also
    --------
    clean_collection : The same runner with one step.

    Notes
    -----
    The combined frames go to ``calibration`` in the output. A bias, dark or flat gets the steps that stand before
    the one that takes it: overscan and trim first, and a flat loses bias and dark before it is combined. Each
    light frame gets the combined frames that fit it in filter, exposure, binning, gain, readout mode and
    temperature; where one is missing the frame fails, and the table says what is missing.

    Run again, it does what is left: what is new, changed or failed, and what changed settings touch.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> night = {
    ...     "night": {"input": "raw", "output": "reduced"},
    ...     "step": [{"name": "subtract_bias"}, {"name": "correct_flat"}, {"name": "clean_cosmic_rays"}],
    ... }
    >>> table = crp.reduce_night(night)  # doctest: +SKIP
    """
    table = run_night(read_night(config), executor=executor, n_workers=n_workers, progress=progress)
    warn_of_failed_checks(table)
    return table


def plan_night(config: str | os.PathLike | Mapping[str, Any]) -> Plan:
    """
    What `reduce_night` would do; nothing is written.

    Parameters
    ----------
    config : path or mapping
        As for `reduce_night`.

    Returns
    -------
    Plan
        What is combined, and what each light frame gets; ``str`` tells it.

    Raises
    ------
    CosmicRayError
        As for `reduce_night`.

    Examples
    --------
    >>> import tempfile
    >>> import ccdproc_crplugin as crp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = crp.simulate_night(f"{folder}/raw", shape=(64, 64), n_bias=2, n_dark=0, n_flat=0, n_light=1)
    ...     night = {"night": {"input": f"{folder}/raw", "output": f"{folder}/reduced"}}
    ...     print(crp.plan_night({**night, "step": [{"name": "subtract_bias"}]}))
    Frames:
      2 bias
      1 light
    Combined frames:
      calibration/bias_gain1.5.fits: 2 frames
        bias_001.fits
        bias_002.fits
    Light frames:
      light_001.fits -> light_001.fits: subtract_bias [calibration/bias_gain1.5.fits]
    <BLANKLINE>
    """
    night = read_night(config)
    check_folders(night.input, night.output)
    with caught_warnings():
        return make_plan(night, list(take_inventory(list_files(night), night, {})))
