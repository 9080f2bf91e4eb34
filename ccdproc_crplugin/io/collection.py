# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The frames of one kind as a collection of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccdproc import ImageFileCollection

from ccdproc_crplugin.io.ccd import read_ccd
from ccdproc_crplugin.io.selection import select_frames

#: Options of `ImageFileCollection.ccds` that are not keywords of a header.
OPTIONS = frozenset({"save_with_name", "save_location", "overwrite", "clobber", "do_not_scale_image_data"})


class FrameCollection(ImageFileCollection):
    """A collection whose ``ccds`` reads frames as `read_ccd` does, if not asked for anything else."""

    def ccds(self, ccd_kwargs: dict[str, Any] | None = None, **keywords: Any) -> Iterator[Any]:
        """Iterate over the frames as CCDData; arguments are those of ImageFileCollection."""
        if ccd_kwargs or OPTIONS & keywords.keys():
            return super().ccds(ccd_kwargs, **keywords)
        return self._frames(**keywords)

    def _frames(self, return_fname: bool = False, **keywords: Any) -> Iterator[Any]:
        paths = self.files_filtered(include_path=True, **keywords) if self.files else []
        for path in map(Path, paths):
            ccd = read_ccd(path, hdu=self.ext or None)
            yield (ccd, path.name) if return_fname else ccd


def select_collection(ifc: ImageFileCollection, kind: str = "light") -> ImageFileCollection:
    """The frames of one kind of a collection, see `select_frames`, as a collection with the same keywords."""
    paths = select_frames(ifc, kind)
    names = [str(path.relative_to(ifc.location)) if ifc.location else str(path) for path in paths]
    return FrameCollection(
        location=(ifc.location or None) if names else None,  # a location without names would be its whole folder
        filenames=names,
        keywords=None if ifc._all_keywords else list(ifc.keywords),
        ext=ifc.ext,
    )
