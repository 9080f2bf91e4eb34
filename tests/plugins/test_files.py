# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Plugins that are single files: by name, by environment variable, by option.
"""

import os
import sys

import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PluginWarning, plugins
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.plugins.files import files_named
from ccdproc_crplugin.plugins.loader import PluginHost

from ..helpers.plugins_on_disk import BROKEN, WORKING
from ..helpers.raw_frames import write_raw


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(WORKING)
    return path


@pytest.fixture
def unloading():
    """Takes the plugins away again that a test loads."""
    before = [entry.plugin for entry in plugins.host().registrations]
    yield
    for plugin in [entry.plugin for entry in plugins.host().registrations if entry.plugin not in before]:
        plugins.host().forget(plugin)


@pytest.mark.usefixtures("unloading")
class TestLoadPlugin:
    def test_its_detectors_are_registered_under_the_name_of_the_file(self, file, ccd):
        assert crp.load_plugin(file) == "mine"
        assert crp.clean_cosmic_rays(ccd, "threshold", threshold=1500.0).mask.sum() == 8
        row = crp.plugin_report()[-1]
        assert (row["name"], row["plugin"], row["distribution"]) == ("threshold", "mine", f"file {file}")

    def test_loading_it_again_takes_what_was_changed(self, file):
        crp.load_plugin(str(file))
        file.write_text(WORKING.replace("every pixel", "each pixel"))
        crp.load_plugin(file)
        assert crp.detectors()["threshold"].summary == "each pixel above a level"

    def test_one_that_no_longer_loads_leaves_what_was_there(self, file):
        crp.load_plugin(file)
        file.write_text("def (:")
        with pytest.raises(CosmicRayError, match="SyntaxError"):
            crp.load_plugin(file)
        assert "threshold" in crp.detectors()

    def test_it_can_be_unregistered(self, file):
        crp.load_plugin(file)
        plugins.unregister("mine")
        assert "threshold" not in crp.detectors()

    def test_a_file_with_the_name_of_a_built_in_plugin_does_not_cost_it(self, tmp_path):
        (tmp_path / "median.py").write_text(WORKING)
        crp.load_plugin(tmp_path / "median.py")
        plugins.unregister("median")
        assert "median" in crp.detectors()
        assert "threshold" not in crp.detectors()

    def test_nothing_is_written_beside_it(self, file):
        crp.load_plugin(file)
        assert os.listdir(file.parent) == ["mine.py"]

    def test_a_file_that_fails_leaves_no_module(self, file):
        file.write_text("raise RuntimeError('sorry')")
        before = set(sys.modules)
        with pytest.raises(CosmicRayError, match=r"mine.py' can't be loaded: RuntimeError: sorry"):
            crp.load_plugin(file)
        assert set(sys.modules) == before

    @pytest.mark.parametrize(
        "source",
        [
            BROKEN[name][0]
            for name in ("does not import", "syntax error", "exits at import", "no hook at all", "no mark")
        ],
    )
    def test_a_broken_one_is_an_error_that_says_why(self, file, source):
        file.write_text(source)
        with pytest.raises(CosmicRayError, match=r"can't be loaded: .*Give a Python file whose ccdcr_"):
            crp.load_plugin(file)

    @pytest.mark.parametrize(
        "name", ["gone.py", "", ".", "\0.py", "a" * 5000 + ".py", "line\nfeed.py", "{gain}.py", "\udc80.py", "-x.py"]
    )
    def test_a_hostile_name_is_an_ordinary_error(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CosmicRayError, match="can't be loaded"):
            crp.load_plugin(name)

    @pytest.mark.parametrize("content", [b"\0\0", b"\xff\xfe\x00", b"# coding: no-such-code\n"])
    def test_a_file_that_is_no_source_is_an_ordinary_error(self, file, content):
        file.write_bytes(content)
        with pytest.raises(CosmicRayError, match="can't be loaded: SyntaxError"):
            crp.load_plugin(file)

    def test_other_things_than_files_are_refused(self, tmp_path):
        (tmp_path / "folder.py").mkdir()
        with pytest.raises(CosmicRayError, match=r"no regular file with the ending \.py"):
            crp.load_plugin(tmp_path / "folder.py")
        with pytest.raises(CosmicRayError, match=r"path=5; expected the path"):
            crp.load_plugin(5)

    def test_a_name_with_odd_characters_works(self, tmp_path):
        path = tmp_path / "new line\n{gain}.py"
        path.write_text(WORKING)
        assert crp.load_plugin(path) == "new line\n{gain}"
        assert "threshold" in crp.detectors()


class TestEnvironment:
    def test_the_files_that_it_names_are_loaded(self, file):
        host = PluginHost(path=[], environ={"CCDCR_PLUGINS": str(file)}).load()
        assert "threshold" in host.registered("detector")

    def test_several_are_separated_as_in_path(self):
        assert files_named(os.pathsep.join(["a.py", "", " ", "~/b.py"])) == ["a.py", os.path.expanduser("~/b.py")]

    def test_one_that_fails_costs_a_warning_and_not_the_others(self, file):
        environ = {"CCDCR_PLUGINS": os.pathsep.join(["gone.py", str(file)])}
        with pytest.warns(
            PluginWarning, match="plugin 'gone' of distribution 'file .*gone.py' was left out: no such file"
        ):
            host = PluginHost(path=[], environ=environ).load()
        assert "threshold" in host.registered("detector")

    def test_it_can_be_disabled_by_its_name(self, file):
        environ = {"CCDCR_PLUGINS": str(file), "CCDCR_DISABLE_PLUGINS": "mine"}
        assert "threshold" not in PluginHost(path=[], environ=environ).load().registered("detector")


class TestOption:
    def test_a_command_uses_the_plugin_and_leaves_nothing_behind(self, file, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("CCDCR_PLUGINS", raising=False)
        write_raw(tmp_path / "light.fits")
        assert main(["--plugin", "mine.py", "clean", "light.fits", "--detector", "threshold"]) == 0
        assert "cleaned" in capsys.readouterr().out
        assert "threshold" not in crp.detectors()
        assert "CCDCR_PLUGINS" not in os.environ

    def test_a_file_that_cannot_be_loaded_is_wrong_usage(self, tmp_path, monkeypatch, capsys, file):
        monkeypatch.chdir(tmp_path)
        assert main(["--plugin", "mine.py", "--plugin", "gone\x1b.py", "plugins"]) == 2
        assert "Found that the plugin file 'gone\\x1b.py' can't be loaded: no such file" in capsys.readouterr().err
        assert "threshold" not in crp.detectors()

    def test_processes_that_a_command_starts_know_it(self, file, monkeypatch):
        from ccdproc_crplugin.cli import plugins as command

        seen = []
        monkeypatch.setattr(command, "run", lambda args: seen.append(os.environ["CCDCR_PLUGINS"]) or 0)
        monkeypatch.setenv("CCDCR_PLUGINS", "other.py")
        main(["--plugin", str(file), "plugins"])
        assert seen == [os.pathsep.join(["other.py", str(file)])]
        assert os.environ["CCDCR_PLUGINS"] == "other.py"
