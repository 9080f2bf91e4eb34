# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Combining many bias frames, darks and flats into one of each."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.calibration.chips import share_scale
from ccdproc_crplugin.calibration.combined_frame import COMBINED, CombinedFrame
from ccdproc_crplugin.calibration.frame_stack import most_open
from ccdproc_crplugin.calibration.group_combination import combine_frames
from ccdproc_crplugin.calibration.grouping import group_keys, group_names, unsure_of
from ccdproc_crplugin.calibration.input_frames import InputFrame, open_frames
from ccdproc_crplugin.calibration.key import CALIBRATION_KINDS, TEMPERATURE_TOLERANCE, CalibrationKey
from ccdproc_crplugin.calibration.settings import CombineSettings
from ccdproc_crplugin.errors import CalibrationWarning, CosmicRayError, Wording
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.atomic import as_folder, check_target
from ccdproc_crplugin.io.disk import OutputError, writing
from ccdproc_crplugin.io.inputs import keeping_inputs, note_read, note_unused
from ccdproc_crplugin.io.selection import paths_of

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection


@dataclass(frozen=True)
class _Inputs:
    """The frames to combine, files that can't be read, and frames of other kinds."""

    #: By HDU, None in files of one frame, and by file.
    frames: dict[int | None, dict[Path, InputFrame]] = field(default_factory=dict)
    keys: dict[int | None, dict[Path, CalibrationKey]] = field(default_factory=dict)  # of the same frames
    unreadable: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def add(self, path: Path, frames: list[InputFrame], settings: CombineSettings) -> None:
        """Add the frames of a file."""
        for frame in frames:
            place = frame.hdu if len(frames) > 1 else None
            self.frames.setdefault(place, {})[path] = frame
            self.keys.setdefault(place, {})[path] = settings.key_of(path)(frame.header)

    @property
    def all_frames(self) -> list[InputFrame]:
        """The frames to combine."""
        return [frame for by_path in self.frames.values() for frame in by_path.values()]


@dataclass(frozen=True)
class _Task:
    """A group of frames to combine, from the same HDU of each file."""

    key: CalibrationKey
    paths: list[Path]
    hdu: int | None
    target: Path


