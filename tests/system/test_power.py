"""The power goes: nothing that was acknowledged is lost, nothing is half there, nothing that ended is back, no epoch comes
twice. And disks that fail. `tests/power/run` runs the same for longer."""

import json
import os
import random
import shutil
import unittest

from power import damage, guest, oracle, work, writelog
from power.boundaries import Boundaries, Recording
from power.cuts import Cuts
from power.extent import EXTENT
from power.life import KEPT, Life
from qemu_env import suite
from ue import UE, paths

IS_4_10 = suite.NAME != suite.BASE
STORE = "/var/lib/optee-client/data/tee"


class Power(unittest.TestCase):
    def test_power_cuts_at_random_instants(self):
        print(f"seed {EXTENT.seed}")
        cuts = Cuts(UE("power"), EXTENT.seed)
        self.assertEqual(cuts.run(EXTENT.cuts), [])
        print(f"figure: {cuts.summary()}")


class PowerLog(unittest.TestCase):
    """One recording; its disk starts at the boundaries."""

    @classmethod
    def setUpClass(cls):
        cls.recorder = UE("power-log")
        cls.recording = Recording(cls.recorder, EXTENT.seed).run()

    def test_power_log_makes_the_disk_bit_for_bit(self):
        self.assertEqual(self.recording.whole(), self.recorder.disk())

    def test_power_cuts_at_boundaries_of_flushes(self):
        boundaries = Boundaries(UE("power"), self.recording, EXTENT.seed)
        chosen = boundaries.drawn(EXTENT.first_commits, EXTENT.the_rest)
        print(f"seed {EXTENT.seed}: {len(chosen)} of {len(self.recording.boundaries)} boundaries, "
              f"{len(self.recording.first_commits())} of them in the first commits of the fresh disk")
        self.assertGreater(len(chosen), 1)
        self.assertEqual(boundaries.run(chosen), [])

    def test_power_cut_in_the_first_commits_without_the_guard_is_told(self):
        """OP-TEE 4.5 makes its list of the TAs' versions empty, and writes the head later: between the two a cut leaves
        a store that never opens, about the middle of the first commits."""
        ue, first = UE("power"), self.recording.first_commits()
        self.addCleanup(ue.cut)
        image = KEPT / "unguarded.img"
        image.parent.mkdir(parents=True, exist_ok=True)
        for flush in first[len(first) // 2:][:8]:
            image.write_bytes(writelog.disk_at(self.recording.base, self.recording.entries, flush, random.Random(flush)))
            ue.start("--disk", os.fspath(image), "--cache", "unsafe", "--append", "proseal.nosupplicant")
            ue.sh("setsid /usr/lib/tee-supplicant </dev/null >/dev/null 2>&1 &")
            said = ue.json("status")
            if not said["ok"]:
                break
            ue.cut()
        if paths.suite.NAME != paths.suite.BASE:
            # The first commits of 4.10 survive (docs/storage.md).
            return self.assertTrue(said["ok"], said)
        self.assertEqual(said.get("name"), "storage_damaged", said)
        self.assertIn("0xffff0007", said["message"])
        self.assertIn("clear the folder", ue.prosectl("doctor").stdout)
        ue.cut()
        # With the guard the same disk is a device's first start.
        ue.start("--disk", os.fspath(image))
        self.assertEqual(ue.done("status")["state"], "factory")


class PowerDisk(unittest.TestCase):
    """A disk that fails once, and damage that nothing here can mend. The device holds two keys."""

    @classmethod
    def setUpClass(cls):
        cls.ue = UE("power-disk")
        cls.ue.start("--fresh")
        cls.addClassCleanup(cls.ue.cut)
        cls.life = Life()
        draw = work.Draw(random.Random(EXTENT.seed))
        with guest.Shell(cls.ue) as shell:
            cls.carry_out(shell, work.Identity())
            cls.carry_out(shell, draw.enrol(cls.life.model))
            for generation in (1, 2):
                cls.carry_out(shell, draw.package(cls.life.model, work.GROUPS[0], generation, 1))
            cls.carry_out(shell, work.Send(work.GROUPS[0], 2))
        # No key pair is as large.
        cls.state_file = cls.ue.sh(f"ls -S {STORE} | grep -vx dirf.db").stdout.split()[0]
        cls.ue.stop()
        cls.disk = cls.ue.folder / "disk"
        cls.copy = cls.ue.folder / "copy"
        shutil.copyfile(cls.disk, cls.copy)

    @classmethod
    def carry_out(cls, shell, operation):
        wrong = cls.life.acknowledged(operation, guest.must(shell.carry_out(operation)))
        if wrong:
            raise guest.Unexpected("; ".join(wrong))

    def setUp(self):
        shutil.copyfile(self.copy, self.disk)
        self.addCleanup(self.ue.cut)

    def refused(self, status, name, message, hint, *command):
        answer = self.ue.prosectl("--json", *command)
        said = json.loads(answer.stdout)
        self.assertEqual((answer.status, said["name"]), (status, name), answer)
        self.assertIn(message, said["message"])
        self.assertIn(hint, said["hint"])
        print(f"{said['name']}: {said['message']}\n  hint: {said['hint']}")

    def doctor_says(self, *texts):
        doctor = self.ue.prosectl("doctor")
        self.assertNotEqual(doctor.status, 0, doctor)
        for text in texts:
            self.assertIn(text, doctor.stdout)
        print(doctor.stdout)

    def doctor_says_after_a_call(self, *texts):
        # 4.10 takes a directory that it could not open away, at the next start the guard puts it back (docs/storage.md).
        self.doctor_says(*(("has lost its directory", "restart the machine") if IS_4_10 else texts))

    def all_is_there(self):
        with guest.Shell(self.ue) as shell:
            self.assertEqual(self.life.judge(shell), [])

    def test_power_read_error_of_one_start_costs_nothing(self):
        self.ue.start("--store-driver", damage.read_errors(self.disk, "dirf.db"))
        self.refused(1, "tee_failed", "0xffff0000", "prosectl doctor", "status")
        self.doctor_says_after_a_call("disk may be failing", "do not try again before it is healthy")
        self.ue.cut()
        self.ue.start()
        self.all_is_there()

    def test_power_damaged_directory_is_told_at_each_start_and_a_copy_mends_it(self):
        damage.invert(self.disk, "dirf.db")
        for _ in range(2):
            self.ue.start()
            self.refused(1, "storage_damaged", "damaged", "prosectl doctor", "status")
            self.doctor_says_after_a_call("keep a copy", "put back a backup of this very device", "clear the folder")
            self.ue.cut()
        self.ue.start("--disk", os.fspath(self.copy))
        self.all_is_there()

    def test_power_damaged_directory_is_cleared_as_the_doctor_says(self):
        damage.invert(self.disk, "dirf.db")
        self.ue.start()
        self.doctor_says("with tee-supplicant stopped clear the folder, its hidden .dirf.ready too")
        # To the letter: the files that `ls` shows, and that one.
        cleared = self.ue.sh(f"kill $(pidof tee-supplicant); sleep 1; cd {STORE}; rm -f * .dirf.ready; sync")
        self.assertEqual(cleared.status, 0, cleared)
        self.ue.reboot()
        for _ in range(2):
            self.assertEqual(self.ue.done("status")["state"], "factory")
            self.ue.stop()
            self.ue.start()
        with guest.Shell(self.ue) as shell:
            draw = work.Draw(random.Random(EXTENT.seed), 2)
            self.assertEqual(Life().go_on(shell, draw), [])

    def test_power_damaged_state_is_told_and_an_erase_begins_anew(self):
        damage.invert(self.disk, self.state_file)
        self.ue.start()
        for command in (["key", "list"], ["derive", "send", "--group", work.GROUPS[0]]):
            self.refused(3, "damaged", "state is damaged", "prosectl erase", *command)
        self.assertEqual(self.ue.done("status")["state"], "damaged")
        with guest.Shell(self.ue) as shell:
            life, draw = Life(self.life.model.erased(oracle.DAMAGED)), work.Draw(random.Random(EXTENT.seed), 2)
            self.assertEqual(life.go_on(shell, draw), [])

    def test_power_damaged_database_of_op_tee_is_told(self):
        # Its list of TAs that are in the store, and that of the TAs' versions: both are older than any object of ours.
        for file in ("0", "1"):
            with self.subTest(file):
                shutil.copyfile(self.copy, self.disk)
                damage.invert(self.disk, file)
                self.ue.start()
                self.refused(1, "storage_damaged", "damaged", "prosectl doctor", "status")
                self.ue.cut()
