# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Options that several sub-commands share, and what their values mean."""

from __future__ import annotations

import argparse
import glob
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.messages import UsageError, wrong_usage
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins.model import KINDS

#: Help of the switches that several sub-commands have.
SWITCHES = {"overwrite": "replace existing files", "quiet": "show no progress bar"}

#: Help of the options that take precedence over the header.
QUANTITIES = {
    "gain": "gain in electron/adu: a number, SECTION=VALUE pairs as in '[1:1024,*]=1.2; [1025:2048,*]=1.3', or a file",
    "readnoise": "read noise in electron, in the same forms",
    "saturation": "saturation level in the unit of the frame",
    "pixel_size": "side of a pixel in micron",
    "altitude": "altitude of the observatory in m",
}


#: The options that may differ from amplifier to amplifier.
BY_AMPLIFIER = ("gain", "readnoise")


def add_frame(parser: argparse.ArgumentParser) -> None:
    """Add the argument for one frame, and how it is read."""
    parser.add_argument("path", type=existing_file, metavar="FRAME", help="FITS file")
    _add_reading(parser)


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Add the argument for several frames, and how they are read."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="FITS file, folder, or pattern such as 'm31_*.fits'")
    _add_reading(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a file is read."""
    group = parser.add_argument_group("reading")
    group.add_argument("--unit", choices=["adu", "electron"], help="unit of frames without BUNIT in the header")
    group.add_argument("--hdu", type=int, metavar="N", help="HDU of the frame in a file that holds several images")
    add_dialect(group)


def add_dialect(parser: argparse._ActionsContainer) -> None:
    """Add the option for dialects of headers."""
    text = "TOML file whose [dialect] says what the header cards of a camera mean; may be repeated"
    parser.add_argument(
        "--dialect", type=existing_file, action="append", dest="dialect_files", metavar="FILE", help=text
    )


def add_kind(parser: argparse._ActionsContainer, text: str) -> None:
    """Add the option for the kind of the frames."""
    parser.add_argument("--kind", choices=KINDS, help=text)


def add_refine(parser: argparse._ActionsContainer) -> None:
    """Add the switch for the plugins that change the mask of a detector."""
    text = "let no plugin change the mask of the detector, so that sharp stars stay in it"
    parser.add_argument("--no-refine", dest="refine", action="store_false", help=text)


def add_folder(parser: argparse.ArgumentParser, default: str, *aliases: str) -> None:
    """Add the option for the folder that is written to."""
    text = "folder to write to (default: %(default)s)"
    parser.add_argument("-o", "--output", *aliases, type=Path, default=Path(default), metavar="FOLDER", help=text)


def add_switches(parser: argparse._ActionsContainer, *names: str) -> None:
    """Add options without a value."""
    for name in names:
        parser.add_argument(f"--{name}", action="store_true", help=SWITCHES[name])


def add_quantities(parser: argparse._ActionsContainer, *names: str) -> None:
    """Add options for numbers that are looked up in the header if they are not given."""
    for name in names:
        text = f"{QUANTITIES[name]} (default: from the header)"
        kind, metavar = (_figure, "VALUE") if name in BY_AMPLIFIER else (float, "NUMBER")
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=text)


def add_detection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how cosmic rays are found."""
    group = parser.add_argument_group("detection")
    text = "name of the detector, see `ccdcr plugins` (default: %(default)s)"
    group.add_argument("--detector", default="lacosmic", metavar="NAME", help=text)
    add_quantities(group, "gain", "readnoise", "saturation")
    text = (
        "limit of L.A.Cosmic in units of the noise, and nothing else; auto chooses it for each frame (default: 5, and "
        "the brightest pixel of an event is higher than noise alone makes it)"
    )
    group.add_argument("--sigclip", type=_sigclip, metavar="NUMBER", help=text)
    text = "set a parameter of the detector, such as niter=6; may be repeated"
    group.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help=text)
    add_refine(group)


