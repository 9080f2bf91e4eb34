# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
One line measured on the pixels of the frame: its place, profile, ends, and whether it can be a trail.

The line is cut into pieces. The profile across a piece is the median along it, so that stars and cosmic rays on the
line do not count; a trail is what most pieces have in common.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: Most pieces of a line, their least length (pixels), and the fewest that a trail covers.
MOST_PIECES, SHORTEST_PIECE, FEWEST_LIT = 32, 16, 8

#: Half width of the strip that is looked at around a line, and of one for a wide trail, pixels.
HALF_WIDTHS = (64, 160)

#: Most samples along a line for a first look, and to measure it.
FEW, MANY = 256, 2048

#: Least share of the chord that a trail covers, least length (pixels) and least ratio of length to width, because two
#: stars make a line as well.
LEAST_SHARE, LEAST_LENGTH, LEAST_RATIO = 0.3, FEWEST_LIT * SHORTEST_PIECE, 16

#: The same ratio for one with an end in the frame, as galaxies have.
LEAST_RATIO_TO_END = 40

#: Most of a line between the last piece that is lit and the border of the frame, for a trail that crosses the border.
TO_BORDER = 0.1

#: Share of the pieces of a trail that must be lit, and the share of the median from which one is.
LIT_PIECES, LIT = 0.8, 0.35

#: Most by which the brighter part of a trail outshines the fainter one, and the same for one that ends in the frame, as
#: the spikes of stars and galaxies do; the pieces over which a star on the line is smoothed out.
MOST_FADING, MOST_FADING_TO_END, SMOOTH = 4.5, 2.5, 5

#: Most light beyond an end in the frame, in units of that of the trail, which ends at once; a spike or a galaxy fades.
MOST_BEYOND = 0.25

#: Most pixels by which the middle of a trail lies beside the line through its ends, and the same in widths.
MOST_BENT, MOST_BENT_IN_WIDTHS = 2.0, 0.35

#: Deepest trough beside a trail, in units of its height: an edge, less the slope of the sky, has one as deep.
DEEPEST = 0.6

#: Widths of the boxes in which light is summed across a line, odd, pixels; the second for wide trails.
BOXES = ((3, 5, 9, 15), (15, 25, 41, 61))

#: Most pixels by which the middle of a trail may lie beside a line that was aligned with it.
BESIDE = 3

#: Least pixels by which a trail leaves its row or column, and least angle with them as a share of its length: what does
#: not is a bad column, bleeding charge or the trace of a spectrum.
LEAST_DRIFT, LEAST_SLOPE, LEAST_DRIFT_IN_WIDTHS = 4.0, 0.009, 2.0

#: Height of the profile, in units of the noise of a pixel, at which the wings end.
WING = 0.2


@dataclass(frozen=True)
class Trail:
    """A line that was measured; lengths in pixels, brightness in the unit of the frame."""

    x: tuple[float, float]  # of its ends
    y: tuple[float, float]
    below: float  # how far the trail and its wings reach to either side
    above: float
    width: float  # full width at half maximum
    brightness: float  # on the line
    significance: float
    share: float  # of the chord through the frame
    refused: str = ""  # why it is no trail


@dataclass(frozen=True)
class Strip:
    """The surroundings of a line; u counts along it and d across."""

    start: tuple[float, float]  # x, y
    along: tuple[float, float]  # unit vector: x, y
    length: float
    pieces: np.ndarray  # float32 (n_pieces, 2 half + 1): medians along the pieces, above the sky beside the line
    noise_of_median: np.ndarray  # float32 (n_pieces): noise of a median along a piece
    n: int  # pixels of which each is the median

    @property
    def noise(self):
        """Noise of a pixel."""
        return _typical(self.noise_of_median) * (math.sqrt(self.n / 1.5708) if self.n > 2 else 1.0)

    @property
    def piece(self):
        """Length of a piece, pixels."""
        return self.length / len(self.pieces)

    @property
    def half(self):
        """Half its width, pixels."""
        return self.pieces.shape[1] // 2

    @property
    def end(self):
        """The other end, x and y."""
        return self.start[0] + self.along[0] * self.length, self.start[1] + self.along[1] * self.length


