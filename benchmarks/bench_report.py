# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How long pages of pictures and the report of a night take, and how soon the report is there in a browser.

    python benchmarks/bench_report.py [N_FRAMES [SIDE [EVENTS_A_FRAME]]]

The last part needs Chromium with its driver, and Selenium.
"""

import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import ccdproc_crplugin as crp

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browser import start_browser, why_no_browser

#: Events in the pages of pictures.
N_PICTURES = 200


@contextmanager
def timed(what):
    """Print how long something takes."""
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:8.2f} s  {what}", flush=True)


def clean(side, n_events, seed):
    """A cleaned frame with about so many events."""
    share = {"n_muons": round(0.3 * n_events), "n_worms": round(0.2 * n_events), "n_spots": round(0.5 * n_events)}
    frame = crp.simulate_frame(shape=(side, side), n_stars=side**2 // 8000, exposure=900, seed=seed, **share)
    return frame.ccd.clean_cosmic_rays(preflight="off")


def draw(folder):
    """Pages of pictures in each format."""
    segments = clean(2048, 2 * N_PICTURES, 1).cr_segments()
    chosen = segments.largest(N_PICTURES)
    for ending in ("png", "pdf", "svg"):
        with timed(f"{len(chosen)} events as {ending}"):
            segments.save_gallery(folder / f"events.{ending}", chosen)


def report(folder, n_frames, side, n_events):
    """The page of a night, and its size."""
    n_found = 0
    for number in range(1, n_frames + 1):
        cleaned = clean(side, n_events, number)
        n_found += cleaned.meta["CRNEVENT"]
        crp.write_ccd(cleaned, folder / f"light_{number:03d}.fits")
    with timed(f"report on {n_frames} frames of {side} x {side} pixels with {n_found} events"):
        page = crp.write_report(folder, folder / "page.html")
    print(f"{page.stat().st_size / 1e6:8.2f} MB the page")
    beside = sum(path.stat().st_size for path in folder.glob("page_files/*"))
    print(f"{beside / 1e6:8.2f} MB beside it")
    return page


def look(folder, page):
    """How soon the page answers."""
    with start_browser(folder) as browser:
        with timed("until the first frame is there"):
            browser.driver.get(page.as_uri())
            browser.wait("document.querySelectorAll('.card').length")
        with timed("until the next frame is there"):
            browser.run("document.getElementById('next-frame').click()")
            browser.wait("document.querySelectorAll('.card').length")
        for action in ("cleaned", "mask", "next"):
            with timed(f"to do '{action}' and draw"):
                browser.run("document.querySelector(`[data-action=${arguments[0]}]`).click()", action)
                browser.drawn()
        with timed("to sort the table"):
            browser.run("document.querySelector('.sort').click()")


def main():
    """Run it all."""
    n_frames, side, n_events = (*map(int, sys.argv[1:]), *(100, 1024, 200)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(folder)
        (folder / "night").mkdir()
        draw(folder)
        page = report(folder / "night", n_frames, side, n_events)
        if reason := why_no_browser():
            print(reason)
        else:
            look(folder, page)


if __name__ == "__main__":
    main()
