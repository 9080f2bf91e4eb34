# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic written down as plainly as the paper: the oracle of both engines.

Everything is computed for the whole image in every iteration, with the median
filters of SciPy. Nothing here is shared with the package but the options'
meaning: electrons in, electrons out.
"""

import numpy as np
from scipy import ndimage

F4 = np.float32
MARGIN = 24


def lacosmic(
    data,
    *,
    readnoise,
    bad=None,
    background=None,
    variance=None,
    extra_variance=None,
    sigclip=4.5,
    sigfrac=0.3,
    objlim=5.0,
    niter=4,
    sepmed=False,
    edges="search",
    repair="meanmask",
    variant="astroscrappy",
    psf_kernel=None,
):
    """Mask and repaired image. `bad` pixels are neither searched nor used; all arrays must be finite."""
    image = data if background is None else data - background
    model = image + F4(readnoise) * F4(readnoise)
    if variance is not None:
        model = variance.copy() if background is None else variance - background
    extra = None if extra_variance is None else of_laplacian(extra_variance)
    bad = np.zeros(data.shape, dtype=bool) if bad is None else bad
    good_levels = image[~bad], model[~bad]
    flagged = np.zeros(data.shape, dtype=bool)
    for _ in range(niter):
        s_prime, f = significance(image, model, background, extra, sepmed, edges, psf_kernel)
        cosmics = (s_prime > F4(sigclip)) & ~bad
        cosmics &= s_prime / f > F4(objlim)
        cosmics = dilate(cosmics) & (s_prime > F4(sigclip)) & ~bad
        cosmics = dilate(cosmics) & (s_prime > F4(sigclip) * F4(sigfrac)) & ~bad
        if not cosmics.any():
            break
        flagged |= cosmics
        how = "iraf" if variant == "iraf" else repair
        due = cosmics if how == "median" else flagged
        usable = np.ones_like(bad) if how == "median" else ~(flagged | bad)
        image = repaired(image, due, usable, how, good_levels[0])
        model = repaired(model, due, usable, how, good_levels[1])
    if background is not None:
        image = image + background
    return flagged, np.where(flagged, image, data)


def dilate(mask):
    return ndimage.binary_dilation(mask, structure=np.ones((3, 3)))


def of_laplacian(variance):
    """The share of some variance in that of the Laplacian, where a uniform one counts as itself."""
    padded = np.pad(variance, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return F4(16 / 20) * variance + F4(1 / 20) * neighbours


def significance(image, model, background, extra, sepmed, edges, psf_kernel):
    """S' and F of the whole image."""
    if edges == "skip":
        return significance_inside(image, model, background, extra, sepmed, psf_kernel, laplacian_in_frame(image), True)
    # The image goes on beyond its borders as its own mirror image.
    image, model = mirror(image), mirror(model)
    background = None if background is None else mirror(background)
    extra = None if extra is None else mirror(extra)
    both = significance_inside(image, model, background, extra, sepmed, psf_kernel, laplacian(image), False)
    return tuple(plane[MARGIN:-MARGIN, MARGIN:-MARGIN] for plane in both)


def mirror(plane):
    return np.pad(plane, MARGIN, mode="symmetric")


def significance_inside(image, model, background, extra, sepmed, psf_kernel, l_plus, keep_edges):
    sizes = (7, 7, 5, 9) if sepmed else (5, 5, 3, 7)
    variance = median(model, sizes[0], sepmed, keep_edges)
    if background is not None:
        variance = variance + background
    if extra is not None:
        variance = variance + extra
    noise = np.sqrt(np.maximum(variance, F4(0.00001)))
    s = l_plus / (2 * noise)
    s_prime = s - median(s, sizes[1], sepmed, keep_edges)
    if psf_kernel is None:
        fine = median(image, sizes[2], sepmed, keep_edges)
    else:
        fine = convolve(image / noise / noise, psf_kernel) / convolve(1 / noise / noise, psf_kernel)
    f = (fine - median(fine, sizes[3], sepmed, keep_edges)) / noise
    return s_prime, np.maximum(f, F4(0.01))