def chord(x, y, shape):
    """The part of a line, given by two points, that lies in a frame: x and y of its ends, or None."""
    (x0, x1), (y0, y1) = x, y
    first, last = 0.0, math.inf
    low, high = -math.inf, math.inf
    for begin, move, most in ((x0, x1 - x0, shape[1] - 1), (y0, y1 - y0, shape[0] - 1)):
        if abs(move) < 1e-9:
            if not 0 <= begin <= most:
                return None
            continue
        bounds = sorted(((0 - begin) / move, (most - begin) / move))
        low, high = max(low, bounds[0]), min(high, bounds[1])
    first, last = low, high
    if not last > first:
        return None
    return tuple((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (first, last))


def strip(data, mask, ends, half, most_samples):
    """The surroundings of the line between two points (x, y)."""
    (x0, y0), (x1, y1) = ends
    length = math.hypot(x1 - x0, y1 - y0)
    along = (x1 - x0) / length, (y1 - y0) / length
    n_pieces = min(MOST_PIECES, int(length / SHORTEST_PIECE))
    n = min(most_samples, int(length)) // n_pieces
    u = (np.arange(n_pieces * n, dtype=np.float32) + 0.5) * (length / (n_pieces * n))
    d = np.arange(-half, half + 1, dtype=np.float32)
    column = np.rint(x0 + u[:, np.newaxis] * along[0] - d * along[1]).astype(np.int32)
    row = np.rint(y0 + u[:, np.newaxis] * along[1] + d * along[0]).astype(np.int32)
    values, bad = _at(data, mask, row, column)
    pieces = _medians(*(None if part is None else part.reshape(n_pieces, n, -1) for part in (values, bad)))
    pieces = _flattened(pieces, half)
    beside = np.concatenate([pieces[:, : half // 2], pieces[:, -(half // 2) :]], axis=1)
    return Strip((x0, y0), along, length, pieces, np.maximum(_scatter(beside.T), 1e-9), n)


def _at(data, mask, row, column):
    """The values at places, and which of them are bad or outside the frame (None if none is)."""
    inside_row, inside_column = (np.clip(places, 0, n - 1) for places, n in zip((row, column), data.shape, strict=True))
    place = inside_row * data.shape[1] + inside_column
    bad = (row != inside_row) | (column != inside_column)
    if mask is not None:
        bad |= mask.ravel()[place]
    return data.ravel()[place], bad if bad.any() else None


def _medians(values, bad):
    """Medians along the second axis; NaN where most are bad."""
    n = values.shape[1]
    if bad is None:
        return np.partition(values, n // 2, axis=1)[:, n // 2]
    values = np.sort(np.where(bad, np.float32(np.nan), values), axis=1)
    n_good = n - np.count_nonzero(bad, axis=1)
    medians = np.take_along_axis(values, (n_good // 2)[:, np.newaxis].clip(max=n - 1), 1)[:, 0]
    return np.where(2 * n_good > n, medians, np.float32(np.nan))


def _flattened(pieces, half):
    """The pieces without the sky, which may slope from one side of the line to the other; 0 where nothing is known."""
    known = np.isfinite(pieces)
    below, above = (
        _medians(pieces.T[side][np.newaxis], None if known.all() else ~known.T[side][np.newaxis])[0]
        for side in (np.s_[: half // 2], np.s_[-(half // 2) :])
    )
    middle = np.where(np.isfinite(below) & np.isfinite(above), (below + above) / 2, np.fmax(below, above))
    slope = np.nan_to_num((above - below) / (1.5 * half))
    d = np.arange(-half, half + 1)
    return np.nan_to_num(pieces - middle[:, np.newaxis] - slope[:, np.newaxis] * d)


def boxed(pieces, width):
    """Sums over ``width`` pixels across, an odd number, at each place; the places near the border are 0."""
    sums = np.zeros_like(pieces)
    total = np.cumsum(np.pad(pieces, ((0, 0), (1, 0))), axis=1)
    half = width // 2
    sums[:, half : pieces.shape[1] - half] = total[:, width:] - total[:, :-width]
    return sums


def aligned(around, reach):
    """The shifts at both ends of a line, within ``reach`` pixels, under which its pieces agree best."""
    best = (-math.inf, 0, 0)
    shifts = np.arange(-reach, reach + 1)
    n = len(around.pieces)
    part = (np.arange(n) + 0.5) / n
    first, last = (grid.ravel() for grid in np.meshgrid(shifts, shifts, indexing="ij"))
    places = np.rint(first[:, np.newaxis] * (1 - part) + last[:, np.newaxis] * part).astype(int) + around.half
    for width in (3, 7, 15):
        sums = boxed(around.pieces, width)
        scatter = _scatter(sums.T) + 1e-9
        signal = sums / scatter[:, np.newaxis]
        signal = np.clip(signal, -6, max(6.0, 2 * float(_quantile(signal.max(axis=1), 0.7))))
        totals = signal[np.arange(n), places].sum(axis=1)
        best = max(best, (float(totals.max()), int(first[totals.argmax()]), int(last[totals.argmax()])))
    return best[1:]


def moved(around, shifts):
    """The ends of a line, moved across it."""
    normal = -around.along[1], around.along[0]
    return tuple(
        (x + normal[0] * shift, y + normal[1] * shift)
        for (x, y), shift in zip((around.start, around.end), shifts, strict=True)
    )


@dataclass(frozen=True)
class Light:
    """The light of each piece of a line."""

    box: int  # pixels across over which it is summed
    offset: int  # pixels from the line to the middle of the box
    sums: np.ndarray  # float (n_pieces)
    noise: np.ndarray  # float (n_pieces)
    first: int  # of the pieces that are lit
    last: int  # the one after them
    significance: float  # of the median of the pieces, which a few bright ones do not move

    @property
    def inner_ends(self):
        """The light beyond those ends that lie in the frame, from the end on."""
        most = max(1, TO_BORDER * len(self.sums))
        return [end for end in (self.sums[: self.first][::-1], self.sums[self.last :]) if len(end) > most]

    @property
    def lit(self):
        """The light of the pieces that are lit."""
        return self.sums[self.first : self.last]

    @property
    def lit_noise(self):
        """Its noise."""
        return self.noise[self.first : self.last]


def light_of(around, boxes):
    """The light along a line, in the box in which it is most significant."""
    return max((_light_in(around, box) for box in boxes), key=lambda light: light.significance)


def _light_in(around, box):
    """The light along a line in a box at the brightest place, judged by that of boxes beside it."""
    sums = boxed(around.pieces, box)
    offset = int(np.argmax(_quantile(sums[:, around.half - BESIDE : around.half + BESIDE + 1], 0.7))) - BESIDE
    middle = around.half + offset
    beside = np.r_[box // 2 : middle - box, middle + box + 1 : sums.shape[1] - box // 2]
    noise = np.maximum(_scatter(sums[:, beside].T), 0.5 * box**0.5 * _typical(around.noise_of_median))
    first, last = _lit_run(sums[:, middle])
    typical = _quantile(sums[first:last], 0.5)
    scatter = max(_scatter(typical[beside]), 1.2533 * _typical(noise) / math.sqrt(last - first))
    return Light(box, offset, sums[:, middle], noise, first, last, float(typical[middle] / scatter))


def _quantile(values, share):
    """The value that a share of the values along the first axis does not exceed."""
    place = int(share * (len(values) - 1) + 0.5)
    return np.partition(values, place, axis=0)[place]


def _scatter(values):
    """Standard deviation along the first axis, from the median absolute value."""
    return 1.4826 * _quantile(np.abs(values), 0.5)


def _typical(values):
    return float(_quantile(values, 0.5))


def _lit_run(values):
    """The run of pieces that stands out most above half of the typical light."""
    typical = max(float(_quantile(values, 0.8)), 0.0)
    excess = np.cumsum(np.append(0, np.clip(values, -typical, 2 * typical) - 0.5 * typical))
    rises = excess[np.newaxis, :] - excess[:, np.newaxis]
    fewest = max(FEWEST_LIT, math.ceil(LEAST_SHARE * len(values)))
    rises[np.tril_indices(len(excess), fewest - 1)] = -np.inf
    first, last = np.unravel_index(np.argmax(rises), rises.shape)
    return int(first), int(last)


def why_refused(around, light, least_significance):
    """Why a line is no trail, or an empty text."""
    length = len(light.lit) * around.piece
    width, _ = width_and_height(around, light)
    drift = length * min(abs(part) for part in around.along)
    if light.significance < least_significance:
        return "faint"
    if length < (LEAST_RATIO_TO_END if light.inner_ends else LEAST_RATIO) * width:
        return "short"
    if drift < max(LEAST_DRIFT, LEAST_SLOPE * length, LEAST_DRIFT_IN_WIDTHS * width):
        return "along a row or column"
    if np.mean(light.lit > LIT * np.median(light.lit) - 2 * light.lit_noise) < LIT_PIECES:
        return "patchy"
    if _fades(light):
        return "fades as a spike or a galaxy"
    if _bend(around, light) > max(MOST_BENT, MOST_BENT_IN_WIDTHS * width):
        return "bent"
    profile = boxed(_quantile(around.pieces[light.first : light.last], 0.5)[np.newaxis], light.box)[0]
    if -profile.min() > DEEPEST * profile[around.half + light.offset]:
        return "an edge"
    return ""


def _fades(light):
    """Whether the light fades along the line or beyond its ends by more than noise and a tumbling body explain."""
    smooth = ndimage.median_filter(light.lit, SMOOTH, mode="nearest")
    faint, bright = float(_quantile(smooth, 0.15)), float(_quantile(smooth, 0.85))
    noise, n = _typical(light.lit_noise), len(light.sums)
    most = MOST_FADING_TO_END if light.inner_ends else MOST_FADING
    if bright - noise > most * max(faint + noise, noise):
        return True
    beyond = (float(np.median(end[1 : 1 + max(2, n // 8)])) for end in light.inner_ends)
    return any(light_there - 2 * noise > MOST_BEYOND * float(np.median(light.lit)) for light_there in beyond)


def _bend(around, light):
    """How far the middle third of a line lies beside the line through the other two, pixels."""
    lit, box = around.pieces[light.first : light.last], light.box
    middle, reach = around.half + light.offset, max(4, light.box)
    places = []
    for part in np.array_split(lit, 3):
        profile = boxed(_quantile(part, 0.5)[np.newaxis], min(box, 9))[0]
        places.append(int(np.argmax(profile[middle - reach : middle + reach + 1])))
    return abs(places[1] - (places[0] + places[2]) / 2)


def measured(data, mask, line, reach, least_significance):
    """A line as a trail, or the reason why it is not one; None if it is too short. ``reach``: its uncertainty (pix)."""
    ends = chord(line.x, line.y, data.shape)
    if ends is None or math.dist(*ends) < LEAST_LENGTH:
        return None
    rough = strip(data, mask, ends, HALF_WIDTHS[0], FEW)
    places = moved(rough, aligned(rough, reach))
    ends = chord(*zip(*places, strict=True), data.shape)
    if ends is None or math.dist(*ends) < LEAST_LENGTH:
        return None
    around = strip(data, mask, ends, HALF_WIDTHS[0], MANY)
    shifts = aligned(around, BESIDE)
    if any(shifts):
        ends = chord(*zip(*moved(around, shifts), strict=True), data.shape)
        around = strip(data, mask, ends, HALF_WIDTHS[0], MANY)
    light = light_of(around, BOXES[0])
    reason = why_refused(around, light, least_significance)
    if reason:
        return _trail(around, light, (1.5 * reach, 1.5 * reach), reason)
    extent = extent_of(around, light)
    if max(extent) >= around.half // 2:
        around = strip(data, mask, ends, HALF_WIDTHS[1], MANY)
        light = light_of(around, (light.box, *BOXES[1]))
        reason, extent = why_refused(around, light, least_significance), extent_of(around, light)
    return _trail(around, light, extent, reason)


def extent_of(around, light):
    """How far the wings of a trail reach below and above the line, pixels."""
    profile, noise = profile_of(around, light)
    contrast = max(1.0, float(_quantile(light.lit, 0.9)) / max(_typical(light.lit), 1e-30))
    error = 1.57 * noise / math.sqrt(len(light.lit) * around.piece)
    bright = profile > max(WING * noise / contrast, 3 * error / math.sqrt(3))
    middle = around.half + light.offset
    reach = []
    for side in (bright[middle::-1], bright[middle:]):
        dark = ~side[: max(1, len(side) - 2)]
        reach.append(int(np.argmax(dark)) if dark.any() else len(side))
    return reach[0] - light.offset + 1, reach[1] + light.offset + 1


def profile_of(around, light):
    """The median profile of a trail over the lit pieces, smoothed over 3 pixels, and the noise of a pixel."""
    profile = _quantile(around.pieces[light.first : light.last], 0.5)
    profile = np.convolve(np.pad(profile, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    return profile, around.noise


def width_and_height(around, light):
    """Full width at half maximum (pixels) and height of the profile of a trail."""
    profile, _ = profile_of(around, light)
    middle = around.half + light.offset
    top = middle - light.box // 2 + int(np.argmax(profile[middle - light.box // 2 : middle + light.box // 2 + 1]))
    high = profile > profile[top] / 2
    below, above = (int(np.argmin(np.append(side, False))) for side in (high[top::-1], high[top:]))
    sharp = _quantile(around.pieces[light.first : light.last], 0.5)[max(0, top - 1) : top + 2]
    return float(below + above - 1), float(sharp.max())


def _trail(around, light, extent, refused=""):
    width, height = width_and_height(around, light)
    n, near = len(light.sums), max(1, TO_BORDER * len(light.sums))
    first = 0.0 if light.first <= near else (light.first - 0.5) * around.piece
    last = around.length if n - light.last <= near else (light.last + 0.5) * around.piece
    if refused:
        first, last = 0.0, around.length
    (x0, y0), (ax, ay) = around.start, around.along
    return Trail(
        (x0 + ax * first, x0 + ax * last),
        (y0 + ay * first, y0 + ay * last),
        *extent,
        width,
        height,
        light.significance,
        (last - first) / around.length,
        refused,
    )
