# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr compare``: what the masks of two frames share, or what several detectors find in one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, show, telling, wrong_usage

#: The name of the page in a folder.
PAGE = "report.html"

SUMMARY = "compare the masks of two frames, or detectors on one"
DESCRIPTION = (
    "Count the pixels and events that the masks of two frames share, and those that only one of them has. Each file is "
    "a cleaned frame, a frame with a mask, or the truth file of a simulated frame. With --detectors, search one frame "
    "with each of them, and count what they agree on."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("a", type=options.existing_file, metavar="A", help="FITS file")
    add("b", type=options.existing_file, nargs="?", metavar="B", help="FITS file; none with --detectors")
    group = parser.add_argument_group("detectors on one frame")
    text = "names of detectors with commas between, such as lacosmic,median"
    group.add_argument("--detectors", type=_names, metavar="NAMES", help=text)
    text = "draw what each found (.png, .pdf or .svg)"
    group.add_argument("-o", "--output", type=Path, metavar="IMAGE", help=text)
    text = "write what each cleaned into this folder, with a page to look at: report.html"
    group.add_argument("--report", type=Path, metavar="FOLDER", help=text)
    text = "set a parameter of a detector, such as lacosmic.sigclip=6; may be repeated"
    group.add_argument("-p", "--parameter", action="append", default=[], metavar="DETECTOR.NAME=VALUE", help=text)
    options.add_quantities(group, "gain", "readnoise", "saturation")
    group.add_argument("--unit", choices=["adu", "electron"], help="unit of a frame without BUNIT in the header")
    group.add_argument("--hdu", type=int, metavar="N", help="HDU of the frame in a file that holds several images")
    options.add_mosaic(group)
    options.add_dark(group)
    options.add_switches(group, "overwrite")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def run(args: argparse.Namespace) -> int:
    """Print the counts."""
    if args.detectors is not None:
        return _compare_detectors(args)
    if args.b is None:
        raise UsageError("Found one frame; expected two.", "Give {detectors} to compare what they find in one.")
    if args.output is not None or args.report is not None:
        raise UsageError("Found a picture or a report of two masks; expected one of detectors.", "Give {detectors}.")
    from ccdproc_crplugin.events.compare import compare_masks

    with telling():
        a, b = _read(args.a), _read(args.b)
    show(*str(compare_masks(a, b)).splitlines())
    return 0


def _compare_detectors(args: argparse.Namespace) -> int:
    """Print who found what, and draw it."""
    from ccdproc_crplugin.events.agreement import compare_detectors
    from ccdproc_crplugin.events.gallery import save_page
    from ccdproc_crplugin.io.ccd import open_frame

    if args.b is not None:
        raise UsageError("Found two frames with --detectors; expected one.")
    options.check_targets({args.output: (".png", ".pdf", ".svg")}, args.overwrite)
    pages = {} if args.report is None else _report_files(args)
    options.check_targets({path: (path.suffix,) for path in pages.values()}, args.overwrite)
    with telling():
        if pages:
            options.make_folder(args.report)
        parameters = _parameters(args)
        args.path = args.a
        with open_frame(args.a, hdu=args.hdu) as file:
            ccd = options.read_frame(file, args)
        given = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
        given |= options.calibration_keywords(args)
        facts = {name: value for name, value in given.items() if value is not None}
        agreement = compare_detectors(ccd, args.detectors, parameters=parameters, **facts)
    show(*str(agreement).splitlines())
    if args.output is not None:
        show("", f"wrote {save_page(agreement.plot(), args.output, overwrite=args.overwrite)}")
    if pages:
        with telling():
            _write_report(ccd, pages, parameters, facts, args)
        show("", f"wrote {args.report / PAGE}")
    return 0


def _report_files(args: argparse.Namespace) -> dict[str, Path]:
    """The file for what each detector cleaned, and under its own name the page."""
    from ccdproc_crplugin.io.selection import stem

    files = {name: args.report / f"{stem(args.a)}_{name}.fits" for name in args.detectors}
    return {**files, PAGE: args.report / PAGE}


def _write_report(
    ccd: Any, files: Mapping[str, Path], parameters: Mapping[str, Any], facts: Mapping[str, Any], args: Any
) -> None:
    """Clean the frame with each detector, and put the results on one page."""
    from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
    from ccdproc_crplugin.io.ccd import write_ccd
    from ccdproc_crplugin.report.page import write_report

    for name in args.detectors:
        cleaned = clean_cosmic_rays(ccd, name, preflight="off", max_fraction=1, **facts, **parameters[name])
        write_ccd(cleaned, files[name], overwrite=args.overwrite)
    write_report(args.report, files[PAGE], overwrite=args.overwrite)


def _parameters(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The parameters of each detector; wrong ones, and unknown detectors, are wrong usage."""
    from ccdproc_crplugin.cleaning.detection import choose_detector

    own: dict[str, dict[str, Any]] = {name: {} for name in args.detectors}
    for text in args.parameter:
        name, value = options.parameter(text)
        detector = next((known for known in own if name.startswith(f"{known}.")), None)
        if detector is None:
            expected = "DETECTOR.NAME=VALUE, with one of the detectors compared"
            raise UsageError(f"Found the parameter {text!r:.200}; expected {expected}.")
        own[detector][name.removeprefix(f"{detector}.")] = value
    with wrong_usage():
        if len(own) < max(2, len(args.detectors)):
            raise UsageError(f"Found --detectors {','.join(args.detectors)}; expected two or more different names.")
        for name, parameters in own.items():
            choose_detector(name, parameters)
    return own


def _read(path: Path) -> Any:
    """The frame in a file; the cosmic rays if it is a mask file, or the truth of a simulated frame."""
    from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
    from ccdproc_crplugin.io.ccd import read_ccd
    from ccdproc_crplugin.io.hdus import FLAGS
    from ccdproc_crplugin.io.mask_file import is_mask_file
    from ccdproc_crplugin.io.opening import open_hdus
    from ccdproc_crplugin.io.structure import OF_MASKS

    with open_hdus(path, expansion=OF_MASKS) as hdus:
        if "TRUTH" in hdus:
            return hdus["TRUTH"].data > 0
        if is_mask_file(hdus):
            return is_flagged(hdus[FLAGS].data, PixelFlag.COSMIC_RAY) if FLAGS in hdus else hdus[0].data > 0
    return read_ccd(path)
