"""qemu-env's small tools, without a guest and without the network."""

import fcntl
import gzip
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from harness.process import line  # noqa: E402
from qemu_env import apt, apt_sources, cpio, fetch, files, lock, machine, manifest, paths, uboot  # noqa: E402
from qemu_env.report import Failure  # noqa: E402
from qemu_env.ue_folder import Ue  # noqa: E402

DIGEST = "0123456789abcdef" * 4
OTHER = "f" * 64


class WithFolder(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)


class Sources(WithFolder):
    def mirror(self, **named):
        (self.folder / "sources.list.d").mkdir(exist_ok=True)
        for name, text in named.items():
            stem, _, suffix = name.rpartition("_")
            where = self.folder if stem == "sources" else self.folder / "sources.list.d"
            (where / f"{stem}.{suffix}").write_text(text)
        return apt_sources.find_mirror(self.folder)

    def test_one_line_entry(self):
        text = "# deb http://old.invalid/debian bookworm main\ndeb http://a.invalid/debian bookworm main contrib\n"
        self.assertEqual(self.mirror(sources_list=text), "http://a.invalid/debian")

    def test_options_in_brackets_are_skipped(self):
        text = "deb [ arch=amd64 signed-by=/k.gpg ] http://a.invalid/debian trixie main\n"
        self.assertEqual(self.mirror(sources_list=text), "http://a.invalid/debian")

    def test_deb822_entry(self):
        text = (
            "Types: deb deb-src\n# a comment\nURIs:\n http://b.invalid/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main\n"
        )
        self.assertEqual(self.mirror(debian_sources=text), "http://b.invalid/debian")

    def test_security_source_only_and_disabled_entries_do_not_count(self):
        text = (
            "Types: deb\nURIs: http://s.invalid/debian-security\nSuites: bookworm-security\nComponents: main\n\n"
            "Types: deb-src\nURIs: http://src.invalid/debian\nSuites: bookworm\nComponents: main\n\n"
            "Enabled: no\nTypes: deb\nURIs: http://off.invalid/debian\nSuites: bookworm\nComponents: main\n\n"
            "Types: deb\nURIs: http://good.invalid/debian\nSuites: sid\nComponents: main\n"
        )
        self.assertEqual(self.mirror(debian_sources=text), "http://good.invalid/debian")

    def test_a_mirror_called_debian_wins(self):
        self.assertEqual(
            self.mirror(
                a_list="deb http://vendor.invalid/apt bookworm main\n", z_list="deb http://m.invalid/debian/ stable main\n"
            ),
            "http://m.invalid/debian/",
        )

    def test_without_a_debian_entry_the_error_says_so(self):
        with self.assertRaisesRegex(Failure, "no Debian mirror"):
            self.mirror(x_list="deb http://vendor.invalid/apt nodistro main\n", y_disabled="deb http://m/debian sid main\n")


class Lock(unittest.TestCase):
    def test_round_trip(self):
        packages = [
            lock.Package("libc6", "2.41-12", "arm64", DIGEST),
            lock.Package("zlib1g", "1:1.3-1", "arm64", OTHER),
            lock.Package("tf-a", "2.12", "source", DIGEST, "tf-a_2.12.dsc"),
        ]
        self.assertEqual(lock.parse(lock.render(packages)), packages)

    def test_an_epoch_is_escaped_in_the_file_name(self):
        self.assertEqual(lock.Package("zlib1g", "1:1.3-1", "arm64", DIGEST).file, "zlib1g_1%3a1.3-1_arm64.deb")

    def test_bad_lines_are_named(self):
        for line in (
            "libc6 2.41 arm64",
            f"libc6 2.41 arm64 {DIGEST[:-1]}",
            f"libc6 2.41 arm64 {DIGEST.upper()}",
            f"libc6 2.41 source {DIGEST}",
            f"../x 2.41 arm64 {DIGEST}",
            f"libc6 2.41 arm64 x.deb {DIGEST}",
        ):
            with self.subTest(line), self.assertRaisesRegex(Failure, "line 2"):
                lock.parse(f"# comment\n{line}\n")

    def test_the_checked_in_lock_is_complete(self):
        packages = fetch.read_lock()
        self.assertEqual(paths.LOCK.read_text(), lock.render(packages))


