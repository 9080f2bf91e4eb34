# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr tune``: the sigclip and objlim that suit a frame."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, show_table, telling, words
from ccdproc_crplugin.tuning import MAX_FALSE, MAX_STARS_TOUCHED

SUMMARY = "choose sigclip and objlim for a frame"
DESCRIPTION = (
    "Put cosmic rays of known charge into a frame, count those that are found for each sigclip and objlim, and choose "
    "the two limits."
)

#: The columns that are printed; a file gets all of them.
COLUMNS = (
    *("sigclip", "n_pixels", "n_events", "n_extended", "completeness", "stars_touched", "n_false", "n_noise"),
    *("n_single", "n_single_expected", "n_hot", "allowed"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.add_frame(parser)
    add("-o", "--output", type=Path, metavar="TABLE", help="write the whole table to this file (.ecsv)")
    add("--plot", type=Path, metavar="IMAGE", help="draw the number of events against sigclip (.png, .pdf or .svg)")
    options.add_switches(parser, "overwrite")
    options.add_quantities(parser, "gain", "readnoise", "saturation", "pixel_size", "altitude")
    options.add_calibration(parser)
    add("--objlim", type=float, metavar="NUMBER", help="contrast limit of L.A.Cosmic (default: chosen, as sigclip is)")
    for name, default, text in (
        ("max-false", MAX_FALSE, "largest share of the events that may be false"),
        ("max-stars-touched", MAX_STARS_TOUCHED, "largest share of the stars that may be touched"),
    ):
        add(f"--{name}", type=float, default=default, metavar="SHARE", help=f"{text} (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print the choice and the rows of its objlim, and write the files."""
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.frames.rates import expected_events
    from ccdproc_crplugin.io.ccd import open_frame
    from ccdproc_crplugin.tuning.tune import cr_tune

    options.check_targets({args.output: (".ecsv",), args.plot: (".png", ".pdf", ".svg")}, args.overwrite)
    names = ("gain", "readnoise", "saturation", "objlim", "max_false", "max_stars_touched")
    with telling():
        with open_frame(args.path, hdu=args.hdu) as file:
            ccd = options.read_frame(file, args)
        calibration = options.calibration_keywords(args)
        known = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
        cr_preflight(ccd, **known, **calibration, policy="warn")
        expectation = expected_events(ccd, pixel_size=args.pixel_size, altitude=args.altitude)
        tuning = cr_tune(ccd, expectation=expectation, **{name: getattr(args, name) for name in names}, **calibration)
    written = list(_write_files(tuning, args))
    show_table(tuning.table[tuning.table["objlim"] == tuning.objlim][COLUMNS])
    show(f"events: {expectation}")
    show(f"sigclip = {tuning.sigclip:g}, objlim = {tuning.objlim:.3g}: {words(tuning.reason)}", *written)
    return 0


def _write_files(tuning: Any, args: argparse.Namespace) -> Iterator[str]:
    """Write the table and the plot; yield a line about each file."""
    from ccdproc_crplugin.events.gallery import save_page
    from ccdproc_crplugin.io.atomic import atomic_write

    if args.output:
        with atomic_write(args.output, args.overwrite) as temporary:
            tuning.table.write(temporary, format="ascii.ecsv")
        yield f"wrote {args.output}"
    if args.plot:
        yield f"wrote {save_page(tuning.plot(), args.plot, overwrite=args.overwrite)}"
