# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Make the screenshots of the report, from a simulated night: ``python docs/make_screenshots.py``.

This needs Chromium with its driver, and Selenium.
"""

import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from astropy.table import Table
from PIL import Image

import ccdproc_crplugin as crp

HERE = Path(__file__).parent

#: Colours of a screenshot; few, to keep the file small.
COLOURS = 128


def make_night(folder, n_frames=12, shape=(400, 500), n_hot=9):
    """Clean simulated frames of three targets, with hot pixels, and write the table of the night."""
    hot = np.random.default_rng(4).integers(5, min(shape) - 5, (n_hot, 2))
    rows = []
    for number in range(1, n_frames + 1):
        scene = {"n_muons": 14, "n_worms": 8, "n_spots": 20, "n_stars": 60, "exposure": 900}
        frame = crp.simulate_frame(shape=shape, seed=number, **scene).ccd
        for y, x in hot:
            frame.data[y, x] += 4000
        frame.meta["OBJECT"], frame.meta["FILTER"] = [("M 51", "V"), ("GD 153", "V"), ("NGC 7331", "R")][number % 3]
        cleaned = frame.clean_cosmic_rays()
        name = f"light_{number:03d}.fits"
        crp.write_ccd(cleaned, folder / name)
        parameters = {"sigclip": cleaned.meta["CRSIGCLP"], "objlim": cleaned.meta["CROBJLIM"]}
        rows.append((name, "done", "", name, json.dumps(parameters), round(0.4 + 0.01 * number, 2)))
    rows.append(("light_013.fits", "failed", "Found no gain in the header; expected EGAIN or GAIN.", "", "", 0.1))
    names = ("file", "status", "reason", "output", "parameters", "seconds")
    Table(rows=rows, names=names).write(folder / "night.ecsv", format="ascii.ecsv")


def keep(browser, name):
    """Write a screenshot of the window, in few colours."""
    image = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(HERE / "screenshots" / name, optimize=True)


def show(browser, selector):
    """Scroll to an element."""
    browser.run("document.querySelector(arguments[0]).scrollIntoView()", selector)
    browser.drawn()


def main():
    """Make the screenshots."""
    # Not when this file is imported: the doctests of this folder import it, and would find another path.
    sys.path.append(str(HERE.parent))
    from tests.helpers.browser import start_browser

    (HERE / "screenshots").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        night = Path(folder) / "2024-01-15"
        night.mkdir()
        make_night(night)
        page = crp.write_report(night, night / "report.html")
        with start_browser(Path(folder)) as browser:
            browser.open(page, size=(1200, 780))
            keep(browser, "night.png")
            show(browser, "#distributions")
            keep(browser, "figures.png")
            browser.open(page, dark=True, size=(1200, 900))
            browser.choose("#frame-choice", "light_002.fits")
            browser.wait("document.getElementById('picture').getAttribute('aria-label').includes('002')")
            browser.click(".card .show")
            show(browser, "#frame")
            keep(browser, "frame.png")
            browser.open(page, size=(390, 700))
            browser.click(".card:nth-child(2) input")
            show(browser, "#gallery-title")
            browser.run("scrollBy(0, 190)")
            browser.wait("document.querySelector('.card:nth-child(3) canvas').width > 3")
            keep(browser, "phone.png")


if __name__ == "__main__":
    main()
