# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Chromium without a window, driven by Selenium."""

import shutil
import time
from contextlib import contextmanager

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Longest time to wait for a condition (s).
PATIENCE = 20

#: The texts with a contrast below 4.5, the limit of WCAG 2.2 for level AA.
FAINT_TEXT = r"""
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
      const [red, green, blue] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
      for (; element; element = element.parentElement) {
        const colour = getComputedStyle(element).backgroundColor;
        if (!/, 0\)$|transparent/.test(colour)) return colour;
      }
      return 'rgb(255, 255, 255)';
    };
    const contrast = (element) => {
      const both = [getComputedStyle(element).color, ground(element)].map(light);
      return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    };
    const texts = 'p, td, th, button:not(:disabled), label, h1, h2, h3, summary, output, .badge, small, a, figcaption';
    return [...document.querySelectorAll(texts)]
      .filter((element) => element.offsetParent && element.textContent.trim() && !element.matches('.skip'))
      .filter((element) => contrast(element) < 4.5)
      .map((element) => element.outerHTML.slice(0, 90));
"""


def why_no_browser():
    """The reason why no browser can run, or an empty text."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no package selenium is installed"
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"no {program} is installed"
    return ""


class Browser:
    """A browser with the actions that the tests need."""

    def __init__(self, driver, downloads):
        self.driver = driver
        self.downloads = downloads

    def visit(self, path, dark=False, size=(1280, 900)):
        """Show any page in a light or dark window."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.driver.get(path.resolve().as_uri())

    def open(self, path, dark=False, size=(1280, 900)):
        """Show the page of a night in a light or dark window, with an empty local storage."""
        self.visit(path, dark, size)
        self.run("localStorage.clear()")
        self.reload()

    def reload(self):
        """Reload the page and wait for its first frame."""
        self.driver.refresh()
        self.wait("!/^(Loading.*)?$/.test(document.getElementById('frame-state').value)")
        self.run("document.documentElement.style.scrollBehavior = 'auto'")

    def run(self, script, *arguments):
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition):
        """Wait until an expression is true in the page, and return its value."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(f"return {condition}")):
            if time.monotonic() > end:
                raise TimeoutError(f"never true in the page: {condition}")
            time.sleep(0.02)
        return value

    def find(self, selector):
        """The first element that matches."""
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector):
        """All elements that match."""
        return self.driver.find_elements("css selector", selector)

    def click(self, selector):
        """Scroll the first element that matches to the middle of the window, and click it."""
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def choose(self, selector, text):
        """Choose an option by its text."""
        from selenium.webdriver.support.select import Select

        Select(self.find(selector)).select_by_visible_text(text)

    def text(self, selector):
        """The value or the text of an element."""
        return self.run(
            "const e = document.querySelector(arguments[0]); return e.value ?? e.textContent", selector
        ).strip()

    def drawn(self):
        """The data URL of the picture of the frame, after the next drawing."""
        script = """
            const [done, picture] = [arguments[0], document.getElementById('picture')];
            requestAnimationFrame(() => requestAnimationFrame(() => done(picture.toDataURL())));
        """
        return self.driver.execute_async_script(script)

    def complaints(self):
        """The messages in the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def start_browser(folder):
    """Yield a browser that keeps its profile and its downloads in a folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    downloads = folder / "downloads"
    downloads.mkdir()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()
