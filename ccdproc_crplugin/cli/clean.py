# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr clean``: remove cosmic rays from files."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, calm, progress_bar, say, show, show_table, spelling, telling
from ccdproc_crplugin.errors import CosmicRayError, reason_of

SUMMARY = "remove cosmic rays from files"
DESCRIPTION = "Clean the light frames among files, folders and patterns. Frames of other kinds are skipped."

REPAIRS = ("profile", "meanmask", "medmask", "median", "idw", "none")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.add_frames(parser)
    options.add_folder(parser, "cleaned")
    text = "ending of the names of the files written (default: %(default)s)"
    add("--ending", choices=[".fits", ".fits.gz", ".fits.fz"], default=".fits", help=text)
    options.add_switches(parser, "overwrite", "quiet")
    options.add_kind(parser, "take all frames for frames of this kind, whatever their headers say")
    add("--any-kind", action="store_true", help="clean frames of every kind, not only light frames")
    text = "largest share of the pixels that may be hit; a frame with more is not written (default: %(default)s)"
    add("--max-fraction", type=float, default=0.1, metavar="SHARE", help=text)
    add("--force", action="store_true", help="clean frames again that were cleaned before")
    text = "how pixels are replaced; none only flags them and keeps their values (default: %(default)s)"
    add("--repair", choices=REPAIRS, default=REPAIRS[0], help=text)
    text = (
        "add cosmic rays drawn by hand: a DS9 region file, a file with corners, or X,Y,X,Y,X,Y; may be repeated. A "
        "frame that was cleaned before is not searched again, unless --force is given"
    )
    add("--add-region", type=_region, action="append", default=[], metavar="REGION", help=text)
    text = (
        "write the mask of each frame to a file of its own, too: PATH is a FITS file, or for several frames a folder, "
        "in which each gets the name of its frame and _mask"
    )
    add("--write-mask", type=Path, metavar="PATH", help=text)
    text = (
        "leave a region alone: a section such as '[1:100,20:30]', a mask (FITS, not 0 there), a DS9 region file, or a "
        "file with corners; may be repeated"
    )
    add("--protect", type=_protected, action="append", metavar="REGION", help=text)
    options.add_detection(parser)
    options.add_calibration(parser)


def _protected(word: str) -> str:
    """A section, or else a file."""
    from ccdproc_crplugin.frames.sections import read_section

    return word if read_section(word) is not None else os.fspath(options.existing_file(word))


def _region(word: str) -> Path | list[tuple[float, float]]:
    """A polygon given by its corners, or else a file."""
    try:
        numbers = [float(number) for number in word.split(",")]
    except ValueError:
        return options.existing_file(word)
    if len(numbers) < 6 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(f"{word!r} should be x and y of three or more corners")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def run(args: argparse.Namespace) -> int:
    """Clean the files; return 1 if one failed, else 0."""
    with telling():
        choices = {name: getattr(args, name) for name in ("repair", "max_fraction", "force", "protect")}
        keywords = {**options.detection_keywords(args), **options.calibration_keywords(args), **choices}
        args.paths = options.existing_paths(args.paths)
    _prepare_masks(args)
    options.make_folder(args.output)
    cleaning, outcomes = _Cleaning(args, keywords), []
    with progress_bar(args, unit="frame")(args.paths) as progress:
        for path in progress:
            with calm() as messages:
                outcome = cleaning.outcome(path)
            outcomes.append(outcome)
            if outcome.reason:
                messages.append(f"{outcome.status}: {outcome.reason}")
            for message in messages:
                progress.clear()
                say(f"{path.name}: {message}")
    return _summary(outcomes)


def _prepare_masks(args: argparse.Namespace) -> None:
    """Make the folder of the masks, or refuse one file for the masks of several frames."""
    if args.write_mask is None:
        return
    if not _is_fits(args.write_mask):
        options.make_folder(args.write_mask)
    elif not args.write_mask.parent.is_dir() and args.write_mask.parent != args.output:
        raise UsageError(f"Found no folder {str(args.write_mask.parent)!r}; expected one to write the mask into.")
    elif len(args.paths) > 1:
        raise UsageError(
            f"Found the file {str(args.write_mask)!r} for the masks of {len(args.paths)} frames; expected a folder.",
            "Give a name without .fits to {write_mask}.",
        )


def _is_fits(path: Path) -> bool:
    from ccdproc_crplugin.io.selection import FITS_SUFFIXES

    return path.name.lower().endswith(FITS_SUFFIXES)


class _Outcome(NamedTuple):
    """The result for one file: a row of the table that is printed at the end, and a reason."""

    frame: str
    pixels: Any = ""
    events: Any = ""
    verdict: str = ""
    status: str = "cleaned"  # or "skipped" or "failed"
    reason: str = ""


