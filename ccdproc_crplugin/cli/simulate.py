# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr simulate``: frames and nights with known cosmic rays."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, show_table, wrong_usage

SUMMARY = "make frames with known cosmic rays"
DESCRIPTION = (
    "Write simulated frames in electrons, or with --night the raw frames of a night. Their cosmic rays are described "
    "in the folder truth beside them: masks, the pixels of each event, charges, and tables."
)

DIALECTS = ("plain", "iraf", "maximdl", "ing", "eso", "nina")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("output", type=Path, metavar="FOLDER", help="folder to write to, without FITS files")
    add("--night", action="store_true", help="write raw bias, dark, flat and light frames in adu")
    text = "size of a frame, such as 700x900, or one number for a square (default: 1024)"
    add("--size", type=_size, default=(1024, 1024), metavar="ROWSxCOLUMNS", help=text)
    for name, default, text in (
        ("exposure", 300.0, "exposure time in seconds"),
        ("sky", 150.0, "sky in electrons per pixel"),
        ("fwhm", 3.0, "full width of the stars at half maximum in pixels"),
    ):
        add(f"--{name}", type=float, default=default, metavar="NUMBER", help=f"{text} (default: %(default)s)")
    for names, number, text in (
        (["-n", "--n-light"], 1, "number of light frames"),
        (["--n-bias"], 5, "number of bias frames of a night"),
        (["--n-dark"], 5, "number of dark frames of a night"),
        (["--n-flat"], 5, "number of flat frames of a night"),
        (["--n-stars"], 150, "number of stars"),
        (["--n-galaxies"], 0, "number of galaxies"),
        (["--n-muons"], 30, "number of muons in a light frame"),
        (["--n-worms"], 20, "number of worms (winding tracks of electrons) in a light frame"),
        (["--n-spots"], 30, "number of spots in a light frame"),
        (["--seed"], 0, "seed; the same seed makes the same files"),
    ):
        text += " (default: %(default)s)"
        add(*names, type=options.whole_number(0), default=number, metavar="N", help=text)
    _add_camera(parser)
    text = "style of the headers (default: %(default)s)"
    add("--dialect", choices=DIALECTS, default="plain", help=text)


def _add_camera(parser: argparse.ArgumentParser) -> None:
    """Add the options of the camera; those that are left out are as in `Camera`."""
    add = parser.add_argument_group("camera").add_argument
    text = "thickness of the silicon: 16 or 250 micron (default: %(default)s)"
    add("--chip", choices=["thin", "thick"], default="thin", help=text)
    for name, metavar, text in (
        ("gain", "NUMBER", "gain in electron/adu (default: 1.5)"),
        ("readnoise", "NUMBER", "read noise in electron (default: 6)"),
        ("hot-pixels", "SHARE", "share of the pixels that are hot (default: 0.0003)"),
        ("pixel-size", "NUMBER", "side of a pixel in micron (default: 13.5, of a thick chip 15)"),
    ):
        add(f"--{name}", type=float, metavar=metavar, help=text)
    text = "bit depth of the converter; the bias level is at most a sixteenth of its range (default: 16)"
    add("--bits", type=options.whole_number(1), metavar="N", help=text)


def _size(word: str) -> tuple[int, int]:
    sides = [int(number) if number.isdecimal() else 0 for number in word.lower().split("x")]
    if len(sides) > 2 or 0 in sides:
        raise argparse.ArgumentTypeError(f"{word!r} should be a number of pixels, or rows and columns such as 700x900")
    return sides[0], sides[-1]


def run(args: argparse.Namespace) -> int:
    """Write the frames."""
    from ccdproc_crplugin.simulate import simulate_frames, simulate_night

    names = ("exposure", "sky", "fwhm", "n_stars", "n_galaxies", "n_muons", "n_worms", "n_spots", "dialect", "seed")
    settings = {name: getattr(args, name) for name in names}
    settings["shape"] = args.size
    with wrong_usage():
        settings["camera"] = _camera(args)
    if args.night:
        numbers = {name: getattr(args, name) for name in ("n_bias", "n_dark", "n_flat", "n_light")}
        table = simulate_night(args.output, **numbers, **settings)
    else:
        table = simulate_frames(args.output, n_frames=args.n_light, **settings)
    table["file"] = [Path(file).name for file in table["file"]]
    if len(table):
        show_table(table["file", "kind", "n_events", "n_pixels"], align="<")
    show(f"wrote {len(table)} frames to {args.output}, the truth to {args.output / 'truth'}")
    return 0


def _camera(args: argparse.Namespace) -> Any:
    """The camera that the options describe."""
    from ccdproc_crplugin.simulate import THICK, THIN, Camera

    chip = THICK if args.chip == "thick" else THIN
    if args.pixel_size is not None:
        chip = replace(chip, pixel_size=args.pixel_size)
    figures = {"gain": args.gain, "readnoise": args.readnoise, "hot_fraction": args.hot_pixels, "bits": args.bits}
    given = {name: value for name, value in figures.items() if value is not None}
    if args.bits is not None:
        given["bias_level"] = min(Camera.bias_level, 2 ** min(args.bits, 32) / 16)
    return Camera(chip=chip, **given)
