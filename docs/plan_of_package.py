# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Draw the folders of the package and what each imports, read from the code."""

import ast
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

PACKAGE = "ccdproc_crplugin"
ROOT = Path(__file__).parents[1] / PACKAGE

#: Everybody may import it, so it has no arrows.
LEFT_OUT = {"__init__", "errors"}

WIDTH, HEIGHT, GAP = 1.9, 0.62, 0.45


def imported_folders():
    """What each folder imports: a dict of sets."""
    found = {}
    for path in ROOT.rglob("*.py"):
        folder = path.relative_to(ROOT).parts[0].removesuffix(".py")
        names = {name.split(".")[1] for name in _imports(path) if name.startswith(f"{PACKAGE}.")}
        found.setdefault(folder, set()).update(names & _folders() - LEFT_OUT - {folder})
    return {folder: names for folder, names in found.items() if folder not in LEFT_OUT}


def _folders():
    return {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def floors(imports):
    """The folders by floor, the lowest first: each stands above all that it imports."""
    level = {}

    def level_of(folder):
        if folder not in level:
            level[folder] = 1 + max(map(level_of, imports[folder]), default=-1)
        return level[folder]

    rows = [[] for _ in range(1 + max(map(level_of, imports)))]
    for folder in sorted(imports):
        rows[level[folder]].append(folder)
    return rows


def _direct(imports):
    """The arrows that no chain of others stands for."""
    below = {}

    def below_of(folder):
        if folder not in below:
            below[folder] = set().union(*(imports[other] | below_of(other) for other in imports[folder]))
        return below[folder]

    return {folder: imports[folder] - below_of(folder) for folder in imports}


def draw(path):
    """Write the picture."""
    imports = imported_folders()
    rows = floors(imports)
    widest = max(map(len, rows))
    figure = Figure(figsize=(widest * (WIDTH + GAP) + 0.4, len(rows) * (HEIGHT + 1.4 * GAP) + 0.2))
    axes = figure.add_axes((0, 0, 1, 1))
    place = {}
    for y, row in enumerate(rows):
        for x, folder in enumerate(row):
            place[folder] = ((x + (widest - len(row)) / 2) * (WIDTH + GAP), y * (HEIGHT + 1.4 * GAP))
    for folder, (x, y) in place.items():
        box = FancyBboxPatch((x, y), WIDTH, HEIGHT, boxstyle="round,pad=0.03", facecolor="#eef3f8", edgecolor="#345")
        axes.add_patch(box)
        name = folder if (ROOT / folder).is_dir() else f"{folder}.py"
        axes.text(x + WIDTH / 2, y + HEIGHT / 2, name, ha="center", va="center", fontsize=11)
        for other in _direct(imports)[folder]:
            to = place[other][0] + WIDTH / 2, place[other][1] + HEIGHT + 0.04
            arrow = {"arrowstyle": "->", "color": "#68a", "shrinkA": 0, "shrinkB": 0, "zorder": 0}
            axes.annotate("", to, (x + WIDTH / 2, y - 0.04), arrowprops=arrow)
    axes.set(xlim=(-0.2, widest * (WIDTH + GAP)), ylim=(-0.2, len(rows) * (HEIGHT + 1.4 * GAP)))
    axes.axis("off")
    figure.savefig(path, dpi=100)
