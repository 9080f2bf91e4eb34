# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A run from its files to its table, and the public functions that start one."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from importlib.metadata import version
from logging import INFO, WARNING
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy.table import QTable

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import (
    CalibrationWarning,
    CosmicRayError,
    HeaderWarning,
    check_callable,
    check_whole,
)
from ccdproc_crplugin.frames.dialects import using, with_those_in_use
from ccdproc_crplugin.io.atomic import as_folder
from ccdproc_crplugin.io.ccd import given_unit
from ccdproc_crplugin.io.inputs import keeping_inputs
from ccdproc_crplugin.io.remote import RemotePath
from ccdproc_crplugin.io.selection import paths_of
from ccdproc_crplugin.pipeline.config import check_calls, check_ending, check_hot_pixels, read_night
from ccdproc_crplugin.pipeline.execution import Execution
from ccdproc_crplugin.pipeline.executors import Crew, choose_n_workers, refuse_in_unguarded_script
from ccdproc_crplugin.pipeline.folder import check_folders, locked
from ccdproc_crplugin.pipeline.hot_pixels import settle_hot_pixels
from ccdproc_crplugin.pipeline.inventory import list_files, take_inventory
from ccdproc_crplugin.pipeline.log import caught_warnings, night_log, outcome_line, warn_of_failed_checks
from ccdproc_crplugin.pipeline.model import Call, Night, Plan
from ccdproc_crplugin.pipeline.plan import Planner, deciding_plugins
from ccdproc_crplugin.pipeline.table import Record
from ccdproc_crplugin.plugins.loader import THIS_PROCESS

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection


@keeping_inputs()
def run_night(
    night: Night,
    *,
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
) -> QTable:
    """Do what earlier runs of a night have left to do; return the table."""
    refuse_in_unguarded_script()
    check_callable("progress", progress)
    check_folders(night.input, night.output)
    if n_workers is not None:
        _check_n_workers(n_workers, night)
    night = _anchored(night)
    files = list_files(night)
    with using(with_those_in_use(night.dialects)), locked(night.output), night_log(night.output) as log:
        start = time.perf_counter()
        record = Record(night.output)
        source = night.config or "no file of configuration"
        log.info("ccdproc_crplugin %s: %s, %d files", version("ccdproc_crplugin"), source, len(files))
        log.info("steps: %s", "; ".join(map(str, night.calls)))
        if executor is None and n_workers is None:
            # A plugin that this process alone knows is of use in no other.
            n_workers = 1 if _known_here_alone(night) else choose_n_workers([_n_pixels(path) for path, _ in files])
        anything_new = any(file not in record.earlier for _, file in files)
        with Crew(executor, n_workers or 1, soon=anything_new) as crew:
            with caught_warnings() as messages:
                entries = list(take_inventory(files, night, record.earlier))
            with caught_warnings():
                plan = Planner(night).plan(entries)
            for message in dict.fromkeys(messages):
                log.warning("%s", message)
                warnings.warn(message, HeaderWarning, stacklevel=2)
            for note in plan.notes:
                log.info("%s", note)
            for doubt in plan.doubts:
                log.warning("%s", doubt)
                warnings.warn(doubt, CalibrationWarning, stacklevel=3)
            execution = Execution(night, plan, record.earlier, crew, log)
            rows = execution.rows()
            for row in progress(rows, total=len(entries)) if progress else rows:
                record.add(row)
                level = WARNING if row["status"] == "failed" else INFO
                log.log(level, "%s: %s %s", row["file"], row["status"], row["reason"] or row["output"])
            for row in settle_hot_pixels(execution, record.rows):
                record.add(row)
        table = record.finish()
        log.info("%s", outcome_line(table, time.perf_counter() - start))
        return table


def _anchored(night: Night) -> Night:
    """The night with absolute paths, which hold for a process in another working folder, too."""
    return replace(
        night,
        input=night.input and night.input.absolute(),
        output=night.output.absolute(),
        paths=tuple(path.absolute() for path in night.paths),
    )


def _check_n_workers(n_workers: int, night: Night) -> None:
    check_whole("n_workers", n_workers, 1)
    unknown = _known_here_alone(night)
    if n_workers > 1 and unknown:
        raise CosmicRayError(
            f"Found {', '.join(unknown)} registered in this process alone, and n_workers={n_workers}, whose processes "
            "would not know it; expected an installed plugin.",
            "Install it as one, or give {n_workers=1}.",
        )


def _known_here_alone(night: Night) -> list[str]:
    """The plugins of the night that are registered in this process alone."""
    host = plugins.host()
    parts = [part for call in night.calls for part in deciding_plugins(call)]
    parts += [("check", name) for name in plugins.checks()]
    owners = {f"the {kind} {name!r}": host.plugin_of(kind, name) for kind, name in parts}
    for hook in ("ccdcr_refine", "ccdcr_cleaned"):
        owners |= {f"the hook {hook} of {owner.name!r}": owner for owner, _ in host.implementations(hook)}
    return [what for what, owner in owners.items() if owner.distribution == THIS_PROCESS]


