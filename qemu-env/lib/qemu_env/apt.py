"""Debian's arm64 packages through apt, beside the machine's own apt: own state, own lists, the machine's mirror.

apt checks the suite's signature against Debian's archive keyring and each file against the signed index.
"""

import re
import shutil

from . import apt_sources, files, paths, suite
from .lock import Package
from .report import Failure, run, say

# Read after the machine's configuration, of which the rest is kept: proxies, certificates, checks, timeouts.
NO_HOOKS = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Post-Invoke-Stats;
#clear AptCli::Hooks;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
"""
NAMES = " and ".join(suite.used())
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


# A suite that is only there for OP-TEE gives nothing else: a negative priority means never.
PIN = """\
Package: *
Pin: release n={suite}
Pin-Priority: -1

Package: {names}
Pin: release n={suite}
Pin-Priority: 990
"""


class Apt:
    """The chosen suites for one foreign architecture. Nothing of the machine's own apt state is read or written, and none of
    its hooks run."""

    def __init__(self, folder=paths.APT):
        self.folder = folder
        self.options = [
            f"-c={folder}/no-hooks.conf",
            f"-oDir::State={folder}/state",
            f"-oDir::State::status={folder}/state/status",
            f"-oDir::Cache={folder}/cache",
            # Some machines switch apt's parsed index off; with it each look-up takes 0.1 s and not 2 s.
            "-oDir::Cache::pkgcache=pkgcache.bin",
            "-oDir::Cache::srcpkgcache=srcpkgcache.bin",
            f"-oDir::Etc::sourcelist={folder}/sources.list",
            "-oDir::Etc::sourceparts=/dev/null",
            f"-oDir::Etc::preferences={folder}/preferences",
            "-oDir::Etc::preferencesparts=/dev/null",
            "-oAPT::Architecture=arm64",
            "-oAPT::Architectures=arm64",
            "-oAPT::Sandbox::User=root",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=3",
            "-oAcquire::http::Timeout=60",
        ]

    def prepare(self):
        files.write_whole(self.folder / "no-hooks.conf", NO_HOOKS)
        files.write_whole(self.folder / "preferences", preferences())
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()

    def update(self):
        """Fetches the suites' signed indexes."""
        self.prepare()
        files.write_whole(self.folder / "sources.list", sources_list(apt_sources.find_mirror()))
        say(f"reading the package index of Debian {NAMES}")
        run(
            ["apt-get", *self.options, "--error-on=any", "-q", "update"],
            what=f"reading Debian's index of {NAMES}",
            show=True,
            hint="Is the network up, and does the machine's mirror carry them? If keys are missing: "
            "apt-get install --only-upgrade debian-archive-keyring",
        )

    def current(self, names):
        """The suite's newest version of each named package, with the field Depends."""
        found = {}
        text = run(
            ["apt-cache", *self.options, "--no-all-versions", "show", *names],
            what="looking up packages",
            hint=f"One of these is not in {NAMES}: {' '.join(names)}",
        ).decode()
        for stanza in text.split("\n\n"):
            field = _fields(stanza)
            if "Package" in field:
                package = Package(field["Package"], field["Version"], field["Architecture"], field["SHA256"])
                found[package.name] = package, field.get("Depends", "")
        missing = sorted(set(names) - set(found))
        if missing:
            raise Failure(f"not in Debian {NAMES}: {' '.join(missing)}")
        return found

    def current_source(self, name):
        """The files of the suite's source package."""
        text = run(["apt-cache", *self.options, "--only-source", "showsrc", name], what=f"looking up the source {name}")
        stanzas = [_fields(stanza) for stanza in text.decode().split("\n\n") if stanza.strip()]
        if not stanzas:
            raise Failure(f"the source of {name} is not in Debian {suite.BASE}")
        field = stanzas[-1]
        return [
            Package(name, field["Version"], "source", digest, file)
            for digest, _size, file in re.findall(r"([0-9a-f]{64}) (\d+) (\S+)", field["Checksums-Sha256"])
        ]

    def has(self, package):
        """Does the mirror still have this version?"""
        if package.is_source:
            return package in self.current_source(package.name)
        try:
            text = run(["apt-cache", *self.options, "show", f"{package.name}={package.version}"], what="looking up")
        except Failure:
            return False
        return f"Version: {package.version}\n" in text.decode() + "\n"

    def download(self, packages, folder):
        """Fetches into the folder; a file that is there already after an interrupted run is not fetched again."""
        binary = [f"{package.name}={package.version}" for package in packages if not package.is_source]
        source = sorted({f"{package.name}={package.version}" for package in packages if package.is_source})
        hint = "Try again; if it fails again, check the network and the machine's mirror"
        if binary:
            run(
                ["apt-get", *self.options, "-q", "download", *binary],
                what=f"downloading {' '.join(binary)}", hint=hint, show=True, cwd=folder, seconds=1800,
            )  # fmt: skip
        if source:
            run(
                ["apt-get", *self.options, "-q", "--download-only", "--only-source", "source", *source],
                what=f"downloading the source {' '.join(source)}", hint=hint, show=True, cwd=folder, seconds=1800,
            )  # fmt: skip


def sources_list(mirror):
    """Of TF-A the source is needed, and it is the base suite's."""
    entries = [("deb", name) for name in suite.used()] + [("deb-src", suite.BASE)]
    return "".join(f"{kind} [signed-by={KEYRING}] {mirror} {name} main\n" for kind, name in entries)


def preferences():
    return "\n".join(PIN.format(suite=name, names=" ".join(suite.OPTEE)) for name in suite.used()[1:])


def need_tools():
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Failure(f"{tool} is missing: this step needs Debian or a system made from it")


def _fields(stanza):
    """A control stanza as a dictionary; continuation lines are joined."""
    field, key = {}, None
    for line in stanza.splitlines():
        if line[:1].isspace() and key:
            field[key] += "\n" + line.strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            field[key] = value.strip()
    return field