def add_calibration(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what was done to the frame, and what it is."""
    group = parser.add_argument_group("calibration")
    add_dark(group)
    text = "bias that was not subtracted; the frame keeps it, but it does not count for light"
    group.add_argument("--bias", type=existing_file, metavar="FILE", help=text)
    text = "bad pixels: an image that is not 0 there"
    group.add_argument("--bad-pixels", type=existing_file, metavar="FILE", help=text)
    add_mosaic(group)
    text = "axis of a spectrum's dispersion, 0 along columns, 1 along rows (default: found from the sky lines)"
    group.add_argument("--dispersion-axis", type=int, choices=[0, 1], help=text)


def add_dark(parser: argparse._ActionsContainer) -> None:
    """Add the options for the dark that was subtracted."""
    text = "dark that was subtracted from the frame, whose noise is still there"
    parser.add_argument("--dark", type=existing_file, metavar="FILE", help=text)
    text = "the dark was scaled to the exposure of the frame"
    parser.add_argument("--scale-dark", action="store_true", help=text)


def add_mosaic(parser: argparse._ActionsContainer) -> None:
    """Add the option for the colours of a mosaic."""
    text = (
        "colours of the first 2 x 2 pixels of a colour mosaic in reading order, such as RGGB, or none for a frame that "
        "is no mosaic (default: from the header, if the pixels bear it out)"
    )
    parser.add_argument("--mosaic", metavar="COLOURS", help=text)


def calibration_keywords(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `clean_cosmic_rays` and `cr_tune` that the options of the calibration ask for."""
    names = ("dark", "scale_dark", "bias", "bad_pixels", "mosaic", "dispersion_axis")
    return {name: getattr(args, name) for name in names if hasattr(args, name)}


def read_frame(file: Any, args: argparse.Namespace) -> Any:
    """
    The frame of an open file.

    Where its unit is missing, the error names at once the gain and the read noise that are missing too.
    """
    from ccdproc_crplugin.errors import joined_errors
    from ccdproc_crplugin.frames.gain_and_noise import missing_figures
    from ccdproc_crplugin.io.hdus import unit_of

    image = file.hdus[file.index]
    if args.unit is None and image.shape:
        try:
            unit_of(image, file.path)
        except CosmicRayError as err:
            given = {"gain": args.gain, "readnoise": args.readnoise}
            missing = missing_figures(given, file.header, file.header, image.shape)
            raise joined_errors([err, *missing]) from err
    return file.read(args.unit)


def why_skipped(header: Any, args: argparse.Namespace) -> str:
    """Why `ccdcr clean` skips the frame of a header; empty for a light frame."""
    from ccdproc_crplugin.frames.header import frame_kind, named_by_object

    kind = args.kind or frame_kind(header)
    if kind == "light":
        return ""
    if kind == "unknown":
        return "its header does not say what kind of frame it is; --kind light takes it for a light frame"
    named = "" if args.kind else named_by_object(header)
    if named:
        return f"{named} alone says that it is of kind {kind}; --kind light takes it for a light frame"
    return f"a {kind} frame; --any-kind cleans it all the same"


def existing_file(word: str) -> Any:
    """The type of an option that is the name of a file, which is read, or the address of a remote one."""
    from ccdproc_crplugin.io.inputs import note_read
    from ccdproc_crplugin.io.remote import remote_path

    if address := remote_path(word):
        return address
    path = Path(word)
    note_read(path)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{word!r} is a folder; expected a file")
    if not os.path.exists(path):
        raise argparse.ArgumentTypeError(f"{word!r:.200} does not exist; expected a file")
    return path


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number of ``least`` or more."""

    def convert(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r:.200} should be a whole number of {least} or more")
        return int(word)

    return convert


def _figure(word: str) -> Any:
    """The type of an option that is a number, values of sections, or a file with a value for each pixel."""
    from ccdproc_crplugin.frames.sections import check_sections, read_pairs
    from ccdproc_crplugin.io.ccd import open_frame

    try:
        return float(word)
    except ValueError:
        pairs = read_pairs(word)
    if pairs is None and not os.path.isfile(word):
        raise argparse.ArgumentTypeError(
            f"{word!r:.200} should be a number, SECTION=VALUE pairs such as '[1:1024,*]=1.2; [1025:2048,*]=1.3', or a "
            "FITS file"
        )
    try:
        if pairs is not None:
            check_sections("value", pairs)
            return pairs
        with open_frame(word) as file:
            return file.hdus[file.index].data.astype(float)
    except CosmicRayError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _sigclip(word: str) -> float | str:
    try:
        return word if word == "auto" else float(word)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{word!r} should be a number, or auto") from err


def detection_keywords(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `cr_segments` and `clean_cosmic_rays` that the options ask for."""
    from ccdproc_crplugin.cleaning.detection import choose_detector

    given_parameters = parameters(args)
    if args.sigclip is not None:
        if "sigclip" in given_parameters:
            raise UsageError("Found sigclip twice, as --sigclip and as -p sigclip=; expected it once.")
        given_parameters["sigclip"] = args.sigclip
    with wrong_usage():
        choose_detector(args.detector, given_parameters)
    electronics = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
    given = {name: value for name, value in electronics.items() if value is not None}
    refine = {} if args.refine else {"refine": False}
    return {"detector": args.detector, **given, **refine, **given_parameters}


def parameters(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters of the detector that ``-p`` sets."""
    return dict(parameter(text) for text in args.parameter)


def parameter(text: str) -> tuple[str, Any]:
    """A parameter given as NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"Found the parameter {text!r}; expected NAME=VALUE, such as niter=6.")
    try:
        return name, json.loads(value.lower() if value in ("True", "False") else value)
    except (ValueError, RecursionError):
        return name, None if value == "None" else value


def existing_paths(words: list[str]) -> list[Path]:
    """The files that files, folders, patterns and addresses stand for, each once."""
    from ccdproc_crplugin.io.atomic import as_path
    from ccdproc_crplugin.io.inputs import note_read
    from ccdproc_crplugin.io.remote import remote_path
    from ccdproc_crplugin.io.selection import find_frames

    paths: dict[Path, None] = {}
    for word in words:
        if remote_path(word):
            paths[as_path(word)] = None
            continue
        matches = [word] if os.path.exists(word) else sorted(glob.glob(word))
        if not matches:
            raise UsageError(f"Found nothing at {word!r}; expected a file, a folder or a pattern that fits some.")
        for match in map(Path, matches):
            found = find_frames(match) if match.is_dir() else [match]
            if not found:
                raise UsageError(f"Found no FITS file in the folder {str(match)!r}; expected some.")
            paths |= dict.fromkeys(found)
    for path in paths:
        note_read(path)
    return list(paths)


def check_targets(targets: dict[Path | None, tuple[str, ...]], overwrite: bool) -> None:
    """Refuse at once the names of files that could not be written at the end."""
    from ccdproc_crplugin.io.atomic import check_target

    for target, endings in targets.items():
        if target is None:
            continue
        if target.suffix.lower() not in endings:
            raise UsageError(f"Found the file name {str(target)!r}; expected one that ends in {', '.join(endings)}.")
        with wrong_usage():
            check_target(target, overwrite)


def make_folder(folder: Path) -> None:
    """Make a folder that is written to, unless it exists."""
    from ccdproc_crplugin.io.remote import refuse_remote

    refuse_remote(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise CosmicRayError(f"Found that the folder {str(folder)!r} can't be made: {err}.") from err
