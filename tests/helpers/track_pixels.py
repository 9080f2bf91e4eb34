"""Pixels of straight tracks."""

import numpy as np

from ccdproc_crplugin.kernels.labels import label_pixels


def line_pixels(start, length, angle, shape=(1000, 1000)):
    """The pixels (y, x) on a straight line from ``start`` (x, y); ``angle`` in degrees from the x axis."""
    along = np.arange(0, length, 0.2)
    x = np.rint(start[0] + along * np.cos(np.radians(angle))).astype(int)
    y = np.rint(start[1] + along * np.sin(np.radians(angle))).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
    return np.unique(np.array([y, x])[:, inside], axis=1)


def labelled(*pieces, shape=(1000, 1000)):
    """All pixels of pieces in reading order, and the label of each."""
    mask = np.zeros(shape, dtype=bool)
    for y, x in pieces:
        mask[y, x] = True
    y, x = np.nonzero(mask)
    return y, x, label_pixels(y, x, shape)


def along(start, angle, *parts):
    """Pieces of one line, each from and to some length along it."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return [line_pixels((start[0] + a * cosine, start[1] + a * sine), b - a, angle) for a, b in parts]
