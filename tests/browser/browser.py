"""Chromium without a window, driven by the W3C WebDriver protocol that its chromedriver speaks over loopback."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "End": "\ue010", "Home": "\ue011",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Space": " ",
}


class Browser:
    def __init__(self, width=1400, height=900):
        for program in ("chromium", "chromedriver"):
            if shutil.which(program) is None:
                raise RuntimeError(f"{program} is missing: install the Debian packages chromium and chromium-driver")
        # A directory of its own in /tmp: sockets in Bazel's deep folders have names that are too long.
        self.folder = tempfile.mkdtemp(prefix="heapsim-browser-", dir="/tmp")
        self.log = open(Path(self.folder) / "chromedriver.log", "w+b")
        environment = dict(os.environ, HOME=self.folder, TMPDIR=self.folder)
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        port = None
        for line in self.driver.stdout:
            if match := re.search(r"started successfully on port (\d+)", line):
                port = match.group(1)
                break
        if port is None:
            raise RuntimeError("chromedriver does not start")
        self.base = f"http://127.0.0.1:{port}"
        # Tests may run as root, where the browser's own sandbox does not work; it only opens our pages.
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--force-device-scale-factor=1", f"--window-size={width},{height}", f"--user-data-dir={self.folder}/profile"]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}})
        self.session = "/session/" + answer["sessionId"]

    def close(self):
        try:
            self._call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            self.log.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        # No proxy of the environment stands between this and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode(errors='replace')[:2000]}") from None

    def call(self, method, path, body=None):
        return self._call(method, self.session + path, body)

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path):
        self.call("POST", "/url", {"url": Path(path).resolve().as_uri()})

    def script(self, text, *arguments):
        """The value of a function body in the page."""
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def wait(self, text):
        """The same of an asynchronous function."""
        script = f"const done = arguments[0]; (async () => {{ {text} }})().then(done, (error) => done(String(error)));"
        return self.call("POST", "/execute/async", {"script": script, "args": []})

    def frames(self):
        """Waits until what was changed has been drawn."""
        self.wait("""for (let i = 0; i < 2; ++i) await new Promise(requestAnimationFrame);
            await new Promise((later) => setTimeout(later, 20));""")

    def resize(self, width, height=900):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.frames()

    def prefer(self, scheme, motion="no-preference"):
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}])
        self.frames()

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        self.call("POST", f"/element/{self.find(selector)}/click", {})
        self.frames()

    def press(self, *keys, shift=False):
        """Keys go to what has the focus."""
        actions = [{"type": "keyDown", "value": "\ue008"}] if shift else []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        if shift:
            actions.append({"type": "keyUp", "value": "\ue008"})
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})
        self.frames()

    def drag(self, selector, begin, end):
        """From one place to another within an element, as shares of its width, at half its height."""
        self.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        box = self.script("const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.x, b.y, b.width, b.height]", selector)
        at = lambda share: {"x": round(box[0] + box[2] * share), "y": round(box[1] + box[3] / 2)}
        actions = [
            {"type": "pointerMove", "duration": 0, **at(begin)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 60, **at((begin + end) / 2)},
            {"type": "pointerMove", "duration": 60, **at(end)},
            {"type": "pointerUp", "button": 0},
        ]
        self.call("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}]})
        self.frames()

    def hover(self, selector, x=0.5, y=0.5):
        self.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        box = self.script("const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.x, b.y, b.width, b.height]", selector)
        move = {"type": "pointerMove", "duration": 0, "x": round(box[0] + box[2] * x), "y": round(box[1] + box[3] * y)}
        self.call("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]}]})
        self.frames()

    def console(self):
        """What the page said or failed at since the last call."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """Addresses that were asked for since the last call."""
        urls = []
        for entry in self.call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls

    def screenshot(self, path, selector=None):
        """The whole page, or one element of it, as PNG."""
        self.frames()
        size = self.script("""
            const e = arguments[0] ? document.querySelector(arguments[0]) : document.documentElement;
            const b = e.getBoundingClientRect();
            return arguments[0] ? [b.x + scrollX, b.y + scrollY, b.width, b.height] : [0, 0, e.scrollWidth, e.scrollHeight];""", selector)
        clip = dict(zip(("x", "y", "width", "height"), size), scale=1)
        data = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        Path(path).write_bytes(base64.b64decode(data))
