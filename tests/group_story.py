"""The chapters of `make demo`: radios join, talk, change keys and lose one of them."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from radios import GROUP, LINK, NAME, until
from scene import play, say
from telling import chapter, expect, names, quote, show

# The group's own place on the link, which anyone can compute (docs/prosed.md).
AIR = {"interface": LINK, "group": f"ff12::7073:{int(GROUP[:2], 16):x}:{int(GROUP[2:], 16):x}", "port": 46360}
# How a frame of the group begins that announces a new epoch (docs/packet.md): what the outsider's are made to look like.
FORGED = int("12" + GROUP, 16)
FLOOD, FLOOD_MS = 1000, 10
SENTENCE = "the north gate is open"
PATIENCE_S = 60
# So long speech goes on before the manager acts.
SPEECH_FIRST_S = 2


class GroupStory:
    def __init__(self, network):
        self.network, self.manager = network, network.manager
        self.alpha, self.bravo, self.charlie, self.delta = network
        # What is told at the end: scenes, (what, when) of the manager's acts, each member's id, generations by PGK index.
        self.scenes, self.acts, self.members, self.generations = [], [], {}, {}

    def tell(self):
        self.start()
        self.join()
        self.refuse()
        self.talk()
        self.rotate()
        self.lose()
        self.by_file()

    def play(self, *arguments, **options):
        """A scene, with what holds in each."""
        scene = play(*arguments, **options)
        self.scenes.append(scene)
        for row in scene.rows:
            gap = f", longest gap {row.gap_ms} ms" if row.heard else ""
            show(f"{row.radio} heard {row.heard} of {row.sent} packets{gap}")
        return scene

    def act(self, what, *words):
        """The manager's, while they talk."""
        time.sleep(SPEECH_FIRST_S)
        self.manager.done(*words)
        self.acts.append((what, time.time()))

    def all_hear(self, scene, *radios):
        rows = [scene[radio] for radio in radios]
        expect(f"{names(radios)} heard each packet, and each once",
               all((row.lost, row.twice, row.strange) == (0, 0, 0) and row.heard for row in rows))

    def sending(self, *radios):
        """Until these radios send under one generation; which."""
        def agreed():
            generations = {radio.generation() for radio in radios}
            return len(generations) == 1 and generations.pop()

        found = until("they send under one generation", agreed, PATIENCE_S)
        for radio in radios:
            self.members[radio.short] = radio.group()["member"]
        for pgk in (pgk for group in radios[0].held() for pgk in group["pgks"]):
            self.generations[int(pgk["pgk_id"], 16) & 0x1F] = pgk["generation"]
        return found

    # The chapters.

    def start(self):
        chapter("1. Four radios and a manager",
                "Each radio is a virtual machine with real OP-TEE and its own disk. They are on one ad-hoc link, which a "
                "program on this machine carries. The group manager serves over TLS 1.3, under an authority of its own "
                "making, and is all that they reach beside the link.")
        began = time.monotonic()
        # Epochs are short, so that some are seen.
        self.network.start("--epoch", "10s", "--overlap", "1h", members=[self.alpha, self.bravo, self.charlie])
        show(f"four radios start side by side: {time.monotonic() - began:.0f} s")
        # From now on, so that it is the same number throughout.
        for radio in self.network:
            show(f"{radio.short}: its clock is {abs(radio.behind):.1f} s from this machine's")

    def join(self):
        chapter("2. Three join",
                "A radio has a token file for one enrolment, and its user has the root key's fingerprint from elsewhere. "
                "The manager knows the subscriber by the token, and the device by what it signs; the operator compares "
                "the device id with the one on the radio's secure console.")
        devices = self.enrol(self.alpha, self.bravo, self.charlie)
        early = self.alpha.json("join", GROUP)
        show(f"prosectl join, before that: {early.get('name', 'joined!')}")
        expect("a device that nobody has approved gets nothing", early.get("name") == "not_approved")
        consoles = [self.approve(radio) for radio in (self.alpha, self.bravo, self.charlie)]
        expect("each secure console names the device", consoles == devices)
        self.network.join(self.alpha, self.bravo, self.charlie)
        for radio in (self.alpha, self.bravo, self.charlie):
            show(f"prosectl join: {radio.short} is member {radio.group()['member']} of {NAME}")
        expect("the manager has their receipts",
               all(self.manager.done("device", "show", device)["package"] == "applied" for device in devices))
        sent = self.alpha.done("derive", "send", "--group", GROUP)
        show(f"prosectl derive send: PTK Id {sent['ptk_id']}, IK check {sent['ik_check']}, CK check {sent['ck_check']}")
        now = self.sending(self.alpha, self.bravo, self.charlie)
        expect("all can send under one generation", now == sent["generation"])

    def enrol(self, *radios):
        tokens = [self.manager.invite(radio.subscriber) for radio in radios]

        def enrol(radio, token):
            return radio.done("enrol", "--token-file", "-", "--fingerprint", self.network.fingerprint, stdin=token)

        with ThreadPoolExecutor() as side_by_side:
            enrolled = list(side_by_side.map(enrol, radios, tokens))
        for one in enrolled:
            show(f"prosectl enrol: {one['subscriber']} is {one['standing']}")
        return [one["device"] for one in enrolled]

    def approve(self, radio):
        """By what the radio's secure console shows."""
        shown = re.findall(r"the identity of this device is ([0-9a-f]{32})", radio.secure_log())[-1]
        self.manager.done("device", "approve", shown)
        return shown

    def refuse(self):
        chapter("3. One who may not",
                "The fourth radio enrols with a token of its own and is approved, but its subscriber is not let into the "
                "group.")
        self.enrol(self.delta)
        self.approve(self.delta)
        refused = self.delta.json("join", GROUP)
        quote(f"prosectl join: {refused.get('message', 'joined!')}")
        expect("it is not let in", refused.get("name") == "not_authorised" and self.delta.held() == [])
        other = self.manager.invite("unit-9").replace(b"https://manager:", b"https://10.0.2.100:")
        stolen = self.delta.json("enrol", "--token-file", "-", "--yes", stdin=other)
        show(f"a token file that names another server: {stolen.get('name', 'enrolled!')}")
        expect("a server under another name is not believed", stolen.get("name") == "wrong_manager")

    def talk(self):
        chapter("4. They talk, and the fourth listens",
                "Programs talk through a TUN interface and know nothing of keys: socat, then a push-to-talk stand-in, 50 "
                f"packets of 60 octets a second. Epochs last 10 s. Meanwhile {self.delta.short} hears all that is on the "
                "link, and sends frames that look like a member's new epoch to the group's address.")
        heard = say(SENTENCE, self.alpha, self.bravo, self.charlie)
        show(f"socat, {self.alpha.short}: {SENTENCE}")
        expect("socat at the two others has it", heard == [SENTENCE, SENTENCE])
        # Its own prosed has no group; the port is for what listens in its place.
        self.delta.configure("port = 46361\n")
        members = [self.alpha, self.bravo, self.charlie]

        def floods():
            self.delta.talk(FLOOD, stream=FORGED, interval=FLOOD_MS, octets=120, **AIR)

        before = self.epochs(members)
        scene = self.play("4 talk", [(radio, 250) for radio in members], members, floods, self.delta, AIR)
        self.all_hear(scene, *members)
        expect(f"nothing that {self.delta.short} sent was heard", all(scene[radio].strange == 0 for radio in members))
        outside = scene[self.delta]
        show(f"{self.delta.short} saw {outside.strange} frames of theirs on the link")
        expect("it saw their frames, and not one packet of speech", outside.strange >= 750 and outside.heard == 0)
        dropped = scene[self.bravo].drops
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.most_common() if count)
        show(f"{self.bravo.short} dropped: {reasons}")
        expect(f"each member dropped all {FLOOD} frames that it sent, and counted why",
               all(scene[radio].drops.total() >= FLOOD for radio in members))
        # The one that was in use before may be new to a hearer, too.
        begun = {name: last - before[name] + 1 for name, last in self.epochs(members).items()}
        expect("no TEE was called but for members' epochs", all(
            0 < scene[radio].calls <= sum(begun.values()) - begun[radio.short] for radio in members))

    def epochs(self, radios):
        return {radio.short: int(radio.sending()["ptk_id"], 16) for radio in radios}

    def rotate(self):
        chapter("5. The key is rotated while they talk",
                "One command at the manager. The radio that speaks asks for what is new and goes on under the next key, "
                "which the others hold already. They still hear those who have not asked yet.")
        old = self.alpha.generation()

        def rotates():
            self.act("key rotated", "key", "rotate", NAME)
            show(f"prosectl update: package {self.alpha.done('update', '--wait', '20')['package']['outcome']}")
            until("it sends under the next key", lambda: self.alpha.generation() > old, PATIENCE_S)

        members = [self.alpha, self.bravo, self.charlie]
        scene = self.play("5 rotate", [(self.alpha, 600), (self.bravo, 150)], members, rotates)
        self.all_hear(scene, *members)
        for radio in (self.bravo, self.charlie):
            radio.done("update", "--wait", "20")
        new = self.sending(*members)
        show(f"generation {old} -> {new}")
        expect("all send under the new generation", new > old)
        expect("then there is nothing new", not self.alpha.done("update")["is_new"])

    def lose(self):
        chapter("6. A radio is lost, and the manager reaches one of the others",
                "One command at the manager ends all that it was given, for good. One radio is in reach: it fetches the "
                "group's bundle, notice and sealed packages, and the link carries them. Whoever has the notice is "
                "silent until it has its package; for the lost one there is none.")
        alpha, bravo, charlie = self.alpha, self.bravo, self.charlie
        old = alpha.generation()
        for radio in (bravo, charlie, self.delta):
            self.network.reach(radio, False)

        def loses():
            self.act("declared lost", "device", "lost", charlie.subscriber, "--yes")
            bundle = alpha.done("bundle", GROUP, "--out", "/tmp/bundle")
            show(f"{alpha.short}: prosectl bundle: {bundle['packages']} packages and a notice")
            alpha.done("traffic", "carry", GROUP, "/tmp/bundle")
            show(f"{alpha.short}: prosectl traffic carry")

        scene = self.play("6 lose", [(alpha, 900)], [bravo, charlie], loses)
        new = self.sending(alpha, bravo)
        expect("the two others go on under a new key", new > old)
        row = scene[bravo]
        show(f"{bravo.short} lost {row.lost} packets in a gap of {row.gap_ms} ms")
        expect(f"{bravo.short} heard the end of the speech", 899 not in row.missed[alpha.short])
        expect(f"{charlie.short} did not hear it", 899 in scene[charlie].missed[alpha.short])
        silent = charlie.json("derive", "send", "--group", GROUP)
        quote(f"{charlie.short}: prosectl derive send: {silent.get('message', 'derived!')}")
        expect("where the notice reaches it, it falls silent", silent.get("name") == "unknown_generation")
        scene = self.play("6 after", [(alpha, 100), (charlie, 100), (bravo, 100)], [alpha, bravo, charlie])
        expect(f"{charlie.short} hears nothing more", scene[charlie].heard == 0)
        expect(f"nobody hears {charlie.short}", all(len(scene[one].missed["charlie"]) == 100 for one in (alpha, bravo)))
        expect("the two others hear each other, without a loss",
               scene[alpha].missed[bravo.short] == scene[bravo].missed[alpha.short] == [])
        self.network.reach(charlie, True)
        told = until("the manager answers", lambda: self.answer(charlie), PATIENCE_S)
        quote(f"{charlie.short}: prosectl update: {told.get('message', 'answered!')}")
        expect("nothing is sealed for the lost one", told.get("name") == "lost")

    def answer(self, radio):
        """What the manager answers, once it can be reached."""
        told = radio.json("update")
        return told if told.get("name") != "unreachable" else None

    def by_file(self):
        chapter("7. Another in its place, by a file",
                f"The operator lets {self.delta.short} in. It has no way to the manager: its package comes on a stick, "
                "octet by octet of the same form as over the network.")
        alpha, bravo, charlie, delta = self.network
        self.manager.done("member", "add", NAME, delta.subscriber, "000009")
        imported = delta.done("import", "-", stdin=self.manager.written("package", delta.subscriber))
        show(f"prosectl import: {imported['outcome']}")
        delta.configure()
        now = self.sending(alpha, bravo, delta)
        held = {pgk["generation"] for group in delta.held() for pgk in group["pgks"]}
        expect("it holds the key that the others use, and none of what it overheard", imported["outcome"] == "applied"
               and now in held and min(held) >= now)
        until("its interface is there", delta.has_tun)
        scene = self.play("7 stick", [(delta, 150), (alpha, 100), (bravo, 100)], [alpha, bravo, charlie, delta])
        self.all_hear(scene, alpha, bravo, delta)
        expect(f"{charlie.short} hears nothing", scene[charlie].heard == 0)
