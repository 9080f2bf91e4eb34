# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The page of a night, written to a file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ccdproc_crplugin.errors import CosmicRayError, check_callable, reason_of
from ccdproc_crplugin.events.classify import RULES
from ccdproc_crplugin.io.atomic import atomic_write, check_target, ending_of, part_path
from ccdproc_crplugin.io.inputs import keeping_inputs
from ccdproc_crplugin.pipeline.hot_pixels import ChipResult, read_hot_pixels
from ccdproc_crplugin.pipeline.model import Chip
from ccdproc_crplugin.report.chip import chip_maps
from ccdproc_crplugin.report.figures import histograms
from ccdproc_crplugin.report.frame import CLASSES, FrameView, view_frame
from ccdproc_crplugin.report.night import Row, put_back, rows_of_folder, split_frames
from ccdproc_crplugin.report.review import FORMAT, VERSION

#: Most bytes of pictures inside a page; more than that are written to files beside it.
LARGEST_PAGE = 20_000_000

#: The headings of the table, each with its entry of a `Row` and whether that is text or a number.
COLUMNS = {
    "Frame": ("file", "text"),
    "Kind": ("kind", "text"),
    "Target": ("target", "text"),
    "Filter": ("filter", "text"),
    "Start": ("start", "text"),
    "Exposure (s)": ("exposure", "number"),
    "Status": ("status", "text"),
    "Events": ("n_events", "number"),
    "Tracks": ("n_tracks", "number"),
    "From noise": ("n_noise", "number"),
    "Expected": ("expected_low", "number"),
    "Verdict": ("verdict", "text"),
    "Pixels": ("n_pixels", "number"),
    "On hot pixels": ("n_hot", "number"),
    "Findings": ("findings", "text"),
    "Detector": ("detector", "text"),
    "Time (s)": ("seconds", "number"),
    "Parameters": ("parameters", "text"),
}

#: Names of the files of pictures beside a page.
FILE_NAME = re.compile(r"frame_\d{4,}\.js")

#: The parts of the page's script; each needs some of those before it.
SCRIPTS = ("pictures.js", "table.js", "viewer.js", "gallery.js", "review.js", "main.js")


@keeping_inputs()
def write_report(
    folder: str | os.PathLike,
    output: str | os.PathLike,
    *,
    overwrite: bool = False,
    progress: Callable | None = None,
) -> Path:
    """
    Put a night on one page.

    Parameters
    ----------
    folder : path
        A folder with the table ``night.ecsv`` of a reduction and the frames that it lists, or a folder of cleaned
        frames without such a table.
    output : path
        The page to write, ``.html``.
    overwrite : bool
        Whether an existing page may be replaced.
    progress : callable or None
        A progress bar such as ``tqdm.tqdm``: called with the list of files, it yields the same items.

    Returns
    -------
    `~pathlib.Path`
        The page. It needs nothing from the network. Pictures of more than 20 MB are written to a folder beside the
        page, which has its name and ``_files``, and are loaded when they are needed.

    Raises
    ------
    CosmicRayError
        If there is no cleaned frame, or the page can't be written. A single frame that can't be read is reported in
        its row.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import ccdproc_crplugin as crp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame = crp.simulate_frame(shape=(200, 200), n_spots=0, n_stars=5, seed=1).ccd
    ...     _ = crp.write_ccd(frame.clean_cosmic_rays(), Path(folder) / "light.fits")
    ...     crp.write_report(folder, Path(folder) / "night.html").name
    'night.html'
    """
    folder, output = Path(folder), Path(output)
    check_callable("progress", progress)
    ending_of(output, (".html", ".htm"))
    check_target(output, overwrite)
    rows = rows_of_folder(folder)
    with _PictureStore.beside(output) as store:
        night = _Night(read_hot_pixels(folder))
        for row in (progress or iter)(rows):
            night.add(row, store)
        page = _render(night, store, folder)
        with atomic_write(output, overwrite) as temporary:
            temporary.write_text(page, encoding="utf-8", errors="backslashreplace")  # of names that are no UTF-8
            store.settle()
    return output


class _Night:
    """The rows of a night, and the views of the frames that can be shown."""

    def __init__(self, chips: Mapping[Chip, ChipResult]) -> None:
        self.chips = chips  # the hot pixels that the run found
        self.rows: list[tuple[Row, int | None]] = []  # each with the index of its view
        self.views: list[FrameView] = []

    def add(self, row: Row, store: _PictureStore) -> None:
        """Add the frames of the next file."""
        try:
            frames = split_frames(row)
        except Exception as err:
            frames = [_unreadable(row, err)]
        for frame in frames:
            self._add_frame(frame, store)

    def _add_frame(self, row: Row, store: _PictureStore) -> None:
        try:
            view = view_frame(row, self.chips)
        except Exception as err:
            view, row = None, _unreadable(row, err)
        if view is None:
            self.rows.append((put_back(row) if row.path and row.n_events else row, None))
            return
        self.rows.append((view.row, len(self.views)))
        store.add(view.pictures)
        self.views.append(replace(view, pictures={}))


def _unreadable(row: Row, err: Exception) -> Row:
    return replace(row, path=None, reason="; ".join(filter(None, (row.reason, reason_of(err)))))