class Fetch(WithFolder):
    """Which version is taken, with apt played by a table."""

    def setUp(self):
        super().setUp()
        self.locked = [
            *(lock.Package(name, "1", "arm64", DIGEST) for name in fetch.BINARY),
            lock.Package("linux-image-6.1-cloud-arm64", "6.1", "arm64", DIGEST),
            lock.Package(fetch.SOURCE, "1", "source", DIGEST, "x.dsc"),
        ]
        (self.folder / "packages.lock").write_text(lock.render(self.locked))
        for name, value in (("LOCK", self.folder / "packages.lock"), ("CACHE", self.folder / "cache")):
            patch = mock.patch.object(paths, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        (self.folder / "cache").mkdir()
        self.apt = mock.Mock()
        self.suite = [package for package in self.locked if fetch.role(package) != "kernel"]
        self.suite.append(lock.Package("linux-image-6.2-cloud-arm64", "6.2", "arm64", OTHER))

    def resolve(self, strict=False, cached=()):
        with (
            mock.patch.object(fetch, "Apt", return_value=self.apt),
            mock.patch.object(fetch, "of_suite", return_value=self.suite),
            mock.patch.object(fetch, "in_cache", side_effect=lambda package: package.name in cached),
            mock.patch.object(fetch, "bring"),
            mock.patch.object(fetch, "say") as self.said,
        ):
            return fetch.resolve(strict)

    def test_all_cached_needs_no_network(self):
        taken = self.resolve(cached={package.name for package in self.locked})
        self.assertEqual({package for package, _ in taken}, set(self.locked))
        self.apt.update.assert_not_called()

    def test_a_vanished_kernel_is_replaced_and_said_loudly(self):
        self.apt.has.side_effect = lambda package: "6.1" not in package.name
        taken = self.resolve()
        self.assertEqual([p.name for p, locked in taken if not locked], ["linux-image-6.2-cloud-arm64"])
        self.said.assert_called_once()
        self.assertIn("DRIFT", self.said.call_args.args[0])

    def test_a_vanished_version_is_an_error_when_locked(self):
        self.apt.has.return_value = False
        with self.assertRaisesRegex(Failure, "LOCKED=1"):
            self.resolve(strict=True)

    def test_the_devkit_follows_a_vanished_op_tee_though_it_is_in_the_cache(self):
        self.apt.has.side_effect = lambda package: package.name != "optee-os"
        taken = self.resolve(cached={package.name for package in self.locked} - {"optee-os"})
        self.assertEqual(sorted(p.name for p, locked in taken if not locked), ["optee-os", "optee-os-dev"])

    def test_a_cached_file_with_another_digest_is_an_error(self):
        (self.folder / "cache" / self.locked[0].file).write_bytes(b"forged")
        with self.assertRaisesRegex(Failure, "do not trust"):
            fetch.in_cache(self.locked[0])

    def test_an_interrupted_download_keeps_what_is_whole(self):
        whole, other = self.folder / "whole", lock.Package("b", "1", "arm64", OTHER)
        whole.write_bytes(b"whole")
        package = lock.Package("a", "1", "arm64", files.sha256(whole))

        def download(_packages, folder):
            shutil.copy(whole, folder / package.file)
            raise Failure("the network went away")

        self.apt.download.side_effect = download
        with self.assertRaisesRegex(Failure, "network"), mock.patch.object(fetch, "say"):
            fetch.bring(self.apt, [package, other])
        self.assertTrue(fetch.in_cache(package))
        self.assertFalse(fetch.in_cache(other))

    def test_a_wrong_file_from_the_mirror_never_enters_the_cache(self):
        package = lock.Package("a", "1", "arm64", DIGEST)
        self.apt.download.side_effect = lambda _, folder: (folder / package.file).write_bytes(b"wrong")
        with self.assertRaisesRegex(Failure, "mirror or the lock"), mock.patch.object(fetch, "say"):
            fetch.bring(self.apt, [package])
        self.assertFalse((self.folder / "cache" / package.file).exists())


class PrivateApt(WithFolder):
    def test_the_machines_hooks_do_not_run_and_its_proxy_is_kept(self):
        hooks = ["APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success",
                 "DPkg::Pre-Invoke", "DPkg::Post-Invoke"]
        text = 'Acquire::http::Proxy "http://proxy.invalid:3128";\n'
        text += "".join(f'{hook} {{ "touch {self.folder}/a-hook-ran"; }};\n' for hook in hooks)
        (self.folder / "machine.conf").write_text(text)
        (self.folder / "sources.list").touch()
        private = apt.Apt(self.folder)
        private.prepare()
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "machine.conf")}
        for command in (["apt-get", *private.options, "-q", "update"], ["apt-config", *private.options, "dump"]):
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=60, check=True)  # fmt: skip
        self.assertFalse((self.folder / "a-hook-ran").exists())
        self.assertNotIn("a-hook-ran", done.stdout)
        self.assertIn('Acquire::http::Proxy "http://proxy.invalid:3128"', done.stdout)


