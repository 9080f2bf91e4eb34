# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Remote files: read from any address that fsspec opens, never written.
"""

import functools
import http.server
import pickle
import threading

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.io.atomic import as_path
from ccdproc_crplugin.io.remote import remote_path

from ..helpers.fits_bytes import bytes_of, header, raw, sky

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory():
    """Frames in memory: a light frame and three bias frames."""
    files = fsspec.filesystem("memory")
    files.pipe("/night/light.fits", raw())
    for number in range(3):
        bias = np.random.default_rng(number).normal(1000, 5, (40, 50)).astype(np.uint16)
        content = bytes_of(fits.PrimaryHDU(bias, header(IMAGETYP="BIAS")))
        files.pipe(f"/night/bias_{number}.fits", content)
    yield "memory://night"
    files.rm("/night", recursive=True)


@pytest.fixture
def server(tmp_path):
    """The address of a local server with a light frame."""
    pytest.importorskip("aiohttp")
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "light.fits").write_bytes(raw())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


class TestReading:
    def test_from_memory(self, memory):
        np.testing.assert_array_equal(crp.read_ccd(f"{memory}/light.fits").data, sky())

    def test_from_a_server(self, server):
        np.testing.assert_array_equal(crp.read_ccd(f"{server}/light.fits").data, sky())

    def test_a_missing_file_is_named(self, memory, server):
        for address in (memory, server):
            with pytest.raises(CosmicRayError, match=r"Found no file '.*/gone.fits'"):
                crp.read_ccd(f"{address}/gone.fits")

    def test_an_unknown_protocol_is_named(self):
        with pytest.raises(CosmicRayError, match="Protocol not known: nowhere"):
            crp.read_ccd("nowhere://a/b.fits")

    def test_damage_is_named_as_in_any_file(self, memory):
        fsspec.filesystem("memory").pipe("/night/bad.fits", raw()[:4000])
        with pytest.raises(CosmicRayError, match="shorter than its header says"):
            crp.read_ccd(f"{memory}/bad.fits")


class TestCommands:
    def test_clean(self, memory, tmp_path, capsys):
        assert main(["clean", f"{memory}/light.fits", "-o", str(tmp_path), "--quiet"]) == 0
        assert crp.read_ccd(tmp_path / "light.fits").meta["CRNPIX"] == 6

    @pytest.mark.parametrize("command", ["check", "segments"])
    def test_others(self, memory, capsys, command):
        assert main([command, f"{memory}/light.fits"]) in (0, 1)
        assert "light.fits" not in capsys.readouterr().err

    def test_combine(self, memory, tmp_path, capsys):
        names = [f"{memory}/bias_{number}.fits" for number in range(3)]
        assert main(["combine", *names, "-o", str(tmp_path), "--quiet"]) == 0
        assert [path.name for path in tmp_path.glob("*.fits")] == ["bias_gain1.5.fits"]

    def test_a_run_is_resumed(self, memory, tmp_path):
        for status in ("done", "kept"):
            table = crp.clean_collection([f"{memory}/light.fits"], tmp_path, preflight="off", n_workers=1)
            assert table["status"].tolist() == [status]


class TestWriting:
    @pytest.mark.parametrize("output", ["memory://out", "s3://bucket/out", "https://host/out"])
    def test_a_remote_folder_is_refused_with_a_reason(self, tmp_path, capsys, output):
        (tmp_path / "light.fits").write_bytes(raw())
        assert main(["clean", str(tmp_path / "light.fits"), "-o", output]) == 1
        assert f"Found the output '{output}', which is remote" in capsys.readouterr().err

    def test_so_is_a_remote_file(self):
        with pytest.raises(CosmicRayError, match="which is remote; expected a path of this machine"):
            crp.write_ccd(crp.simulate_frame(shape=(40, 40)).ccd, "memory://out/frame.fits")

    def test_the_input_folder_of_a_night_is_called_so(self, tmp_path):
        config = {
            "night": {"input": "memory://night", "output": str(tmp_path)},
            "step": [{"name": "clean_cosmic_rays"}],
        }
        with pytest.raises(CosmicRayError, match="Found input = 'memory://night', which is remote; expected a folder"):
            crp.plan_night(config)

    @pytest.mark.parametrize("function", [crp.clean_collection, crp.combine_calibrations])
    def test_so_is_the_output_of_a_function(self, memory, function):
        with pytest.raises(CosmicRayError, match="which is remote"):
            function([f"{memory}/light.fits"], "memory://out")


class TestPaths:
    def test_secrets_are_not_shown(self):
        path = remote_path("https://user:word@host/frame.fits?signature=abc")
        assert str(path) == "https://host/frame.fits"
        assert path.name == "frame.fits"
        assert path.address == "https://user:word@host/frame.fits?signature=abc"

    def test_a_pickle_keeps_the_address(self):
        path = pickle.loads(pickle.dumps(remote_path("https://host/frame.fits?key=1")))
        assert path.address == "https://host/frame.fits?key=1"

    @pytest.mark.parametrize("name", ["C:/data/frame.fits", "frame.fits", "a:b.fits", "/data/a//b.fits"])
    def test_a_path_of_this_machine_is_none(self, name):
        assert remote_path(name) is None

    def test_an_address_survives_a_path_of_this_machine(self):
        assert as_path(as_path("memory://night") / "light.fits").address == "memory://night/light.fits"
