"""`qemu-env/programs` and `clean` in a small tree, with cargo and ta/pack played by scripts."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from harness.process import line  # noqa: E402
from qemu_env import test_marks, ue_folder  # noqa: E402

UUID, TEST_UUID, EMPTY_UUID = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "012")
TOOL = (*test_marks.TOOL, TEST_UUID)
CARGO = """#!/bin/sh
echo "cargo $*" >>log
mkdir -p "$CARGO_TARGET_DIR/aarch64-unknown-linux-gnu/release" "$CARGO_TARGET_DIR/aarch64-unknown-linux-gnu/ta"
cd "$CARGO_TARGET_DIR/aarch64-unknown-linux-gnu"
for name in prosectl prosed ue-agent prose-xtest prose-bench prose-ptt; do [ -e release/$name ] || echo $name >release/$name; done
for name in proseal-ta-product proseal-ta-empty; do [ -e ta/$name ] || echo code >ta/$name; done
[ -e release/prosectl-test ] || printf '%s' 'TOOL' >release/prosectl-test
[ -e ta/proseal-ta-test ] || printf '%s' 'APPLICATION' >ta/proseal-ta-test
""".replace("TOOL", " ".join(TOOL)).replace("APPLICATION", " ".join(test_marks.APPLICATION))
PACK = '#!/bin/sh\necho "pack $2" >>log\nmkdir -p "$(dirname "$3")"\ncat "$1" "$TA_KEY" >"$3"\n'


class SmallTree(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = Path(holder.name)
        shutil.copytree(ROOT / "qemu-env", self.root / "qemu-env", ignore=shutil.ignore_patterns("__pycache__"))
        self.write("proto/src/lib.rs", f'pub const UUID: &str = "{UUID}";\n')
        constants = {"UUID": TEST_UUID, "EMPTY_UUID": EMPTY_UUID}
        self.write("proto/src/test_command.rs",
                   "".join(f'pub const {name}: &str = "{uuid}";\n' for name, uuid in constants.items()))
        self.provide_kit("out", "public")
        self.write("ta/pack", PACK).chmod(0o755)
        self.write("path/cargo", CARGO).chmod(0o755)
        self.signed = self.root / f"out/guest/ta/{UUID}.ta"

    def provide_kit(self, out, key):
        kit = f"{out}/sysroot/usr/lib/optee-os-dev/vexpress-qemu_armv8a"
        self.write(f"{out}/packages.json", "[]")
        self.write(f"{kit}/keys/default_ta.pem", key)
        self.write(f"{kit}/scripts/sign_encrypt.py", "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, program="programs", *arguments, **environment):
        environment = {"TA_KEY": "", "TA_PORTABLE": "", "OPTEE_SUITE": "", **environment, "PATH": f"{self.root}/path:{os.environ['PATH']}"}
        return subprocess.Popen([self.root / "qemu-env" / program, *arguments], env={**os.environ, **environment},
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def call(self, *command, **environment):
        """Its exit status and what it said."""
        with self.start(*command, **environment) as process:
            said = process.communicate(timeout=60)[1]
        return process.returncode, said


class Programs(SmallTree):
    def build(self, **environment):
        status, said = self.call("programs", **environment)
        self.assertEqual(status, 0, said)
        return said

    def packed(self):
        return (self.root / "log").read_text().count(f"pack {UUID}")

    def test_a_trusted_application_is_signed_anew_for_another_key_or_program(self):
        self.build()
        self.build()
        self.assertEqual((self.packed(), self.signed.read_text()), (1, "code\npublic"))
        key = self.write("own.pem", "own")
        self.build(TA_KEY=str(key))
        self.assertEqual(self.signed.read_text(), "code\nown")
        key.write_text("next")
        self.build(TA_KEY=str(key))
        self.assertEqual(self.signed.read_text(), "code\nnext")
        self.write("target/aarch64-unknown-linux-gnu/ta/proseal-ta-product", "changed\n")
        self.build(TA_KEY=str(key))
        self.assertEqual((self.packed(), self.signed.read_text()), (4, "changed\nnext"))

    def test_a_program_of_the_product_is_never_built_beside_one_of_the_tests(self):
        """Else it would have the features that these ask of crates of both, proseal-issuer's `testing` above all."""
        self.build()
        calls = [set(line.split()) for line in (self.root / "log").read_text().splitlines() if "--release" in line]
        product = {"prosectl", "prosed", "ue-agent"}
        tests = {"prose-xtest", "prose-bench", "prose-ptt", "prosectl-test"}
        self.assertEqual([call & (product | tests) for call in calls], [product, tests])

    def test_nor_is_the_products_trusted_application(self):
        self.build()
        calls = [line for line in (self.root / "log").read_text().splitlines() if "--profile ta" in line]
        self.assertEqual(len(calls), 2)
        self.assertEqual([call.count("proseal-ta-") for call in calls], [2, 4])  # each as package and in its feature
        self.assertEqual(["proseal-ta-product" in call for call in calls], [True, False])
        self.assertEqual([path.name for path in self.root.glob("out/guest/ta/*")], [f"{UUID}.ta"])
        self.assertEqual({path.name for path in self.root.glob("out/guest/tests/ta/*")}, {f"{TEST_UUID}.ta", f"{EMPTY_UUID}.ta"})

    # The product's and the tests' program, and what tells the latter.
    PAIRS = [("release/prosectl", "release/prosectl-test", TOOL),
             ("ta/proseal-ta-product", "ta/proseal-ta-test", test_marks.APPLICATION)]

    def test_a_product_with_anything_of_the_tests_in_it_ends_the_build(self):
        for product, _, marks in self.PAIRS:
            for mark in marks:
                path = self.write(f"target/aarch64-unknown-linux-gnu/{product}", f"code {mark} code")
                status, said = self.call("programs")
                self.assertEqual(status, 1)
                self.assertIn(f"{product} has ['{mark}'] of the tests in it", said)
            path.unlink()
        self.assertFalse(self.signed.exists())

    def test_a_mark_that_the_tests_program_has_not_itself_ends_the_build(self):
        for _, of_tests, marks in self.PAIRS:
            for mark in marks:
                others = " ".join(other for other in marks if other != mark)
                path = self.write(f"target/aarch64-unknown-linux-gnu/{of_tests}", others)
                status, said = self.call("programs")
                self.assertEqual(status, 1)
                self.assertIn(f"{of_tests} does not have ['{mark}']", said)
            path.unlink()
        self.assertFalse(self.signed.exists())

    def test_the_processors_instructions_are_used_unless_the_build_is_to_be_portable(self):
        self.build(TA_PORTABLE="")
        self.build(TA_PORTABLE="1")
        configs = [line.split()[line.split().index("--config") + 1]
                   for line in (self.root / "log").read_text().splitlines() if "--config" in line]
        self.assertEqual(configs, ["ta/cargo.toml"] * 2 + ["ta/portable.toml"] * 2)

    def test_another_suites_trusted_application_has_that_devkits_signature_and_a_build_of_its_own(self):
        self.provide_kit("out/sid", "public of sid")
        self.build()
        self.build(OPTEE_SUITE="sid")
        self.assertEqual(self.signed.read_text(), "code\npublic")
        self.assertEqual((self.root / f"out/sid/guest/ta/{UUID}.ta").read_text(), "code\npublic of sid")
        self.assertEqual((self.root / "out/sid/guest/bin/prosectl").read_text(), "prosectl\n")
        self.assertTrue((self.root / "target/sid/aarch64-unknown-linux-gnu/ta").is_dir())
        self.build()
        self.build(OPTEE_SUITE="sid")
        self.assertEqual(self.packed(), 2)

    def test_a_key_that_is_not_there_is_named(self):
        status, said = self.call("programs", TA_KEY="/nowhere.pem")
        self.assertEqual(status, 1)
        self.assertIn("/nowhere.pem", said)

    def test_too_little_room_is_said_before_cargo_runs(self):
        self.write("full/sitecustomize.py", "import shutil\nshutil.disk_usage = lambda _: shutil._ntuple_diskusage(9, 9, 0)\n")
        status, said = self.call("programs", PYTHONPATH=str(self.root / "full"))
        self.assertEqual(status, 1)
        self.assertIn("building our programs needs", said)
        self.assertFalse((self.root / "log").exists())

    def test_what_an_earlier_build_left_does_not_get_into_the_image(self):
        left = [self.write(f"out/guest/{name}", "") for name in ("ta/old.ta", "bin/old", "tests/bin/old", "tests/ta/old.ta")]
        self.assertIn("out/guest/ta/old.ta is of an earlier build", self.build())
        self.assertEqual([path for path in left if path.exists()], [])
        self.assertEqual((self.root / "out/guest/bin/prosectl").read_text(), "prosectl\n")
        self.assertEqual((self.root / "out/guest/tests/bin/prose-xtest").read_text(), "prose-xtest\n")

    def test_it_waits_for_another_build(self):
        with open(self.root / "out/.build.lock", "w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with self.start() as process:
                self.assertIn("waiting", line(process.stderr, 30))
                self.assertFalse((self.root / "log").exists())
                fcntl.flock(other, fcntl.LOCK_UN)
                process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)


