# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The table of everything that is registered."""

from __future__ import annotations

from astropy.table import Table

from ccdproc_crplugin.kernels import engine, n_threads
from ccdproc_crplugin.plugins.loader import DISTRIBUTION, host
from ccdproc_crplugin.plugins.replacing import places, replacements

COLUMNS = ("kind", "name", "plugin", "distribution", "status", "detail")


def plugin_report() -> Table:
    """
    List what is registered, from which distribution, and what failed to load and why.

    Returns
    -------
    `~astropy.table.Table`
        A row a detector, step, check or method, and one for each plugin that was left out or disabled; the
        first says which engine computes L.A.Cosmic, and the next that `accelerate` is on, if it is. Columns:
        ``kind``, ``name``, ``plugin``, ``distribution``, ``status`` (``ok``, ``failed`` or ``disabled``), ``detail``.

    Examples
    --------
    >>> from ccdproc_crplugin import plugin_report
    >>> report = plugin_report()
    >>> print(*report["name"][report["kind"] == "detector"])
    lacosmic astroscrappy median
    """
    running = engine()
    detail = f"{running.name}: {running.reason}; {n_threads()} threads"
    rows = [("engine", "L.A.Cosmic", "lacosmic", DISTRIBUTION, "ok", detail)]
    for known in replacements():
        detail = f"runs on the engine in {', '.join(places(known.ours))}; turned off by accelerate(False)"
        rows.append(("engine", known.name, "lacosmic", DISTRIBUTION, "ok", detail))
    for entry in host().registrations:
        release = f"{entry.plugin.distribution} {entry.plugin.version}".strip()
        detail = entry.detail or getattr(entry.item, "summary", "")
        rows.append((entry.kind, entry.name, entry.plugin.name, release, entry.status, detail))
    return Table(rows=rows, names=COLUMNS, dtype=[str] * len(COLUMNS))
