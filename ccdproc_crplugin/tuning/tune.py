# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The choice of ``sigclip`` and ``objlim`` for a frame, with the reason."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_number, check_whole
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.electrons import ElectronFrame, to_electrons
from ccdproc_crplugin.frames.gain_and_noise import electronics_of
from ccdproc_crplugin.frames.mosaic import mosaic_of
from ccdproc_crplugin.frames.rates import Expectation, Extent, expected_events, judge, with_noise
from ccdproc_crplugin.frames.removed import is_cleaned
from ccdproc_crplugin.frames.saturation import with_saturation
from ccdproc_crplugin.frames.subtracted import calibration_with
from ccdproc_crplugin.io.companions import bad_pixel_mask, companion
from ccdproc_crplugin.kernels.mosaic_events import level_frame
from ccdproc_crplugin.kernels.statistics import medians_around
from ccdproc_crplugin.kernels.stellar_width import objlim_for_width, stellar_width
from ccdproc_crplugin.kernels.tracks import join_tracks, number_of_tracks
from ccdproc_crplugin.tuning import MAX_FALSE, MAX_STARS_TOUCHED

#: Values of sigclip at the axis of a plot.
TICKS = (3, 4, 5, 6, 8, 10, 15, 20)

#: Formats in which the columns of the table are printed; the values keep all their digits.
FORMATS = {
    ".1f": ("n_single_expected", "n_hot", "n_false", "n_noise", "expected_low", "expected_high"),
    ".2f": ("objlim",),
    "{:.1%}": ("completeness", "stars_touched"),
}

#: No event has a larger contrast to the fine structure.
LARGEST_OBJLIM = 1e6


@dataclass(frozen=True, eq=False)
class Tuning:
    """
    The limits of L.A.Cosmic that suit a frame.

    Parameters
    ----------
    sigclip, objlim : float
        The choice.
    reason : str
        Why it was made.
    table : `~astropy.table.Table`
        A row a pair of limits: ``sigclip``, ``objlim``; ``n_pixels``, ``n_events`` and ``n_extended`` found by one
        iteration, without growth; ``n_single``, those of a single pixel beside which nothing stands out, and
        ``n_single_expected``, how many of these cosmic rays and noise make; ``completeness``, the share of trial events
        found; ``stars_touched``, as a share of the stars detected; ``n_noise``, the events that noise alone makes;
        ``n_hot``, the hot pixels among the events; ``n_false``, the false events to expect, with both;
        ``allowed``, whether the bounds are kept; ``expected_low`` and ``expected_high``, how many events are plausible,
        masked where that can't be told. ``n_tracks`` in its ``meta`` is the number of events with the choice where
        the pieces of a track count once.
    fwhm : float or None
        Stellar width (pix).
    expectation : Expectation
        How many events are plausible.
    """

    sigclip: float
    objlim: float
    reason: str
    table: Table
    fwhm: float | None
    expectation: Expectation

    def __repr__(self) -> str:
        return f"<Tuning: sigclip={self.sigclip:g}, objlim={self.objlim:.3g}: {self.reason}>"

    def __str__(self) -> str:
        return "\n".join([repr(self), *self._chosen_rows.pformat(max_lines=-1, max_width=-1)])

    def _repr_html_(self) -> str:
        rows = "".join(self._chosen_rows.pformat(max_lines=-1, max_width=-1, html=True))
        whole = f"<details><summary>Every objlim</summary>{self.table._repr_html_()}</details>"
        return f"<p>{html.escape(repr(self))}</p>{rows}{whole}"

    @property
    def _chosen_rows(self) -> Table:
        """The rows of the objlim chosen."""
        return self.table[self.table["objlim"] == self.objlim]

    @property
    def verdict(self) -> str:
        """
        Whether the tracks found with the choice are plausible by number and pixels, as `frames.rates.judge` says.
        """
        row = self.table[(self.table["sigclip"] == self.sigclip) & (self.table["objlim"] == self.objlim)]
        if not len(row):
            return "cannot tell"
        extent = Extent(int(row["n_pixels"][0]), self.table.meta.get("n_frame", 0))
        expectation = with_noise(self.expectation, float(row["n_noise"][0]))
        return judge(self.table.meta["n_tracks"], expectation, extent=extent)

    def plot(self, ax: Any = None) -> Any:
        """
        Draw events against ``sigclip``.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, two of these or None
            Where to draw: axes for the numbers alone, or axes for the numbers and for the shares. `None` makes a
            figure.

        Returns
        -------
        `~matplotlib.figure.Figure`
            Above events, extended events and false events at the ``objlim`` chosen, over the band of plausible
            numbers; below, as shares, the completeness and the stars touched. A notebook shows the figure as the last
            line of a cell. With ``ax``, that is returned.
        """
        from ccdproc_crplugin.io.figures import NotebookFigure, axes_of

        if ax is None:
            figure: Any = NotebookFigure(figsize=(7, 6.5), layout="constrained")
            axes = figure.subplots(2, sharex=True, height_ratios=[2, 1])
        else:
            figure, axes = ax, axes_of(ax, 1, 2)
        for one, draw in zip(axes, (self._plot_counts, self._plot_shares), strict=False):
            draw(one)
            one.axvline(self.sigclip, color="black", linestyle=":", label=f"chosen: {self.sigclip:g}")
            one.legend(fontsize="small")
            one.set_xscale("log")
            one.set_xticks(TICKS, map(str, TICKS))
            one.set_xticks([], minor=True)
        axes[-1].set_xlabel("sigclip")
        axes[0].set_title(f"objlim = {self.objlim:.3g}")
        return figure

    def _plot_counts(self, axes: Any) -> None:
        if self.expectation.low is not None:
            axes.axhspan(
                max(self.expectation.low, 0.5),
                self.expectation.high,
                color="0.85",
                label=f"plausible: {self.expectation}",
            )
        for objlim in np.unique(self.table["objlim"]):
            rows = self.table[self.table["objlim"] == objlim]
            if objlim == self.objlim:
                axes.plot(rows["sigclip"], rows["n_events"], "o-", color="C0", label="events")
                axes.plot(rows["sigclip"], rows["n_extended"], "s-", color="C2", label="extended events")
                axes.plot(rows["sigclip"], rows["n_false"], "--", color="C3", label="false events")
            else:
                axes.plot(rows["sigclip"], rows["n_events"], "-", color="C0", alpha=0.3)
        axes.set(yscale="log", ylim=(0.5, 2 * self._most_events), ylabel="number")

    @property
    def _most_events(self) -> float:
        return max(1, self.table["n_events"].max(), self.table["n_false"].max(), self.expectation.high or 0)

    def _plot_shares(self, axes: Any) -> None:
        rows = self._chosen_rows
        axes.plot(rows["sigclip"], rows["completeness"], "o-", color="C0", label="completeness")
        axes.plot(rows["sigclip"], rows["stars_touched"], "--", color="C3", label="stars touched")
        axes.set(ylim=(-0.03, 1.03), ylabel="share")