@keeping_inputs()
def combine_calibrations(
    ifc: ImageFileCollection | Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    method: str = "average",
    sigma_low: float = 5.0,
    sigma_high: float = 5.0,
    n_iterations: int = 1,
    clip_scaled: bool = True,
    temperature_tolerance: float = TEMPERATURE_TOLERANCE,
    group_by: Iterable[str] | Mapping[str, Iterable[str]] = (),
    group_ignore: Iterable[str] = (),
    statistics_section: str | None = None,
    flat_scale: str = "file",
    subtract: bool = True,
    masters: Iterable[str | os.PathLike] = (),
    keys: Mapping[str | os.PathLike, CalibrationKey] | None = None,
    prepare: Callable[[CCDData], CCDData] | None = None,
    saturation: float | None = None,
    unit: Any = None,
    hdu: int | None = None,
    memory_limit: float | u.Quantity | None = None,
    overwrite: bool = False,
    progress: Callable | None = None,
    on_left_out: Callable[[Path, CosmicRayError | str], None] | None = None,
) -> list[Path]:
    """
    Combine the bias frames, darks and flats of a collection.

    Frames are combined that have kind, exposure (darks), filters, disperser, slit and central wavelength (flats),
    camera, detector, amplifier, binning, gain, offset, bit depth, readout mode and temperature in common, each group
    into a file of its own. A cosmic ray that hits one of them leaves no trace.

    Parameters
    ----------
    ifc : `~ccdproc.ImageFileCollection` or list of paths
        The frames. Other kinds than bias frames, darks and flats are ignored.
    output : path
        The folder to write to; it is made if it does not exist.
    method : {"average", "median"}
        The average of the values that a sigma clipping keeps, or the median of all values.
    sigma_low, sigma_high : float
        Clip values that are more than this number of standard deviations below or above the median of a pixel's
        values. The standard deviation comes from the median absolute deviation. Infinity clips nothing on that side.
    n_iterations : int
        Largest number of passes of the clipping, which ends when a pass changes nothing; 0 for no clipping. A value
        that is clipped once stays clipped.
    clip_scaled : bool
        Clip flats after they are scaled. `ccdproc.combine` clips before, so that flats of different levels hide
        cosmic rays; `False` does the same here.
    temperature_tolerance : float
        Largest difference of the temperatures of a group's frames from the middle of the group, and of a bias or
        dark from a group that it is subtracted from, deg_C.
    group_by : list of str, or mapping of these by kind
        Keywords of further header cards that tell groups apart, for all kinds, or for the kinds ``"bias"``, ``"dark"``
        and ``"flat"``.
    group_ignore : list of str
        What does not tell groups apart: keywords of header cards, in capitals, or properties such as ``"slit"``.
    statistics_section : str or None
        The part of the frames from which the level of flats is taken, in FITS notation, such as ``[101:500, *]``.
        `None` means all of it. Needed where most of a chip saw little light.
    flat_scale : {"file", "frame"}
        What has one scale in files of several images: the flats of all chips of an instrument, so that a chip that is
        less sensitive stays lower, or each image by itself.
    subtract : bool
        Subtract the combined bias from darks and flats, and the combined dark from flats, where one fits.
    masters : list of paths
        Frames that were combined before and are subtracted as well where they fit.
    keys : mapping of path to CalibrationKey or None
        Properties of files whose headers are wrong or incomplete; the headers of the other files are used.
    prepare : callable or None
        A function that returns the frame to combine for each raw one, a `~astropy.nddata.CCDData`, such as one that
        subtracts the overscan and trims.
    saturation : float or None
        Saturation level of the raw flats, in their unit. `None` means that of their headers.
    unit : Unit, str or None
        Unit of the frames. `None` means that of ``BUNIT``; integers without ``BUNIT`` are in adu.
    hdu : int or None
        Which HDU holds the frame, in files of several images. `None` means all of them: each gets a combined frame
        of its own, whose name ends in ``_hdu1`` and so on.
    memory_limit : float or `~astropy.units.Quantity` or None
        Largest number of bytes for pixels. `None` means a quarter of the machine's memory.
    overwrite : bool
        Whether existing files may be replaced; a frame of the collection is never replaced.
    progress : callable or None
        A function such as ``tqdm.tqdm``: called with the parts of each group and ``desc=``, its name.
    on_left_out : callable or None
        Called with the path of each frame that is left out and the reason, a text or a `CosmicRayError`, instead of
        a warning.

    Returns
    -------
    list of `~pathlib.Path`
        The files that were written, bias first, then darks, then flats.

    Raises
    ------
    CosmicRayError
        If a parameter is out of range, a file exists already, there is no calibration frame, or none of them can
        be used.

    Warns
    -----
    CalibrationWarning
        For each frame that is left out, with the reason: not readable, shorter than its header says, of another shape
        or unit than most of its group, no finite pixel, a flat without light or with more than half of its pixels
        saturated. Also for a flat with more than 1 % of its pixels saturated, which is used; for a group of less than
        three frames, because cosmic rays stay in its combination; and for each group that fails, by an error of the
        disk or too low a limit of memory, while the others are combined.

    See Also
    --------
    ccdproc.combine : Does the same for one group of frames.

    Notes
    -----
    Pixels that are masked (extension ``MASK``) or not finite are left out. The clipping and the figures follow
    `ccdproc.combine` with ``sigma_clip_func=np.ma.median``, ``sigma_clip_dev_func=astropy.stats.mad_std`` and agree
    with it to two units in the last place of single precision. That holds for the uncertainty too: of an average the
    standard deviation, dividing by n, over the root of n; of a median 1.4826 times the median absolute deviation over
    the root of n. ccdproc includes masked pixels in median and deviation; here they are left out.

    Bias frames are combined first. Their combination is subtracted from each dark and each flat before these are
    combined. The combined dark is subtracted from the flats, scaled by exposure if the bias was subtracted from it.
    ``CRBIAS`` and ``CRDARK`` in the header of a combined frame name the frames that were subtracted; a dark without
    ``CRBIAS`` still has the bias in it and fits its own exposure only. Each flat is then multiplied by the inverse of
    its median, so that the combined flat is about 1; its unit stays. The raw pixels of a flat are saturated from the
    given level or that of the header (``SATURATE`` and similar, adu), or the largest number of their integer type,
    whichever is lower.

    A file holds the combined frame (float32, primary), ``UNCERT``, ``NFRAMES`` (the number of frames that went into
    each pixel), ``MASK`` if no frame went into some pixel, and a table ``CRINPUTS`` with, for each input, its scale and
    the numbers of its pixels that were clipped and that were bad. The header has the cards in which all inputs agree,
    the kind, ``NCOMBINE``, ``CRCOMBIN`` (the method) and the inputs as ``IMCMB001`` and so on.

    Each plain file is opened once and read a few rows at a time. Others (compressed, masked, scaled, or with
    ``prepare``) are opened a second time for their pixels, which are kept in memory or, where that would exceed
    half of ``memory_limit``, in a scratch file in ``output``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from ccdproc import ImageFileCollection
    >>> from ccdproc_crplugin import combine_calibrations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(5):
    ...         bias = np.full((4, 4), 1000 + i, dtype=np.uint16)
    ...         fits.writeto(f"{folder}/b{i}.fits", bias, fits.Header({"IMAGETYP": "BIAS"}))
    ...     paths = combine_calibrations(ImageFileCollection(folder), Path(folder) / "calibration")
    ...     paths[0].name, fits.getval(paths[0], "NCOMBINE"), float(fits.getdata(paths[0])[0, 0])
    ('bias.fits', 5, 1002.0)
    """
    settings = CombineSettings(
        method=method,
        sigma_low=sigma_low,
        sigma_high=sigma_high,
        n_iterations=n_iterations,
        clip_scaled=clip_scaled,
        temperature_tolerance=temperature_tolerance,
        group_by=group_by,
        group_ignore=group_ignore,
        statistics_section=statistics_section,
        flat_scale=flat_scale,
        subtract=subtract,
        masters=masters,
        keys=keys or {},
        prepare=prepare,
        saturation=saturation,
        unit=unit,
        hdu=hdu,
        memory_limit=memory_limit,
        overwrite=overwrite,
        progress=progress,
        on_left_out=on_left_out,
    )
    folder = as_folder("output", output)
    known = [CombinedFrame.of_file(path, settings.key_of(path)) for path in settings.masters]
    inputs = _open_frames(paths_of(ifc), settings)
    try:
        return [combined.path for combined in _combine_all(inputs, known, folder, settings)]
    finally:
        for frame in inputs.all_frames:
            frame.close()


