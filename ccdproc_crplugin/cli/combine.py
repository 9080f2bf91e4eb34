# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr combine``: many calibration frames into one of each."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import add_reading, calm, existing_paths, say

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder or pattern")
    parser.add_argument("-o", "--output", type=Path, default=Path("calibration"), help="folder (default: %(default)s)")
    parser.add_argument("--method", choices=["average", "median"], default="average", help="(default: %(default)s)")
    parser.add_argument(
        "--sigma-low", type=_not_negative, default=5.0, help="clip below, of the average (default: %(default)s)"
    )
    parser.add_argument(
        "--sigma-high", type=_not_negative, default=5.0, help="clip above, of the average (default: %(default)s)"
    )
    parser.add_argument("--no-subtract", action="store_true", help="leave the bias in darks and flats, and the dark")
    parser.add_argument(
        "--master", action="append", default=[], type=Path, metavar="FRAME", help="combined before, to be subtracted"
    )
    parser.add_argument(
        "--memory", type=_not_negative, metavar="GB", help="for pixels (default: a quarter of the machine's)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_reading(parser)


def _not_negative(word: str) -> float:
    number = float(word)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{word!r} is no number from 0 on")
    return number


def _run(args: argparse.Namespace) -> int:
    """Combine the frames; 0 if every calibration frame went into a combined one, 1 if some were left out."""
    from functools import partial

    from tqdm import tqdm

    from ccdproc_crplugin.calibration.combine import combine_calibrations

    paths = existing_paths(args.paths)
    messages: list[str] = []
    try:
        with calm() as messages:
            written = combine_calibrations(
                paths,
                args.output,
                method=args.method,
                sigma_low=args.sigma_low,
                sigma_high=args.sigma_high,
                subtract=not args.no_subtract,
                masters=args.master,
                unit=args.unit,
                hdu=args.hdu,
                memory_limit=None if args.memory is None else args.memory * 1e9,
                overwrite=args.overwrite,
                progress=partial(tqdm, disable=args.quiet or None, dynamic_ncols=True),
            )
    finally:
        for message in messages:
            say(message)
    _print_table(written)
    return 1 if any("left out" in message for message in messages) else 0


def _print_table(paths: list[Path]) -> None:
    from astropy.io import fits
    from astropy.table import Table

    rows = []
    for path in paths:
        header = fits.getheader(path)
        subtracted = [header[card] for card in ("CRBIAS", "CRDARK") if card in header]
        rows.append((path.name, header["NCOMBINE"], header.get("CRNREJ", ""), ", ".join(subtracted)))
    table = Table(rows=rows, names=("combined frame", "frames", "clipped", "subtracted"), dtype=[str] * 4)
    print("\n".join(table.pformat(max_lines=-1, max_width=-1, align=["<", ">", ">", "<"])))


COMMAND = Command(
    "combine",
    summary="combine bias frames, darks and flats",
    description="Combine the calibration frames among files, folders and patterns, group by group; the other "
    "frames are passed over.",
    add_options=_add_options,
    run=_run,
)
