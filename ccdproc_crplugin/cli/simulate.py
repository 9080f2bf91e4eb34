# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr simulate``: frames and nights with known cosmic rays."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import plain

__all__ = ["COMMAND"]

DIALECTS = ("iraf", "maximdl", "ing", "eso", "nina")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="FOLDER", help="where to; it may hold no FITS file yet")
    parser.add_argument("--night", action="store_true", help="a raw night: bias, dark, flat and light frames in adu")
    parser.add_argument("-n", "--n-light", type=_number, default=1, help="light frames (default: %(default)s)")
    for kind in ("bias", "dark", "flat"):
        parser.add_argument(f"--n-{kind}", type=_number, default=5, help=f"{kind} frames of a night (default: 5)")
    parser.add_argument(
        "--size",
        type=_size,
        default=(1024, 1024),
        metavar="ROWSxCOLUMNS",
        help="such as 700x900; one number is for both (default: 1024)",
    )
    parser.add_argument("--exposure", type=float, default=300.0, help="seconds (default: %(default)s)")
    parser.add_argument("--sky", type=float, default=150.0, help="electrons a pixel (default: %(default)s)")
    parser.add_argument("--fwhm", type=float, default=3.0, help="of the stars, in pixels (default: %(default)s)")
    parser.add_argument("--n-stars", type=_number, default=150, help="(default: %(default)s)")
    parser.add_argument("--n-galaxies", type=_number, default=0, help="(default: %(default)s)")
    for kind, number in (("muons", 30), ("worms", 20), ("spots", 30)):
        parser.add_argument(f"--n-{kind}", type=_number, default=number, help="in a light frame (default: %(default)s)")
    parser.add_argument("--chip", choices=["thin", "thick"], default="thin", help="silicon of 16 or 250 micron")
    parser.add_argument("--dialect", choices=DIALECTS, default="iraf", help="of the headers (default: %(default)s)")
    parser.add_argument("--seed", type=_number, default=0, help="same seed, same files (default: %(default)s)")


def _number(word: str) -> int:
    number = int(word)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{word!r} is below 0")
    return number


def _size(word: str) -> tuple[int, int]:
    sides = [int(number) if number.isdecimal() else 0 for number in word.lower().split("x")]
    if len(sides) > 2 or 0 in sides:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of pixels, nor rows and columns such as 700x900")
    return sides[0], sides[-1]


def _run(args: argparse.Namespace) -> int:
    """Write the frames."""
    from ccdproc_crplugin.simulate import THICK, THIN, Camera, simulate_frames, simulate_night

    names = ("exposure", "sky", "fwhm", "n_stars", "n_galaxies", "n_muons", "n_worms", "n_spots", "dialect", "seed")
    settings = {name: getattr(args, name) for name in names}
    settings["shape"] = args.size
    settings["camera"] = Camera(chip=THICK if args.chip == "thick" else THIN)
    if args.night:
        numbers = {name: getattr(args, name) for name in ("n_bias", "n_dark", "n_flat", "n_light")}
        table = simulate_night(args.output, **numbers, **settings)
    else:
        table = simulate_frames(args.output, n_frames=args.n_light, **settings)
    table["file"] = [Path(file).name for file in table["file"]]
    if len(table):
        print("\n".join(table["file", "kind", "n_events", "n_pixels"].pformat(max_lines=-1, align="<")))
    print(f"wrote {len(table)} frames to {plain(str(args.output))}, the truth to {plain(str(args.output / 'truth'))}")
    return 0


COMMAND = Command(
    "simulate",
    summary="make frames whose every cosmic ray is known",
    description="Write corrected frames in electrons, or a raw night with its calibration frames, and in the folder "
    "truth what is known of their cosmic rays: a mask, the events pixel by pixel, their charge, and tables.",
    add_options=_add_options,
    run=_run,
)