def cr_tune(
    ccd: CCDData,
    *,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    dark: CCDData | str | os.PathLike | None = None,
    scale_dark: bool = False,
    bias: CCDData | str | os.PathLike | None = None,
    bad_pixels: np.ndarray | str | os.PathLike | None = None,
    mosaic: str | bool | None = None,
    dispersion_axis: int | None = None,
    objlim: float | None = None,
    n_pixels: int = 3,
    max_false: float = MAX_FALSE,
    max_stars_touched: float = MAX_STARS_TOUCHED,
    expectation: Expectation | None = None,
    seed: int = 0,
) -> Tuning:
    """
    Choose the limits of L.A.Cosmic for a frame.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`, shape (ny, nx)
        The frame, in adu or electron, as for `clean_cosmic_rays`; not changed.
    gain, readnoise, saturation : Quantity, float, `~numpy.ndarray`, mapping or None
        As for `clean_cosmic_rays`.
    dark : `~astropy.nddata.CCDData`, path or None
        As for `clean_cosmic_rays`.
    scale_dark : bool
        As for `clean_cosmic_rays`.
    bias : `~astropy.nddata.CCDData`, path or None
        As for `clean_cosmic_rays`.
    bad_pixels : `~numpy.ndarray` of bool, path or None
        As for `clean_cosmic_rays`.
    mosaic : str, False or None
        As for `clean_cosmic_rays`.
    dispersion_axis : {0, 1} or None
        As for `clean_cosmic_rays`.
    objlim : float or None
        Least contrast to the fine structure; `None` has it chosen too.
    n_pixels : int
        Least pixels of the events that ``n_extended`` counts.
    max_false : float
        Most false events, as a share of the events found.
    max_stars_touched : float
        Most stars touched, as a share of the stars detected.
    expectation : Expectation or None
        How many events are plausible; `None` means what `expected_events` says.
    seed : int
        Of the trial events; the same seed gives the same answer.

    Returns
    -------
    Tuning
        The choice, the reason and the table.

    Raises
    ------
    CosmicRayError
        If the frame or a parameter is not as it should be, or the frame was cleaned already.

    Notes
    -----
    The frame is searched once for all pairs of limits. Parts of it, up to a million pixels, are searched twice
    more: with trial cosmic rays of known charge added, which gives the completeness, and as a twin without any cosmic
    ray, whose sky, noise and stars are drawn anew, which gives what is false. Hot pixels are told by their number:
    cosmic rays that stay within one pixel come with others that do not. The choice is the most complete pair that
    keeps both bounds; the middle one, if several are equally complete to a per cent.

    The limits of a colour mosaic are those for its planes, of which all are tried together. The stars of its twin are
    white: coloured ones are touched a little more often.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> frame = crp.simulate_frame((256, 256), n_stars=40, seed=2)
    >>> tuning = crp.cr_tune(frame.ccd)
    >>> bool(4 < tuning.sigclip < 12)
    True
    """
    from ccdproc_crplugin.tuning.limits import choose_limits

    check_frame(ccd)
    if is_cleaned(ccd):
        raise CosmicRayError(
            "Found a frame whose cosmic rays were removed already; expected one that was not cleaned.",
            "Take the frame as it was before: {restore_cosmic_rays()} returns it.",
        )
    check_number("max_false", max_false, 0, 1)
    check_number("max_stars_touched", max_stars_touched, 0, 1)
    check_whole("n_pixels", n_pixels, 1)
    check_whole("seed", seed, 0)
    check_choice("dispersion_axis", dispersion_axis, (0, 1, None))
    if objlim is not None:
        check_number("objlim", objlim, most=LARGEST_OBJLIM, above=0)
    if not isinstance(expectation, Expectation | None):
        raise CosmicRayError(f"Found expectation={expectation!r}; expected what expected_events gives, or None.")
    electronics = electronics_of(ccd, gain=gain, readnoise=readnoise, saturation=saturation)
    electronics = with_saturation(ccd, electronics)
    frame = to_electrons(
        ccd,
        electronics,
        calibration=calibration_with(ccd, companion(dark, ccd, "dark"), scale_dark, electronics),
        bias=companion(bias, ccd, "bias"),
        bad_pixels=bad_pixel_mask(bad_pixels, ccd.shape),
        dispersion_axis=dispersion_axis,
        mosaic=mosaic_of(ccd, mosaic),
    )
    in_colour = frame.mosaic.pattern is not None
    frame = _on_one_level(frame) if in_colour else frame
    level = frame.saturation if np.isfinite(frame.saturation) else None
    fwhm = stellar_width(frame.data, mask=frame.bad if frame.bad.any() else None, saturation=level)
    limits = choose_limits(
        frame.data,
        mask=frame.bad,
        variance=frame.variance,
        extra_variance=frame.extra_variance,
        background=frame.background,
        readnoise=frame.readnoise,
        saturation=frame.saturation,
        fwhm=fwhm,
        objlim=_usual_objlim(fwhm, in_colour) if objlim is None else objlim,
        vary_objlim=objlim is None,
        n_pixels=n_pixels,
        max_false=max_false,
        max_stars_touched=max_stars_touched,
        seed=seed,
        **({"mosaic": True} if in_colour else {}),
    )
    expectation = expected_events(ccd) if expectation is None else expectation
    table = limits.table
    table.meta |= {"n_frame": ccd.data.size, "n_tracks": _n_tracks(frame, *limits.events)}
    for name in ("low", "high"):
        number = getattr(expectation, name)
        table[f"expected_{name}"] = np.ma.array(np.full(len(table), number or 0), mask=number is None)
    for pattern, names in FORMATS.items():
        for name in names:
            table[name].info.format = pattern
    return Tuning(limits.sigclip, limits.objlim, limits.reason, table, fwhm, expectation)


def _n_tracks(frame: ElectronFrame, y: np.ndarray, x: np.ndarray, label: np.ndarray) -> int:
    """How many tracks there are among the events with these pixels."""
    if not len(y):
        return 0
    charge = frame.data[y, x] - medians_around(frame.data, y, x)
    return number_of_tracks(join_tracks(y, x, label, charge, frame.data.shape, frame.bad))


def _on_one_level(frame: ElectronFrame) -> ElectronFrame:
    """A colour mosaic with its planes at one level and nearly one noise, without the lines of a spectrum."""
    data = frame.data if frame.background is None else frame.data - frame.background
    level = level_frame(data, frame.bad, frame.readnoise, frame.variance)
    return replace(frame, data=level, variance=None, background=None)


def _usual_objlim(fwhm: float | None, in_colour: bool) -> float:
    """The objlim that suits stars of this width (pix); those of a mosaic are half as wide in its planes."""
    return objlim_for_width(fwhm if fwhm is None or not in_colour else fwhm / 2)
