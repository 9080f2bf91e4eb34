# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Graphs and tables of the pages on quality and performance, made from the figures in ``docs/data``."""

from pathlib import Path

import numpy as np
from astropy.table import Table
from matplotlib.figure import Figure

DATA = Path(__file__).parent / "data"

DETECTORS = {"astroscrappy": "#D55E00", "lacosmic": "#0072B2", "sigclip=auto": "#009E73"}
REPAIRS = {"meanmask": "#D55E00", "idw": "#CC79A7", "profile": "#0072B2", "masked": "#777777"}
CELL = ("fwhm", "sky", "density", "chip")
COUNTS = ("events", "events_found", "segments", "true_segments", "truth", "flagged", "right", "stars", "stars_touched")
RATES = ("completeness", "purity", "F1 of pixels")
DPI = 130


def draw(folder):
    """Write all graphs and tables into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = Table.read(DATA / "quality.csv")
    _quality_tables(cells, folder)
    _quality_graph(cells).savefig(folder / "quality.png", dpi=DPI)
    _repairs_graph().savefig(folder / "repairs.png", dpi=DPI)
    _speed_graph().savefig(folder / "speed.png", dpi=DPI)


def _summed(cells, keys):
    """Counts of all cells that agree in ``keys``, with the rates that follow from them."""
    summed = cells[(*keys, *COUNTS)].group_by(keys).groups.aggregate(np.sum)
    summed["completeness"] = summed["events_found"] / summed["events"]
    summed["purity"] = summed["true_segments"] / summed["segments"]
    summed["F1 of pixels"] = 2 * summed["right"] / (summed["flagged"] + summed["truth"])
    for name in RATES:
        summed[name].format = ".3f"
    return summed


def _quality_tables(cells, folder):
    """The figures of all cells together, and of each cell."""
    total = _summed(cells, ["detector"])
    total["F1, FWHM 3 and 5"] = _summed(cells[cells["fwhm"] >= 3], ["detector"])["F1 of pixels"]
    total["stars touched"] = [f"{row['stars_touched']} of {row['stars']}" for row in total]
    total["cells less complete"] = [_less_complete(cells, detector) for detector in total["detector"]]
    shown = ("detector", *RATES, "F1, FWHM 3 and 5", "stars touched", "cells less complete")
    total[shown].write(folder / "quality_totals.csv", overwrite=True)
    each = _summed(cells, [*CELL, "detector"])
    each.rename_columns(("fwhm", "stars_touched"), ("FWHM", "stars touched"))
    each["FWHM", *CELL[1:], "detector", *RATES, "stars touched"].write(folder / "quality_cells.csv", overwrite=True)


def _less_complete(cells, detector):
    """In how many cells a detector finds fewer events than astroscrappy."""
    found = {name: _summed(cells[cells["detector"] == name], list(CELL)) for name in (detector, "astroscrappy")}
    return int((found[detector]["events_found"] < found["astroscrappy"]["events_found"]).sum())


def _quality_graph(cells):
    """Rates against stellar width, for fields with few stars and crowded ones."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey="col")
    summed = _summed(cells, ["fwhm", "density", "detector"])
    for row, (density, title) in zip(axes, (("low", "few stars"), ("crowded", "crowded")), strict=True):
        for panel, rate in zip(row, RATES, strict=True):
            for detector, colour in DETECTORS.items():
                lines = summed[(summed["density"] == density) & (summed["detector"] == detector)]
                panel.plot(lines["fwhm"], lines[rate], "o-", color=colour, label=detector)
            panel.set_title(f"{rate}, {title}")
            panel.grid(alpha=0.3)
    for panel in axes[1]:
        panel.set_xlabel("FWHM of the stars (pixels)")
    axes[0, 0].set_ylim(top=1.005)
    axes[0, 1].legend()
    return figure


def _repairs_graph():
    """Error of the flux of a repaired star against stellar width: means over the skies."""
    rows = Table.read(DATA / "repairs.csv")
    means = rows["FWHM", "repair", "aperture scatter", "fit scatter"].group_by(["FWHM", "repair"])
    means = means.groups.aggregate(np.mean)
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for panel, measure in zip(axes, ("aperture", "fit"), strict=True):
        for repair, colour in REPAIRS.items():
            lines = means[means["repair"] == repair]
            panel.plot(lines["FWHM"], lines[f"{measure} scatter"], "o-", color=colour, label=repair)
        panel.set(yscale="log", xlabel="FWHM of the stars (pixels)", title=f"flux by {measure}")
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("scatter (errors of the flux)")
    axes[1].legend()
    return figure


def _speed_graph():
    """How many times faster than astroscrappy, by kind of frame."""
    rows = Table.read(DATA / "speed.csv")
    rows = rows[rows["compared with"] == "astroscrappy"][::-1]
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([str(name) for name in rows["measure"]], rows["ratio"], color="#0072B2")
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xscale="log", xlim=(1, 4000), xlabel="time of astroscrappy / time of this package")
    axes.grid(axis="x", alpha=0.3)
    return figure