def _n_pixels(path: Path) -> float:
    """About the number of pixels in a file, taken to have 16 bits, or 4 if compressed."""
    packed = not path.name.lower().endswith((".fits", ".fit", ".fts"))
    if isinstance(path, RemotePath):
        return 0
    try:
        return path.stat().st_size / 2 * (4 if packed else 1)
    except OSError:  # the reason will be in its row
        return 0


def reduce_night(
    config: str | os.PathLike | Mapping[str, Any],
    *,
    executor: Executor | None = None,
    n_workers: int | None = None,
    progress: Callable[..., Iterable] | None = None,
) -> QTable:
    """
    Reduce a whole night: combine its calibration frames, and do the steps on its light frames.

    Parameters
    ----------
    config : path or mapping
        A TOML file, or what it would hold: ``[night]`` with ``input`` and ``output`` (and ``subfolders``,
        ``ending``, ``hot_pixels``), the steps ``[[step]]``, each with its ``name`` and parameters, and where needed
        ``[headers]``, ``[select]`` and ``[combine]``. Relative paths are relative to the file.
    executor : Executor or None
        The workers, as for `clean_collection`.
    n_workers : int or None
        The number of processes, as for `clean_collection`.
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
    the one that takes it: overscan and trim first, and bias and dark are subtracted from a flat before it is
    combined. Each light frame gets the combined frames that fit it in filter, exposure, binning, gain, readout mode
    and temperature; where one is missing the frame fails, and the table says which one.

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
    Plan what `reduce_night` would do; nothing is written.

    Parameters
    ----------
    config : path or mapping
        As for `reduce_night`.

    Returns
    -------
    Plan
        What is combined, and what is done to each light frame; ``str`` describes it.

    Raises
    ------
    CosmicRayError
        As for `reduce_night`.

    Examples
    --------
    >>> import tempfile
    >>> import ccdproc_crplugin as crp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = crp.simulate_night(f"{folder}/raw", shape=(64, 64), n_bias=3, n_dark=0, n_flat=0, n_light=1)
    ...     night = {"night": {"input": f"{folder}/raw", "output": f"{folder}/reduced"}}
    ...     print(crp.plan_night({**night, "step": [{"name": "subtract_bias"}]}))
    Frames:
      3 bias
      1 light
    Combined frames:
      calibration/bias_gain1.5.fits: 3 frames
        bias_001.fits
        bias_002.fits
        bias_003.fits
    Light frames:
      light_001.fits -> light_001.fits: subtract_bias [calibration/bias_gain1.5.fits]
    <BLANKLINE>
    """
    return plan_of(read_night(config))


def plan_of(night: Night) -> Plan:
    """The plan of a night; nothing is written."""
    check_folders(night.input, night.output)
    with using(with_those_in_use(night.dialects)), caught_warnings():
        return Planner(night).plan(take_inventory(list_files(night), night, {}))


def clean_collection(
    ifc: ImageFileCollection | Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    detector: str = "lacosmic",
    unit: str | None = None,
    ending: str = ".fits",
    hot_pixels: str = "flag",
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
        The frames. Frames of other kinds than light are left alone.
    output : path
        The folder to write to; made if missing. Each result keeps the stem of its input's name.
    detector : str
        The name of the detector, see `clean_cosmic_rays`.
    unit : str or None
        Unit of frames without ``BUNIT``, see `read_ccd`.
    ending : str
        How the names of the results end: ``.fits``, ``.fits.gz`` or ``.fits.fz``. Equal frames give equal files.
    hot_pixels : {"flag", "restore", "off"}
        What to do about pixels that are flagged in several frames and so are hot: list them in ``hot_pixels.ecsv``,
        also put back what was removed from them, or nothing.
    executor : Executor or None
        The workers, such as the executor of a Dask client. `None` means processes of this machine.
    n_workers : int or None
        The number of processes; 1 means this process. `None` means as many as processors and memory allow and
        the work is worth. A script that leaves it out must guard its main part with
        ``if __name__ == "__main__":``, as for every pool of processes.
    progress : callable or None
        A progress bar such as ``tqdm.tqdm``: called with an iterable and ``total=``, it yields the same items.
    **parameters
        Further parameters of `clean_cosmic_rays`, those of the detector included.

    Returns
    -------
    `~astropy.table.QTable`
        A row a file, as written to ``night.ecsv`` in the output. ``status`` is ``done``, ``failed`` (see
        ``reason``), ``kept`` where an earlier run did the same, or ``skipped``.

    Raises
    ------
    CosmicRayError
        If a parameter is wrong, there is no file, the output can't be written, or another run is at work there.
        An error in a frame is not raised: the frame fails, and all others are done.

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
    check_hot_pixels(hot_pixels)
    headers = {} if unit is None else {"unit": given_unit(unit)}
    night = Night(
        as_folder("output", output),
        calls,
        paths=tuple(paths_of(ifc)),
        headers=headers,
        ending=ending,
        hot_pixels=hot_pixels,
    )
    table = run_night(night, executor=executor, n_workers=n_workers, progress=progress)
    warn_of_failed_checks(table)
    return table
