"""prosed as a whole, in network namespaces, over the trusted application's logic."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from harness import packages


def setUpModule():
    global radios
    sys.path.insert(0, str(packages.installed()))
    import prosed as radios

    radios.build()


class Case(unittest.TestCase):
    def link(self, count):
        return self.enterContext(radios.Link(count))

    def radio(self, link, number, octets=None, **more):
        radio = radios.Radio(link, number, octets or radios.content(number + 1), **more)
        self.addCleanup(radio.remove)
        return radio

    def reader(self, radio):
        reader = radio.subscribe()
        self.addCleanup(reader.close)
        return reader


class Traffic(Case):
    def test_datagrams_come_to_all_others_once_and_through_refreshes(self):
        for suite in ("aead", "integrity", "3gpp"):
            with self.subTest(suite):
                self.talk(suite)

    def talk(self, suite):
        with radios.Link(3) as link:
            contents = [radios.content(number + 1, suite=suite) for number in range(3)]
            all_of_them = [self.radio(link, number, octets).start() for number, octets in enumerate(contents)]
            readers = [self.reader(radio) for radio in all_of_them]
            sent = 0
            for turn in range(30):
                for radio in all_of_them:
                    if turn % 10 == 9:
                        self.assertEqual(radio.call("Refresh", group="0a0b0c"), {"parameters": {}})
                    self.assertEqual(radio.send(f"{radio.member} {turn}".encode()), {"parameters": {}})
                sent += 1
            for radio, reader in zip(all_of_them, readers):
                heard = [reader.hear() for _ in range(2 * sent)]
                expected = {(other.member, f"{other.member} {turn}".encode())
                            for other in all_of_them if other is not radio for turn in range(sent)}
                self.assertEqual({(m["parameters"]["sender"], radios.payload_of(m)) for m in heard}, expected)
                counters = radios.exact(self, radio)
                self.assertEqual((counters["delivered"], counters["sent"]), (2 * sent, sent))
                self.assertEqual(sum(counters["drops"].values()), 0, counters)
                self.assertEqual((counters["kernel_drops"], counters["send_failed"]), (0, 0))
                sending = radio.status()["groups"][0]["sending"]
                self.assertGreaterEqual(int(sending["ptk_id"], 16), 4)
                radio.end()

    def test_after_a_kill_a_new_epoch_and_nothing_twice(self):
        link = self.link(2)
        one, two = (self.radio(link, number).start() for number in range(2))
        reader = self.reader(two)
        for number in range(100):
            one.send(b"%d" % number)
        self.assertEqual([radios.payload_of(reader.hear()) for _ in range(100)], [b"%d" % n for n in range(100)])
        before = one.status()["groups"][0]["sending"]["ptk_id"]
        for radio in (one, two):
            radio.end(signal.SIGKILL)
            radio.start()
        self.assertGreater(one.status()["groups"][0]["sending"]["ptk_id"], before)
        reader = self.reader(two)
        one.send(b"after")
        self.assertEqual(radios.payload_of(reader.hear()), b"after")
        self.assertEqual(radios.exact(self, two)["delivered"], 1)

    def test_a_clean_end_leaves_the_high_water_at_what_was_heard(self):
        link = self.link(2)
        one, two = (self.radio(link, number).start() for number in range(2))
        for number in range(10):
            one.send(b"x")
        radios.until("all is heard", lambda: two.status()["counters"]["delivered"] == 10)
        self.assertEqual(two.end(), 0)
        octets = (two.folder / "state/high-water").read_bytes()
        self.assertEqual((octets[:8], octets[14 + 24:14 + 28]), (b"ProSealH", (10).to_bytes(4, "big")))
        two.start()
        reader = self.reader(two)
        # The epoch is announced within a second of traffic.
        radios.until("it is heard again", lambda: one.send(b"y") and two.status()["counters"]["delivered"])
        self.assertEqual(radios.payload_of(reader.hear()), b"y")

    def test_ip_packets_go_through_tun_interfaces(self):
        link = self.link(2)
        extra = '[group.0a0b0c]\ntun = "prose0"\n'
        both = [self.radio(link, number, extra=extra).start() for number in range(2)]
        for number, radio in enumerate(both):
            radios.ip("-n", radio.space, "addr", "add", f"10.77.0.{number + 1}/24", "dev", "prose0")
            radios.ip("-n", radio.space, "link", "set", "prose0", "up")
        shown = subprocess.run(["ip", "-n", both[0].space, "link", "show", "prose0"], capture_output=True, text=True)
        self.assertIn("mtu 1406 ", shown.stdout)
        # A packet as long as the interface takes, and ordinary multicast.
        listen = ("import socket,struct,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(20)\n"
                  "s.bind(('',5000))\ns.setsockopt(0,35,socket.inet_aton('239.1.1.1')+socket.inet_aton('10.77.0.2'))\n"
                  "print('here',flush=True)\nprint(len(s.recv(2000)),len(s.recv(2000)),flush=True)")
        ear = subprocess.Popen(["ip", "netns", "exec", both[1].space, sys.executable, "-c", listen],
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(ear.stdout.close)
        self.addCleanup(ear.wait)
        self.addCleanup(ear.kill)
        self.assertEqual(ear.stdout.readline(), "here\n")
        say = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
               "s.setsockopt(0,32,socket.inet_aton('10.77.0.1'))\n"
               "s.sendto(bytes(1378),('10.77.0.2',5000))\ns.sendto(bytes(100),('239.1.1.1',5000))")
        subprocess.run(["ip", "netns", "exec", both[0].space, sys.executable, "-c", say], check=True)
        self.assertEqual(ear.stdout.readline(), "1378 100\n")


class Prosectl(Case):
    """`prosectl traffic`, as people use it."""

    def prosectl(self, radio, *words):
        command = [os.fspath(radios.PROSECTL), "--json", "traffic", "--socket", os.fspath(radio.folder / "socket")]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def test_it_shows_what_became_of_frames_and_begins_epochs(self):
        link = self.link(2)
        one, two = (self.radio(link, number).start() for number in range(2))
        one.send(b"x")
        radios.until("it is heard", lambda: two.status()["counters"]["delivered"] == 1)
        code, status = self.prosectl(one, "status")
        before = status["groups"][0]["sending"]["ptk_id"]
        self.assertEqual((code, status["ok"], status["counters"]), (0, True, one.status()["counters"]))
        self.assertEqual(self.prosectl(one, "refresh", "0a0b0c"), (0, {"ok": True, "group": "0a0b0c"}))
        one.send(b"y")
        after = self.prosectl(one, "status")[1]["groups"][0]["sending"]
        self.assertEqual((int(after["ptk_id"], 16), after["sn"]), (int(before, 16) + 1, 1))
        code, refused = self.prosectl(one, "refresh", "000001")
        self.assertEqual((code, refused["name"]), (3, "unknown_group"))
        watching = subprocess.Popen([radios.PROSECTL, "traffic", "status", "--watch", "1", "--socket",
                                     one.folder / "socket"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        heard = 0
        while heard < 2:
            heard += watching.stdout.readline() == "group: 0a0b0c\n"

    def test_nothing_is_carried_for_no_manager(self):
        link = self.link(1)
        radio = self.radio(link, 0).start()
        vectors = json.loads((radios.ROOT / "docs/vectors/packet.json").read_text())
        (radio.folder / "notice").write_bytes(bytes.fromhex(vectors["objects"][0]["object"]))
        code, refused = self.prosectl(radio, "carry", "0a0b0c", os.fspath(radio.folder / "notice"))
        self.assertEqual((code, refused["name"]), (3, "not_carried"))
        self.assertIn("enrolled by no manager", refused["message"])


class Edges(Case):
    def test_the_configuration_is_checked_with_lines(self):
        link = self.link(1)
        radio = self.radio(link, 0)
        check = [os.fspath(radios.PROGRAM), "check", "--config", os.fspath(radio.config)]
        good = subprocess.run(check, capture_output=True, text=True)
        self.assertEqual((good.returncode, good.stdout), (0, f"{radio.config}: good\n"))
        radio.extra = "port = 70000\n"
        radio.write_config()
        bad = subprocess.run(check, capture_output=True, text=True)
        self.assertEqual((bad.returncode, bad.stdout), (1, ""))
        self.assertIn(f"{radio.config}: line 5: this is a UDP port", bad.stderr)

    def test_reload_changes_what_it_can_and_loses_nothing(self):
        link = self.link(2)
        one, two = (self.radio(link, number).start() for number in range(2))
        before = one.status()["groups"][0]["sending"]
        one.extra = two.extra = '[group.0a0b0c]\naddress = "ff12::7"\n'
        for radio in (one, two):
            radio.write_config()
            self.assertEqual(radio.call("Reload"), {"parameters": {}})
        one.send(b"x")
        radios.until("it is heard at the new address", lambda: two.status()["counters"]["delivered"] == 1)
        self.assertEqual(one.status()["groups"][0]["sending"]["ptk_id"], before["ptk_id"])
        one.extra = "port = 5000\n"
        one.write_config()
        answer = one.call("Reload")
        self.assertEqual(answer["error"], "org.proseal.traffic.NotReloaded")
        self.assertIn("restart", answer["parameters"]["reason"])
        # And by a signal, which has nobody to answer to.
        one.process.send_signal(signal.SIGHUP)
        radios.until("it is said", lambda: "change by a restart" in one.said())

    def test_reloads_under_load_lose_no_packet(self):
        link = self.link(2)
        one, two = (self.radio(link, number).start() for number in range(2))
        reader = self.reader(two)
        before = one.status()["groups"][0]["sending"]["ptk_id"]
        for number in range(1000):
            one.send(b"%d" % number)
            if number % 50 == 0:
                # Users and TUN interfaces come and go; the group's stay as they are.
                tun = '[group.0a0b0d]\ntun = "prose1"\n' if number % 100 else ""
                one.extra = two.extra = f"users = [{4000 + number}]\n{tun}"
                for radio in (one, two):
                    radio.write_config()
                two.process.send_signal(signal.SIGHUP)
                self.assertEqual(one.call("Reload"), {"parameters": {}})
        self.assertEqual([radios.payload_of(reader.hear()) for _ in range(1000)], [b"%d" % n for n in range(1000)])
        counters = radios.exact(self, two)
        self.assertEqual((counters["delivered"], counters["kernel_drops"]), (1000, 0))
        self.assertEqual(sum(counters["drops"].values()), 0, counters)
        self.assertEqual(one.status()["groups"][0]["sending"]["ptk_id"], before)
        self.assertEqual(two.said(), "")

    def test_who_may_do_what(self):
        link = self.link(1)
        radio = self.radio(link, 0, extra="users = [4001]\n")
        radio.folder.chmod(0o755)
        radio.start()
        for user, allowed in ((4001, {"Status", "Send", "Carry"}), (4002, {"Status"})):
            for method, parameters in (("Status", {}), ("Send", {"group": "0a0b0c", "payload": ""}), ("Reload", {}),
                                       ("Refresh", {"group": "0a0b0c"}), ("Suspend", {"group": "0a0b0c"}),
                                       ("Carry", {"group": "0a0b0c", "object": ""})):
                answer = self.as_user(user, radio, method, parameters)
                with self.subTest(f"{user} {method}"):
                    refused = answer.get("error") == "org.proseal.traffic.NotPermitted"
                    self.assertEqual(refused, method not in allowed, answer)

    def as_user(self, user, radio, method, parameters):
        ours, theirs = os.pipe()
        if not (child := os.fork()):
            os.setuid(user)
            os.write(theirs, repr(radio.call(method, **parameters)).encode())
            os._exit(0)
        os.close(theirs)
        os.waitpid(child, 0)
        with open(ours) as answer:
            return eval(answer.read(), {})  # noqa: S307

    def test_the_api_introduces_itself_and_names_what_is_wrong(self):
        link = self.link(1)
        radio = self.radio(link, 0).start()
        info = radio.call("org.varlink.service.GetInfo")["parameters"]
        self.assertEqual(info["interfaces"], ["org.varlink.service", "org.proseal.traffic"])
        for method, parameters, error in (
            ("Stop", {}, "org.varlink.service.MethodNotFound"),
            ("Refresh", {}, "org.varlink.service.InvalidParameter"),
            ("Subscribe", {}, "org.varlink.service.ExpectedMore"),
            ("Refresh", {"group": "000001"}, "org.proseal.traffic.UnknownGroup"),
            ("Send", {"group": "000001", "payload": ""}, "org.proseal.traffic.NotSent"),
        ):
            self.assertEqual(radio.call(method, **parameters)["error"], error)
        with contextlib.closing(radio.api()) as api:
            api.socket.sendall(b"no json\0")
            self.assertRaises(EOFError, api.hear)
        with contextlib.closing(radio.api()) as api:
            with contextlib.suppress(OSError):
                api.socket.sendall(bytes([32]) * 300_000)
            self.assertRaises((EOFError, OSError), api.hear)
        self.assertTrue(radio.can_send())

    def test_a_suspension_stops_it_and_wipes_its_epoch(self):
        link = self.link(1)
        radio = self.radio(link, 0).start()
        self.assertEqual(radio.call("Suspend", group="0a0b0c"), {"parameters": {}})
        group = radios.until("it is suspended",
                             lambda: [g for g in radio.status()["groups"] if g["suspended"]])[0]
        self.assertEqual(radio.send(b"x")["error"], "org.proseal.traffic.NotSent")
        self.assertEqual((group["generations"], group["sending"]), ([], None))

    def test_a_second_daemon_of_the_radio_does_not_start(self):
        link = self.link(1)
        radio = self.radio(link, 0).start()
        command = ["ip", "netns", "exec", radio.space, os.fspath(radios.PROGRAM), "--config", os.fspath(radio.config)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=20)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use by another prosed", second.stderr)
        self.assertTrue(radio.can_send())

    def test_systemd_is_told_and_its_watchdog_fed(self):
        link = self.link(1)
        radio = self.radio(link, 0)
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(ear.close)
        ear.bind(os.fspath(radio.folder / "notify"))
        ear.settimeout(20)
        radio.start({"NOTIFY_SOCKET": os.fspath(radio.folder / "notify"), "WATCHDOG_USEC": "400000"})
        heard = [ear.recv(100).decode() for _ in range(5)]
        self.assertEqual(heard.count("READY=1"), 1)
        self.assertGreaterEqual(heard.count("WATCHDOG=1"), 4)
        self.assertEqual(radio.end(), 0)
        while (last := ear.recv(100).decode()) == "WATCHDOG=1":
            pass
        self.assertEqual(last, "STOPPING=1")

    def test_metrics_are_served_to_this_machine(self):
        link = self.link(1)
        radio = self.radio(link, 0, extra='metrics = "127.0.0.1:9464"\n').start()
        radio.send(b"x")
        ask = "import urllib.request as u;print(u.urlopen('http://127.0.0.1:9464/metrics',timeout=20).read().decode())"

        def page():
            return subprocess.run(["ip", "netns", "exec", radio.space, sys.executable, "-c", ask], capture_output=True,
                                  text=True).stdout

        radios.until("the packet is counted", lambda: "prosed_sent_total 1\n" in page())
        self.assertIn('prosed_drops_total{reason="replayed"} 0\n', page())
        self.assertIn("prosed_kernel_drops_total 0\n", page())

    def test_memory_is_locked_and_no_core_is_dumped(self):
        link = self.link(1)
        radio = self.radio(link, 0)
        radio.config.write_text(radio.config.read_text().replace("lock_memory = false\n", ""))
        radio.start()
        process = Path(f"/proc/{radio.process.pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        self.assertGreater(int(status["VmLck"].split()[0]), 1000)
        self.assertRegex((process / "limits").read_text(), r"Max core file size +0 +0 ")