class Cpio(unittest.TestCase):
    def archive(self, order=1):
        archive = cpio.Archive()
        steps = [
            lambda: archive.file("usr/bin/a", b"abcde", 0o755),
            lambda: archive.link("bin", "usr/bin"),
            lambda: archive.folder("dev"),
        ]
        for step in steps[::order]:
            step()
        return archive

    def test_the_bytes_do_not_depend_on_order_or_time(self):
        self.assertEqual(self.archive().to_gzip(), self.archive(-1).to_gzip())
        self.assertEqual(gzip.decompress(self.archive().to_gzip()), self.archive().to_bytes())

    def test_entries(self):
        found, data = {}, self.archive().to_bytes()
        while True:
            self.assertEqual(data[:6], b"070701")
            numbers = [int(data[6 + 8 * n : 14 + 8 * n], 16) for n in range(13)]
            name = data[110 : 110 + numbers[11] - 1].decode()
            body = (110 + numbers[11] + 3) // 4 * 4
            if name == "TRAILER!!!":
                break
            self.assertEqual(numbers[2:4] + numbers[5:6], [0, 0, 0])
            found[name] = oct(numbers[1]), data[body : body + numbers[6]]
            data = data[(body + numbers[6] + 3) // 4 * 4 :]
        self.assertEqual(
            found,
            {
                "bin": ("0o120777", b"usr/bin"),
                "dev": ("0o40755", b""),
                "usr": ("0o40755", b""),
                "usr/bin": ("0o40755", b""),
                "usr/bin/a": ("0o100755", b"abcde"),
            },
        )

    def test_the_same_file_twice_is_refused(self):
        archive = self.archive()
        with self.assertRaises(ValueError):
            archive.file("usr/bin/a", b"")


class UBoot(unittest.TestCase):
    GOOD = b"head\0bootdelay=2\0kernel_addr_r=0x40400000\0ramdisk_addr_r=0x44000000\0tail"

    def test_the_patch_keeps_the_length_and_the_rest(self):
        after = uboot.patch(self.GOOD.replace(b"\0k", b"\0\0k").replace(b"\0r", b"\0\0r"))
        self.assertEqual(len(after), len(self.GOOD) + 2)
        self.assertIn(b"\0kernel_addr_r=0x48000000\0", after)
        self.assertIn(b"\0bootdelay=0\0", after)
        self.assertTrue(after.startswith(b"head\0") and after.endswith(b"\0tail"))

    def test_neighbouring_strings_share_their_zero_byte(self):
        self.assertIn(b"\0bootdelay=0\0kernel_addr_r=0x48000000\0", uboot.patch(self.GOOD))

    def test_a_missing_or_doubled_string_is_refused(self):
        for binary in (b"nothing", self.GOOD + self.GOOD, self.GOOD.replace(b"0x44000000", b"0x44000001")):
            with self.subTest(binary), self.assertRaisesRegex(Failure, "times instead of once"):
                uboot.patch(binary)

    def test_the_memory_map(self):
        uboot.check_map(0x1E0_0000, 0x20_0000)
        with self.assertRaisesRegex(Failure, "initrd.*reaches into the kernel"):
            uboot.check_map(0x1E0_0000, 0x401_0000)
        with self.assertRaisesRegex(Failure, "kernel.*reaches into U-Boot"):
            uboot.check_map(0x1900_0000, 0)

    def test_the_old_address_would_have_been_refused(self):
        with mock.patch.object(uboot, "KERNEL", 0x4040_0000), self.assertRaisesRegex(Failure, "shared memory"):
            uboot.check_map(0x1E0_0000, 0)

    def test_kernel_size(self):
        head = struct.pack("<4s4xQQQQQQ4s4x", b"MZ\0\0", 0, 0x1E0_0000, 0, 0, 0, 0, b"ARM\x64")
        self.assertEqual(uboot.kernel_size(head), 0x1E0_0000)
        with self.assertRaises(Failure):
            uboot.kernel_size(bytes(64))


class Manifest(WithFolder):
    def test_packages_and_outputs(self):
        (self.folder / "initrd.gz").write_bytes(b"abc")
        entry = {"name": "n", "version": "1", "architecture": "all", "file": "f", "sha256": DIGEST}
        made = manifest.build([{**entry, "locked": True}, {**entry, "locked": False}], [self.folder / "initrd.gz"])
        self.assertEqual([package["state"] for package in made["packages"]], ["locked", "drifted"])
        self.assertEqual(made["outputs"][0]["size"], 3)
        self.assertTrue(made["outputs"][0]["sha256"].startswith("ba7816bf"))


class Stamps(WithFolder):
    def test_a_step_is_fresh_until_an_input_or_an_output_changes(self):
        source, made = self.folder / "source", self.folder / "made"
        source.write_text("1")
        made.write_text("1")
        with mock.patch.object(paths, "STAMPS", self.folder / "stamps"):
            self.assertFalse(files.Stamp("s", [source], [made]).is_fresh())
            files.Stamp("s", [source], [made]).set()
            self.assertTrue(files.Stamp("s", [source], [made]).is_fresh())
            made.write_text("12")
            self.assertFalse(files.Stamp("s", [source], [made]).is_fresh())
            files.Stamp("s", [source], [made]).set()
            source.write_text("2")
            self.assertFalse(files.Stamp("s", [source], [made]).is_fresh())

    def test_too_little_room_is_said_with_the_figures(self):
        with self.assertRaisesRegex(Failure, "needs 99999999999 MiB free"):
            files.need_room(self.folder, 99999999999, "this")


class Builds(WithFolder):
    def test_the_wait_for_another_build_has_an_end(self):
        with (
            mock.patch.object(paths, "BUILD_LOCK", self.folder / ".build.lock"), mock.patch.object(files, "BUILD_WAIT_S", 0.3),
            mock.patch.object(files, "_build_lock", None), mock.patch.object(files, "say"),
            open(self.folder / ".build.lock", "w") as other,
        ):  # fmt: skip
            fcntl.flock(other, fcntl.LOCK_EX)
            with self.assertRaisesRegex(Failure, "another build still runs here after 0.3 s"):
                files.one_build_at_a_time()
            fcntl.flock(other, fcntl.LOCK_UN)
            files.one_build_at_a_time()
            files._build_lock.close()


class Running(WithFolder):
    SCRIPT = "from qemu_env import report; import sys; report.main(lambda: report.run(['sh', '-c', sys.argv[1]], what='it', show=True))"

    def test_what_takes_long_is_seen_while_it_runs(self):
        go = self.folder / "go"
        script = f"echo out; echo err >&2; while [ ! -e {go} ]; do sleep 0.1; done; echo last; exit 3"
        with subprocess.Popen([sys.executable, "-c", self.SCRIPT, script], env={**os.environ, "PYTHONPATH": paths.ENV / "lib"},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            self.assertEqual([line(process.stderr, 20), line(process.stderr, 20)], ["out", "err"])
            go.touch()
            out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (1, b""))
        self.assertTrue(err.startswith(b"last\n"))
        self.assertIn(b"it failed (exit 3)", err)


class Machine(unittest.TestCase):
    def test_a_comma_in_a_path_is_doubled(self):
        self.assertIn("file=/a,,b", machine.drive("store", "/a,b", "cache=none")[1])

    def test_names(self):
        for name in ("", "UE", "../x", "a/b", "-a", "a" * 32):
            with self.subTest(name), self.assertRaises(Failure):
                Ue(name)


if __name__ == "__main__":
    unittest.main()
