# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The pictures of the pages, most of them of the frame of the SAAO that ccdproc installs."""

import ccdproc
import numpy as np
from astropy.utils.data import get_pkg_data_filename
from matplotlib.figure import Figure
from matplotlib.image import imsave
from scipy import ndimage

import ccdproc_crplugin as crp
from ccdproc_crplugin.kernels.growth_curve import KNOTS, measured_curve
from ccdproc_crplugin.kernels.numpy_growth import BESIDE
from ccdproc_crplugin.simulate import THICK, Camera

GAIN, READNOISE = 1.9, 5.0  # electron/adu, electron
SIGCLIP, OBJLIM = 5.0, 3.0

#: A part of the frame with a star and seven cosmic rays, and its grey levels (adu).
SEVEN_HITS, GREY = np.s_[5:195, 125:405], (50, 230)

#: Rows and columns of a tile of the engine.
TILE = (64, 256)

#: Sides of a pixel in the pictures of frames.
ENLARGED = 4


def draw_all(folder):
    """Draw every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = saao_frame()
    cleaned = frame.clean_cosmic_rays()
    graphs = {"events": cleaned.cr_segments().plot([6, 9, 13, 15]), "lazy": lazy(frame), "growth": growth()}
    for name, figure in graphs.items():
        figure.savefig(folder / f"{name}.png", dpi=110)
    for name, (image, limits) in {**before_mask_after(frame, cleaned), **steps()}.items():
        save(folder / f"{name}.png", image, limits)


def save(path, image, limits):
    """Write a picture of an image, nothing else in it, in grey levels between the limits."""
    enlarged = np.kron(np.asarray(image, dtype=float), np.ones((ENLARGED, ENLARGED)))
    imsave(path, enlarged, cmap="gray", vmin=limits[0], vmax=limits[1], origin="lower")


def saao_frame():
    """The frame, overscan subtracted, without the rows that saw no light."""
    raw = crp.read_ccd(get_pkg_data_filename("data/a8280271.fits", package="ccdproc.tests"))
    frame = ccdproc.subtract_overscan(raw, fits_section=raw.header["BIASSEC"], median=True)
    return ccdproc.trim_image(frame, fits_section=raw.header["TRIMSEC"])[:512]


def before_mask_after(frame, cleaned):
    """A part of the frame before and after, and the mask of what was found."""
    images = {"before": (frame.data, GREY), "mask": (_hit(cleaned), (0, 1)), "after": (cleaned.data, GREY)}
    return {name: (image[SEVEN_HITS], limits) for name, (image, limits) in images.items()}


def steps():
    """The quantities of L.A.Cosmic around stars and cosmic rays of a simulated frame."""
    scene = {"n_stars": 4, "flux_range": (2e4, 8e4), "n_muons": 1, "n_worms": 1, "n_spots": 1, "seed": 3}
    frame = crp.simulate_frame((60, 60), camera=Camera(chip=THICK, readnoise=READNOISE), **scene).ccd
    quantity = quantities(np.asarray(frame.data, dtype=float))
    significant = quantity["s_prime"] > SIGCLIP
    return {
        "steps_frame": (frame.data, (100, 600)),
        "steps_s_prime": (quantity["s_prime"], (0, 2 * SIGCLIP)),
        "steps_fine": (quantity["fine"], (0, 20)),
        "steps_contrast": (np.where(significant, quantity["s_prime"] / quantity["fine"], 0), (0, OBJLIM)),
        "steps_mask": (_hit(frame.clean_cosmic_rays(preflight="off")), (0, 1)),
    }


def quantities(data):
    """The plain way: every quantity of the paper at every pixel, of a frame in electrons."""
    kernel = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    doubled = np.kron(data, np.ones((2, 2)))
    positive = np.maximum(ndimage.convolve(doubled, kernel, mode="reflect"), 0)
    laplacian = positive.reshape(data.shape[0], 2, data.shape[1], 2).mean(axis=(1, 3))
    noise = np.sqrt(np.maximum(_median(data + READNOISE**2, 5), 1e-5))
    s = laplacian / (2 * noise)
    smooth = _median(data, 3)
    fine = np.maximum((smooth - _median(smooth, 7)) / noise, 0.01)
    return {"laplacian": laplacian, "s": s, "s_prime": s - _median(s, 5), "fine": fine}


def lazy(frame):
    """How many pixels are left after each test."""
    data = np.asarray(frame.data, dtype=float) * GAIN
    quantity = quantities(data)
    possible = quantity["laplacian"] > 2 * SIGCLIP * _least_noise(data)
    counts = {
        "all pixels": data.size,
        "L+ above what the least noise allows": np.count_nonzero(possible),
        "S above sigclip": np.count_nonzero(quantity["s"] > SIGCLIP),
        "S' above sigclip": np.count_nonzero(quantity["s_prime"] > SIGCLIP),
        "S'/F above objlim, too": np.count_nonzero(
            (quantity["s_prime"] > SIGCLIP) & (quantity["s_prime"] > OBJLIM * quantity["fine"])
        ),
    }
    missed = (quantity["s_prime"] > SIGCLIP) & ~possible
    if missed.any():
        raise AssertionError(f"the first test lost {np.count_nonzero(missed)} pixels")
    figure = Figure(figsize=(7.5, 2.6), layout="constrained")
    ax = figure.subplots()
    bars = ax.barh(list(counts), list(counts.values()), color="#4c78a8")
    ax.bar_label(bars, [f"{count:,}" for count in counts.values()], padding=4)
    ax.set(xscale="log", xlabel="pixels", xlim=(10, 3e6))
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _least_noise(data):
    """The least noise that any pixel of the tile around can have (electron)."""
    least = np.empty_like(data)
    for y in range(0, data.shape[0], TILE[0]):
        for x in range(0, data.shape[1], TILE[1]):
            around = data[max(0, y - 4) : y + TILE[0] + 4, max(0, x - 4) : x + TILE[1] + 4]
            least[y : y + TILE[0], x : x + TILE[1]] = np.sqrt(max(around.min() + READNOISE**2, 1e-5))
    return least


def growth():
    """The excess that a pixel beside an event needs, in a frame without events."""
    curve = measured_curve(np.empty(0, dtype=BESIDE))
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    ax = figure.subplots()
    for thresholds, name in zip(
        curve.thresholds, ("none across an edge", "one across an edge", "two or more across an edge"), strict=True
    ):
        ax.plot(KNOTS, thresholds, "o-", label=name)
    ax.set(xscale="log", xlabel="brightest pixel beside (standard deviations)", ylabel="excess needed")
    ax.set_xticks(KNOTS, [f"{knot:g}" for knot in KNOTS])
    ax.minorticks_off()
    ax.legend(title="bright pixels of the event", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _hit(cleaned):
    return (cleaned.flags & crp.PixelFlag.COSMIC_RAY) != 0


def _median(image, size):
    return ndimage.median_filter(image, size=size, mode="reflect")
