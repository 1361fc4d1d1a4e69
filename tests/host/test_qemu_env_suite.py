"""OPTEE_SUITE: which packages come from which Debian suite, and where each suite's things lie. Without the network."""

import json
import os
import subprocess
import sys
import unittest
from unittest import mock

from harness.process import ROOT, paths
from host.test_qemu_env_tools import WithFolder

from qemu_env import apt, fetch, lock, suite

OWN = ["OUT", "CARGO_OUT", "LOCK", "APT", "SYSROOT", "CLIENT_EXPORT", "PACKAGES_JSON", "FIRMWARE", "IMAGE", "GUEST_BIN",
       "GUEST_TA", "TEST_BIN", "TEST_TA", "STAMPS", "UE", "TA_DEV_KIT", "OPTEE_OS"]  # fmt: skip
SHARED = ["CACHE", "BUILD_LOCK", "TESTS_LOCK"]


def paths_of(name):
    """Where everything lies for this OPTEE_SUITE, relative to the repository."""
    program = f"import json; from qemu_env import paths; print(json.dumps([paths.shown(getattr(paths, n)) for n in {OWN + SHARED}]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "qemu-env/lib"), "OPTEE_SUITE": name}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=True)
    return dict(zip(OWN + SHARED, json.loads(done.stdout), strict=True))


class Trees(unittest.TestCase):
    def test_the_base_suite_is_the_default_and_lies_where_it_always_did(self):
        found = paths_of("")
        self.assertEqual(found, paths_of("trixie"))
        self.assertEqual([found[name] for name in ("OUT", "CARGO_OUT", "LOCK", "UE")],
                         ["out", "target", "qemu-env/packages.lock", "out/ue"])

    def test_sid_shares_downloads_and_locks_and_nothing_else(self):
        base, sid = paths_of(""), paths_of("sid")
        self.assertEqual([name for name in base if base[name] == sid[name]], SHARED)
        self.assertEqual([sid[name] for name in ("OUT", "CARGO_OUT", "LOCK", "UE")],
                         ["out/sid", "target/sid", "qemu-env/packages-sid.lock", "out/sid/ue"])


class WrongName(unittest.TestCase):
    def test_it_is_refused_and_nothing_is_made(self):
        for command, status in ((["qemu-env/packages"], 1), (["qemu-env/firmware"], 1), (["qemu-env/ue", "list"], 1),
                                (["qemu-env/clean"], 1), (["qemu-env/ue", "run", "--", "true"], 125), (["tests/run"], 1)):
            for name in ("bookworm", "Sid", "../sid"):
                with self.subTest(command=command, name=name):
                    done = subprocess.run([ROOT / command[0], *command[1:]], env={**os.environ, "OPTEE_SUITE": name},
                                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                    self.assertEqual((done.returncode, done.stdout), (status, ""))
                    self.assertIn(f"OPTEE_SUITE: OP-TEE cannot be taken from {name!r}; there are trixie and sid", done.stderr)
                    self.assertNotIn("Traceback", done.stderr)
                    self.assertFalse((ROOT / "out" / name).exists() and name != "../sid")


class Locks(unittest.TestCase):
    def test_each_checked_in_lock_is_complete(self):
        for name in suite.KNOWN:
            file = ROOT / paths_of(name)["LOCK"]
            with self.subTest(file.name), mock.patch.object(paths, "LOCK", file):
                self.assertEqual(file.read_text(), lock.render(fetch.read_lock()))

    def test_op_tee_differs_between_them(self):
        versions = []
        for name in suite.KNOWN:
            packages = lock.parse((ROOT / paths_of(name)["LOCK"]).read_text())
            versions.append({package.name: package.version for package in packages})
        self.assertEqual([name for name in suite.OPTEE if len({found[name] for found in versions}) < len(versions)], [])


class Choice(WithFolder):
    """What apt makes of our sources and preferences, with two small archives in place of the mirror."""

    def archive(self, name, packages):
        index = self.folder / "mirror/dists" / name / "main/binary-arm64"
        index.mkdir(parents=True)
        (index / "Packages").write_text("".join(
            f"Package: {package}\nVersion: {version}\nArchitecture: arm64\nFilename: {package}.deb\nSize: 1\nSHA256: {'0' * 64}\n\n"
            for package, version in packages.items()))  # fmt: skip
        (index.parents[1] / "Release").write_text(f"Origin: Debian\nSuite: {name}\nCodename: {name}\nArchitectures: arm64\nComponents: main\n")

    def current(self, name):
        self.archive("trixie", {"optee-os": "4.5", "libteec2": "4.5", "libc6": "2.41", "zlib1g": "1.3"})
        self.archive("sid", {"optee-os": "4.10", "libteec2": "4.11", "libc6": "2.42", "zlib1g": "1.4"})
        private = apt.Apt(self.folder / "apt")
        with mock.patch.object(suite, "NAME", name):
            private.prepare()
            entries = [line for line in apt.sources_list(f"file:{self.folder}/mirror").splitlines() if line.startswith("deb ")]
        # Unsigned here: that is all that differs.
        text = "\n".join(line.replace(f"signed-by={apt.KEYRING}", "trusted=yes") for line in entries)
        (self.folder / "apt/sources.list").write_text(text + "\n")
        subprocess.run(["apt-get", *private.options, "-q", "update"], stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=60, check=True)  # fmt: skip
        found = private.current(["optee-os", "libteec2", "libc6", "zlib1g"])
        return {package.name: package.version for package, _ in found.values()}

    def test_of_sid_only_op_tee_is_taken_though_all_of_it_is_newer(self):
        self.assertEqual(self.current("sid"), {"optee-os": "4.10", "libteec2": "4.11", "libc6": "2.41", "zlib1g": "1.3"})

    def test_by_default_nothing_is(self):
        self.assertEqual(self.current("trixie"), {"optee-os": "4.5", "libteec2": "4.5", "libc6": "2.41", "zlib1g": "1.3"})

    def test_sources_come_from_the_base_suite_alone(self):
        with mock.patch.object(suite, "NAME", "sid"):
            words = [line.split() for line in apt.sources_list("http://m.invalid/debian").splitlines()]
        self.assertEqual([(line[0], line[3]) for line in words], [("deb", "trixie"), ("deb", "sid"), ("deb-src", "trixie")])


if __name__ == "__main__":
    unittest.main()
