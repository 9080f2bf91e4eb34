# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr tune``: which sigclip suits a frame."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import add_reading, check_targets, existing_file, telling
from ccdproc_crplugin.tuning import MAX_FALSE, MAX_STARS_TOUCHED

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="FITS file")
    parser.add_argument("-o", "--output", type=Path, help="write the whole table here (.ecsv)")
    parser.add_argument("--plot", type=Path, metavar="IMAGE", help="draw events against sigclip (.png, .pdf, .svg)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("--gain", type=float, help="gain in electron/adu (default: from the header)")
    parser.add_argument("--readnoise", type=float, help="read noise in electron (default: from the header)")
    parser.add_argument(
        "--saturation", type=float, help="saturation level in the frame's unit (default: from the header)"
    )
    parser.add_argument("--objlim", type=float, help="contrast to the fine structure (default: chosen too)")
    parser.add_argument(
        "--max-false", type=float, default=MAX_FALSE, help="most false events, a share of all (default: %(default)s)"
    )
    parser.add_argument(
        "--max-stars-touched",
        type=float,
        default=MAX_STARS_TOUCHED,
        help="most stars touched, a share of all (default: %(default)s)",
    )
    parser.add_argument("--pixel-size", type=float, help="side of a pixel in micron (default: from the header)")
    parser.add_argument("--altitude", type=float, help="height above the sea in m (default: from the header)")
    add_reading(parser)


def _run(args: argparse.Namespace) -> int:
    """Print the choice and the rows at its objlim, and write what is asked for."""
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.frames.rates import expected_events
    from ccdproc_crplugin.io.ccd import read_ccd
    from ccdproc_crplugin.tuning.tune import cr_tune

    check_targets({args.output: (".ecsv",), args.plot: (".png", ".pdf", ".svg")}, args.overwrite)
    names = ("gain", "readnoise", "saturation", "objlim", "max_false", "max_stars_touched")
    with telling():
        ccd = read_ccd(args.path, unit=args.unit, hdu=args.hdu)
        cr_preflight(ccd, gain=args.gain, readnoise=args.readnoise, policy="warn")
        expectation = expected_events(ccd, pixel_size=args.pixel_size, altitude=args.altitude)
        tuning = cr_tune(ccd, expectation=expectation, **{name: getattr(args, name) for name in names})
    written = list(_write_files(tuning, args))
    print("\n".join(_rows(tuning).pformat(max_lines=-1, max_width=-1)))
    print(f"events: {expectation}")
    print(f"sigclip = {tuning.sigclip:g}, objlim = {tuning.objlim:.3g}: {tuning.reason}")
    for line in written:
        print(line)
    return 0


def _rows(tuning: Any) -> Any:
    """The rows at the objlim chosen, for the eye."""
    rows = tuning.table[tuning.table["objlim"] == tuning.objlim]
    rows = rows["sigclip", "n_pixels", "n_events", "n_extended", "completeness", "stars_touched", "n_false", "allowed"]
    for name, form in {"completeness": "{:.1%}", "stars_touched": "{:.1%}", "n_false": "{:.2g}"}.items():
        rows[name].format = form
    return rows


def _write_files(tuning: Any, args: argparse.Namespace) -> Iterator[str]:
    from ccdproc_crplugin.events.gallery import save_page
    from ccdproc_crplugin.io.atomic import atomic_write

    if args.output:
        with atomic_write(args.output, args.overwrite) as temporary:
            tuning.table.write(temporary, format="ascii.ecsv")
        yield f"wrote {args.output}"
    if args.plot:
        yield f"wrote {save_page(tuning.plot(), args.plot, overwrite=args.overwrite)}"


COMMAND = Command(
    "tune",
    summary="choose sigclip for a frame",
    description="Try cosmic rays of known charge on a frame and choose sigclip and objlim for it.",
    add_options=_add_options,
    run=_run,
)
