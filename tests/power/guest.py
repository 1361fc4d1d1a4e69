"""A shell in a UE that is given one command of prosectl at a time. An answer that arrives is an acknowledgement."""

import json
import os
import select
import subprocess
import time

import derivation_reference as reference
from ue import TOOL

from . import oracle, work

ANSWER_S = 60
SENDER, PTK_ID, SALT = "00beef", "0001", "0011223344556677"


class Unexpected(Exception):
    """The device answered, and not as it must."""


class Shell:
    def __init__(self, ue):
        self._ctl = ue.ctl
        self._process = subprocess.Popen([TOOL, "exec", ue.name, "--", "sh"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._octets = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.communicate()

    def ask(self, *words, stdin=b""):
        """The answer to `prosectl WORDS`, or None if the power went first."""
        command = f"{self._ctl} --json {' '.join(words)}"
        # The shell's own input is the script, which no command may read from.
        octets = "".join(f"\\{octet:03o}" for octet in stdin)
        line = f"printf '{octets}' | {command}\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._answer(time.monotonic() + ANSWER_S)

    def _answer(self, deadline):
        """One line; what was cut within is none."""
        output = self._process.stdout.fileno()
        while b"\n" not in self._octets:
            ready, _, _ = select.select([output], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Unexpected(f"no answer within {ANSWER_S} s")
            part = os.read(output, 1 << 16)
            if not part:
                return None
            self._octets += part
        line, _, rest = self._octets.partition(b"\n")
        self._octets = bytearray(rest)
        return json.loads(line)

    def carry_out(self, operation):
        """The same for an operation; a refusal is an error: only what must succeed is drawn."""
        answer = self.ask(*operation.words(), stdin=getattr(operation, "stdin", b""))
        if answer is not None and not answer["ok"]:
            raise Unexpected(f"{operation}: {answer['name']}: {answer['message']}")
        return answer


def look(shell, model, in_flight=None):
    """What the device is: its status, and whether each PGK that it holds derives what the key that was installed under
    that name does. What has ended last is asked too. The machine must stay up meanwhile."""
    keys = {}
    for one in [model, *(in_flight.outcomes(model) if in_flight else [])]:
        keys |= {(group, g): key for group, what in one.groups.items() for g, key in what.pgks.items()}
    status = must(shell.carry_out(work.Look()))
    groups = {}
    for group in status["groups"]:
        name, generations = group["group"], [pgk["generation"] for pgk in group["pgks"]]
        # A suspended group derives nothing: its keys are looked at when it was resumed.
        pgks = {g: group["suspended"] or is_key(shell, name, g, keys.get((name, g))) for g in generations}
        groups[name] = oracle.Group(group["next"], pgks, group["suspended"])
    held = {(name, g) for name, group in groups.items() for g in group.pgks}
    gone = sorted(model.ended - held)[-2:]
    answering = frozenset(name for name in gone if must(shell.ask(*receive(*name)))["ok"])
    return seen(status, groups, answering)


def seen(status, groups, answering=frozenset()):
    """What the status says of all but the groups."""
    return oracle.Seen(status["state"], status["sequence"], status["floor"] or "", groups, answering,
                       status["device"] or oracle.NONE, status["manager"] or "", status["signer_version"])


def must(answer):
    if answer is None:
        raise Unexpected("the machine went away, and nobody has cut its power")
    return answer


def is_key(shell, group, generation, key):
    """Whether it derives as this key does; None if there is none to compare with."""
    answer = must(shell.ask(*receive(group, generation), "--show-keys"))
    if not answer["ok"]:
        raise Unexpected(f"generation {generation} of group {group} is listed, and derives nothing: {answer['message']}")
    if key is None:
        return None
    octets = [bytes.fromhex(text) for text in (work.pgk_id(generation), SENDER, PTK_ID, SALT)]
    ik, ck = reference.derive(key, "aead", bytes.fromhex(group), generation, *octets, "")
    return (answer["ik"], answer["ck"]) == (ik.hex(), ck.hex())


def receive(group, generation):
    return ["derive", "receive", "--group", group, "--generation", str(generation), "--sender", SENDER,
            "--ptk-id", PTK_ID, "--salt", SALT]
