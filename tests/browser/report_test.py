"""Reports of shipped traces in a real browser: drawn, quiet, quick, usable by mouse and by keyboard.

Screenshots of every view, narrow and wide, light and dark, are in the test's outputs.
"""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from browser import Browser

TOOL = Path("sim/heapsim").resolve()
SAMPLES = Path("traces/samples").resolve()
PERL, SQLITE = SAMPLES / "perl-inventory.raw.zst", SAMPLES / "sqlite3-parts.raw.zst"
POLICIES = ["go1.10", "go1.10-explicit", "ideal"]
CHECKS = Path("tests/browser/page_checks.js").read_text()
OUTPUTS = Path(os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR") or tempfile.mkdtemp())


def tool(*args, status=0):
    result = subprocess.run([TOOL, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert result.returncode == status, (args, result.returncode, result.stderr)
    return result.stdout


def human_bytes(value):
    """As script/format.js writes them."""
    units = ["KiB", "MiB", "GiB"]
    if value < 1024:
        return f"{value} B"
    value, unit = value / 1024, 0
    while value >= 1024:
        value, unit = value / 1024, unit + 1
    return f"{value:.{1 if value < 100 else 0}f} {units[unit]}"


def documented():
    """Meanings by field, as docs/metrics.md has them."""
    rows = {}
    for line in Path("docs/metrics.md").read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.split("|")]
            rows[cells[1].replace("`", "")] = cells[3].replace("`", "")
    return rows


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.replay = cls.folder / "replay.html"
        cls.result = json.loads(tool("replay", PERL, f"--html={cls.replay}", "--json"))
        cls.compare = cls.folder / "compare.html"
        flags = [f"--policy={policy}" for policy in POLICIES]
        cls.comparison = json.loads(tool("compare", PERL, SQLITE, *flags, f"--html={cls.compare}", "--json"))

    def setUp(self):
        self.browser.prefer("light")
        self.browser.resize(1400)

    def page(self, call):
        return self.browser.script(f"{CHECKS}\nreturn {call};")

    def open(self, path):
        self.browser.console(), self.browser.requests()
        self.browser.open(path)
        self.browser.frames()
        self.assertEqual("true", self.browser.script("return document.documentElement.dataset.ready"))

    def text(self, selector):
        return self.browser.script("return document.querySelector(arguments[0]).textContent", selector)

    def assert_clean(self, empty_charts=False):
        """No word on the console, nothing loaded, nothing unknown shown as a number."""
        self.assertEqual([], self.browser.console())
        outside = [url for url in self.browser.requests() if not url.startswith(("file:", "data:"))]
        self.assertEqual([], outside)
        self.assertEqual([], self.page("badNumbers()"))
        if not empty_charts:
            self.assertEqual([], self.page("emptyCanvases()"))

    def test_views(self):
        """Everything is drawn, legible and inside the page, at both widths and in both colours."""
        for name, path in (("replay", self.replay), ("compare", self.compare)):
            for width in (400, 1400):
                for scheme in ("light", "dark"):
                    with self.subTest(name=name, width=width, scheme=scheme):
                        self.browser.prefer(scheme)
                        self.browser.resize(width)
                        self.open(path)
                        self.assert_clean()
                        self.assertEqual([], self.page("contrastFaults()"))
                        self.assertEqual([], self.page("overflowing()"))
                        self.browser.screenshot(OUTPUTS / f"{name}-{width}-{scheme}.png")
                        sections = self.browser.script(
                            "return [...document.querySelectorAll('main section')].filter((s) => !s.hidden).map((s) => s.id)")
                        for section in sections if (width, scheme) == (1400, "light") else []:
                            self.browser.screenshot(OUTPUTS / f"{name}-{section}.png", f"#{section}")

    def test_the_numbers_are_those_of_the_result(self):
        self.open(self.replay)
        peak = self.result["memory"]["peak_rss_bytes"]
        self.assertEqual(human_bytes(peak), self.text("#run [data-value='memory.peak_rss_bytes']"))
        self.assertIn(human_bytes(peak), self.text("#answer"))
        self.assertEqual(f"{self.result['os']['page_faults']:,}", self.text("#numbers [data-value='os.page_faults']"))
        # The legend shows the parts of the peak, which sum to it.
        parts = self.browser.script("return [...document.querySelectorAll('.parts tbody td.number:not(.share)')].map((c) => c.textContent)")
        self.assertEqual(sorted(human_bytes(v) for v in self.result["parts"].values() if v), sorted(p for p in parts if p != "0 B"))
        # A sample in the middle, by keyboard, has the numbers of the series.
        self.browser.script("document.querySelector('#memory-chart').focus()")
        self.browser.press("Home")
        first = self.result["series"][0]
        self.assertIn(f"event {first['event']:,}", self.text(".parts .when"))
        self.assertEqual(human_bytes(first["rss_bytes"]), self.text(".parts tfoot tr:first-child td"))
        self.browser.press("End")
        self.assertIn(f"event {self.result['series'][-1]['event']:,}", self.text(".parts .when"))

    def test_zoom_drives_the_other_views(self):
        self.open(self.replay)
        shown = {name: f"pixelSum('{selector} canvas')" for name, selector in
                 (("memory", "#memory-chart"), ("ratio", "#ratio-chart"))}
        before = {name: self.page(call) for name, call in shown.items()}
        whole, snapshots = self.text(".in-view"), self.text("#moment-text")
        self.assertTrue(self.browser.script("return document.querySelector('#zoom-reset').disabled"))
        self.browser.drag("#memory-chart .u-over", 0.2, 0.5)
        self.assertTrue(self.text(".in-view").startswith("In view: "))
        for name, call in shown.items():
            self.assertNotEqual(before[name], self.page(call), name)
        self.assertGreater(self.browser.script("return document.querySelector('#overview .u-select').offsetWidth"), 20)
        event = int(re.search(r"event ([\d,]+)", self.text(".parts .when")).group(1).replace(",", ""))
        events = self.result["trace"]["events"]
        self.assertTrue(0.15 * events < event < 0.55 * events, event)
        # The heap's moment has moved into view too.
        self.assertNotEqual(snapshots, self.text("#moment-text"))
        self.assertIn("in view", self.text(".moment"))
        moment = int(re.search(r"event ([\d,]+)", self.text("#moment-text")).group(1).replace(",", ""))
        self.assertTrue(0.15 * events < moment < 0.55 * events, moment)
        # On the other axis the same stretch stays in view; a double click shows everything.
        self.browser.click("input[name=axis][value=time]")
        self.assertTrue(self.text(".in-view").startswith("In view: "))
        self.browser.click("input[name=axis][value=event]")
        self.browser.click("#zoom-reset")
        self.assertEqual(whole, self.text(".in-view"))
        self.browser.drag("#overview .u-over", 0.6, 0.9)
        self.assertTrue(self.text(".in-view").startswith("In view: "))
        self.assert_clean()

    def test_the_heap_at_moments(self):
        self.open(self.replay)
        self.assertIn("The peak", self.text("#moment-text"))
        peak = self.page("pixelSum('#heap-map')")
        self.browser.script("document.querySelector('#moment').focus()")
        self.browser.press("Home")
        self.assertNotIn("The peak", self.text("#moment-text"))
        self.assertNotEqual(peak, self.page("pixelSum('#heap-map')"))
        self.browser.click("#moment-peak")
        self.assertEqual(peak, self.page("pixelSum('#heap-map')"))
        # Cells by keyboard and by pointer.
        self.browser.script("document.querySelector('#heap-map').focus()")
        self.browser.press("ArrowRight", "ArrowRight")
        third = self.text("#map-readout")
        self.assertRegex(third, r"^0x[0-9a-f]+: ")
        self.browser.hover("#heap-map", 0.5, 0.3)
        self.assertNotEqual(third, self.text("#map-readout"))
        self.browser.click("input[name=map-colouring][value=size]")
        self.assertNotEqual(peak, self.page("pixelSum('#heap-map')"))
        # A table sorts both ways.
        column = lambda: self.browser.script("return [...document.querySelectorAll('#sites tbody tr')].map((r) => r.cells[3].textContent.replaceAll(',', '') * 1)")
        self.browser.click("#sites [aria-label='Sort by Live objects']")
        self.assertEqual(sorted(column(), reverse=True), column())
        self.assertEqual("descending", self.browser.script("return document.querySelectorAll('#sites thead th')[3].ariaSort"))
        self.browser.click("#sites [aria-label='Sort by Live objects']")
        self.assertEqual(sorted(column()), column())
        self.assertEqual("Sort by Live objects", self.browser.script("return document.activeElement.ariaLabel"))
        self.assert_clean()

    def test_the_heap_of_every_cell(self):
        self.open(self.compare)
        views = lambda: self.browser.script("return ['heap', 'occupancy', 'free-runs', 'classes', 'sites', 'lifetimes'].filter((id) => !document.getElementById(id).hidden)")
        maps = set()
        for policy in ("go1.10", "go1.10-explicit"):
            self.browser.click(f".run-picker input[value='{policy}']")
            self.assertIn("The peak", self.text("#moment-text"))
            self.assertEqual(6, len(views()), policy)
            maps.add(self.page("pixelSum('#heap-map')"))
            self.assertIn("perl+0x", self.text("#sites tbody"))
        self.assertEqual(2, len(maps))
        # Another policy at the same moment.
        self.browser.script("document.querySelector('#moment').focus()")
        self.browser.press("Home")
        event = re.search(r"event [\d,]+", self.text("#moment-text"))[0]
        self.browser.click(".run-picker input[value='go1.10']")
        self.assertIn(event, self.text("#moment-text"))
        # A bound has no heap.
        self.browser.click(".run-picker input[value='ideal']")
        self.assertNotIn("heap", views())
        self.assert_clean()

    def test_policies_switch(self):
        self.open(self.compare)
        cells = {(Path(cell["trace"]).name, cell["policy"]): cell["result"] for cell in self.comparison["cells"]}
        figure = "#run [data-value='memory.peak_rss_bytes']"
        drawn = set()
        for policy in POLICIES:
            self.browser.click(f".run-picker input[value='{policy}']")
            self.assertEqual(human_bytes(cells[PERL.name, policy]["memory"]["peak_rss_bytes"]), self.text(figure))
            drawn.add(self.page("pixelSum('#memory-chart canvas')"))
        self.assertEqual(len(POLICIES), len(drawn))
        # With arrow keys, and the focus stays.
        self.browser.press("ArrowLeft")
        self.assertEqual("go1.10-explicit", self.browser.script("return document.activeElement.value"))
        self.assertIn("go1.10-explicit", self.text("#run-title"))
        self.browser.script("const s = document.querySelector('#trace'); s.selectedIndex = 1; s.dispatchEvent(new Event('change'))")
        self.browser.frames()
        self.assertEqual(human_bytes(cells[SQLITE.name, "go1.10-explicit"]["memory"]["peak_rss_bytes"]), self.text(figure))
        # RSS of another policy beside it.
        before = self.page("pixelSum('#memory-chart canvas')")
        self.browser.script("const s = document.querySelector('#beside'); s.value = 'go1.10'; s.dispatchEvent(new Event('change'))")
        self.browser.frames()
        self.assertNotEqual(before, self.page("pixelSum('#memory-chart canvas')"))
        # The bars by another criterion.
        bars = "return [...document.querySelectorAll('#policies .bar-text strong')].map((e) => e.textContent)"
        peaks = self.browser.script(bars)
        ratios = [f"{row['peak_rss_ratio']['value']:.2f}" for row in self.comparison["summary"]]
        self.assertEqual(ratios, peaks)
        self.browser.click("input[name=criterion][value=cost_ratio]")
        self.assertNotEqual(peaks, self.browser.script(bars))
        self.assert_clean()

    def test_keyboard(self):
        self.open(self.replay)
        # Everything that can be used is reached by Tab, in the order of the page.
        usable = self.browser.script("""return [...document.querySelectorAll(
            'a[href], button:not(:disabled), input:not(:disabled), select, summary, [tabindex="0"]')]
            .filter((e) => e.checkVisibility() && e.tabIndex >= 0).length""")
        self.assertGreater(usable, 100)
        self.browser.script("document.activeElement.blur(); scrollTo(0, 0)")
        self.browser.press("Tab")
        self.assertEqual("skip", self.browser.script("return document.activeElement.className"))
        places = []
        for _ in range(25):
            self.browser.press("Tab")
            place, outline = self.browser.script("""const e = document.activeElement;
                const shown = e.matches('.choice input') ? e.nextElementSibling : e;
                return [[...document.querySelectorAll('*')].indexOf(e), getComputedStyle(shown).outlineStyle]""")
            self.assertEqual("solid", outline)
            places.append(place)
        self.assertEqual(sorted(set(places)), places)
        # The chart.
        self.browser.script("document.querySelector('#memory-chart').focus()")
        whole = self.text(".in-view")
        self.browser.press("Home", "ArrowRight")
        self.browser.press("ArrowRight", shift=True)
        self.assertIn("At the cursor", self.text(".parts .when"))
        self.assertRegex(self.text("[role=status]"), r"^event [\d,]+: .* resident, .* live$")
        self.browser.press("+")
        self.assertTrue(self.text(".in-view").startswith("In view: "))
        self.browser.press("Escape")
        self.assertEqual(whole, self.text(".in-view"))
        # An explanation opens, closes, and gives the focus back.
        self.browser.script("document.querySelector('#run .term').focus()")
        self.browser.press("Enter")
        self.assertTrue(self.browser.script("return document.querySelector('dialog').open"))
        self.browser.press("Escape")
        self.assertFalse(self.browser.script("return document.querySelector('dialog').open"))
        self.assertEqual("term", self.browser.script("return document.activeElement.className"))
        self.assert_clean()

    def test_every_control_has_a_name(self):
        roles = {"button", "checkbox", "radio", "link", "combobox", "slider", "searchbox", "application", "textbox", "region", "img", "table"}
        for path in (self.replay, self.compare):
            self.open(path)
            nodes = self.browser.devtools("Accessibility.getFullAXTree")["nodes"]
            found = [n for n in nodes if not n.get("ignored") and n.get("role", {}).get("value") in roles - {"table"}]
            self.assertGreater(len(found), 100)
            nameless = [n["role"]["value"] for n in found if not n.get("name", {}).get("value", "").strip()]
            self.assertEqual([], nameless)

    def test_every_number_is_explained(self):
        rows = documented()
        for path in (self.replay, self.compare):
            self.open(path)
            names = self.browser.script("return [...new Set([...document.querySelectorAll('[data-metric]')].map((e) => e.dataset.metric))]")
            self.assertGreater(len(names), 80)
            self.assertEqual([], [name for name in names if name not in rows])
            values = self.browser.script("return [...new Set([...document.querySelectorAll('[data-value]')].map((e) => e.dataset.value))]")
            self.assertEqual([], [name for name in values if name not in names])
        for name in ("memory.peak_rss_bytes", "os.huge_page_faults", "parts.dead_bytes"):
            self.browser.script("document.querySelector(`[data-metric='${arguments[0]}']`).click()", name)
            self.browser.frames()
            self.assertEqual(name, self.text("#explanation-name"))
            self.assertIn(rows[name], self.text("dialog"))
            self.browser.screenshot(OUTPUTS / "explanation.png", "dialog")
            self.browser.press("Escape")

    def test_colours_by_choice(self):
        self.open(self.replay)
        ground = lambda: self.browser.script("return getComputedStyle(document.body).backgroundColor")
        light, chart = ground(), self.page("pixelSum('#memory-chart canvas')")
        self.browser.prefer("dark")
        dark = ground()
        self.assertNotEqual(light, dark)
        self.assertNotEqual(chart, self.page("pixelSum('#memory-chart canvas')"))
        self.browser.click("#theme")
        self.assertEqual((light, chart), (ground(), self.page("pixelSum('#memory-chart canvas')")))
        self.browser.click("#theme")
        self.assertEqual(dark, ground())
        # The browser keeps the choice; later tests start without one.
        self.browser.script("localStorage.clear()")
        self.browser.prefer("light", motion="reduce")
        self.assertEqual("auto", self.browser.script("return getComputedStyle(document.documentElement).scrollBehavior"))

    def test_a_hundred_thousand_samples(self):
        trace, page = self.folder / "long.htrace", self.folder / "long.html"
        tool("generate", "--seed=5", "--events=200000", "--live=3000", "-o", trace)
        tool("replay", trace, "--samples=100000", f"--html={page}")
        self.open(page)
        self.assertRegex(self.text(".in-view"), r"100,00\d samples")
        # Milliseconds until the page was there and drawn; several times what it takes on a slow machine.
        took = self.browser.script("return performance.getEntriesByType('navigation')[0].duration")
        redraw = self.browser.wait("""
            const chart = document.querySelector('#memory-chart');
            const begin = performance.now();
            for (let i = 0; i < 6; ++i) {
              chart.dispatchEvent(new KeyboardEvent('keydown', {key: i % 2 ? '-' : '+'}));
              await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 0)));
            }
            return (performance.now() - begin) / 6;""")
        print(f"100,000 samples: {page.stat().st_size / 1e6:.1f} MB, open in {took:.0f} ms, a zoom {redraw:.0f} ms")
        self.assertLess(took, 6000)
        self.assertLess(redraw, 1500)
        self.assert_clean()
        self.browser.screenshot(OUTPUTS / "long.png", "#memory")

    def test_odd_runs(self):
        small, empty = self.folder / "small.htrace", self.folder / "empty.htrace"
        tool("generate", "--events=2000", "-o", small)
        text = self.folder / "empty.txt"
        text.write_text("")
        page = self.folder / "odd.html"
        runs = [
            ("out of memory", (PERL, "--set=os.limit_bytes=1MiB"), 3, "ended early"),
            ("no samples", (small, "--samples=0"), 0, "Peak RSS"),
            ("no parts", (small, "--policy=ideal"), 0, "Peak RSS"),
            ("one event", (self.sliced(small, empty), ), 0, "Peak RSS"),
        ]
        for name, args, status, words in runs:
            with self.subTest(name):
                tool("replay", *args, f"--html={page}", status=status)
                self.open(page)
                self.assertIn(words, self.text("#answer"))
                self.assert_clean(empty_charts=True)
                self.browser.screenshot(OUTPUTS / f"odd-{name.replace(' ', '-')}.png")
        tool("compare", PERL, "--policy=go1.10", "--policy=ideal", "--set=os.limit_bytes=1MiB", f"--html={page}", status=1)
        self.open(page)
        self.assertIn("memory", self.text("main details.warning"))
        self.assert_clean(empty_charts=True)

    def test_more_policies_than_colours(self):
        names = [line.split()[0] for line in tool("policies").splitlines() if not line.startswith("native:")]
        self.assertGreater(len(names), 16)
        page = self.folder / "many.html"
        tool("compare", SQLITE, *(f"--policy={name}" for name in names), f"--html={page}")
        for width in (400, 1400):
            with self.subTest(width=width):
                self.browser.resize(width)
                self.open(page)
                self.assert_clean()
                self.assertEqual([], self.page("overflowing()"))
                # No policy's line looks like another one's.
                looks = self.browser.script(
                    "return [...document.querySelectorAll('.toggles .swatch.line')].map((s) => s.style.background)")
                self.assertEqual(len(names), len(set(looks)))
                self.browser.screenshot(OUTPUTS / f"many-{width}.png", "#pareto-section")

    def sliced(self, trace, out):
        tool("slice", trace, "--last=1", "-o", out)
        return out

    def test_names_are_text(self):
        folder = self.folder / "<"
        folder.mkdir()
        trace = folder / "script><img src=x onerror=document.title='broken'>.htrace"
        tool("generate", "--events=2000", "-o", trace)
        page = self.folder / "names.html"
        tool("replay", trace, f"--html={page}")
        self.open(page)
        self.assertEqual(0, self.browser.script("return document.images.length"))
        self.assertIn("onerror", self.browser.script("return document.title"))
        self.assertIn("<img src=x", self.text(".eyebrow"))
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
