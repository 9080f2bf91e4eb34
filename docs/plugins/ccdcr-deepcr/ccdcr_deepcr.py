# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The neural network deepCR as a detector of ccdproc_crplugin.
"""

import contextlib
import functools
import io
import threading
import warnings

import numpy as np

from ccdproc_crplugin import CosmicRayError, Detection, Detector, hookimpl

#: The models that come with deepCR, and the instruments for which they were trained: words of INSTRUME and DETECTOR.
MODELS = {"ACS-WFC": ("ACS", "WFC"), "WFC3-UVIS": ("WFC3", "UVIS"), "decam": ("DECAM", "")}

#: What to give for ``model`` to have it chosen by the header.
AUTO = "auto"

#: A frame smaller than this is not searched: the network looks at a pixel's surroundings.
SMALLEST = 16

_lock = threading.Lock()


def detect(
    data, *, mask, variance, readnoise, saturation, header, model=AUTO, threshold=0.5, any_instrument=False, device=AUTO
):
    """
    Flag the pixels to which deepCR gives a high probability.

    Parameters
    ----------
    data : numpy.ndarray of float32, shape (ny, nx)
        The frame, in electron.
    mask : numpy.ndarray of bool, shape (ny, nx)
        True at bad pixels.
    variance, readnoise, saturation
        Not used: the network was trained on frames of one instrument.
    header : mapping
        The header of the frame, whose INSTRUME and DETECTOR say which model is right.
    model : {"auto", "ACS-WFC", "WFC3-UVIS", "decam"}
        The model.
    threshold : float
        Least probability of a hit.
    any_instrument : bool
        Whether to use the model on frames of another instrument.
    device : {"auto", "CPU", "GPU"}
        Where it runs; auto takes a GPU where there is one.

    Returns
    -------
    Detection
        The mask, and as score the probability.
    """
    model = _model_for(header, model, any_instrument)
    if min(data.shape) < SMALLEST:
        return Detection(np.zeros(data.shape, dtype=bool), not_searched=np.ones(data.shape, dtype=bool))
    import torch

    with _lock, torch.no_grad():  # deepCR keeps the mean of a frame from one line to the next
        network = _network(model, _device(device))
        probability = network.clean(np.array(data), threshold=threshold, inpaint=False, binary=False)
    info = {"model": model, "device": _device(device)}
    return Detection((probability > threshold) & ~mask, score=probability.astype(np.float32), info=info)


def _model_for(header, model, any_instrument):
    """The model for the instrument that a header names; the wrong one is refused."""
    instrument, chip = (str(header.get(card, "")).strip().upper() for card in ("INSTRUME", "DETECTOR"))
    right = next((name for name, words in MODELS.items() if _is_of(instrument, chip, *words)), None)
    if model == AUTO:
        if right is None:
            raise CosmicRayError(
                f"Found INSTRUME={instrument!r} and DETECTOR={chip!r}; expected those of one of: {', '.join(MODELS)}.",
                "Give {model}, and {any_instrument=True} to use it on frames it was not trained for.",
            )
        return right
    if not any_instrument and model != right:
        raise CosmicRayError(
            f"Found the model {model!r} for INSTRUME={instrument!r} and DETECTOR={chip!r}; expected {right or 'none'}.",
            "Give {any_instrument=True} to use it all the same.",
        )
    return model


def _is_of(instrument, chip, camera, detector):
    return instrument == camera and detector in chip


def _device(device):
    if device != AUTO:
        return device
    import torch

    return "GPU" if torch.cuda.is_available() else "CPU"


@functools.lru_cache(maxsize=2)
def _network(model, device):
    """A model of deepCR, loaded once; what loading prints, and warns of within torch, is kept back."""
    from deepCR import deepCR

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = deepCR(mask=model, device=device)
        if device == "CPU":
            network.maskNet = _OnnxNetwork(network.maskNet)
    return network


class _OnnxNetwork:
    """A network of deepCR run by ONNX Runtime, which takes a third of the time that torch takes on a CPU."""

    def __init__(self, network):
        import onnxruntime
        import torch

        exported = io.BytesIO()
        sides = {name: {2: "ny", 3: "nx"} for name in ("image", "probability")}
        names = {"input_names": ["image"], "output_names": ["probability"]}
        torch.onnx.export(network, torch.zeros(1, 1, 64, 64), exported, dynamo=False, dynamic_axes=sides, **names)
        self._session = onnxruntime.InferenceSession(exported.getvalue(), providers=["CPUExecutionProvider"])

    def __call__(self, image):
        import torch

        return torch.from_numpy(self._session.run(None, {"image": image.numpy()})[0])


def check(*, model, threshold, any_instrument, device):
    """Refuse values that make no sense."""
    for name, value, known in (("model", model, (AUTO, *MODELS)), ("device", device, (AUTO, "CPU", "GPU"))):
        if value not in known:
            raise CosmicRayError(f"Found {name}={value!r}; expected one of: {', '.join(known)}.")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise CosmicRayError(f"Found threshold={threshold!r}; expected a probability between 0 and 1.")


@hookimpl
def ccdcr_detectors():
    """Register the detector."""
    yield Detector(
        "deepcr",
        "the neural network deepCR; for frames of ACS/WFC, WFC3/UVIS and DECam alone",
        detect,
        references=("2020ApJ...889...24Z",),
        check=check,
    )