@dataclass
class _Cleaning:
    """The cleaning of several files in one run."""

    args: argparse.Namespace
    keywords: dict[str, Any]  # of `clean_cosmic_rays`
    written: set[Path] = field(default_factory=set)

    def outcome(self, path: Path) -> _Outcome:
        """Clean a file; an error is part of its outcome and does not end the run."""
        earlier = set(self.written)
        try:
            return self._clean(path)
        except Exception as err:
            self.written = earlier
            return _Outcome(path.name, status="failed", reason=reason_of(err, spelling(self.args)))

    def _clean(self, path: Path) -> _Outcome:
        from ccdproc_crplugin.frames.cards import read_verdict
        from ccdproc_crplugin.io.ccd import write_ccd
        from ccdproc_crplugin.io.layout import open_frames, write_frames

        with open_frames(path, hdu=self.args.hdu) as files:
            reason = options.why_skipped(files[0].header, self.args)
            if reason and not self.args.any_kind:
                return _Outcome(path.name, status="skipped", reason=reason)
            target, masks = self._target(path), self._mask_targets(path, [file.index for file in files])
            frames = {file.index: options.read_frame(file, self.args) for file in files}
            alone = self._is_written_alone(files)
        cleaned = {index: self._without_cosmic_rays(frames.pop(index)) for index in list(frames)}
        write_frames(cleaned, path, target, overwrite=self.args.overwrite, alone=alone)
        for ccd, mask in zip(cleaned.values(), masks, strict=False):
            write_ccd(ccd, mask, overwrite=self.args.overwrite, mask_only=True)
        metas = [ccd.meta for ccd in cleaned.values()]
        verdicts = dict.fromkeys(": ".join(filter(None, read_verdict(meta))) for meta in metas)
        n_pixels, n_events = (sum(meta[card] for meta in metas) for card in ("CRNPIX", "CRNEVENT"))
        return _Outcome(path.name, n_pixels, n_events, "; ".join(verdicts))

    def _is_written_alone(self, files: list[Any]) -> bool:
        """Whether the file holds one frame and nothing else, or several of which one was chosen."""
        from ccdproc_crplugin.io.hdus import image_indices
        from ccdproc_crplugin.io.layout import stands_alone

        hdus, indices = files[0].hdus, [file.index for file in files]
        chosen = self.args.hdu is not None and len(image_indices(hdus, files[0].path)) > 1
        return chosen or stands_alone(hdus, indices)

    def _target(self, path: Path) -> Path:
        from ccdproc_crplugin.io.selection import stem

        return self._claimed(self.args.output / f"{stem(path)}{self.args.ending}")

    def _mask_targets(self, path: Path, indices: list[int]) -> list[Path]:
        """The files of the masks, one for each frame of a file; empty without ``--write-mask``."""
        from ccdproc_crplugin.io.atomic import ending_of
        from ccdproc_crplugin.io.ccd import WRITABLE
        from ccdproc_crplugin.io.selection import stem

        where = self.args.write_mask
        if where is None:
            return []
        if _is_fits(where):
            if len(indices) > 1:
                raise CosmicRayError(
                    f"Found {len(indices)} frames in {str(path)!r}; expected one for the mask {str(where)!r}.",
                    "Give the name of a folder to {write_mask}.",
                )
            ending_of(where, WRITABLE)
            return [self._claimed(where)]
        suffixes = [f"_hdu{index}" for index in indices] if len(indices) > 1 else [""]
        return [self._claimed(where / f"{stem(path)}_mask{suffix}{self.args.ending}") for suffix in suffixes]

    def _claimed(self, target: Path) -> Path:
        """A name to write to, refused if it is that of an input, of another result, or taken."""
        from ccdproc_crplugin.io.atomic import check_target

        if target in self.written:
            raise CosmicRayError(
                f"Found that {str(target)!r} was written for another input already; expected names that differ.",
                "Clean the files into different folders.",
            )
        check_target(target, self.args.overwrite)
        self.written.add(target)
        return target

    def _without_cosmic_rays(self, ccd: Any) -> Any:
        """The frame without the cosmic rays that the detector finds and those drawn by hand."""
        import numpy as np

        from ccdproc_crplugin.cleaning.by_hand import add_cosmic_rays
        from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
        from ccdproc_crplugin.cleaning.regions import region_mask
        from ccdproc_crplugin.frames.removed import is_restorable

        regions = self.args.add_region
        if self.args.force or not (regions and is_restorable(ccd)):
            ccd = clean_cosmic_rays(ccd, **self.keywords)
        if regions:
            ccd = add_cosmic_rays(ccd, np.any([region_mask(ccd, region) for region in regions], axis=0))
        return ccd


def _summary(outcomes: list[_Outcome]) -> int:
    """Print the table and the counts; return the exit code."""
    from astropy.table import Table

    if outcomes:
        rows = [outcome[:-1] for outcome in outcomes]
        show_table(Table(rows=rows, names=_Outcome._fields[:-1], dtype=[str] * 5), align=["<", ">", ">", "<", "<"])
    counts = Counter(outcome.status for outcome in outcomes)
    show(", ".join(f"{counts[status]} {status}" for status in ("cleaned", "skipped", "failed")))
    if counts["skipped"] == len(outcomes):
        say("Found no light frame; expected some. `ccdcr headers PATH` shows what the headers say.")
    return 0 if counts["cleaned"] and not counts["failed"] else 1
