# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built pages as a reader meets them: links, pictures, search, and a phone, light and dark.

``CCDCR_SITE`` is the folder of the pages that ``sphinx-build -b html`` wrote.
"""

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ..helpers.browser import FAINT_TEXT, start_browser, why_no_browser

if "CCDCR_SITE" not in os.environ:
    pytest.skip("CCDCR_SITE names no folder of built pages", allow_module_level=True)

SITE = Path(os.environ["CCDCR_SITE"]).resolve()
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)
PHONE = (390, 844)

#: By how much the text of a page is too wide, and what makes it so; tables and code may scroll in themselves.
OVERFLOW = """
    const article = document.querySelector('.bd-article-container');
    const wide = Math.max(...[article, document.documentElement].map((e) => e.scrollWidth - e.clientWidth));
    if (wide <= 0) return [];
    const scrolls = (e) => e !== article
      && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    const found = [...article.querySelectorAll('*')]
      .filter((e) => e.getBoundingClientRect().right > innerWidth && !scrolls(e));
    return [`${wide} pixels`, ...found.slice(-3).map((e) => e.outerHTML.slice(0, 100))];
"""

#: Pictures that did not load.
MISSING = """
    return [...document.images].filter((i) => i.loading !== 'lazy' || i.complete)
      .filter((i) => i.naturalWidth === 0).map((i) => i.src);
"""

#: The brightness of page and text, 0 to 255.
BRIGHTNESS = """
    const mean = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
    const style = getComputedStyle(document.body);
    return [mean(style.backgroundColor), mean(style.color)];
"""

FOUND = "return document.querySelectorAll('#search-results ul.search li').length"


class Addresses(HTMLParser):
    """The ids of a page, the addresses it links to, and those of its pictures."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.pictures = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.update(attrs[name] for name in ("id", "name") if attrs.get(name))
        if tag in ("a", "link") and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in ("img", "script") and attrs.get("src"):
            self.pictures.append(attrs["src"])


@pytest.fixture(scope="module")
def addresses():
    return {path: Addresses(path) for path in PAGES}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if reason := why_no_browser():
        if os.environ.get("CCDCR_NEED_BROWSER"):
            pytest.fail(f"{reason}, and CCDCR_NEED_BROWSER is set")
        pytest.skip(reason)
    with start_browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def target(page, address):
    """The file that an address of a page means, and the id in it; None for another site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    return (path / "index.html" if path.is_dir() else path), unquote(parts.fragment)


def test_there_are_pages():
    assert SITE / "index.html" in PAGES


def test_every_internal_link_leads_to_a_page_and_a_place_in_it(addresses):
    broken = []
    for page, found in addresses.items():
        for address in found.links:
            if (place := target(page, address)) is None:
                continue
            path, fragment = place
            if not path.exists() or (fragment and path in addresses and fragment not in addresses[path].ids):
                broken.append((page.name, address))
    assert broken == []


def test_every_picture_is_there(addresses):
    places = [(page.name, target(page, src)) for page, found in addresses.items() for src in found.pictures]
    assert [(page, place[0].name) for page, place in places if place and not place[0].exists()] == []


def test_what_is_cut_off_is_seen(browser):
    browser.visit(SITE / "index.html", size=PHONE)
    assert browser.run(OVERFLOW) == []
    browser.run("document.querySelector('.bd-article p').style.width = '800px'")
    assert browser.run(OVERFLOW) != []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_suit_a_phone(browser, dark):
    wrong = {}
    for page in PAGES:
        browser.visit(page, dark=dark, size=PHONE)
        faint = [
            text for text in browser.run(FAINT_TEXT) if "navbar-brand" not in text
        ]  # the text is a paragraph inside
        if problems := browser.run(OVERFLOW) + browser.run(MISSING) + faint:
            wrong[page.name] = problems
        ground, text = browser.run(BRIGHTNESS)
        if (ground < 60) != dark or (text > 180) != dark:
            wrong[f"{page.name}, colours"] = (ground, text)
    assert wrong == {}


@pytest.mark.parametrize("word", ["astroscrappy", "clean_cosmic_rays", "sigclip"])
def test_search_finds_a_word(browser, word):
    browser.visit(SITE / "search.html")
    address = (SITE / "search.html").as_uri() + f"?q={word}"
    browser.driver.get(address)
    browser.wait("document.querySelectorAll('#search-results ul.search li').length > 0")
    assert browser.run(FOUND) > 1


def test_code_can_be_copied(browser):
    browser.visit(SITE / "index.html")
    assert browser.find_all("div.highlight button.copybtn")
