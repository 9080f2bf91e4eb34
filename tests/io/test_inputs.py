# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A run never replaces a file that it reads, by whatever name, and warns of a subject once.
"""

import os

import pytest

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.io.atomic import atomic_write
from ccdproc_crplugin.io.inputs import is_first_warning, keeping_inputs, note_read


@pytest.fixture
def file(tmp_path):
    (tmp_path / "raw.fits").write_text("raw")
    return tmp_path / "raw.fits"


def overwrite(path, **how):
    with atomic_write(path, overwrite=True, **how) as temporary:
        temporary.write_text("new")


@pytest.mark.parametrize("name", ["raw.fits", "link.fits", "hard.fits"])
def test_what_was_read_is_kept(file, name):
    (file.parent / "link.fits").symlink_to(file)
    os.link(file, file.parent / "hard.fits")
    with keeping_inputs(), pytest.raises(CosmicRayError, match="Found an input at"):
        note_read(file)
        overwrite(file.parent / name)
    assert file.read_text() == "raw"


def test_outside_a_run_the_user_decides(file):
    note_read(file)
    overwrite(file)
    assert file.read_text() == "new"


def test_a_run_within_a_run_is_part_of_it(file):
    with keeping_inputs():
        with keeping_inputs():
            note_read(file)
        with pytest.raises(CosmicRayError, match="Found an input"):
            overwrite(file)


def test_after_a_run_nothing_is_kept(file):
    with keeping_inputs():
        note_read(file)
    overwrite(file)


def test_what_the_run_wrote_it_may_read_and_write_again(tmp_path):
    with keeping_inputs():
        for _ in range(2):
            overwrite(tmp_path / "out.fits")
            note_read(tmp_path / "out.fits")


def test_in_place_the_file_behind_a_link_is_replaced_and_the_link_stays(file):
    link = file.parent / "link.fits"
    link.symlink_to(file)
    with keeping_inputs():
        note_read(link)
        overwrite(link, in_place=True)
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_subject_is_new_once_a_run():
    with keeping_inputs():
        assert [is_first_warning("cards") for _ in range(3)] == [True, False, False]
    assert is_first_warning("cards")