def _open_frames(paths: Iterable[Path], settings: CombineSettings) -> _Inputs:
    """The calibration frames among files; those that can't be read are reported and left out."""
    inputs = _Inputs()
    named: Counter = Counter()
    for path in {os.path.abspath(path): path for path in paths}.values():
        key_of = settings.key_of(path)
        try:
            frames = open_frames(
                path,
                lambda meta: key_of(meta).kind in CALIBRATION_KINDS,  # noqa: B023 - called at once
                unit=settings.unit,
                hdu=settings.hdu,
            )
        except CosmicRayError as err:
            settings.leave_out(path, err)
            inputs.unreadable.append(path)
            continue
        if frames is None:
            inputs.others.append(path)
        elif COMBINED in frames[0].header:
            frames[0].close()
            note_unused(path)
            settings.leave_out(path, "found a frame that is combined already; give it as one of masters=")
        else:
            inputs.add(path, frames, settings)
            if path not in settings.keys:
                named[header.named_by_object(frames[0].header), header.frame_kind(frames[0].header)] += 1
            if len(inputs.all_frames) > most_open():
                frames[0].close()
    for (name, kind), number in named.items():
        if name:
            warnings.warn(
                f"{name} alone says that {number} frames are of kind {kind}", CalibrationWarning, stacklevel=3
            )
    return inputs


