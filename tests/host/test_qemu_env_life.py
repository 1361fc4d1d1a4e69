"""Whether a UE runs, and how it ends, without a UE: its locks and a played agent."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from qemu_env import channel, life, paths  # noqa: E402
from qemu_env.report import Failure  # noqa: E402
from qemu_env.ue_folder import Ue, try_lock  # noqa: E402


class WithUe(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        patch = mock.patch.object(paths, "UE", Path(holder.name))
        patch.start()
        self.addCleanup(patch.stop)
        self.ue = Ue("played")
        self.ue.folder.mkdir()


class Running(WithUe):
    def test_as_long_as_the_lock_is_held_by_anyone(self):
        self.assertFalse(self.ue.is_running())
        held = self.ue.lock()
        self.assertTrue(self.ue.is_running())
        self.assertIsNone(self.ue.lock())
        # The supervisor is forked, and outlives who took the lock.
        inherited = os.dup(held)
        os.close(held)
        self.assertTrue(self.ue.is_running())
        os.close(inherited)
        self.assertFalse(self.ue.is_running())

    def test_those_who_ask_disturb_nobody(self):
        os.close(self.ue.lock())
        enough, seen_running, refused = threading.Event(), [], 0

        def ask():
            while not enough.is_set():
                if self.ue.is_running():
                    seen_running.append(True)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        # First nobody starts it, so nobody may see it run; then it is started, which nobody may hinder.
        time.sleep(0.3)
        seen_in_peace = len(seen_running)
        for _ in range(1000):
            descriptor = self.ue.lock()
            if descriptor is None:
                refused += 1
            else:
                os.close(descriptor)
        enough.set()
        for asker in askers:
            asker.join()
        self.assertEqual((seen_in_peace, refused), (0, 0))


class Supervisor(WithUe):
    PROGRAM = """
