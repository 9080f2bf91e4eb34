# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr demo``: the whole way of a real frame, and of a simulated night."""

from __future__ import annotations

import argparse
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import telling
from ccdproc_crplugin.cli.segments import SHORT
from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["COMMAND"]

#: A raw frame of the 1 m telescope of the SAAO that ccdproc installs with its tests.
FRAME = "a8280271.fits"

#: How many times its noise a pixel must have gained to count as hit, where the search is compared with the truth.
CLEAR = 5.0


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=Path("ccdcr-demo"), help="folder (default: %(default)s)")


def _run(args: argparse.Namespace) -> int:
    """Run the demonstration."""
    _make_folders(args.output)
    _show_frame(args.output)
    _show_night(args.output / "simulated-night")
    print("\nNext, your own frame:\n\n    ccdcr clean YOUR_FRAME.fits --output cleaned")
    return 0


def _make_folders(output: Path) -> None:
    try:
        (output / "events").mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise CosmicRayError(f"Found that the folder {str(output)!r} can't be made: {err}.") from err


def _show_frame(output: Path) -> None:
    """Clean the real frame, and tell what was found and where it is."""
    from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
    from ccdproc_crplugin.events.segments import cr_segments
    from ccdproc_crplugin.io.ccd import write_ccd

    print(f"A raw frame that ccdproc installs: {FRAME}, 1 m telescope of the SAAO, 150 s.")
    with telling():
        raw = _overscan_and_trim()
        cleaned = clean_cosmic_rays(raw)
        segments = cr_segments(cleaned)
        frame = write_ccd(cleaned, output / "a8280271_cleaned.fits", overwrite=True)
        catalogue = segments.write(output / "events.ecsv", overwrite=True)
        pictures = _draw_events(segments, output / "events")
    header = cleaned.header
    print("Overscan and trim are those of its header; the last rows, which saw no light, are cut off too.")
    print(f"Gain {header['CRGAIN']} electron/adu and read noise {header['CRRDNOIS']} electron stand in its header.\n")
    print("\n".join(segments.table[SHORT].pformat(max_lines=-1, max_width=-1)))
    print(f"\n{repr(segments).strip('<>')}\n")
    print(f"cleaned frame  {frame}")
    print(f"catalogue      {catalogue}")
    print(f"pictures       {pictures} (mask, frame, cleaned)")


def _overscan_and_trim() -> Any:
    from ccdproc import subtract_overscan, trim_image

    from ccdproc_crplugin.io.ccd import read_ccd

    with as_file(files("ccdproc.tests") / "data" / FRAME) as path:
        raw = read_ccd(path)
    header = raw.header
    without_bias = subtract_overscan(raw, fits_section=header["BIASSEC"], median=True)
    return _without_dark_rows(trim_image(without_bias, fits_section=header["TRIMSEC"]))


def _without_dark_rows(ccd: Any) -> Any:
    """Cut off the last rows, which saw no light although the header's TRIMSEC keeps them."""
    import numpy as np

    level = np.median(ccd.data, axis=1)
    lit = np.flatnonzero(level > np.median(level) / 2)
    return ccd[: lit[-1] + 1]


def _draw_events(segments: Any, folder: Path) -> str:
    from tqdm import tqdm

    from ccdproc_crplugin.events.gallery import save_page

    for label in tqdm(range(1, len(segments) + 1), unit="picture", disable=None, leave=False):
        save_page(segments.plot([label]), folder / f"event_{label:03d}.png", overwrite=True)
    return f"{folder}/event_*.png"


def _show_night(night: Path) -> None:
    """Reduce a simulated night, and compare what was found with what was put in."""
    print("\nA small night, simulated, so that every cosmic ray is known: bias, dark and flat frames and two lights.\n")
    print("\n".join(_reduce_simulated_night(night).pformat(max_lines=-1, max_width=-1)))
    print("\nput in: events that leave at least 5 times the noise of the sky in a pixel; found: those of them that are")
    print("flagged; false: events flagged where there is none. Read noise and sky hide what is fainter.\n")
    print(f"night          {night / 'raw'}")
    print(f"reduced        {night / 'reduced'}")


def _reduce_simulated_night(folder: Path) -> Any:
    """What was found in each light of a simulated night, against what was put in."""
    from astropy.table import Table

    from ccdproc_crplugin.pipeline.run import reduce_night
    from ccdproc_crplugin.simulate import simulate_night

    with telling():
        if not (folder / "raw").is_dir():
            simulate_night(folder / "raw", n_bias=5, n_dark=5, n_flat=5, n_light=2, shape=(384, 384), seed=1)
        steps = ["subtract_bias", "subtract_dark", "correct_flat", "clean_cosmic_rays"]
        night = {"input": folder / "raw", "output": folder / "reduced"}
        table = reduce_night({"night": night, "step": [{"name": name} for name in steps]}, n_workers=1)
        rows = [
            (row["file"], *_against_truth(folder / "reduced" / row["output"], folder / "raw" / "truth" / row["file"]))
            for row in table[table["kind"] == "light"]
        ]
    return Table(rows=rows, names=("frame", "put in", "found", "pixels", "found pixels", "false"))


def _against_truth(reduced: Path, truth: Path) -> tuple[int, int, int, int, int]:
    """Events put in and found, their pixels put in and found, and events where there is none."""
    import numpy as np
    from astropy.io import fits
    from scipy import ndimage

    from ccdproc_crplugin.frames.flags import PixelFlag
    from ccdproc_crplugin.io.ccd import read_ccd

    cleaned = read_ccd(reduced)
    found = (cleaned.flags & PixelFlag.COSMIC_RAY) != 0
    with fits.open(truth) as hdus:
        labels, charge = np.array(hdus["LABELS"].data), np.array(hdus["CHARGE"].data)
    electrons = np.median(cleaned.data) * cleaned.meta["CRGAIN"]
    visible = charge > CLEAR * np.sqrt(max(electrons, 0) + cleaned.meta["CRRDNOIS"] ** 2)
    put_in = np.unique(labels[visible & (labels > 0)])
    events, n_events = ndimage.label(found, np.ones((3, 3)))
    true_events = np.unique(events[found & (charge > 0)])
    return (
        len(put_in),
        len(np.intersect1d(put_in, labels[found])),
        int(visible.sum()),
        int((visible & found).sum()),
        n_events - len(true_events),
    )


COMMAND = Command(
    "demo",
    summary="see it work on a real frame and a simulated night",
    description="Clean a real raw frame that ccdproc installs, and write frame, catalogue and pictures. Then "
    "simulate a small night, reduce it, and compare what is found with what was put in.",
    add_options=_add_options,
    run=_run,
)
