# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The page of a night in a real browser. With ``CCDCR_NEED_BROWSER=1`` a missing browser is an error."""

import json
import os
import shutil
import time
from itertools import pairwise

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.report import page as report_page

from ..helpers.browser import FAINT_TEXT, start_browser, why_no_browser
from ..helpers.hit_frames import HITS, hit_frame, hit_pixels, same_bits

if (reason := why_no_browser()) and not os.environ.get("CCDCR_NEED_BROWSER"):
    pytest.skip(reason, allow_module_level=True)

PHONE = (390, 844)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    if reason:
        pytest.fail(f"{reason}, and CCDCR_NEED_BROWSER is set")
    with start_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(running):
    running.complaints()
    yield running
    assert running.complaints() == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four frames that share their hot pixels, and a frame that failed."""
    folder = tmp_path_factory.mktemp("night")
    rows = []
    for number in (1, 2, 3, 4):
        ccd = hit_frame("uint16")
        ccd.data = hit_pixels(seed=number).round().astype("uint16")
        ccd.data[40, 10 * number : 10 * number + 5] += np.uint16(900)
        ccd.meta["OBJECT"] = "M 51" if number % 2 else "GD 153"
        crp.write_ccd(ccd, folder / f"raw_{number}.fits")
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=40)
        cleaned.meta["CRVERDCT"] = verdict = ["plausible", "too many"][number == 4]
        name = f"light_{number}.fits"
        crp.write_ccd(cleaned, folder / name)
        rows.append((name, "done", name, "", verdict, 10.5 - number))
    rows.append(("light_9.fits", "failed", "", "Found no gain", "", 0.25))
    names = ("file", "status", "output", "reason", "verdict", "seconds")
    Table(rows=rows, names=names).write(folder / "night.ecsv", format="ascii.ecsv")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return crp.write_report(folder, folder / "page.html")


@pytest.fixture
def shown(browser, page):
    browser.open(page)
    return browser


@pytest.mark.parametrize("width", [1400, 800, 390])
def test_a_long_reason_or_many_parameters_leave_the_table_readable(browser, folder, tmp_path, width):
    shutil.copytree(folder, tmp_path / "night")
    table = Table.read(folder / "night.ecsv")
    table["reason"] = [60 * "reason " if status == "failed" else "" for status in table["status"]]
    table["parameters"] = [json.dumps({f"parameter_{number}": number for number in range(20)})] * len(table)
    table.write(tmp_path / "night" / "night.ecsv", overwrite=True)
    browser.open(crp.write_report(tmp_path / "night", tmp_path / "page.html"), size=(width, 900))
    reason = browser.run("return document.querySelector('.reason span').getBoundingClientRect().toJSON()")
    assert reason["height"] < 220
    assert 0 < reason["left"] < reason["right"] < width
    if width > 390:
        heights = browser.run(
            "return [...document.querySelectorAll('#night-table tbody td')].map((e) => e.clientHeight)"
        )
        assert np.median(heights) < 65
    assert browser.run("return document.documentElement.scrollWidth") <= width


def files_in_table(browser):
    return browser.run(
        "return [...document.querySelectorAll('#night-table tbody tr')].filter((row) => !row.hidden)"
        ".map((row) => row.cells[0].textContent.match(/light_\\d/)[0])"
    )


def press(browser, keys):
    browser.find("#picture").send_keys(keys)


class TestOpening:
    @pytest.mark.parametrize("dark", [False, True])
    @pytest.mark.parametrize("size", [(1280, 900), PHONE])
    def test_it_shows_the_first_frame(self, browser, page, dark, size):
        browser.open(page, dark, size)
        assert browser.text("#frame-state").startswith("60 ")
        assert len(browser.find_all(".card")) == 4

    def test_nothing_is_wider_than_a_phone(self, browser, page):
        browser.open(page, size=PHONE)
        assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0]

    def test_pictures_beside_the_page_are_loaded_when_they_are_needed(self, browser, folder, monkeypatch):
        monkeypatch.setattr(report_page, "LARGEST_PAGE", 3000)
        path = crp.write_report(folder, folder / "with spaces & more.html")
        browser.open(path)
        assert len(browser.find_all(".card")) == 4
        browser.click("#next-frame")
        browser.wait("document.querySelector('#night-table .current th')?.textContent.includes('light_2')")
        browser.wait("document.querySelectorAll('.card').length === 4")

    def test_a_missing_file_of_pictures_is_named(self, running, folder, monkeypatch):
        monkeypatch.setattr(report_page, "LARGEST_PAGE", 3000)
        path = crp.write_report(folder, folder / "torn.html")
        (folder / "torn_files" / "frame_0001.js").unlink()
        running.open(path)
        assert "frame_0001.js beside this page is missing" in running.text("#frame-state")
        running.click("#next-frame")
        running.wait("document.querySelectorAll('.card').length === 4")
        running.complaints()

    def test_without_a_frame_to_see_the_table_is_there(self, browser, tmp_path):
        table = Table(rows=[("light_1.fits", "failed", "")], names=("file", "status", "output"))
        table.write(tmp_path / "night.ecsv", format="ascii.ecsv")
        browser.driver.get(crp.write_report(tmp_path, tmp_path / "page.html").as_uri())
        assert files_in_table(browser) == ["light_1"]
        assert not browser.find("#frame").is_displayed()


class TestNight:
    def test_headings_sort_up_and_down(self, shown):
        heading = "#night-table thead th:last-child"
        shown.click(f"{heading} button")
        assert files_in_table(shown) == ["light_9", "light_4", "light_3", "light_2", "light_1"]
        assert shown.find(heading).get_attribute("aria-sort") == "ascending"
        shown.click(f"{heading} button")
        assert files_in_table(shown) == ["light_1", "light_2", "light_3", "light_4", "light_9"]
        assert shown.find(heading).get_attribute("aria-sort") == "descending"

    def test_rows_without_a_value_come_last(self, shown):
        for expected in (["light_1", "light_2"], ["light_1", "light_2"]):
            shown.click("#night-table thead th:nth-child(7) button")
            assert files_in_table(shown)[-1] == "light_9"
            assert files_in_table(shown)[:2] == expected

    def test_text_filters(self, shown):
        shown.find("#find").send_keys("gd 153")
        assert files_in_table(shown) == ["light_2", "light_4"]
        assert shown.text("#n-shown") == "2 of 5 frames"

    def test_choices_filter(self, shown):
        shown.choose("#status-filter", "failed")
        assert files_in_table(shown) == ["light_9"]
        shown.choose("#status-filter", "all")
        shown.choose("#verdict-filter", "too many")
        assert files_in_table(shown) == ["light_4"]

    def test_a_name_opens_the_frame(self, shown):
        shown.click(".open[data-frame='2']")
        shown.wait("document.querySelectorAll('.card').length === 4")
        assert shown.find("#frame-choice").get_attribute("value") == "2"
        assert shown.driver.switch_to.active_element.get_attribute("id") == "picture"


class TestViewer:
    def test_buttons_show_the_layers(self, shown):
        pictures = {}
        for layer in ("raw", "cleaned", "mask"):
            shown.click(f"[data-action={layer}]")
            assert shown.find(f"[data-action={layer}]").get_attribute("aria-pressed") == "true"
            pictures[layer] = shown.drawn()
        assert len(set(pictures.values())) == 3
        shown.click("[data-action=raw]")
        assert shown.drawn() == pictures["raw"]

    def test_keys_show_the_layers(self, shown):
        for key, layer in zip("cmrbbb", ("cleaned", "mask", "raw", "cleaned", "mask", "raw"), strict=True):
            press(shown, key)
            assert shown.find(f"[data-action={layer}]").get_attribute("aria-pressed") == "true"

    def test_blinking_goes_on_until_it_is_stopped(self, shown):
        press(shown, "a")
        for layer in ("cleaned", "raw", "cleaned"):
            shown.wait(f"document.getElementById('picture').dataset.layer === '{layer}'")
        shown.click("[data-action=blink]")
        assert shown.find("[data-action=blink]").get_attribute("aria-pressed") == "false"
        layer = shown.run("return document.getElementById('picture').dataset.layer")
        time.sleep(1.5)
        assert shown.run("return document.getElementById('picture').dataset.layer") == layer

    def test_keys_and_buttons_go_from_event_to_event(self, shown):
        told = []
        for action in ("n", "n", "p"):
            press(shown, action)
            told.append(shown.text("#event-state").split(":")[0])
        shown.click("[data-action=next]")
        told.append(shown.text("#event-state").split(":")[0])
        shown.click("[data-action=previous]")
        shown.click("[data-action=previous]")
        told.append(shown.text("#event-state").split(":")[0])
        assert told == ["Event 1", "Event 2", "Event 1", "Event 2", "Event 4"]

    def test_the_event_in_the_status_line_is_that_of_the_table(self, shown, folder):
        press(shown, "nn")
        row = crp.cr_segments(crp.read_ccd(folder / "light_1.fits")).table[1]
        text = shown.text("#event-state")
        assert f"Event 2: {row['class']}, {row['area'].value:.0f} pix" in text
        assert f"at x {row['x'].value:.1f}, y {row['y'].value:.1f}" in text

    def test_zoom_and_place_change_by_key_button_wheel_and_mouse(self, shown):
        from selenium.webdriver import ActionChains

        whole = shown.drawn()
        seen = {whole}
        for key in ("+", "\ue014", "1", "-"):
            press(shown, key)
            seen.add(shown.drawn())
        shown.click("[data-action=in]")
        shown.click("[data-action=in]")
        seen.add(shown.drawn())
        picture = shown.find("#picture")
        shown.run("arguments[0].scrollIntoView({block: 'center'})", picture)
        ActionChains(shown.driver).drag_and_drop_by_offset(picture, 40, 25).perform()
        seen.add(shown.drawn())
        picture.send_keys("")
        shown.run("arguments[0].focus()", picture)
        box = picture.rect
        shown.run(
            "const box = arguments[0].getBoundingClientRect(); arguments[0].dispatchEvent(new WheelEvent('wheel', "
            "{deltaY: -300, clientX: box.left + 50, clientY: box.top + 50, cancelable: true}))",
            picture,
        )
        seen.add(shown.drawn())
        assert box["width"] > 300
        assert len(seen) == 8
        press(shown, "0")
        assert shown.drawn() == whole

    def test_a_click_picks_the_event(self, shown):
        from selenium.webdriver import ActionChains

        (y, x), _ = HITS[0]
        picture = shown.find("#picture")
        shown.run("arguments[0].scrollIntoView({block: 'center'})", picture)
        scale = shown.run("const c = arguments[0]; return Math.min(c.clientWidth / 60, c.clientHeight / 50)", picture)
        offset = (round((x - 29.5) * scale), round((24.5 - y) * scale))
        ActionChains(shown.driver).move_to_element_with_offset(picture, *offset).perform()
        assert shown.text("#pixel-state").startswith(f"x {x}, y {y}: about 3,")
        ActionChains(shown.driver).click().perform()
        assert shown.text("#event-state").startswith("Event 1")

    def test_pixels_stand_where_they_are_in_the_frame(self, shown):
        press(shown, "omn")
        press(shown, "o0")
        press(shown, "o")
        script = """
            const c = document.getElementById('picture');
            const scale = Math.min(c.clientWidth / 60, c.clientHeight / 50);
            const at = (x, y) => [c.width / 2 + (x - 29.5) * scale, c.height / 2 - (y - 24.5) * scale].map(Math.round);
            const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            return arguments[0].map(([y, x]) => at(x, y)).map(([i, j]) => data[4 * (j * c.width + i)]);
        """
        shown.drawn()
        hits = [where for where, _ in HITS]
        beside = [(y + 3, x) for y, x in hits]
        assert shown.run(script, [*hits, *beside]) == [255] * len(hits) + [0] * len(hits)

    def test_contrast_changes_the_picture_and_comes_back(self, shown):
        before = shown.drawn()
        press(shown, "]")
        seen = {before, shown.drawn()}
        shown.run("const w = document.getElementById('white'); w.value = 200; w.dispatchEvent(new Event('input'))")
        seen.add(shown.drawn())
        shown.choose("#stretch", "asinh")
        seen.add(shown.drawn())
        shown.click("#invert")
        seen.add(shown.drawn())
        assert len(seen) == 5
        shown.click("#reset-contrast")
        assert shown.drawn() == before

    def test_keys_do_nothing_while_somebody_types(self, shown):
        shown.find("#find").send_keys("ncmt")
        assert shown.text("#event-state").startswith("4 events")


def show_only(browser, name):
    """Leave one class ticked in the filter."""
    for label in browser.find_all("#class-filter label"):
        if label.text.split("\n")[0].strip().rstrip("0123456789 ") != name:
            browser.run("arguments[0].click()", label)


class TestGallery:
    def test_classes_filter(self, shown):
        show_only(shown, "track")
        texts = [card.text for card in shown.find_all(".card")]
        assert texts
        assert all("track" in text for text in texts)
        assert shown.text("#n-cards") == f"{len(texts)} events"

    def test_the_order_can_be_chosen(self, shown):
        shown.choose("#order", "by number")
        assert [card.text.split()[0] for card in shown.find_all(".card strong")] == ["1", "2", "3", "4"]
        shown.choose("#order", "largest first")
        assert shown.find(".card strong").text == "2"

    def test_a_card_is_painted_and_leads_to_its_event(self, shown):
        shown.click(".card .show")
        assert shown.text("#event-state").startswith("Event 2")
        assert shown.run("return document.querySelector('.card canvas').width") > 100
        assert shown.driver.switch_to.active_element.get_attribute("id") == "picture"
        assert "selected" in shown.find(".card").get_attribute("class")

    def test_of_an_event_at_the_edge_only_what_lies_off_the_chip_is_empty(self, browser, tmp_path):
        ccd = hit_frame()
        ccd.data[35, :3] += 3000
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=40)
        crp.write_ccd(cleaned, tmp_path / "edge.fits")
        browser.open(crp.write_report(tmp_path, tmp_path / "page.html"))
        (label,) = np.flatnonzero([where[1].start == 0 for where in crp.cr_segments(cleaned).slices]) + 1
        browser.choose("#order", "by number")
        card = f".card:nth-child({label}) canvas"
        browser.run("document.querySelector(arguments[0]).scrollIntoView()", card)
        browser.wait(f"document.querySelector('{card}').width > 100")
        pixels = browser.run(
            "const canvas = document.querySelector(arguments[0]);"
            "return [...canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1).data]",
            card,
        )
        empty = (np.reshape(pixels, (-1, 4)) == (0x70, 0x75, 0x7D, 255)).all(axis=1)
        side = round(len(empty) / 3.05)
        for panel in (empty[:side], empty[-side:]):
            n_empty = panel.sum()
            assert 0.3 * side < n_empty < 0.5 * side
            assert panel[:n_empty].all()

    def test_all_of_a_class_are_ticked_at_once(self, shown):
        show_only(shown, "track")
        shown.click("#tick-shown")
        assert shown.text("#n-ticked") == "2 events in 1 frame ticked as no cosmic rays."
        shown.click("#untick-shown")
        assert not shown.find("#review-bar").is_displayed()


class TestReview:
    def test_a_card_a_key_and_a_button_tick(self, shown):
        shown.click(".card input")
        press(shown, "n")
        press(shown, "t")
        shown.click("[data-action=next]")
        shown.click("[data-action=next]")
        shown.click("[data-action=tick]")
        assert shown.text("#ticked") == "light_1.fits: 1, 2, 3"
        assert shown.find("[data-action=tick]").get_attribute("aria-pressed") == "true"
        press(shown, "t")
        assert shown.text("#ticked") == "light_1.fits: 1, 2"

    def test_ticks_outlive_a_reload_and_can_be_taken_back(self, shown):
        shown.click(".card input")
        shown.reload()
        assert shown.text("#ticked") == "light_1.fits: 2"
        assert shown.find(".card input").is_selected()
        shown.click("#clear")
        assert not shown.find(".card input").is_selected()
        shown.reload()
        assert shown.text("#ticked") == ""

    def test_a_class_or_the_hot_pixels_of_the_whole_night(self, shown):
        shown.choose("#night-class", "hot pixel?")
        shown.click("#tick-class")
        assert shown.text("#n-ticked") == "8 events in 4 frames ticked as no cosmic rays."
        shown.click("#untick-class")
        shown.click("#tick-hot")
        assert shown.text("#n-ticked") == "12 events in 4 frames ticked as no cosmic rays."

    def test_the_file_it_saves_is_the_one_that_restores(self, shown, folder, tmp_path):
        shown.click(".card input")
        shown.click("#next-frame")
        shown.wait("document.getElementById('picture').getAttribute('aria-label').includes('light_2')")
        shown.wait("document.querySelectorAll('.card').length === 4")
        press(shown, "nt")
        shown.click("#save")
        saved = shown.downloads / "review.json"
        end = time.monotonic() + 20
        while not saved.exists() and time.monotonic() < end:
            time.sleep(0.05)
        for number, labels in ((1, [2]), (2, [1])):
            out = tmp_path / f"restored_{number}.fits"
            assert main(["restore", str(folder / f"light_{number}.fits"), str(out), "--review", str(saved)]) == 0
            cleaned = crp.read_ccd(folder / f"light_{number}.fits")
            back = np.isin(crp.cr_segments(cleaned).data, labels)
            restored, raw = crp.read_ccd(out), crp.read_ccd(folder / f"raw_{number}.fits")
            assert same_bits(restored.data[back], raw.data[back].astype(restored.data.dtype))
            assert same_bits(restored.data[~back], cleaned.data[~back])
            assert not restored.mask[back].any()
            assert restored.meta["CRNEVENT"] == 3
        third = str(folder / "light_3.fits")
        assert main(["restore", third, str(tmp_path / "x.fits"), "--review", str(saved)]) == 1

    def test_a_frame_that_lost_its_removed_values_can_not_be_ticked(self, browser, folder, tmp_path):
        with fits.open(folder / "light_1.fits") as hdus:
            del hdus["CRPIXELS"]
            hdus.writeto(tmp_path / "light_1.fits")
        browser.open(crp.write_report(tmp_path, tmp_path / "page.html"))
        assert "removed values are lost" in browser.text("#frame-state")
        assert not browser.find(".card input").is_enabled()
        press(browser, "nt")
        assert browser.text("#ticked") == ""


class TestHostileText:
    SCRIPT = "<script>window.hacked=1</script>"
    IMAGE = "<img src=x onerror=window.hacked=1>"

    @pytest.mark.parametrize("largest", [3000, 20_000_000])
    def test_no_script_of_a_header_or_a_file_name_runs(self, browser, tmp_path, monkeypatch, largest):
        monkeypatch.setattr(report_page, "LARGEST_PAGE", largest)
        ccd = hit_frame()
        ccd.meta["OBJECT"] = self.SCRIPT
        ccd.meta["FILTER"] = "\"'><svg onload=window.hacked=1>"
        folder = tmp_path / self.SCRIPT.replace("/", "")
        folder.mkdir()
        name = f"{self.IMAGE}{self.SCRIPT.replace('/', chr(0x2028))}.fits"
        crp.write_ccd(crp.clean_cosmic_rays(ccd), folder / name)
        browser.open(crp.write_report(folder, tmp_path / f"{self.IMAGE}.html"))
        browser.click("#tick-class")
        browser.choose("#night-class", "hot pixel?")
        browser.click("#tick-class")
        assert browser.run("return window.hacked") is None
        assert browser.run("return document.scripts.length") <= 3
        assert browser.run("return document.images.length") == 0
        row = browser.text("#night-table tbody tr")
        assert self.SCRIPT in row
        assert self.IMAGE in row
        assert browser.text("#ticked").startswith(self.IMAGE)

    def test_what_the_table_says_does_not_run(self, browser, folder, tmp_path):
        row = {"file": self.SCRIPT, "status": self.IMAGE, "output": "", "reason": self.SCRIPT, "verdict": self.IMAGE}
        table = Table(
            [{**row, "findings": self.SCRIPT, "parameters": f'{{"a": "{self.IMAGE}"}}', "detector": self.SCRIPT}]
        )
        table.write(tmp_path / "night.ecsv", format="ascii.ecsv")
        browser.driver.get(crp.write_report(tmp_path, tmp_path / "page.html").as_uri())
        browser.find("#find").send_keys("script")
        assert browser.run("return window.hacked") is None
        assert browser.run("return document.images.length") == 0


class TestEverybody:
    def test_every_control_has_a_name(self, shown):
        controls = shown.find_all("button, input, select, canvas[tabindex], summary")
        named = [control for control in controls if control.is_displayed()]
        assert len(named) > 40
        assert [control.get_attribute("outerHTML") for control in named if not control.accessible_name] == []

    def test_headings_go_down_step_by_step(self, shown):
        levels = [int(heading.tag_name[1]) for heading in shown.find_all("h1, h2, h3, h4")]
        assert levels[0] == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))

    def test_the_tab_key_goes_through_the_page_in_its_order(self, shown):
        shown.run("document.body.focus()")
        seen = []
        for _ in range(60):
            shown.driver.switch_to.active_element.send_keys("\ue004")
            seen.append(
                shown.run("return document.activeElement.compareDocumentPosition(document.querySelector('main'))")
            )
            if shown.run("return document.activeElement.id") == "picture":
                break
        assert shown.run("return document.activeElement.id") == "picture"

    def test_the_table_stays_one_for_a_screen_reader_on_a_phone(self, browser, page):
        browser.open(page, size=PHONE)
        roles = [browser.find(f"#night-table {part}").aria_role for part in ("tbody tr", "tbody th", "tbody td")]
        assert roles == ["row", "rowheader", "cell"]

    def test_it_prints_without_its_controls(self, shown):
        shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert not any(element.is_displayed() for element in shown.find_all(".controls, #review-bar, nav"))
        assert shown.find("#night-table").is_displayed()
        assert len(shown.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000

    @pytest.mark.parametrize("dark", [False, True])
    def test_text_stands_out_from_its_ground(self, browser, page, dark):
        browser.open(page, dark)
        assert browser.run(FAINT_TEXT) == []


class TestEmptyStates:
    def test_a_frame_without_events_says_so(self, browser, tmp_path):
        ccd = hit_frame()
        ccd.data[:] = 200
        crp.write_ccd(crp.clean_cosmic_rays(ccd), tmp_path / "light.fits")
        browser.open(crp.write_report(tmp_path, tmp_path / "page.html"))
        assert browser.text("#event-state") == browser.text("#no-cards") == "No cosmic ray was found in this frame."
        assert not browser.find("[data-action=next]").is_enabled()
        assert browser.text("#distributions .empty") == "No event in any of the frames."

    def test_classes_without_events_say_so(self, shown):
        for box in shown.find_all("#class-filter input"):
            shown.run("arguments[0].click()", box)
        assert shown.text("#no-cards") == "No event of these classes."

    def test_a_night_that_failed_shows_why_and_nothing_to_review(self, browser, tmp_path):
        rows = [("a.fits", "failed", "", "Found no gain")]
        Table(rows=rows, names=("file", "status", "output", "reason")).write(tmp_path / "night.ecsv")
        browser.driver.get(crp.write_report(tmp_path, tmp_path / "page.html").resolve().as_uri())
        assert "Found no gain" in browser.text("#night-table")
        hidden = "return ['frame', 'review'].every((id) => document.getElementById(id).hidden)"
        assert browser.run(hidden)


def test_the_cards_are_drawn_before_they_are_printed(browser, page):
    browser.open(page, size=(1280, 300))
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run("return [...document.querySelectorAll('.card canvas')].every((canvas) => canvas.width > 60)")
