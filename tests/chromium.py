"""Headless Chromium for a test, by its DevTools protocol over a pipe: no driver, no port, no library."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

WAIT_S = 20
KEYS = {"Tab": 9, "Enter": 13}
SHIFT = 8


class Chromium:
    """One tab. Scripts of pages do not run in it: what it shows works without them."""

    def __init__(self, folder, spki):
        """`spki`: the base64 digest of the one server key whose certificate is taken; all other TLS is as always."""
        program = shutil.which("chromium")
        if program is None:
            raise RuntimeError("no chromium here: qemu-env/host-tools --tests installs it")
        # Chromium reads commands from 3 and answers on 4.
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        for end in (theirs_in, theirs_out):
            os.close(end)
        line = [program, "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                f"--user-data-dir={folder}", f"--ignore-certificate-errors-spki-list={spki}"]  # fmt: skip
        if os.geteuid() == 0:
            line.append("--no-sandbox")  # its sandbox does not work as root
        with open(f"{folder}/chromium.log", "ab") as log:
            self.process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False, start_new_session=True,
                preexec_fn=lambda: (os.dup2(high[0], 3), os.dup2(high[1], 4)), env={**os.environ, "HOME": str(folder)},
            )  # fmt: skip
        for end in high:
            os.close(end)
        self.input, self.output = ours_in, ours_out
        self.number, self.pending, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(WAIT_S)
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        os.close(self.input)
        os.close(self.output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, method, **params):
        """What a command answers; what happens meanwhile is kept in `events`."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.output, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + WAIT_S
        while True:
            message = self._message(deadline, method)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait(self, method):
        """Until this has happened, since the last `forget`."""
        deadline = time.monotonic() + WAIT_S
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._message(deadline, method))

    def until(self, expression):
        """Until this is true of the page that is there."""
        deadline = time.monotonic() + WAIT_S
        while self.evaluate(expression) is not True:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not so in {WAIT_S} s: {expression}")
            time.sleep(0.05)

    def forget(self):
        self.events.clear()

    def _message(self, deadline, what):
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            octets = os.read(self.input, 1 << 16) if ready else b""
            if not octets:
                raise RuntimeError(f"{what}: {'chromium ended' if ready else f'no answer in {WAIT_S} s'}")
            self.pending += octets
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        self.forget()
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError(f"{url}: {failed}")
        self.wait("Page.loadEventFired")

    def evaluate(self, expression):
        """The value of an expression, by the tab itself: pages run nothing."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def press(self, key, modifiers=0):
        more = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key],
                      modifiers=modifiers, **more)  # fmt: skip

    def type(self, text):
        self.call("Input.insertText", text=text)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def shoot(self, path):
        """The whole page, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """What the browser says of the pages since the last `forget`: refused by their policy, not found."""
        entries = [event["params"]["entry"] for event in self.events if event.get("method") == "Log.entryAdded"]
        return [f"{entry['text']} {entry.get('url', '')}" for entry in entries if entry["level"] in ("error", "warning")]
