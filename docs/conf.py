# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Sphinx configuration.

Tables that repeat what the code says are made from the code, by the directive ``made-from``.
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

import ccdproc_crplugin
from ccdproc_crplugin.events import classify
from ccdproc_crplugin.frames import cards
from ccdproc_crplugin.frames.flags import PixelFlag
from ccdproc_crplugin.pipeline import table
from ccdproc_crplugin.plugins import hookspecs, model

HERE = Path(__file__).parent

#: The built-in dialects of headers, and the one that holds for every header.
dialects = ccdproc_crplugin.dialects()
COMMON = dialects["common"]

sys.path.append(str(HERE))

import figures  # noqa: E402
import inventories  # noqa: E402
import pictures  # noqa: E402
import plan_of_package  # noqa: E402

project = "ccdproc_crplugin"
author = "the ccdproc_crplugin developers"
copyright = f"2026, {author}"
release = version = version_of("ccdproc_crplugin")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "myst_nb",
]
exclude_patterns = ["_build", "_templates", "plugins/ccdcr-*"]
templates_path = ["_templates"]
default_role = "py:obj"
highlight_language = "python"

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The package that the notebooks import is the one that these pages are about, whatever folder they run in.
_folders = [str(Path(ccdproc_crplugin.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
os.environ["PYTHONPATH"] = os.pathsep.join(_folders)

# Notebooks are run while the pages are built, and an error in one stops the build.
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True

nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"CCDData(\.\w+)?"),
    ("py:.*", r"frame_kind"),  # in a docstring, of a module that has no page
]
intersphinx_mapping = inventories.write(HERE / "other_packages.toml", HERE / "_build" / "inventories")

html_theme = "pydata_sphinx_theme"
html_title = "ccdproc_crplugin"
html_theme_options = {
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "pygments_light_style": "default",
    "pygments_dark_style": "github-dark-high-contrast",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {page: [] for page in ("index", "contributing", "changelog")}
html_show_sourcelink = False

#: Pictures drawn for the pages, outside of what is kept.
FIGURES = HERE / "_build" / "figures"

FLAG_MEANINGS = {
    "COSMIC_RAY": "hit by a cosmic ray",
    "SATURATED": "at or above the saturation level",
    "BAD": "masked, not finite, or known to be bad",
    "NOT_SEARCHED": "not looked at by the detector",
    "TRAIL": "in the trail of a satellite or an aeroplane; 32, 64 and 128 are for plugins, see :ref:`ccdcr_flags`",
}


def keyword_rows():
    """Quantity, header keywords in the order in which they are tried."""
    yield "quantity", "header keywords, in the order in which they are tried"
    for quantity, keywords in COMMON.keywords.items():
        yield quantity, ", ".join(f"``{keyword}``" for keyword in keywords)


def kind_rows():
    """Kind of frame, what the header says."""
    yield "kind", "words in the header"
    for kind, words in COMMON.kinds.items():
        yield f"``{kind}``", ", ".join(words)


def unit_rows():
    """Unit, words that mean it."""
    yield "unit", "words in the header"
    for unit, words in COMMON.units.items():
        yield unit, ", ".join(words)


def correction_rows():
    """Correction, keywords that record it."""
    yield "correction", "header keywords"
    for correction, keywords in COMMON.corrections.items():
        yield correction, ", ".join(f"``{keyword}``" for keyword in keywords)


def dialect_rows():
    """Dialects of certain cameras: what differs from the common one."""
    yield "dialect", "for headers with", "keywords", "ignored", "kinds"
    for dialect in dialects.values():
        if dialect.cards:
            cards = ", ".join(f"``{keyword} = {value}``" for keyword, value in dialect.cards.items())
            tables = (dialect.keywords, dialect.ignored, dialect.kinds)
            yield dialect.summary, cards, *("; ".join(f"{k}: {', '.join(v)}" for k, v in t.items()) for t in tables)


def flag_rows():
    """The bits of the flags."""
    yield "value", "name", "the pixel was"
    for flag in PixelFlag:
        yield str(flag.value), f"``{flag.name}``", FLAG_MEANINGS[flag.name]


def card_rows():
    """Header cards of a cleaned frame."""
    yield "card", "what it says"
    for card, meaning in cards.CARDS.items():
        yield f"``{card}``", meaning


def class_rows():
    """Classes of events."""
    yield "class", "rule"
    for name, rule in classify.RULES.items():
        yield f"``{name}``", rule


def night_rows():
    """Columns of the table of a night."""
    yield "column", "what it says"
    for name, (_, meaning) in table.COLUMNS.items():
        yield f"``{name}``", meaning


def step_rows():
    """Reduction steps of a night."""
    yield "step", "what it does"
    for step in ccdproc_crplugin.steps().values():
        yield f"``{step.name}``", step.summary


def host_keyword_rows():
    """Names that no parameter of a detector may bear."""
    own = sorted(model.HOST_KEYWORDS - {*model.DETECTOR_KEYWORDS, *model.OPTIONAL_KEYWORDS})
    yield ("taken by the host",)
    yield (", ".join(f"``{name}``" for name in own),)


TABLES = {
    "keywords": keyword_rows,
    "kinds": kind_rows,
    "units": unit_rows,
    "corrections": correction_rows,
    "dialects": dialect_rows,
    "flags": flag_rows,
    "cards": card_rows,
    "classes": class_rows,
    "night": night_rows,
    "steps": step_rows,
    "host-keywords": host_keyword_rows,
}


class MadeFrom(SphinxDirective):
    """A table made from the code: ``.. made-from:: keywords``."""

    required_arguments = 1

    def run(self):
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in TABLES[self.arguments[0]]():
            lines += [f"   {'*' if not column else ' '} - {cell}" for column, cell in enumerate(row)]
        container = nodes.Element()
        self.state.nested_parse(StringList(lines, source="made-from"), self.content_offset, container)
        return container.children


def check_reference():
    """Stop if a public name, or a hook, has no place in the pages."""
    pages = {"reference.rst": set(ccdproc_crplugin.__all__), "plugins/hooks.rst": _hooks()}
    for page, names in pages.items():
        text = (HERE / page).read_text(encoding="utf-8")
        missing = sorted(name for name in names if name not in text)
        if missing:
            raise ExtensionError(f"{page} lacks: {', '.join(missing)}")


def _hooks():
    return {name for name in vars(hookspecs) if name.startswith("ccdcr_")}


def prepare(app):
    """What has to be there before the pages are read."""
    check_reference()
    pictures.draw_all(FIGURES)
    plan_of_package.draw(FIGURES / "plan.png")
    figures.draw(FIGURES)


def setup(app):
    """Add the directive and the preparations."""
    app.add_directive("made-from", MadeFrom)
    app.connect("builder-inited", prepare)
