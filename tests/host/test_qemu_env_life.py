"""Whether a UE runs, and how it ends, without a UE: its locks and a played agent."""

import os
import socket
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
from qemu_env.ue_folder import Ue  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
