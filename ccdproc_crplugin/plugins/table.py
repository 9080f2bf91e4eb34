# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The table of everything that is registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from astropy.table import Table

from ccdproc_crplugin.kernels import engine, n_threads
from ccdproc_crplugin.plugins.distributions import facts_of
from ccdproc_crplugin.plugins.loader import DISTRIBUTION, host
from ccdproc_crplugin.plugins.registry import Registration
from ccdproc_crplugin.plugins.replacing import places, replacements

COLUMNS = (
    *("kind", "name", "plugin", "distribution", "version", "licence", "references", "needs", "status", "detail"),
)


def plugin_report() -> Table:
    """
    List what is registered, from which distribution, and what failed to load and why.

    Returns
    -------
    `~astropy.table.Table`
        A row a detector, stack detector, step, check or method, and one for each plugin that was left out or
        disabled; the first says which engine computes L.A.Cosmic, and the next that `accelerate` is on, if it is.
        Columns: ``kind``, ``name``, ``plugin``, ``distribution``, ``version``, ``licence``, ``references`` (what to
        cite, see `citations`), ``needs`` (``met``, or what the distribution requires and is not installed),
        ``status`` (``ok``, ``failed`` or ``disabled``), ``detail``.

    Examples
    --------
    >>> from ccdproc_crplugin import plugin_report
    >>> report = plugin_report()
    >>> print(*report["name"][report["kind"] == "detector"])
    lacosmic astroscrappy median consensus
    >>> print(report["references"][report["name"] == "astroscrappy"][0])
    2001PASP..113.1420V, 10.5281/zenodo.1482019
    """
    rows = [*_engine_rows(), *map(_row, host().registrations)]
    return Table(rows=rows, names=COLUMNS, dtype=[str] * len(COLUMNS))


def _engine_rows() -> Iterator[tuple]:
    running, own = engine(), facts_of(DISTRIBUTION)
    detail = f"{running.name}: {running.reason}; {n_threads()} threads"
    yield ("engine", "L.A.Cosmic", "lacosmic", DISTRIBUTION, own.version, own.licence, "", own.needs, "ok", detail)
    for known in replacements():
        detail = f"runs on the engine in {', '.join(places(known.ours))}; turned off by accelerate(False)"
        yield ("engine", known.name, "lacosmic", DISTRIBUTION, own.version, own.licence, "", own.needs, "ok", detail)


def _row(entry: Registration) -> tuple:
    plugin, facts = entry.plugin, facts_of(entry.plugin.distribution)
    detail = entry.detail or getattr(entry.item, "summary", "")
    where = (entry.kind, entry.name, plugin.name, plugin.distribution, plugin.version or facts.version)
    return (*where, facts.licence, _references(entry.item), facts.needs, entry.status, detail)


def _references(item: Any) -> str:
    """What to cite, in a line; an entry of BibTeX by its key."""
    references = getattr(item, "references", ())
    shown = [one.partition("{")[2].partition(",")[0] if one.startswith("@") else one for one in map(str, references)]
    return ", ".join(shown)
