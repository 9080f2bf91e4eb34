# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Options and habits that several sub-commands share."""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError, PluginWarning

__all__ = [
    "UsageError",
    "add_detection",
    "add_reading",
    "as_option",
    "calm",
    "check_targets",
    "detection_keywords",
    "existing_file",
    "existing_paths",
    "say",
    "telling",
]


#: Functions that messages name, and the sub-commands that do their work.
COMMANDS = {"restore_cosmic_rays": "ccdcr restore"}


def as_option(name: str, value: str) -> str:
    """Spell a parameter of an error message as an option of the command line, and a function as a sub-command."""
    if value == "()":
        return COMMANDS.get(name, name)
    option = f"--{name.replace('_', '-')}"
    return option if value in ("", "True") else f"{option} {value.strip(chr(39))}"


class UsageError(CosmicRayError):
    """The words of the command line make no sense; no frame was touched."""


def existing_file(word: str) -> Path:
    """Take a word of the command line for a file."""
    path = Path(word)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{word!r} is a folder; expected a file")
    if not os.path.exists(path):
        raise argparse.ArgumentTypeError(f"no file {word!r:.200} is there")
    return path


def _sigclip(word: str) -> float | str:
    return word if word == "auto" else float(word)


def add_reading(parser: Any) -> None:
    """Add the options that say how a file is read."""
    parser.add_argument("--unit", choices=["adu", "electron"], help="unit of frames without BUNIT")
    parser.add_argument("--hdu", type=int, help="which HDU, in files of several images")


def add_detection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how cosmic rays are found."""
    group = parser.add_argument_group("detection")
    group.add_argument("--detector", default="lacosmic", help="who looks for cosmic rays (default: %(default)s)")
    group.add_argument("--gain", type=float, help="gain in electron/adu (default: from the header)")
    group.add_argument("--readnoise", type=float, help="read noise in electron (default: from the header)")
    group.add_argument(
        "--saturation", type=float, help="saturation level in the frame's unit (default: from the header)"
    )
    add_reading(group)
    group.add_argument(
        "--sigclip",
        type=_sigclip,
        metavar="NUMBER",
        help="Laplacian-to-noise limit of L.A.Cosmic, or auto to choose it",
    )
    group.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="any parameter of the detector"
    )


def detection_keywords(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `cr_segments` and `clean_cosmic_rays` that the options ask for."""
    from ccdproc_crplugin.cleaning.detection import choose_detector

    parameters = dict(_parameter(text) for text in args.parameter)
    if args.sigclip is not None:
        if "sigclip" in parameters:
            raise UsageError("Found sigclip twice, as --sigclip and as -p sigclip=; expected it once.")
        parameters["sigclip"] = args.sigclip
    try:
        choose_detector(args.detector, parameters)
    except CosmicRayError as err:
        raise err.within(kind=UsageError) from err
    noise = {name: getattr(args, name) for name in ("gain", "readnoise", "saturation")}
    given = {name: value for name, value in noise.items() if value is not None}
    return {"detector": args.detector, **given, **parameters}


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"Found the parameter {text!r}; expected NAME=VALUE, such as niter=6.")
    try:
        return name, json.loads(value.lower() if value in ("True", "False") else value)
    except (ValueError, RecursionError):
        return name, None if value == "None" else value


def existing_paths(words: list[str]) -> list[Path]:
    """The files that are meant by files, folders and patterns."""
    from ccdproc_crplugin.io.selection import find_frames

    paths: dict[Path, None] = {}
    for word in words:
        matches = [word] if os.path.exists(word) else sorted(glob.glob(word))
        if not matches:
            raise UsageError(f"Found nothing at {word!r}; expected a file, a folder or a pattern that fits some.")
        for match in map(Path, matches):
            found = find_frames(match) if match.is_dir() else [match]
            if not found:
                raise UsageError(f"Found no FITS file in the folder {str(match)!r}; expected some.")
            paths |= dict.fromkeys(found)
    return list(paths)


def check_targets(targets: dict[Path | None, tuple[str, ...]], overwrite: bool) -> None:
    """Refuse at once what could not be written at the end."""
    for target, endings in targets.items():
        if target is not None and target.suffix.lower() not in endings:
            raise UsageError(f"Found the file name {str(target)!r}; expected one that ends in {', '.join(endings)}.")
        if target is not None and target.exists() and not overwrite:
            raise UsageError(
                f"Found {str(target)!r} there already; expected a new name.", "Give {overwrite=True} to replace it."
            )


@contextmanager
def calm() -> Iterator[list[str]]:
    """Keep back the warnings of libraries about headers, and collect ours."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            for item in caught:
                if issubclass(item.category, PluginWarning) or item.category.__module__.startswith("ccdproc_crplugin"):
                    messages.append(str(item.message))


@contextmanager
def telling() -> Iterator[None]:
    """Keep back the warnings of libraries about headers, and tell ours when the work is done."""
    with calm() as messages:
        yield
    for message in messages:
        say(message)


def say(text: str) -> None:
    """Tell the user something that is not the command's result."""
    print(plain(text), file=sys.stderr)


def plain(text: str) -> str:
    """Text without characters that could steer a terminal, which are shown as they are written."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