@dataclass
class _PictureStore:
    """
    The pictures that the page loads for each frame: inside a small page, else in files beside it.

    These files are scripts, because a page from ``file://`` can read no other file.
    """

    folder: Path
    temporary: Path
    texts: list[str]  # JSON; empty once it is in a file
    size: int = 0  # characters
    beside_page: bool = False

    @classmethod
    @contextmanager
    def beside(cls, page: Path) -> Iterator[_PictureStore]:
        """Yield a store; its folder is moved into place once it is complete."""
        store = cls(page.with_name(f"{page.stem}_files"), part_path(page), [])
        store.refuse_foreign_folder()
        try:
            yield store
        finally:
            shutil.rmtree(store.temporary, ignore_errors=True)

    def refuse_foreign_folder(self) -> None:
        """Refuse to replace a folder that no earlier page wrote."""
        if not os.path.lexists(self.folder):
            return
        foreign = [] if self.folder.is_dir() and not self.folder.is_symlink() else [self.folder]
        foreign = foreign or [path for path in self.folder.iterdir() if not FILE_NAME.fullmatch(path.name)]
        if foreign:
            raise CosmicRayError(
                f"Found {str(foreign[0])!r}, which is of no report; expected {self.folder.name!r} to be "
                "free for the pictures of this one. Give the page another name."
            )

    def add(self, pictures: dict[str, Any]) -> None:
        """Add the pictures of the next frame."""
        text = _json(pictures)
        self.texts.append(text)
        self.size += len(text)
        if self.beside_page:
            self._write(len(self.texts) - 1)
        elif self.size > LARGEST_PAGE:
            self._move_out()

    def _move_out(self) -> None:
        try:
            self.temporary.mkdir()
        except OSError as err:
            raise CosmicRayError(f"Found that no folder can be made beside {self.folder.name!r}: {err}.") from err
        self.beside_page = True
        for index in range(len(self.texts)):
            self._write(index)

    def _write(self, index: int) -> None:
        script = f"receivePictures({index}, {self.texts[index]});\n"
        (self.temporary / _file_name(index)).write_text(script, encoding="ascii")
        self.texts[index] = ""

    def settle(self) -> None:
        """Move the folder to the place where the page expects it, and remove that of an earlier page."""
        earlier = part_path(self.folder)
        if self.folder.is_dir():
            os.replace(self.folder, earlier)
        if self.beside_page:
            os.replace(self.temporary, self.folder)
        shutil.rmtree(earlier, ignore_errors=True)


def _file_name(index: int) -> str:
    return f"frame_{index + 1:04d}.js"


def _json(value: Any) -> str:
    """JSON in ASCII that is safe inside a page or a script."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _render(night: _Night, store: _PictureStore, folder: Path) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("ccdproc_crplugin.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _asset("report.css")
    script = "\n".join(_asset(name) for name in SCRIPTS)
    maps, on_hot = chip_maps(night.views, night.chips)
    return environment.get_template("report.html").render(
        title=folder.resolve().name,
        rows=night.rows,
        columns=_columns([row for row, _ in night.rows]),
        n_shown=len(night.views),
        n_failed=sum(row.status == "failed" for row, view in night.rows if view is None),
        n_others=sum(row.status != "failed" for row, view in night.rows if view is None),
        histograms=histograms(night.views),
        maps=maps,
        classes=list(RULES.items()),
        n_of_class=_count_classes(night.views),
        n_events=sum(len(view.events) for view in night.views),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=version("ccdproc_crplugin"),
        style=Markup(style),  # noqa: S704  a file of this package
        script=Markup(script),  # noqa: S704  files of this package
        style_hash=_hash(style),
        script_hash=_hash(script),
        beside_page=store.beside_page,
        facts=Markup(_json(_facts(night, store, on_hot))),  # noqa: S704  escaped by _json
        pictures=[Markup(text) for text in store.texts if not store.beside_page],  # noqa: S704  escaped by _json
    )


def _columns(rows: list[Row]) -> dict[str, str]:
    """The columns of the table; a column that is empty for all frames is left out."""
    return {
        heading: kind
        for heading, (entry, kind) in COLUMNS.items()
        if heading in ("Frame", "Status", "Events") or any(getattr(row, entry) not in (None, "") for row in rows)
    }


def _asset(name: str) -> str:
    return files("ccdproc_crplugin.report").joinpath("assets", name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    """The hash of a script or style for the content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _count_classes(views: list[FrameView]) -> list[int]:
    return [sum(int((view.classes == place).sum()) for view in views) for place in range(len(CLASSES))]


def _facts(night: _Night, store: _PictureStore, on_hot: list[list[int]]) -> dict[str, Any]:
    """The data that the script of the page starts with."""
    return {
        "folder": store.folder.name if store.beside_page else None,
        "review": {"format": FORMAT, "version": VERSION},
        "classes": list(CLASSES),
        "frames": [
            {
                "file": view.name,
                "name": view.row.file,
                "cleaning": view.cleaning,
                "classes": view.classes.tolist(),
                "onHot": labels,
                "source": _file_name(index) if store.beside_page else None,
            }
            for index, (view, labels) in enumerate(zip(night.views, on_hot, strict=True))
        ],
    }
