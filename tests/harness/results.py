"""The results of all stages: what is printed, what is written, what it is worth."""

import contextlib
import dataclasses
import io
import os
import xml.etree.ElementTree as ET
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
FILES = ("messages.txt", "junit.xml")


@dataclasses.dataclass
class Result:
    """One test: its stage, its name within the stage, how it ended, what it said."""

    stage: str
    name: str
    status: str
    seconds: float = 0.0
    message: str = ""
    said: str = ""


class Results:
    """Collects results. A skip that no file lists is a failure."""

    def __init__(self, allowed_skips):
        self.allowed_skips = allowed_skips
        self.all = []

    def add(self, result):
        if result.status == SKIPPED and f"{result.stage}:{result.name}" not in self.allowed_skips:
            reason = f"skipped, and tests/skips.txt does not list it: {result.message}"
            result = dataclasses.replace(result, status=FAILED, message=reason)
        self.all.append(result)
        if result.status == FAILED:
            print(f"    FAILED {result.stage}:{result.name}", flush=True)
            for line in result.message.splitlines()[-40:]:
                print(f"        {line}", flush=True)

    def count(self, status, stage=None):
        return sum(r.status == status and stage in (None, r.stage) for r in self.all)

    def summary(self):
        """The closing line: `N passed, N failed`, and the skipped if any."""
        line = f"{self.count(PASSED)} passed, {self.count(FAILED)} failed"
        skipped = self.count(SKIPPED)
        return f"{line}, {skipped} skipped" if skipped else line

    def worth(self):
        """The exit status: 0 only if something ran and nothing failed."""
        return 0 if self.count(PASSED) and not self.count(FAILED) else 1

    def forget(self, folder):
        """What an earlier run wrote must not pass for this one's, however this one ends."""
        for name in FILES:
            with contextlib.suppress(OSError):  # where nothing can be removed, `write` fails too, and says so
                (folder / name).unlink()

    def write(self, folder):
        """All results as junit.xml, and what tests said, such as the messages that a user sees, as messages.txt."""
        said = [f"{r.stage}:{r.name}\n{r.said.rstrip()}\n" for r in self.all if r.said]
        for name, octets in zip(FILES, ("\n".join(said).encode(), self.junit())):
            write_whole(folder / name, octets)

    def junit(self):
        root = ET.Element("testsuites")
        for stage in dict.fromkeys(r.stage for r in self.all):
            mine = [r for r in self.all if r.stage == stage]
            suite = ET.SubElement(root, "testsuite", name=stage, tests=str(len(mine)),
                                  failures=str(self.count(FAILED, stage)), skipped=str(self.count(SKIPPED, stage)))
            for r in mine:
                case = ET.SubElement(suite, "testcase", classname=stage, name=r.name, time=f"{r.seconds:.3f}")
                if r.status != PASSED:
                    tag = "failure" if r.status == FAILED else "skipped"
                    ET.SubElement(case, tag).text = printable(r.message)
                if r.said:
                    ET.SubElement(case, "system-out").text = printable(r.said)
        ET.indent(root)
        octets = io.BytesIO()
        ET.ElementTree(root).write(octets, encoding="utf-8", xml_declaration=True)
        return octets.getvalue()


def write_whole(path, octets):
    """A reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(octets)
    os.replace(partial, path)


def printable(text):
    """XML has no control characters."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def read_skips(path):
    """`stage:name` a line, # starts a comment."""
    lines = (line.split("#")[0].strip() for line in Path(path).read_text().splitlines())
    return {line for line in lines if line}
