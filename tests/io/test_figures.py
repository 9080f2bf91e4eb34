# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Figures that show themselves in a notebook, with and without pyplot.
"""

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import ccdproc_crplugin as crp
from ccdproc_crplugin.io.figures import NotebookFigure


@pytest.fixture
def figure():
    figure = NotebookFigure(figsize=(3, 2), dpi=50)
    figure.subplots().plot([1, 2])
    return figure


def test_it_is_a_figure_of_matplotlib_that_pyplot_does_not_know(figure, tmp_path):
    from matplotlib import pyplot

    assert isinstance(figure, Figure)
    assert pyplot.get_fignums() == []
    figure.savefig(tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_its_picture_has_its_size(figure):
    assert Image.open(io.BytesIO(figure._repr_png_())).size == (150, 100)


def test_it_can_be_pickled(figure):
    assert pickle.loads(pickle.dumps(figure))._repr_png_() == figure._repr_png_()


@pytest.mark.parametrize("inline", [False, True])
def test_a_cell_shows_one_picture_with_and_without_inline(figure, inline):
    formatters = pytest.importorskip("IPython.core.formatters")
    formatter = formatters.DisplayFormatter()
    if inline:
        from IPython.core.pylabtools import print_figure

        png = formatter.formatters["image/png"]
        png.for_type(Figure, lambda figure: print_figure(figure, "png"))
    shown, _ = formatter.format(figure)
    assert set(shown) == {"text/plain", "image/png"}


def test_a_plot_of_each_kind_shows_itself(cleaned):
    frame = crp.simulate_frame((64, 64), n_stars=5, seed=2).ccd
    agreement = crp.compare_detectors(frame, ["lacosmic", "median"])
    plots = [
        cleaned.cr_segments().plot(),
        frame.cr_tune().plot(),
        agreement.plot(),
        crp.compare_masks(*agreement.masks.values()).plot(),
    ]
    for plot in plots:
        assert len(np.unique(np.asarray(Image.open(io.BytesIO(plot._repr_png_())).convert("L")))) > 2


def test_the_package_loads_no_matplotlib():
    code = (
        "import sys, ccdproc_crplugin.events.segments, ccdproc_crplugin.tuning.tune; print('matplotlib' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
