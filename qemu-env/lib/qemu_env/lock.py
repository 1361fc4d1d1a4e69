"""The lock file: one line a package, `name version architecture sha256`; for a file of a source package
`name version source file sha256`."""

from dataclasses import dataclass

from . import paths
from .report import Failure

HEAD = """\
# The Debian packages that the image is made of. Written by `qemu-env/packages --update-lock`.
# name version architecture sha256
# name version source file sha256
"""


@dataclass(frozen=True)
class Package:
    """One file to fetch: a binary package, or one file of a source package."""

    name: str
    version: str
    architecture: str
    sha256: str
    source_file: str = ""

    @property
    def is_source(self):
        return self.architecture == "source"

    @property
    def file(self):
        """The name in the cache; as apt names it."""
        return self.source_file or f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"

    def line(self):
        middle = [self.source_file] if self.is_source else []
        return " ".join([self.name, self.version, self.architecture, *middle, self.sha256])


def parse(text):
    packages = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        source = len(words) == 5 and words[2] == "source"
        if not source and (len(words) != 4 or words[2] == "source"):
            raise Failure(f"{paths.LOCK.name}, line {number}: expected `name version architecture sha256`")
        digest = words[-1]
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise Failure(f"{paths.LOCK.name}, line {number}: {digest!r} is not a SHA-256")
        if any("/" in word for word in words):
            raise Failure(f"{paths.LOCK.name}, line {number}: a slash has no place in a name or a version")
        packages.append(Package(words[0], words[1], words[2], digest, words[3] if source else ""))
    return packages


def render(packages):
    ordered = sorted(packages, key=lambda package: (package.is_source, package.name, package.source_file))
    return HEAD + "".join(package.line() + "\n" for package in ordered)
