# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr clean``: the cosmic rays out of files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import (
    add_detection,
    as_option,
    calm,
    detection_keywords,
    existing_file,
    existing_paths,
    plain,
    say,
    telling,
)
from ccdproc_crplugin.errors import CosmicRayError, reason_of

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder or pattern")
    parser.add_argument("-o", "--output", type=Path, default=Path("cleaned"), help="folder (default: %(default)s)")
    parser.add_argument(
        "--ending", choices=[".fits", ".fits.gz", ".fits.fz"], default=".fits", help="of the files written"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("--any-kind", action="store_true", help="clean frames of every kind, not only light frames")
    parser.add_argument("--force", action="store_true", help="clean again what was cleaned already")
    repairs = ["meanmask", "medmask", "median", "idw", "none"]
    parser.add_argument("--repair", choices=repairs, default=repairs[0], help="(default: %(default)s; none only flags)")
    parser.add_argument(
        "--add-region",
        type=_region,
        action="append",
        default=[],
        metavar="REGION",
        help="cosmic rays drawn by hand: a file of corners or of DS9, or X,Y,X,Y,X,Y; a frame that was cleaned already "
        "only gets these, unless --force is given",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_detection(parser)


def _region(word: str) -> Path | list[tuple[float, float]]:
    """A polygon given by its corners, or else a file."""
    try:
        numbers = [float(number) for number in word.split(",")]
    except ValueError:
        return existing_file(word)
    if len(numbers) < 6 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(f"{word!r} should be x and y of three corners or more")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _run(args: argparse.Namespace) -> int:
    """Clean the files; 0 if each light frame was cleaned, 1 if some failed."""
    from tqdm import tqdm

    with telling():
        keywords = {
            **detection_keywords(args),
            "repair": args.repair,
            "force": args.force,
        }
        args.paths = existing_paths(args.paths)
    _make_folder(args.output)
    rows: list[tuple] = []
    failed, written = 0, set[Path]()
    with tqdm(args.paths, unit="frame", disable=args.quiet or None, dynamic_ncols=True) as progress:
        for path in progress:
            with calm() as messages:
                row = _outcome(path, args, keywords, written)
            failed += row[-1].startswith("failed")
            rows.append(row)
            if row[-1] != "cleaned":
                messages = [*messages, row[-1]]
            for message in messages:
                progress.clear()
                say(f"{path.name}: {message}")
    _print_table(rows)
    return 1 if failed else 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise CosmicRayError(f"Found that the folder {str(folder)!r} can't be made: {err}.") from err


def _outcome(path: Path, args: argparse.Namespace, keywords: dict[str, Any], written: set[Path]) -> tuple:
    """Clean one file; whatever goes wrong with it stays with it."""
    try:
        return _clean_file(path, args, keywords, written)
    except Exception as err:
        return path.name, "", "", "", f"failed: {reason_of(err, as_option)}"


def _clean_file(path: Path, args: argparse.Namespace, keywords: dict[str, Any], written: set[Path]) -> tuple:
    from ccdproc_crplugin.frames.cards import read_verdict
    from ccdproc_crplugin.frames.header import frame_kind
    from ccdproc_crplugin.io.ccd import open_frame, write_ccd

    with open_frame(path, hdu=args.hdu) as file:
        kind = frame_kind(file.header)
        if kind != "light" and not args.any_kind:
            return path.name, "", "", "", f"skipped: {_kind_in_words(kind)}; --any-kind cleans it all the same"
        target = _target(path, args, written)
        ccd = file.read(args.unit)
    cleaned = _cleaned(ccd, args, keywords)
    write_ccd(cleaned, target, overwrite=args.overwrite)
    verdict = ": ".join(filter(None, read_verdict(cleaned.meta)))
    return path.name, cleaned.meta["CRNPIX"], cleaned.meta["CRNEVENT"], verdict, "cleaned"


def _cleaned(ccd: Any, args: argparse.Namespace, keywords: dict[str, Any]) -> Any:
    """The frame without cosmic rays, those drawn by hand included."""
    import numpy as np

    from ccdproc_crplugin.cleaning.by_hand import add_cosmic_rays
    from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
    from ccdproc_crplugin.cleaning.regions import region_mask
    from ccdproc_crplugin.frames.removed import is_restorable

    if args.force or not (args.add_region and is_restorable(ccd)):
        ccd = clean_cosmic_rays(ccd, **keywords)
    if args.add_region:
        added = np.any([region_mask(ccd, region) for region in args.add_region], axis=0)
        ccd = add_cosmic_rays(ccd, added)
    return ccd


def _kind_in_words(kind: str) -> str:
    return "its header does not say what kind of frame it is" if kind == "unknown" else f"a {kind} frame"


def _target(path: Path, args: argparse.Namespace, written: set[Path]) -> Path:
    from ccdproc_crplugin.io.atomic import refuse_input
    from ccdproc_crplugin.io.selection import stem

    target = args.output / f"{stem(path)}{args.ending}"
    if target in written:
        raise CosmicRayError(
            f"Found that {str(target)!r} was written for another input already; expected names that differ. "
            "Clean them into folders of their own."
        )
    refuse_input(target, args.paths)
    if target.exists() and not args.overwrite:
        raise CosmicRayError(
            f"Found {str(target)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
        )
    written.add(target)
    return target


def _print_table(rows: list[tuple]) -> None:
    from astropy.table import Table

    summary = [(plain(name), *found, status.split(":")[0]) for name, *found, status in rows]
    if summary:
        table = Table(rows=summary, names=("frame", "pixels", "events", "verdict", "status"), dtype=[str] * 5)
        print("\n".join(table.pformat(max_lines=-1, max_width=-1, align=["<", ">", ">", "<", "<"])))
    counts = {word: sum(row[-1] == word for row in summary) for word in ("cleaned", "skipped", "failed")}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))


COMMAND = Command(
    "clean",
    summary="take the cosmic rays out of files",
    description="Clean the light frames among files, folders and patterns; the other frames are skipped.",
    add_options=_add_options,
    run=_run,
)