def _combine_all(
    inputs: _Inputs, masters: list[CombinedFrame], folder: Path, settings: CombineSettings
) -> list[CombinedFrame]:
    """Combine group by group; a combined bias is subtracted from the darks, and both from the flats."""
    tasks = _tasks(inputs, folder, settings)
    if not tasks:
        raise _nothing_found(inputs)
    sources = [frame.path for frame in inputs.all_frames]
    sources += [*inputs.unreadable, *inputs.others, *(master.path for master in masters)]
    _check_targets([task.target for task in tasks], sources, settings.overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise CosmicRayError(f"Found that the folder {str(folder)!r} can't be made: {err}.") from err
    written: list[CombinedFrame] = []
    failures: list[CosmicRayError] = []
    for task in tasks:
        _warn_of_unsure_members(task, [inputs.keys[task.hdu][path] for path in task.paths])
        of_hdu = [master for master in (*masters, *written) if master.hdu in (None, task.hdu)]
        frames = [inputs.frames[task.hdu][path] for path in task.paths]
        combined, why = None, CosmicRayError("no frame of its group can be used")
        try:
            with writing():
                combined = combine_frames(task.key, frames, task.target, of_hdu, settings)
        except OutputError:
            raise
        except (CosmicRayError, OSError) as err:
            if len(tasks) == 1:
                raise
            why = err if isinstance(err, CosmicRayError) else CosmicRayError(str(err))
        if combined is None:
            failures.append(why.within(before=f"{task.target.name} is not made: "))
            warnings.warn(Wording(failures[-1].spelled), CalibrationWarning, stacklevel=2)
        else:
            written.append(combined)
    if not written:
        raise CosmicRayError(
            f"Found no frame to combine among {len(inputs.all_frames)}; expected some. {failures[0].without_advice()}",
            "The warnings say why." if len(failures) > 1 else failures[0].advice,
        )
    if settings.flat_scale == "file":
        _share_scales(tasks, {combined.path for combined in written})
    return written


def _tasks(inputs: _Inputs, folder: Path, settings: CombineSettings) -> list[_Task]:
    """The groups to combine: bias first, then darks and flats, and of each the HDUs in their order."""
    tasks = []
    for hdu, keys in inputs.keys.items():
        groups = group_keys(keys, tolerance=settings.temperature_tolerance)
        for name, (key, paths) in zip(group_names(groups), groups.items(), strict=True):
            target = folder / f"{name if hdu is None else f'{name}_hdu{hdu}'}.fits"
            tasks.append(_Task(key, paths, hdu, target))
    return sorted(tasks, key=lambda task: CALIBRATION_KINDS.index(task.key.kind))


def _share_scales(tasks: Iterable[_Task], written: set[Path]) -> None:
    """Bring the combined flats of the chips of one file to one scale."""
    by_files: dict[tuple[Path, ...], list[Path]] = {}
    for task in tasks:
        if task.hdu is not None and task.key.kind == "flat" and task.target in written:
            by_files.setdefault(tuple(sorted(task.paths)), []).append(task.target)
    for targets in by_files.values():
        share_scale(targets)


def _warn_of_unsure_members(task: _Task, members: list[CalibrationKey]) -> None:
    """Warn of frames that are combined with others though their headers lack what these have."""
    for name, number in unsure_of(task.key, members).items():
        message = f"{task.target.name} is made of {len(members)} frames, of which {number} do not say their {name}"
        warnings.warn(message, CalibrationWarning, stacklevel=3)


def _nothing_found(inputs: _Inputs) -> CosmicRayError:
    what, n_unreadable = "Found no bias frame, dark or flat that can be read", len(inputs.unreadable)
    if n_unreadable:
        return CosmicRayError(f"{what}, and {n_unreadable} files that can't; expected some.", "The warnings say why.")
    advice = "`ccdcr headers` shows what their headers say, and `ccdcr combine --kind` takes them for frames of a kind."
    return CosmicRayError(f"{what}; expected some.", advice)


def _check_targets(targets: Iterable[Path], sources: list[Path], overwrite: bool) -> None:
    """Refuse files to write if they exist, or if they are among those that are read."""
    for source in sources:
        note_read(source)
    for target in targets:
        check_target(target, overwrite)
