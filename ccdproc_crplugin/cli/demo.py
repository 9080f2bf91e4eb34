# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr demo``: clean a real frame, and reduce a simulated night."""

from __future__ import annotations

import argparse
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import show, show_table, telling
from ccdproc_crplugin.cli.segments import SHORT

SUMMARY = "show ccdcr at work on a real frame and a simulated night"
DESCRIPTION = (
    "Clean a real raw frame that ccdproc installs, and write the frame, a catalogue and pictures. Then simulate and "
    "reduce a small night, and compare the cosmic rays found with those put in."
)

#: A raw frame of the 1 m telescope of the SAAO that ccdproc installs with its tests.
FRAME = "a8280271.fits"

#: How many times its noise a pixel must have gained to count as hit, where the search is compared with the truth.
CLEAR = 5.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    options.add_folder(parser, "ccdcr-demo")


def run(args: argparse.Namespace) -> int:
    """Run the demonstration."""
    options.make_folder(args.output / "events")
    _show_frame(args.output)
    _show_night(args.output / "simulated-night")
    print("\nNext, your own frame:\n\n    ccdcr clean YOUR_FRAME.fits --output cleaned")
    return 0


def _show_frame(output: Path) -> None:
    """Clean the real frame, and print what was found and which files were written."""
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
    print("Its overscan was subtracted, and it was trimmed. The last rows, which saw no light, were cut off, too.")
    print(
        f"Gain ({header['CRGAIN']} electron/adu) and read noise ({header['CRRDNOIS']} electron) are from its header.\n"
    )
    show_table(segments.table[SHORT])
    print(f"\n{repr(segments).strip('<>')}\n")
    show(f"cleaned frame  {frame}", f"catalogue      {catalogue}", f"pictures       {pictures} (mask, frame, cleaned)")


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

    for label in tqdm(segments.labels.tolist(), unit="picture", disable=None, leave=False):
        save_page(segments.plot([label]), folder / f"event_{label:03d}.png", overwrite=True)
    return f"{folder}/event_*.png"


def _show_night(night: Path) -> None:
    """Reduce a simulated night, and compare what was found with what was put in."""
    print("\nA small simulated night, whose cosmic rays are known: bias, dark and flat frames and two light frames.\n")
    show_table(_reduce_simulated_night(night))
    print("\nput in: events with at least 5 times the noise of the sky in a pixel; found: those of them that were")
    print("flagged; false: events flagged where no cosmic ray was put in. Fainter events are lost in the noise.\n")
    show(f"night          {night / 'raw'}", f"reduced        {night / 'reduced'}")


def _reduce_simulated_night(folder: Path) -> Any:
    """Make and reduce the night; a table with a row of counts for each light frame."""
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
    """Count events put in and found, their pixels put in and found, and the false events."""
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