class Clean(SmallTree):
    def setUp(self):
        super().setUp()
        for name in ("out/cache/a.deb", "out/ue/one/lock", "out/ue/two/lock", "out/image/manifest.json", "target/x",
                     "out/mutants/tree/out/ue/mutant/lock", "out/forensics/report.json", "tests/host/__pycache__/a.pyc"):
            self.write(name, "")

    def left(self):
        """The folders that are left, of the sources too what Python keeps of them."""
        names = {f"out/{path.name}" for path in self.root.glob("out/*/")}
        names |= {"__pycache__" for _ in [*self.root.glob("qemu-env/**/__pycache__"), *self.root.glob("tests/**/__pycache__")]}
        return names | {name for name in ("out", "target") if (self.root / name).exists()}

    def test_what_was_built_goes_and_downloads_stay(self):
        self.assertEqual(self.call("clean"), (0, ""))
        self.assertEqual(self.left(), {"out", "out/cache", "out/sysroot"})
        self.assertEqual(self.call("clean", "--all"), (0, ""))
        self.assertEqual(self.left(), set())

    def test_a_running_ue_is_named_and_nothing_is_removed(self):
        before = self.left()
        held = ue_folder.try_lock(self.root / "out/ue/two/lock")
        for arguments in ((), ("--all",)):
            status, said = self.call("clean", *arguments)
            self.assertEqual((status, self.left()), (1, before))
            self.assertIn("still running: two. Stop first: qemu-env/ue stop two", said)
        os.close(held)

    def test_nor_another_suites_ue(self):
        self.write("out/sid/ue/three/lock", "")
        before = self.left()
        held = ue_folder.try_lock(self.root / "out/sid/ue/three/lock")
        for arguments in ((), ("--all",)):
            status, said = self.call("clean", *arguments)
            self.assertEqual((status, self.left()), (1, before))
            self.assertIn("Stop first: OPTEE_SUITE=sid qemu-env/ue stop three", said)
        os.close(held)

    def test_what_was_built_of_another_suite_goes_too(self):
        for name in ("ue/three/disk", "image/manifest.json", "sysroot/x"):
            self.write(f"out/sid/{name}", "")
        self.assertEqual(self.call("clean"), (0, ""))
        self.assertEqual([path.name for path in self.root.glob("out/sid/*")], ["sysroot"])

    def test_nor_a_mutants_ue(self):
        before = self.left()
        held = ue_folder.try_lock(self.root / "out/mutants/tree/out/ue/mutant/lock")
        status, said = self.call("clean")
        self.assertEqual((status, self.left()), (1, before))
        self.assertIn("Stop first: out/mutants/tree/qemu-env/ue stop mutant", said)
        os.close(held)

    def test_not_under_tests(self):
        before = self.left()
        held = ue_folder.try_lock(self.root / "out/.tests.lock")
        status, said = self.call("clean", "--all")
        self.assertEqual((status, self.left()), (1, before))
        self.assertIn("tests run here", said)
        os.close(held)

    def test_not_under_a_build(self):
        before = self.left()
        with open(self.root / "out/.build.lock", "w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.assertEqual(self.call("clean")[0], 1)
        self.assertEqual(self.left(), before)


if __name__ == "__main__":
    unittest.main()
