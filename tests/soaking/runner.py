"""Runs parts one after the other, each in its time: one that fails or does not end stops no other."""

import dataclasses
import subprocess
import time

from harness import process

from .share import shared

BUILD_S = 1800
OK, FAILED, NOT_RUN = "ok", "FAILED", "not run"


@dataclasses.dataclass
class Outcome:
    """What became of a part; `told` is the amount that it was to do."""

    name: str
    result: str
    told: str = ""
    seconds: float = 0.0
    reason: str = ""
    figures: list[str] = dataclasses.field(default_factory=list)


class Soak:
    """`folder` has a log of each part. Commands are given an environment and descriptors, as process.bounded takes
    them."""

    def __init__(self, parts, seconds, folder, env, pass_fds=()):
        self._parts, self._folder, self._streams = parts, folder, {"env": env, "pass_fds": pass_fds}
        self._left, self._start = seconds, time.monotonic()
        self.outcomes = []

    def run(self):
        """Of all parts, also when it is interrupted; whether it was."""
        try:
            for number, part in enumerate(self._parts):
                # Anew each time: what one left is divided among those that follow, and what it took too much, too.
                seconds = shared(self._parts[number:], self._left).get(part.name)
                if seconds is None:
                    self._add(Outcome(part.name, NOT_RUN, reason=f"no time, it needs {clock(part.least_s)}"))
                else:
                    self._run_part(part, seconds)
        except KeyboardInterrupt:
            for part in self._parts[len(self.outcomes):]:
                self._add(Outcome(part.name, NOT_RUN, reason="interrupted before"))
            return True
        return False

    def _run_part(self, part, seconds):
        amount, limit_s = part.amount(seconds), limit(seconds)
        path = self._folder / f"{part.name}.log"
        # As long as nothing else is known.
        outcome = Outcome(part.name, FAILED, amount.told, reason="interrupted")
        with open(path, "wb") as log:
            start = time.monotonic()
            try:
                wrong = self._build(part, log)
                # Builds are no soaking, and cost no part its time.
                start = time.monotonic()
                if not wrong:
                    self._say(part.name, f"{amount.told}: {clock(seconds)}, {clock(limit_s)} at most")
                    wrong = self._carry_out(amount.commands, start + limit_s, log)
                outcome.result, outcome.reason = FAILED if wrong else OK, wrong
            finally:
                outcome.seconds = time.monotonic() - start
                self._left -= outcome.seconds
                outcome.figures = figures(part, path)
                self._add(outcome)

    def _build(self, part, log):
        """What went wrong, or nothing."""
        for command in part.builds:
            self._say(part.name, " ".join(command))
            if self._bounded(command, BUILD_S, log) != 0:
                return f"it does not build: {' '.join(command)}"
        return ""

    def _carry_out(self, commands, end, log):
        """What went wrong, or nothing. All are tried, as long as there is time."""
        wrong = []
        for command in commands:
            status = self._bounded(command, max(0, end - time.monotonic()), log)
            if status is None:
                wrong.append("it did not end in time")
                break
            if status:
                wrong.append(f"status {status}: {' '.join(command)}")
        return "; ".join(wrong)

    def _bounded(self, command, limit_s, log):
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        try:
            return process.bounded(command, limit_s, gently=True, stdout=log, stderr=subprocess.STDOUT, **self._streams)
        except OSError as error:
            log.write(f"{error}\n".encode())
            return 127

    def _add(self, outcome):
        self.outcomes.append(outcome)
        self._say(outcome.name, f"{outcome.result}{outcome.reason and f': {outcome.reason}'}")

    def _say(self, name, text):
        print(f"[{clock(time.monotonic() - self._start)}] {name}: {text}", flush=True)


def limit(seconds):
    """An amount comes from rates of another machine, or hour."""
    return seconds * 1.5 + 60


def figures(part, path):
    try:
        return part.figures(path.read_text(errors="replace"))
    except (ValueError, LookupError, TypeError) as error:
        return [f"its figures cannot be read: {error!r}"]


def clock(seconds):
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
