# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr combine``: combine bias frames, darks and flats."""

from __future__ import annotations

import argparse
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import progress_bar, show_table, spelling, telling
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, reason_of

SUMMARY = "combine bias frames, darks and flats"
DESCRIPTION = (
    "Combine the calibration frames among files, folders and patterns, one combined frame for each group of frames "
    "that belong together. Frames of other kinds are ignored."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.add_frames(parser)
    options.add_folder(parser, "calibration")
    options.add_switches(parser, "overwrite", "quiet")
    options.add_kind(parser, "take all frames for frames of this kind, whatever their headers say")
    add("--method", choices=["average", "median"], default="average", help="how to combine (default: %(default)s)")
    for side, word in (("low", "below"), ("high", "above")):
        text = f"clip values so many sigma {word} the median; average only (default: %(default)s)"
        add(f"--sigma-{side}", type=_not_negative, default=5.0, metavar="NUMBER", help=text)
    text = "largest difference of a frame from the middle temperature of its group, deg_C (default: %(default)s)"
    add("--temperature-tolerance", type=_not_negative, default=1.0, metavar="NUMBER", help=text)
    text = "keyword of a further header card that tells groups apart; may be repeated"
    add("--group-by", action="append", default=[], metavar="KEYWORD", help=text)
    text = "what does not tell groups apart: a keyword such as INSTRUME, or a property such as slit; may be repeated"
    add("--group-ignore", action="append", default=[], metavar="NAME", help=text)
    text = "part of the frames from which the level of flats is taken, such as '[101:500, *]'"
    add("--statistics-section", metavar="SECTION", help=text)
    text = "what has one scale in files of several images: the flats of a file, or each frame (default: %(default)s)"
    add("--flat-scale", choices=["file", "frame"], default="file", help=text)
    add("--no-subtract", action="store_true", help="do not subtract the bias from darks and flats, or darks from flats")
    text = "frame that was combined before, to be subtracted where it fits; may be repeated"
    add("--master", action="append", default=[], type=Path, metavar="FRAME", help=text)
    add("--memory", type=_not_negative, metavar="GB", help="memory for pixels (default: a quarter of the machine's)")


def _not_negative(word: str) -> float:
    number = float(word)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{word!r} should be a number of 0 or more")
    return number


def run(args: argparse.Namespace) -> int:
    """Combine the frames; return 1 if a file was left out, else 0."""
    from ccdproc_crplugin.calibration.combine import combine_calibrations

    left_out = []

    def leave_out(path: Path, reason: CosmicRayError | str) -> None:
        left_out.append(path)
        reason = reason if isinstance(reason, str) else reason_of(reason, spelling(args))
        warnings.warn(f"{path.name} is left out: {reason}", CalibrationWarning, stacklevel=2)

    with telling():
        paths = options.existing_paths(args.paths)
        written = combine_calibrations(
            paths,
            args.output,
            keys=_keys_of(paths, args) if args.kind else None,
            method=args.method,
            sigma_low=args.sigma_low,
            sigma_high=args.sigma_high,
            temperature_tolerance=args.temperature_tolerance,
            group_by=args.group_by,
            group_ignore=args.group_ignore,
            statistics_section=args.statistics_section,
            flat_scale=args.flat_scale,
            subtract=not args.no_subtract,
            masters=args.master,
            unit=args.unit,
            hdu=args.hdu,
            memory_limit=None if args.memory is None else args.memory * 1e9,
            overwrite=args.overwrite,
            progress=progress_bar(args),
            on_left_out=leave_out,
        )
    _show_frames(written)
    return 1 if left_out else 0


def _keys_of(paths: list[Path], args: argparse.Namespace) -> dict[Any, Any]:
    """The properties of frames of the kind that was given; files that can't be read are left to the combination."""
    from ccdproc_crplugin.calibration.key import GroupRule
    from ccdproc_crplugin.frames.entries import read_header as cards_of
    from ccdproc_crplugin.io.ccd import read_header

    keys, rule = {}, GroupRule(args.group_by, args.group_ignore)
    for path in paths:
        with suppress(CosmicRayError):
            keys[path] = rule.key_of(cards_of(read_header(path, hdu=args.hdu)).with_given("kind", args.kind))
    return keys


def _show_frames(paths: list[Path]) -> None:
    from astropy.table import Table

    from ccdproc_crplugin.io.ccd import read_header

    rows = []
    for path in paths:
        header = read_header(path)
        subtracted = [header[card] for card in ("CRBIAS", "CRDARK") if card in header]
        rows.append((path.name, header["NCOMBINE"], header.get("CRNREJ", ""), ", ".join(subtracted)))
    names = ("combined frame", "frames", "clipped", "subtracted")
    show_table(Table(rows=rows, names=names, dtype=[str] * 4), align=["<", ">", ">", "<"])