def median(plane, size, separable, keep_edges):
    """Median filter; where its window leaves the plane the pixel stays, if edges are kept."""
    if separable:
        rows = ndimage.median_filter(plane, size=(1, size), mode="reflect")
        filtered = ndimage.median_filter(rows, size=(size, 1), mode="reflect")
    else:
        filtered = ndimage.median_filter(plane, size=(size, size), mode="reflect")
    if keep_edges:
        inside = slice(size // 2, -(size // 2))
        kept = plane.copy()
        kept[inside, inside] = filtered[inside, inside]
        return kept
    return filtered


def laplacian(image):
    """L+: subsample, convolve, clip, average. It is wrong at the border, which is cut off with the margin."""
    fine = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    padded = np.pad(fine, 1, mode="edge")
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    above, below = padded[:-2, 1:-1], padded[2:, 1:-1]
    return block_mean(np.maximum(((4 * fine - right) - left) - (below + above), 0))


def block_mean(fine):
    return ((fine[::2, ::2] + fine[1::2, 1::2]) + (fine[::2, 1::2] + fine[1::2, ::2])) * F4(0.25)


def laplacian_in_frame(image):
    """L+ with no pixels beyond the border, with the operations there in astroscrappy's order."""
    c = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    p = np.pad(c, 1)
    left, right, above, below = p[1:-1, :-2], p[1:-1, 2:], p[:-2, 1:-1], p[2:, 1:-1]
    out = ((4 * c - right) - left) - (below + above)
    out[:, 0] = ((4 * c - right) - (above + below))[:, 0]
    out[:, -1] = ((4 * c - below) - (left + above))[:, -1]
    out[0] = (((4.0 * c.astype(float) - right) - left) - below)[0]
    out[-1] = ((4 * c - above) - (left + right))[-1]
    out[-1, 0] = (4 * c - (right + above))[-1, 0]
    out[-1, -1] = ((4 * c - left) - above)[-1, -1]
    return block_mean(np.maximum(out, 0))


def convolve(plane, kernel):
    """Convolution with zeros beyond the border, summed in single precision pixel by pixel."""
    ry, rx = ((n - 1) // 2 for n in kernel.shape)
    padded = np.pad(plane, ((ry, ry), (rx, rx)))
    total = np.zeros_like(plane)
    for dy in range(-ry, ry + 1):
        for dx in range(-rx, rx + 1):
            shifted = padded[ry + dy : ry + dy + plane.shape[0], rx + dx : rx + dx + plane.shape[1]]
            total += kernel[ry - dy, rx - dx] * shifted
    return total


def repaired(plane, due, usable, how, good_values):
    """Each due pixel from the usable ones of the 5x5 around it."""
    result = plane.copy()
    for y, x in np.argwhere(due):
        ys, xs = slice(max(y - 2, 0), y + 3), slice(max(x - 2, 0), x + 3)
        use = usable[ys, xs]
        values = plane[ys, xs][use]
        if how == "iraf":
            result[y, x] = lower_median(np.where(use, plane[ys, xs], F4(1e9)))
        elif values.size == 0:
            result[y, x] = lower_median(good_values)
        elif how == "meanmask":
            result[y, x] = sequential_sum(values) / F4(values.size)
        elif how == "idw":
            yy, xx = np.mgrid[ys, xs][:, : use.shape[0], : use.shape[1]]
            distance = np.hypot(yy - y, xx - x)[use]
            weights = (1 / distance).round(8).astype(F4)
            result[y, x] = sequential_sum(weights * values) / sequential_sum(weights)
        else:
            result[y, x] = lower_median(values)
    return result


def sequential_sum(values):
    total = F4(0)
    for value in values:
        total += value
    return total


def lower_median(values):
    return np.sort(values, axis=None)[(values.size - 1) // 2] if values.size else F4(0)


# --- combining a stack of frames


def stack_values(stack):
    """The values of a stack before they are scaled, float64."""
    factors = np.ones(len(stack.stored)) if stack.factors is None else stack.factors
    values = stack.stored.astype(float) + stack.zero
    for frame, factor in zip(values, factors, strict=True):
        if stack.offset is not None:
            frame -= stack.offset
        if stack.slope is not None:
            frame -= factor * stack.slope.astype(float)
    return values


def combine(stack, options, scales):
    """Image, uncertainty, n_used, n_rejected and n_bad, pixel by pixel."""
    unscaled = stack_values(stack)
    n_frames, shape = len(unscaled), unscaled.shape[1:]
    scales = np.ones(n_frames) if scales is None else scales
    image, uncertainty = np.empty(shape, np.float32), np.empty(shape, np.float32)
    n_used, n_rejected, n_bad = np.empty(shape, np.uint16), np.zeros(n_frames, np.int64), np.zeros(n_frames, np.int64)
    for pixel in np.ndindex(shape):
        judged = unscaled[(slice(None), *pixel)]
        values = judged * scales
        if options.clip_scaled:
            judged = values
        good = np.isfinite(values)
        kept = good.copy()
        if options.method == "average":
            kept = clip(judged, good, options)
            center, deviation = mean_and_deviation(values[kept])
        else:
            center, deviation = median_and_deviation(values[kept])
        image[pixel] = center
        uncertainty[pixel] = deviation / np.sqrt(kept.sum()) if kept.any() else np.nan
        n_used[pixel] = kept.sum()
        n_rejected += good & ~kept
        n_bad += ~good
    return image, uncertainty, n_used, n_rejected, n_bad


def median_and_deviation(values):
    if not len(values):
        return np.nan, np.nan
    median = np.median(values)
    return median, np.median(np.abs(values - median)) * 1.482602218505602


def mean_and_deviation(values):
    """Added one after the other."""
    if not len(values):
        return np.nan, np.nan
    mean = sum(values.tolist()) / len(values)
    return mean, np.sqrt(sum(((values - mean) ** 2).tolist()) / len(values))


def clip(values, good, options):
    """Which values a sigma clipping keeps."""
    kept = good.copy()
    for _ in range(options.n_iterations):
        median, deviation = median_and_deviation(values[kept])
        with np.errstate(invalid="ignore"):
            low, high = median - deviation * options.sigma_low, median + deviation * options.sigma_high
            kept = kept & ~((values < low) | (values > high))
    return kept