import sys
from pathlib import Path
from qemu_env import paths, supervisor
from qemu_env.ue_folder import Ue
paths.UE = Path(sys.argv[1])
ue = Ue("played")
supervisor.start(ue, ue.lock(), ["sleep", "60"], 60, int(sys.argv[2])).let_go()
"""

    def test_it_keeps_nothing_of_its_callers(self):
        reading_end, writing_end = os.pipe()
        self.addCleanup(os.close, reading_end)
        with subprocess.Popen(["sleep", "60"]) as bound:
            try:
                subprocess.run([sys.executable, "-c", self.PROGRAM, paths.UE, str(bound.pid)], pass_fds=[writing_end],
                               env={**os.environ, "PYTHONPATH": str(ROOT / "qemu-env/lib")}, timeout=60, check=True)
                os.close(writing_end)
                ended = select.select([reading_end], [], [], 10)[0]
                self.assertTrue(self.ue.is_running())
                self.assertTrue(ended and os.read(reading_end, 1) == b"", "the caller's pipe is held open")
            finally:
                bound.kill()
        self.assertTrue(self.ue.wait_until_ended(20))
        self.assertIn("bound to ended", self.ue.why_ended())


class HangingAgent(WithUe):
    """An agent that greets and then says nothing more, or talks on and on."""

    talk = b""

    def setUp(self):
        super().setUp()
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(self.ue.folder / "agent0.sock"))
        server.listen()
        self.connections = []
        self.addCleanup(lambda: [connection.close() for connection in self.connections])
        threading.Thread(target=self.greet, args=(server,), daemon=True).start()

    def greet(self, server):
        connection, _ = server.accept()
        self.connections.append(connection)
        connection.sendall(connection.recv(1024))
        try:
            while self.talk:
                connection.sendall(self.talk)
        except OSError:
            pass  # nobody listens any more

    def test_a_deadline_ends_a_command(self):
        began = time.monotonic()
        with self.assertRaisesRegex(Failure, "did not end within 0.3 s"), channel.Channel(self.ue, 5) as guest:
            guest.run(["sleep", "1000"], None, None, None, seconds=0.3)
        self.assertLess(time.monotonic() - began, 5)

    def test_a_deadline_ends_a_talkative_command_too(self):
        self.talk = channel.HEADER.pack(b"O", 4) + b"more"
        self.test_a_deadline_ends_a_command()

    def test_stop_turns_to_qemu_itself(self):
        held = self.ue.lock()
        signals = []

        def signalled(number):
            signals.append(number.name)
            os.close(held)

        began = time.monotonic()
        with mock.patch.object(Ue, "signal_qemu", side_effect=signalled), mock.patch.object(life, "say"):
            life.stop(self.ue, seconds=0.5)
        self.assertEqual(signals, ["SIGTERM"])
        self.assertLess(time.monotonic() - began, 10)


class AgentThatGoes(unittest.TestCase):
    """`ue exec` in a tree of its own, with an agent that greets, and then does what the test says."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = Path(holder.name)
        shutil.copytree(ROOT / "qemu-env", self.root / "qemu-env", ignore=shutil.ignore_patterns("__pycache__"))
        self.folder = self.root / paths.shown(paths.UE) / "played"
        self.folder.mkdir(parents=True)
        self.held = os.fdopen(try_lock(self.folder / "lock"), "rb")
        self.addCleanup(self.held.close)
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        self.server.settimeout(30)
        self.server.bind(str(self.folder / "agent0.sock"))
        self.server.listen()

    def execute(self, **streams):
        """The process, and the agent's end of its connection, which it has greeted."""
        process = subprocess.Popen([self.root / "qemu-env/ue", "exec", "played", "--", "cat"],
                                   **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams)
        self.addCleanup(process.kill)
        connection, _ = self.server.accept()
        self.addCleanup(connection.close)
        connection.sendall(connection.recv(channel.HEADER.size + len(channel.MAGIC) + 16))
        return process, connection

    def end_ue(self, reason):
        (self.folder / "ended").write_text(reason + "\n")
        self.held.close()

    def refused(self, process, *words):
        said = process.communicate(timeout=30)[1].decode()
        self.assertEqual(process.returncode, 125, said)
        self.assertNotIn("Traceback", said)
        for word in words:
            self.assertIn(word, said)

    def test_a_connection_that_is_reset_is_told_as_the_ues_end(self):
        process, connection = self.execute()
        connection.recv(1, socket.MSG_PEEK)  # the command has arrived, and is never read: that resets
        connection.close()
        self.end_ue("killed by signal 9")
        self.refused(process, "played ended while the command ran (killed by signal 9)")

    def test_so_is_one_that_takes_no_input_any_more(self):
        process, connection = self.execute()
        connection.recv(1 << 16)
        connection.shutdown(socket.SHUT_RD)  # its next piece is EPIPE
        self.end_ue("QEMU ended with status 1")
        process.stdin.write(b"more")
        process.stdin.flush()
        self.refused(process, "played ended while the command ran (QEMU ended with status 1)")

    def test_a_lost_connection_of_a_ue_that_lives_is_told_as_such(self):
        process, connection = self.execute()
        connection.recv(1 << 16)
        connection.close()
        self.refused(process, "lost the connection to its agent")

    def test_output_that_nobody_reads_ends_it_as_a_closed_pipe_does(self):
        process, connection = self.execute()
        process.stdout.close()
        process.stdout = None
        connection.sendall(channel.HEADER.pack(b"O", 4) + b"more")
        said = process.communicate(timeout=30)[1]
        self.assertEqual((process.returncode, said), (128 + signal.SIGPIPE, b""))

    def test_an_agent_that_forgets_the_greeting_is_greeted_again(self):
        """Under load the guest hears late of an earlier hang-up, and takes it for one of this connection."""
        process = subprocess.Popen([self.root / "qemu-env/ue", "exec", "played", "--", "true"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        greeting = channel.HEADER.size + len(channel.MAGIC) + 16
        for after in (channel.AGENT_STARTED, b""):
            connection, _ = self.server.accept()
            self.addCleanup(connection.close)
            connection.sendall(connection.recv(greeting) + after)
        connection.sendall(channel.HEADER.pack(b"X", 1) + b"\7")
        self.assertEqual((process.communicate(timeout=30)[1], process.returncode), (b"", 7))

    def test_input_that_the_caller_closed_is_empty(self):
        process, connection = self.execute(stdin=None, preexec_fn=lambda: os.close(0))
        frames = b""
        while not frames.endswith(channel.HEADER.pack(b"Z", 0)):
            frames += connection.recv(1 << 16)
        connection.sendall(channel.HEADER.pack(b"X", 1) + b"\7")
        self.assertEqual((process.communicate(timeout=30)[1], process.returncode), (b"", 7))


if __name__ == "__main__":
    unittest.main()
