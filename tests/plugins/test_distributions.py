# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Version, licence and needs of a plugin's distribution, from its metadata.
"""

import pytest

from ccdproc_crplugin.plugins.distributions import facts_of


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Puts metadata on the path under a name that no other test uses, and returns what they say."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(*lines):
        facts_of.cache_clear()
        info = tmp_path / "facts_of_test-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "\n".join(["Metadata-Version: 2.4", "Name: facts-of-test", "Version: 2.5", *lines])
        )
        return facts_of("facts_of_test")

    yield put
    facts_of.cache_clear()


@pytest.mark.parametrize(
    ("line", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: BSD 3-Clause", "BSD 3-Clause"),
        ("License: " + "long " * 20, "long long long long long long long long…"),
        ("License: UNKNOWN", ""),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD License"),
        ("Summary: nothing about it", ""),
    ],
)
def test_the_licence_is_found_where_metadata_have_it(distribution, line, licence):
    facts = distribution(line)
    assert (facts.version, facts.licence) == ("2.5", licence)


@pytest.mark.parametrize(
    ("requirement", "needs"),
    [
        ("numpy>=1", "met"),
        ("no-such-package>=3", "lacks no-such-package>=3"),
        ("no-such-package; extra == 'test'", "met"),
        ("no-such-package; python_version < '3'", "met"),
        ("not a requirement!", "lacks not a requirement!"),
    ],
)
def test_needs_are_compared_with_what_is_installed(distribution, requirement, needs):
    assert distribution(f"Requires-Dist: {requirement}").needs == needs


def test_a_version_that_is_too_old_is_named(distribution):
    assert distribution("Requires-Dist: numpy>=9999").needs.startswith("lacks numpy>=9999 (there is ")


@pytest.mark.parametrize("name", ["this process", "file /tmp/mine.py", "", "unknown\n"])
def test_what_is_no_distribution_has_no_facts(name):
    assert facts_of(name) == ("", "", "")
