"""The trusted application for processors without AES and SHA-256 instructions: it has none, derives the same, and
leaves as little on its stack."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness.process import paths
from ue import UE

TARGET = "aarch64-unknown-linux-gnu"
# The test build answers prose-xtest; the product is what must fit.
PACKAGE, PRODUCT = "proseal-ta-test", "proseal-ta-product"
# Rounds of AES and SHA-256, and the product that GCM needs.
INSTRUCTIONS = {"aese", "sha256h", "pmull"}


def instructions(elf):
    """Which of INSTRUCTIONS are in a program."""
    listed = subprocess.run(["aarch64-linux-gnu-objdump", "--disassemble", "--no-show-raw-insn", elf],
                            capture_output=True, text=True, timeout=120, check=True).stdout
    return INSTRUCTIONS & {line.split("\t")[1].strip() for line in listed.splitlines() if line.count("\t") > 1}


class Portable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A folder of its own: flags that change build all anew.
        built_in = paths.CARGO_OUT / "portable"
        environment = {**os.environ, "CARGO_TARGET_DIR": str(built_in), "TA_DEV_KIT_DIR": str(paths.TA_DEV_KIT)}
        for package in (PACKAGE, PRODUCT):
            built = subprocess.run(
                ["cargo", "build", "--locked", "--target", TARGET, "--config", "ta/portable.toml", "--profile", "ta",
                 "-p", package, "--features", f"{package}/optee"],
                cwd=paths.ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
                check=False)
            if built.returncode:
                raise RuntimeError(built.stderr)
        cls.elves = {package: built_in / TARGET / "ta" / package for package in (PACKAGE, PRODUCT)}
        (product,) = paths.GUEST_TA.glob("*.ta")
        (test_build,) = (path for path in paths.TEST_TA.glob("*.ta") if path.stem == cls.uuid_of_test_build())
        cls.ue = UE("portable", installs=True)
        cls.ue.start("--fresh")
        cls.ue.stop()
        # The machine begins without any, so that no instance is running yet.
        cls.ue.start("--append", "proseal.nota")
        cls.addClassCleanup(cls.ue.stop)
        for package, installed in ((PACKAGE, test_build), (PRODUCT, product)):
            # ta/pack refuses what is too large.
            octets = cls.packed(cls.elves[package], installed.stem, environment)
            answer = cls.ue.exec("sh", "-c", f"cat >/lib/optee_armtz/{installed.name}", stdin=octets)
            if answer.status:
                raise RuntimeError(answer)

    @staticmethod
    def uuid_of_test_build():
        source = (paths.ROOT / "proto/src/test_command.rs").read_text()
        return re.search(r'^pub const UUID: &str = "(.*)";$', source, re.M)[1]

    @staticmethod
    def packed(elf, uuid, environment):
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder) / "ta"
            subprocess.run([paths.ROOT / "ta/pack", elf, uuid, packed], env=environment,
                           capture_output=True, timeout=120, check=True)
            return packed.read_bytes()

    def test_it_has_none_of_the_instructions_and_the_other_has_them_all(self):
        for package, elf in self.elves.items():
            self.assertEqual(instructions(elf), set(), package)
            self.assertEqual(instructions(paths.CARGO_OUT / TARGET / "ta" / package), INSTRUCTIONS, package)

    def test_the_product_answers(self):
        answer = self.ue.exec("prosectl", "--json", "status")
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(json.loads(answer.stdout)["ta"]["build"], "product")

    def test_known_answers_are_the_same(self):
        answer = self.ue.exec("prose-xtest", "kat_*")
        self.assertEqual(answer.status, 0, answer.stdout[-2000:])
        self.assertGreaterEqual(len(re.findall(r"^\* kat_\d+ ", answer.stdout, re.M)), 40)

    def test_no_command_goes_deeper_on_the_stack_than_is_wiped(self):
        # Without the instructions AES and SHA-256 keep on the stack what else is in registers.
        answer = self.ue.exec("prose-xtest", "regression_1008")
        self.assertEqual(answer.status, 0, answer.stdout[-2000:])
        # A skipped case is a success too.
        self.assertRegex(answer.stdout, r"(?m)^ *regression_1008 OK")
