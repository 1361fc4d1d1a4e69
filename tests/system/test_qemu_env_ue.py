"""`qemu-env/ue` with live UEs: what passes through, what ends, and that nothing is left behind."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from harness.process import ROOT, line, paths

TOOL = str(ROOT / "qemu-env/ue")
IMAGE = paths.IMAGE / "manifest.json"
NAME = f"t{os.getpid()}"
STORE = "/var/lib/optee-client/data"
CALL_S = 120
# A UE ends with these tests, however they end.
BOUND = ("--bind-to", str(os.getpid()))


def call(*arguments, stdin=b"", seconds=CALL_S):
    # From another directory: the commands find the repository by themselves.
    return subprocess.run([TOOL, *arguments], input=stdin, capture_output=True, timeout=seconds, cwd="/", check=False)


def guest(*words, **options):
    return call("exec", NAME, "--", *words, **options)


def qemu_of(name):
    """The ids of the QEMU processes that belong to this UE's folder."""
    wanted, found = os.fsencode(f"proseal:{paths.UE}/{name}"), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass  # it ended while we looked
    return found


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@unittest.skipUnless(IMAGE.exists(), "no image: run `make image`")
class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", f"{paths.UE}/{NAME}"], check=False)
        cls.addClassCleanup(call, "stop", NAME)
        started = call("start", NAME, "--fresh", *BOUND, "--max-seconds", "900")
        if started.returncode != 0:
            raise RuntimeError(started.stderr.decode(errors="replace"))

    def setUp(self):
        # A test that ended the UE, or failed in the middle of it, must not fail the others.
        if not qemu_of(NAME):
            call("start", NAME, *BOUND, "--max-seconds", "900")

    def test_status_passes_through(self):
        for status in (0, 1, 7, 124, 255):
            with self.subTest(status):
                self.assertEqual(guest("sh", "-c", f"exit {status}").returncode, status)

    def test_death_by_a_signal_is_128_and_its_number(self):
        self.assertEqual(guest("sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)
        self.assertEqual(guest("sh", "-c", "kill -KILL $$").returncode, 128 + signal.SIGKILL)

    def test_a_command_that_cannot_start_is_as_in_a_shell(self):
        self.assertEqual(guest("no-such-program").returncode, 127)
        self.assertEqual(guest("/etc/passwd").returncode, 126)

    def test_own_failures_are_125(self):
        self.assertEqual(call("exec", "nobody-there", "--", "true").returncode, 125)
        self.assertEqual(call("exec", NAME).returncode, 125)
        self.assertEqual(call("exec").returncode, 125)
        self.assertEqual(call("run", "--no-such-option", "--", "true").returncode, 125)
        self.assertIn(b"is not running", call("exec", "nobody-there", "--", "true").stderr)

    def test_output_and_error_stay_apart(self):
        done = guest("sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), (b"out\n", b"err\n"))

    def test_words_arrive_as_they_are(self):
        words = ["", "a b", "*", "$HOME", "'\"", "--", "-n", "ä", "line\nline"]
        done = guest("sh", "-c", 'for word; do printf "%s\\0" "$word"; done', "sh", *words)
        self.assertEqual(done.stdout, b"".join(word.encode() + b"\0" for word in words))

    def test_binary_input_and_output(self):
        every_byte = bytes(range(256)) * 5
        self.assertEqual(guest("cat", stdin=every_byte).stdout, every_byte)
        self.assertEqual(guest("cat").stdout, b"")

    def test_20_megabytes_go_both_ways(self):
        data = os.urandom(20_000_000)
        self.assertEqual(guest("cat", stdin=data).stdout, data)

    def test_input_that_nobody_reads_is_no_dead_end(self):
        self.assertEqual(guest("true", stdin=bytes(5_000_000)).returncode, 0)
        self.assertEqual(guest("sh", "-c", "exec <&-; sleep 1", stdin=bytes(5_000_000)).returncode, 0)

    def test_output_streams_while_the_command_runs(self):
        command = [TOOL, "exec", NAME, "--", "sh", "-c", "echo first; read line; echo $line"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.assertEqual(line(process.stdout, 30), "first")
            process.stdin.write(b"second\n")
            process.stdin.flush()
            self.assertEqual(line(process.stdout, 30), "second")
            self.assertEqual(process.wait(20), 0)

    def test_four_commands_run_side_by_side(self):
        began = time.monotonic()
        processes = [subprocess.Popen([TOOL, "exec", NAME, "--", "sleep", "3"]) for _ in range(4)]
        self.assertEqual([process.wait(60) for process in processes], [0] * 4)
        self.assertLess(time.monotonic() - began, 9)

    def test_a_fifth_command_waits_for_a_free_port(self):
        processes = [subprocess.Popen([TOOL, "exec", NAME, "--", "sleep", "2"]) for _ in range(5)]
        self.assertEqual([process.wait(60) for process in processes], [0] * 5)

    def test_a_killed_caller_takes_its_command_along(self):
        with subprocess.Popen([TOOL, "exec", NAME, "--", "sleep", "4711"], stdin=subprocess.DEVNULL) as process:
            running = ["sh", "-c", "ps | grep -q '[s]leep 4711'"]
            self.assertTrue(wait_until(lambda: guest(*running).returncode == 0, 10))
            process.kill()
        self.assertTrue(wait_until(lambda: guest(*running).returncode == 1, 10))

    def test_stale_bytes_of_a_died_session_do_no_harm(self):
        from qemu_env.ue_folder import Ue

        for stale in (b"I" + (30000).to_bytes(4, "little") + b"x", b"C\3\0\0\0", bytes(100), os.urandom(3000)):
            with self.subTest(stale[:8]):
                connection = Ue(NAME).connect("agent0.sock", 5)
                connection.sendall(stale)
                connection.close()
                self.assertEqual(guest("echo", "fine").stdout, b"fine\n")

    def test_an_agent_that_dies_is_started_again_and_its_command_is_an_error(self):
        done = guest("sh", "-c", "kill $(pidof ue-agent); sleep 20", seconds=15)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"started again", done.stderr)
        self.assertEqual(guest("echo", "fine").stdout, b"fine\n")

    def test_no_signal_is_ignored_from_the_start(self):
        self.assertEqual(guest("sh", "-c", "kill -INT $$; exit 1").returncode, 128 + signal.SIGINT)

    def test_a_background_process_does_not_hold_the_call(self):
        began = time.monotonic()
        self.assertEqual(guest("sh", "-c", "sleep 30 & echo started").stdout, b"started\n")
        self.assertLess(time.monotonic() - began, 10)

    def test_a_second_start_is_refused(self):
        done = call("start", NAME)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is running already", done.stderr)

    def test_list_as_json(self):
        rows = {row["name"]: row for row in json.loads(call("list", "--json").stdout)}
        self.assertEqual([rows[NAME]["pid"]], qemu_of(NAME))
        self.assertTrue(rows[NAME]["running"] and rows[NAME]["agent"])
        self.assertGreater(rows[NAME]["seconds"], 0)

    def test_the_console_has_a_shell(self):
        self.assertIn(b"sum is 42", call("console", NAME, stdin=b"\necho sum is $((6 * 7))\n").stdout)

    def test_an_answer_is_quick(self):
        seconds = []
        for _ in range(5):
            began = time.monotonic()
            guest("true")
            seconds.append(time.monotonic() - began)
        self.assertLess(min(seconds), 1)

    def test_a_reboot_keeps_the_disk_and_is_one(self):
        first = guest("cat", "/proc/sys/kernel/random/boot_id").stdout
        guest("sh", "-c", f"echo kept > {STORE}/kept")
        self.assertEqual(call("reboot", NAME).returncode, 0)
        self.assertEqual(guest("cat", f"{STORE}/kept").stdout, b"kept\n")
        self.assertNotEqual(guest("cat", "/proc/sys/kernel/random/boot_id").stdout, first)

    def test_a_kill_is_a_power_cut(self):
        guest("sh", "-c", f"echo kept > {STORE}/synced; sync")
        self.assertEqual(call("kill", NAME).returncode, 0)
        self.assertEqual(qemu_of(NAME), [])
        done = guest("true")
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"killed by signal 9", done.stderr)
        self.assertEqual(call("kill", NAME).returncode, 1)
        self.assertEqual(call("start", NAME, *BOUND).returncode, 0)
        self.assertEqual(guest("cat", f"{STORE}/synced").stdout, b"kept\n")

    def test_stop_twice(self):
        self.assertEqual(call("stop", NAME).returncode, 0)
        self.assertEqual(qemu_of(NAME), [])
        self.assertEqual(call("stop", NAME).returncode, 0)

    def test_the_store_is_marked_ready(self):
        marks = guest("stat", "-c", "%i %h", f"{STORE}/tee/dirf.db", f"{STORE}/tee/.dirf.ready").stdout.split(b"\n")
        self.assertEqual(marks[0], marks[1])
        self.assertTrue(marks[0].endswith(b" 2"))

    def test_rights_of_the_device(self):
        rights = guest("stat", "-c", "%a %U %G", "/dev/tee0", "/dev/teepriv0").stdout.split(b"\n")
        self.assertEqual(rights[:2], [b"660 root teeclnt", b"600 root root"])
        self.assertIn(b"869(teeclnt)", guest("id", "radio").stdout)


@unittest.skipUnless(IMAGE.exists(), "no image: run `make image`")
class Lives(unittest.TestCase):
    """UEs that end in other ways than by `stop`. Each test has its own."""

    def setUp(self):
        self.name = f"{NAME}-{self._testMethodName[5:].replace('_', '-')}"[:31].rstrip("-")
        # The name is looked up at the end: a test may change it.
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", f"{paths.UE}/{self.name}"], check=False))
        self.addCleanup(lambda: call("stop", self.name))

    def start(self, *options):
        done = call("start", self.name, "--fresh", "--max-seconds", "300", *BOUND, *options)
        self.assertEqual(done.returncode, 0, done.stderr)

    def has_ended(self):
        return not qemu_of(self.name)

    def test_run(self):
        command = [TOOL, "run", "--", "sh", "-c", "cat; exit 3"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.name = f"run-{process.pid}"
            output = process.communicate(b"through\n", 120)[0]
        self.assertEqual((process.returncode, output), (3, b"through\n"))
        self.assertTrue(self.has_ended())
        self.assertFalse((paths.UE / self.name).exists())

    def test_hung_up_run(self):
        for number in (signal.SIGHUP, signal.SIGTERM):
            with self.subTest(number.name):
                process = subprocess.Popen([TOOL, "run", "--", "sh", "-c", "echo up; sleep 100"], stdout=subprocess.PIPE,
                                           preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
                self.name = f"run-{process.pid}"
                with process:
                    self.assertEqual(line(process.stdout, CALL_S), "up")
                    process.send_signal(number)
                    self.assertEqual(process.wait(60), 128 + number)
                self.assertTrue(self.has_ended())
                self.assertFalse((paths.UE / self.name).exists())

    def test_killed_run(self):
        process = subprocess.Popen([TOOL, "run", "--", "sh", "-c", "echo up; sleep 100"], stdout=subprocess.PIPE)
        self.name = f"run-{process.pid}"
        with process:
            self.assertEqual(line(process.stdout, CALL_S), "up")
            process.kill()
        self.assertTrue(wait_until(self.has_ended, 10))

    def test_killed_start(self):
        process = subprocess.Popen([TOOL, "start", self.name, "--fresh", *BOUND], stdout=subprocess.DEVNULL)
        self.assertTrue(wait_until(lambda: not self.has_ended(), 10))
        process.kill()
        process.wait(10)
        self.assertTrue(wait_until(self.has_ended, 10))

    def test_bound(self):
        with subprocess.Popen(["sleep", "300"]) as process:
            self.start("--bind-to", str(process.pid))
            self.assertFalse(self.has_ended())
            process.kill()
        self.assertTrue(wait_until(self.has_ended, 10))
        self.assertIn(b"bound to", call("exec", self.name, "--", "true").stderr)

    def test_limit(self):
        # The boot itself may take all of a short limit: both ends are good, but it must end, and say why.
        call("start", self.name, "--fresh", "--max-seconds", "3", *BOUND)
        self.assertTrue(wait_until(self.has_ended, 15))
        self.assertIn(b"time limit of 3 s", call("exec", self.name, "--", "true").stderr)

    def test_killed_supervisor(self):
        self.start()
        (pid,) = qemu_of(self.name)
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(parent, signal.SIGKILL)
        self.assertTrue(wait_until(self.has_ended, 10))
        self.assertEqual(call("exec", self.name, "--", "true").returncode, 125)
        self.start()

    def test_failed_boot(self):
        done = call("start", self.name, "--fresh", "--append", "rdinit=/nothing-there", "--wait", "20", *BOUND)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"console.log", done.stderr)
        self.assertTrue(self.has_ended())

    def test_given_disk(self):
        self.start()
        call("exec", self.name, "--", "sh", "-c", f"echo mine > {STORE}/mine")
        call("stop", self.name)
        copy = paths.UE / f"{self.name}/copy"
        os.rename(paths.UE / f"{self.name}/disk", copy)
        done = call("start", self.name, "--disk", str(copy), "--max-seconds", "300", *BOUND)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(call("exec", self.name, "--", "cat", f"{STORE}/mine").stdout, b"mine\n")

    def test_faults(self):
        self.start("--append", "proseal.nosupplicant", "--rtc", "2099-01-01", "--cache", "unsafe")
        done = call("exec", self.name, "--", "sh", "-c", "date +%Y; ps | grep -c '[t]ee-supplicant'")
        self.assertEqual(done.stdout, b"2099\n0\n")

    def test_reaches_one_port_of_this_machine(self):
        with socket.create_server(("127.0.0.1", 0)) as manager, socket.create_server(("127.0.0.1", 0)) as other:
            manager.settimeout(60)
            port, closed = manager.getsockname()[1], other.getsockname()[1]
            self.start("--reach", str(port))
            # More than either side's buffers, both ways; then the end of the one is the end of the other.
            ask = "(echo from the UE; head -c 1000000 /dev/zero) | timeout 30 nc manager {} | md5sum"
            with subprocess.Popen([TOOL, "exec", self.name, "--", "sh", "-c", ask.format(port)],
                                  stdout=subprocess.PIPE) as asking:  # fmt: skip
                connection, _ = manager.accept()
                with connection, connection.makefile("rb") as heard:
                    connection.settimeout(60)
                    self.assertEqual(heard.readline(), b"from the UE\n")
                    self.assertEqual(heard.read(1_000_000), bytes(1_000_000))
                    connection.sendall(b"1" * 1_000_000)
                said = asking.communicate(timeout=60)[0]
            self.assertEqual(said.split()[0].decode(), hashlib.md5(b"1" * 1_000_000).hexdigest())
            for place in (f"manager {closed}", f"10.0.2.2 {port}", f"10.0.2.2 {closed}"):
                answer = call("exec", self.name, "--", "sh", "-c", f"timeout 5 nc {place} </dev/null")
                self.assertNotEqual(answer.returncode, 0, place)

    def test_fresh_random(self):
        seen = set()
        for _ in range(2):
            self.start()
            seen.add(call("exec", self.name, "--", "head", "-c", "32", "/dev/urandom").stdout)
            call("stop", self.name)
        self.assertEqual(len(seen), 2)

    def test_a_strangers_process_is_safe(self):
        from qemu_env.ue_folder import Ue

        ue = Ue(self.name)
        with subprocess.Popen(["sleep", "60"]) as stranger:
            held = ue.lock()
            ue.write_pid(stranger.pid)
            self.assertFalse(ue.signal_qemu(signal.SIGKILL))
            self.assertIsNone(stranger.poll())
            stranger.kill()
            os.close(held)

    def test_sockets_work_under_a_long_path(self):
        from qemu_env.ue_folder import Ue

        ue = Ue(self.name)
        ue.folder = ue.folder / ("deep" * 30)
        ue.folder.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as server:
            # Bound as QEMU does it: by a short name from inside the folder.
            here = os.getcwd()
            os.chdir(ue.folder)
            try:
                server.bind("x.sock")
            finally:
                os.chdir(here)
            server.listen()
            ue.connect("x.sock", 5).close()


if __name__ == "__main__":
    unittest.main()
