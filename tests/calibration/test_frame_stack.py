# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Reading frames a few rows at a time, however they are stored.
"""

import builtins
import gzip
import subprocess
import sys
from pathlib import Path

import ccdproc
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin import CosmicRayError, combine_calibrations
from ccdproc_crplugin.calibration import frame_stack
from tests.helpers.calibration_frames import SHAPE, data_of, frame_of, some


class TestReading:
    """However frames are stored, the same numbers make the same combination."""

    @pytest.fixture
    def expected(self, write, tmp_path):
        [path] = combine_calibrations(some(write, "BIAS"), tmp_path / "expected")
        return data_of(path)

    @pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
    def test_any_type(self, write, tmp_path, expected, dtype):
        paths = [write(f"o{k}.fits", "BIAS", seed=k, dtype="u2") for k in range(5)]
        paths = [write(f"t{k}.fits", "BIAS", data=data_of(path), dtype=dtype) for k, path in enumerate(paths)]
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()

    def test_types_may_differ(self, write, tmp_path, expected):
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        paths[1] = write("x1.fits", "BIAS", data=data_of(paths[1]), dtype="f4")
        paths[2] = write("x2.fits", "BIAS", data=data_of(paths[2]), dtype="f8")
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()

    @pytest.mark.parametrize("memory_limit", [None, 9000 * u.byte])
    def test_compressed_files(self, write, tmp_path, expected, memory_limit):
        packed = []
        for k in range(5):
            raw = tmp_path / "raw" / f"bias_{k}.fits"
            if k % 2:
                packed.append(raw.with_suffix(".fits.gz"))
                packed[-1].write_bytes(gzip.compress(raw.read_bytes()))
            else:
                packed.append(raw.with_suffix(".fits.fz"))
                image = fits.CompImageHDU(fits.getdata(raw), fits.getheader(raw))
                fits.HDUList([fits.PrimaryHDU(), image]).writeto(packed[-1])
        [path] = combine_calibrations(packed, tmp_path / "o", memory_limit=memory_limit)
        assert (data_of(path) == expected).all()
        assert [entry.name for entry in path.parent.iterdir()] == ["bias.fits"]

    def test_scaled_integers(self, write, tmp_path, expected):
        paths = []
        for k in range(5):
            image = fits.PrimaryHDU(data_of(tmp_path / "raw" / f"bias_{k}.fits"), fits.Header({"IMAGETYP": "BIAS"}))
            image.scale("int16", bscale=0.5, bzero=1000)
            paths.append(tmp_path / f"s{k}.fits")
            image.header["BUNIT"] = "adu"
            image.writeto(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        np.testing.assert_allclose(data_of(path), expected, atol=0.25)

    def test_masked_pixels_are_left_out(self, write, tmp_path):
        paths = []
        for k in range(5):
            ccd = CCDData(frame_of("BIAS", k, 0.0), unit="adu", meta={"IMAGETYP": "BIAS"}, mask=np.zeros(SHAPE, bool))
            ccd.data[3, 3] += 1e4
            ccd.mask[3, 3] = k < 4
            paths.append(tmp_path / f"m{k}.fits")
            ccd.write(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert fits.getdata(path, "NFRAMES")[3, 3] == 1
        assert data_of(path)[3, 3] == pytest.approx(frame_of("BIAS", 4, 0.0)[3, 3] + 1e4)

    def test_an_extension_inherits_the_primary_header(self, tmp_path, write, expected):
        paths = []
        for k in range(5):
            raw = fits.getdata(tmp_path / "raw" / f"bias_{k}.fits")
            paths.append(tmp_path / f"e{k}.fits")
            primary = fits.PrimaryHDU(header=fits.Header({"IMAGETYP": "BIAS", "INSTRUME": "ISIS"}))
            fits.HDUList([primary, fits.ImageHDU(raw)]).writeto(paths[-1])
        [path] = combine_calibrations(paths, tmp_path / "o")
        assert (data_of(path) == expected).all()
        assert fits.getheader(path)["INSTRUME"] == "ISIS"

    def test_frames_can_be_prepared(self, write, tmp_path, expected):
        def trim(ccd):
            return ccdproc.trim_image(ccd[2:, :10])

        [path] = combine_calibrations(
            [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)], tmp_path / "o", prepare=trim
        )
        assert (data_of(path) == expected[2:, :10]).all()

    def test_a_little_memory_will_do(self, write, tmp_path, expected):
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        [path] = combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert (data_of(path) == expected).all()

    def test_too_little_is_refused(self, write, tmp_path):
        with pytest.raises(
            CosmicRayError, match="Found memory_limit=100 bytes; expected at least 4,216 bytes for 5 frames"
        ):
            combine_calibrations(some(write, "BIAS"), tmp_path / "o", memory_limit=100)

    def test_each_plain_file_is_opened_once(self, write, tmp_path, monkeypatch):
        paths = some(write, "FLAT")
        opened = []
        real_open = builtins.open

        def counting_open(file, *args, **keywords):
            opened.append(file)
            return real_open(file, *args, **keywords)

        monkeypatch.setattr(builtins, "open", counting_open)
        combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert [opened.count(path) for path in paths] == [1] * len(paths)

    def test_more_files_than_stay_open_will_do(self, write, tmp_path, expected, monkeypatch):
        monkeypatch.setattr(frame_stack, "MAX_OPEN", 2)
        paths = [tmp_path / "raw" / f"bias_{k}.fits" for k in range(5)]
        [path] = combine_calibrations(paths, tmp_path / "o", memory_limit=4300)
        assert (data_of(path) == expected).all()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says it this way")
def test_memory_stays_within_its_limit_and_200_mb(tmp_path):
    """200 frames of 1024 x 1024 float32, 800 MB, within 100 MB beside the interpreter."""
    for k in range(200):
        frame = np.full((1024, 1024), k, np.float32)
        fits.writeto(tmp_path / f"{k}.fits", frame, fits.Header({"IMAGETYP": "BIAS", "BUNIT": "adu"}))
    script = (
        "from pathlib import Path; from ccdproc_crplugin import combine_calibrations\n"
        f"paths = sorted(Path({str(tmp_path)!r}).glob('*.fits'))\n"
        f"combine_calibrations(paths, {str(tmp_path / 'o')!r}, memory_limit=100e6)\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 100e6 + 200 * 2**20
    assert (fits.getdata(Path(tmp_path) / "o" / "bias.fits") == 99.5).all()
