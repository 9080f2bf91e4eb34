# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Plugins as distributions on disk: a module and the metadata that names its entry point.
"""

import textwrap

HEAD = """
from ccdproc_crplugin import Check, Detection, Detector, Finding, Step, hookimpl
"""

THRESHOLD = """
def detect(data, *, mask, variance, readnoise, saturation, threshold=1000.0):
    return Detection((data > threshold) & ~mask)
"""

WORKING = (
    HEAD
    + THRESHOLD
    + """
@hookimpl
def ccdcr_detectors():
    yield Detector("threshold", "every pixel above a level", detect)
"""
)


def yields_detector(detect):
    """A plugin whose detector `detect` is the given source."""
    return (
        HEAD
        + textwrap.dedent(detect)
        + """
@hookimpl
def ccdcr_detectors():
    yield Detector("theirs", "a detector", detect)
"""
    )


#: What a third party can get wrong until the plugin is loaded, and what the warning says.
BROKEN = {
    "does not import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax error": ("def (:", "SyntaxError"),
    "exits at import": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "raises at import": ("raise RuntimeError('sorry')", "RuntimeError: sorry"),
    "misspelt hook": (HEAD + "@hookimpl\ndef ccdcr_detektors(): pass", "ccdcr_detektors"),
    "wrong argument of a hook": (HEAD + "@hookimpl\ndef ccdcr_refine(ccd, musk): pass", "musk"),
    "no mark": (HEAD + "def ccdcr_detectors(): pass", "no hook"),
    "one mark missing": (
        HEAD + "@hookimpl\ndef ccdcr_steps(): return []\ndef ccdcr_detectors(): pass",
        "ccdcr_detectors is not marked",
    ),
    "a hook wrapper": (
        HEAD + "@hookimpl(wrapper=True)\ndef ccdcr_refine(ccd, mask):\n    return (yield)",
        "hook wrapper",
    ),
    "no hook at all": ("x = 1", "implements no hook"),
    "fails to declare": (
        HEAD + "@hookimpl\ndef ccdcr_detectors():\n    raise OSError('no')",
        "ccdcr_detectors failed: OSError",
    ),
    "exits when it declares": (
        HEAD + "@hookimpl\ndef ccdcr_detectors():\n    raise SystemExit",
        "ccdcr_detectors failed: SystemExit",
    ),
    "yields rubbish": (
        HEAD + "@hookimpl\ndef ccdcr_detectors():\n    yield 'lacosmic'",
        "expected a detector .*found str: 'lacosmic'",
    ),
    "yields nothing iterable": (HEAD + "@hookimpl\ndef ccdcr_detectors():\n    return 5", "not iterable"),
    "yields another kind": (
        HEAD + "@hookimpl\ndef ccdcr_steps():\n    yield Check('a', 'b', print)",
        "expected a step .*found Check",
    ),
    "a name taken by us": (
        HEAD + THRESHOLD + "@hookimpl\ndef ccdcr_detectors():\n    yield Detector('median', '', detect)",
        "'median' is taken already by plugin 'median' of distribution 'ccdproc-crplugin'",
    ),
    "a name that is no name": (
        HEAD + THRESHOLD + "@hookimpl\ndef ccdcr_detectors():\n    yield Detector('../x', '', detect)",
        "detector name '../x'",
    ),
    "a detector that can't be called": (
        HEAD + "@hookimpl\ndef ccdcr_detectors():\n    yield Detector('theirs', '', 5)",
        "can't be called: 5",
    ),
    "a parameter of the host": (
        yields_detector("def detect(data, *, mask, variance, readnoise, saturation, gain=1): pass"),
        "parameter named 'gain', which is the host's own",
    ),
    "a keyword missing": (
        yields_detector("def detect(data, *, mask, variance, readnoise): pass"),
        "does not take the keywords saturation",
    ),
    "parameters without names": (
        yields_detector("def detect(data, *, mask, variance, readnoise, saturation, **more): pass"),
        "takes \\*more",
    ),
    "a parameter without a default": (
        yields_detector("def detect(data, *, mask, variance, readnoise, saturation, level): pass"),
        "'level' no default",
    ),
    "a class": (HEAD + "class Plugin: pass", "is the class 'Plugin'"),
    "no such object": ("x = 1", "AttributeError"),
}

#: What a detector can get wrong when it runs, and what the error says.
BROKEN_RUNS = {
    "raises": ("raise KeyError('lost')", "KeyError: 'lost'"),
    "exits": ("raise SystemExit('bye')", "SystemExit: bye"),
    "gives nothing": ("return None", "Found NoneType .*expected a Detection"),
    "gives an array": ("return data > 5", "Found ndarray .*expected a Detection"),
    "a mask of another shape": ("return Detection((data > 5)[1:])", r"mask of shape \(49, 60\)"),
    "a mask of numbers": ("return Detection((data > 5) * 1.0)", "mask of dtype float64"),
    "a mask that is a list": ("return Detection([[True]])", "mask of type list"),
    "a score of another shape": ("return Detection(data > 5, score=data[1:])", r"score of shape \(49, 60\)"),
    "a score of words": ("return Detection(data > 5, score=data.astype('U'))", "score of dtype"),
    "a cleaned frame of another shape": (
        "return Detection(data > 5, cleaned=data[1:])",
        r"cleaned of shape \(49, 60\)",
    ),
    "a cleaned frame of integers": ("return Detection(data > 5, cleaned=data.astype(int))", "cleaned of dtype int64"),
    "a cleaned frame with holes": ("return Detection(data > 5, cleaned=data * float('nan'))", "not finite"),
    "writes into the frame": ("data[:] = 0", "ValueError: assignment destination is read-only"),
    "a wrong not_searched": ("return Detection(data > 5, not_searched=data)", "not_searched of dtype float32"),
}


def install(folder, name, source, entry_point=None):
    """Put a distribution with one module and one entry point into a folder that stands on `sys.path`."""
    module = f"ccdcr_test_{name}"
    (folder / f"{module}.py").write_text(source)
    info = folder / f"dist_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ccdproc_crplugin]\n{name} = {entry_point or module}\n")
    return module
