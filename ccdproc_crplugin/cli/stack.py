# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr stack``: remove cosmic rays from several exposures of one field."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, say, show_table, telling, wrong_usage
from ccdproc_crplugin.errors import CosmicRayError

SUMMARY = "remove cosmic rays from several exposures of one field"
DESCRIPTION = (
    "Clean two exposures or more of one field by comparing them. They may be shifted, and differ in exposure time, "
    "transparency, sky and seeing. Each is written on its own pixels."
)

REPAIRS = ("stack", "profile", "meanmask", "medmask", "median", "idw", "none")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.add_frames(parser)
    options.add_folder(parser, "cleaned", "--output-dir")
    options.add_switches(parser, "overwrite")
    text = (
        "where a source of the first exposure lies in each, as DY,DX for each exposure with blanks between, or wcs or "
        "measure (default: measured from the stars or, where too few agree, from the WCS)"
    )
    # What looks like a pair of numbers is no option, though it begins with a minus.
    parser._negative_number_matcher = re.compile(r"-[\d.][\d.,e+-]*$")  # type: ignore[attr-defined]
    add("--offsets", type=_offset, nargs="+", metavar="DY,DX", help=text)
    text = "how pixels are replaced: from the other exposures, or as in `ccdcr clean` (default: %(default)s)"
    add("--repair", choices=REPAIRS, default=REPAIRS[0], help=text)
    text = "largest share of the pixels that may be hit; a stack with more is not written (default: %(default)s)"
    add("--max-fraction", type=float, default=0.1, metavar="SHARE", help=text)
    add("--force", action="store_true", help="clean exposures again that were cleaned before")
    text = "write the mean of the cleaned exposures, on the pixels of the first, to this file too"
    add("--combined", type=Path, metavar="FILE", help=text)
    group = parser.add_argument_group("detection")
    text = "name of the stack detector, see `ccdcr plugins` (default: %(default)s)"
    group.add_argument("--detector", default="stack", metavar="NAME", help=text)
    options.add_quantities(group, "gain", "readnoise", "saturation")
    text = "set a parameter of the detector, such as sigma=6; may be repeated"
    group.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help=text)
    options.add_refine(group)
    text = "bad pixels: an image that is not 0 there"
    group.add_argument("--bad-pixels", type=options.existing_file, metavar="FILE", help=text)


def _offset(word: str) -> str | tuple[float, float]:
    if word in ("wcs", "measure"):
        return word
    try:
        dy, dx = (float(number) for number in word.split(","))
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{word!r} should be DY,DX such as 3.4,-2, or wcs or measure") from err
    return dy, dx


def run(args: argparse.Namespace) -> int:
    """Clean the exposures and print the table."""
    from ccdproc_crplugin.io.ccd import open_frame, write_ccd
    from ccdproc_crplugin.stacking.clean import clean_cosmic_rays_stack

    with telling():
        paths = options.existing_paths(args.paths)
        if len(paths) < 2:
            raise UsageError(f"Found {len(paths)} exposure; expected two or more of one field.")
        targets = _targets(paths, args)
        keywords = _keywords(args, len(paths))
        options.make_folder(args.output)
        ccds = []
        for path in paths:
            with open_frame(path, hdu=args.hdu) as file:
                ccds.append(options.read_frame(file, args))
        cleaned = clean_cosmic_rays_stack(ccds, **keywords)
        for ccd, target in zip(cleaned, targets, strict=True):
            write_ccd(ccd, target, overwrite=args.overwrite)
        if args.combined is not None:
            write_ccd(cleaned.combine(), args.combined, overwrite=args.overwrite)
    table = cleaned.table.copy()
    table["frame"] = [path.name for path in paths]
    show_table(table)
    say(f"{len(cleaned)} exposures cleaned, in {str(args.output)!r}.")
    return 0


def _targets(paths: list[Path], args: argparse.Namespace) -> list[Path]:
    """The files to write, refused if two have one name or one can't be written."""
    from ccdproc_crplugin.io.atomic import check_target
    from ccdproc_crplugin.io.selection import FITS_SUFFIXES, stem

    targets = [args.output / f"{stem(path)}.fits" for path in paths]
    if len(set(targets)) < len(targets):
        raise CosmicRayError("Found exposures with the same name; expected names that differ.", "Rename one of them.")
    if args.combined in targets:
        raise UsageError(f"Found --combined {str(args.combined)!r}, the name of a cleaned exposure; expected another.")
    if args.combined is not None and not (args.combined.parent.is_dir() or args.combined.parent == args.output):
        raise UsageError(f"Found no folder {str(args.combined.parent)!r}; expected one for {args.combined.name!r}.")
    if args.combined is not None and not args.combined.name.lower().endswith(FITS_SUFFIXES):
        raise UsageError(f"Found --combined {str(args.combined)!r}; expected a name that ends in .fits.")
    with wrong_usage():
        for target in (*targets, *([args.combined] if args.combined else [])):
            check_target(target, args.overwrite)
    return targets


def _keywords(args: argparse.Namespace, n_exposures: int) -> dict[str, Any]:
    """The keywords of `clean_cosmic_rays_stack` that the options ask for."""
    from ccdproc_crplugin import plugins
    from ccdproc_crplugin.cleaning.detection import choose_detector

    parameters = options.parameters(args)
    with wrong_usage():
        choose_detector(args.detector, parameters, plugins.find_stack_detector)
    names = ("gain", "readnoise", "saturation", "bad_pixels", "refine", "repair", "max_fraction", "force", "detector")
    offsets = args.offsets
    if offsets is not None and len(offsets) == 1 and isinstance(offsets[0], str):
        offsets = offsets[0]
    elif offsets is not None and (len(offsets) != n_exposures or any(isinstance(one, str) for one in offsets)):
        raise UsageError(f"Found {len(offsets)} offsets; expected DY,DX for each of the {n_exposures} exposures.")
    return {**{name: getattr(args, name) for name in names}, "offsets": offsets, **parameters}
