# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files that are written whole or not at all, and their names.
"""

import pytest

from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.io.atomic import PART_NAME, as_folder, atomic_write, ending_of, part_path


def test_a_failure_leaves_no_file_behind(tmp_path):
    with (
        pytest.raises(CosmicRayError, match="can't be written"),
        atomic_write(tmp_path / "frame.fits") as temporary,
    ):
        temporary.write_text("half")
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []


def test_until_it_is_whole_the_file_is_not_there(tmp_path):
    path = tmp_path / "frame.fits"
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "half"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "frame.fits"
    with pytest.raises(CosmicRayError, match="there already"), atomic_write(path) as temporary:
        temporary.write_text("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs"


def test_an_unfinished_file_is_hidden_and_known_by_its_name(tmp_path):
    path = part_path(tmp_path / "frame.fits")
    assert path.parent == tmp_path
    assert PART_NAME.fullmatch(path.name)
    assert part_path(tmp_path / "frame.fits") != path


def test_an_ending_is_found_in_either_case(tmp_path):
    assert ending_of(tmp_path / "PAGE.PNG", (".pdf", ".png")) == ".png"
    with pytest.raises(CosmicRayError, match=r"name 'page.gif'; expected one that ends in .pdf, .png"):
        ending_of(tmp_path / "page.gif", (".pdf", ".png"))


@pytest.mark.parametrize("value", [None, "", 5, "a\0b"])
def test_only_a_name_is_a_folder(value):
    with pytest.raises(CosmicRayError, match=r"Found output=.*expected the name of a folder"):
        as_folder("output", value)
