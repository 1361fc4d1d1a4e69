"""Stages of Python tests: `python` on the host alone, `system` with live UEs."""

import multiprocessing
import multiprocessing.connection
import signal
import sys
import time
import unittest

from .process import ROOT
from .results import FAILED, PASSED, SKIPPED, Result


# A test, or the preparation of a class: more than what they call may take by its own limits.
LIMIT_S = 1500
AGAIN_S = 120  # for what it cleans up then


class TooLong(Exception):
    """The time of a test is over."""


def arm(seconds):
    """From now on, until it is armed anew or by 0 disarmed; whatever waits then is interrupted by TooLong."""
    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S if seconds else 0)


def over(*_):
    raise TooLong("the time of this test is over")


class Collector(unittest.TestResult):
    """Puts each test into the Results as it ends."""

    limit_s = LIMIT_S

    def __init__(self, stage, results):
        super().__init__()
        self.stage, self.results = stage, results
        self.buffer = True

    def startTest(self, test):
        super().startTest(test)
        arm(self.limit_s)
        self.started, self.worst = time.monotonic(), None

    def stopTest(self, test):
        # What the test printed: unittest's buffer is in the place of stdout until its own stopTest.
        said = sys.stdout.getvalue()
        super().stopTest(test)
        arm(self.limit_s)
        if isinstance(sys.exception(), KeyboardInterrupt):
            self.worst = (FAILED, "interrupted")
        status, message = self.worst or (PASSED, "")
        self.put(test, status, message, time.monotonic() - self.started, said)

    def put(self, test, status, message, seconds=0.0, said=""):
        name = ".".join(test.id().split(".")[-2:])
        self.results.add(Result(self.stage, name, status, seconds, message, said))

    def note(self, test, status, message):
        # A failing setUpClass has no test around it.
        if not isinstance(test, unittest.TestCase):
            self.put(test, status, message)
        elif self.worst is None or status == FAILED:
            self.worst = (status, message)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, FAILED, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, FAILED, self.failures[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, SKIPPED, reason)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, FAILED, "it passes, but is marked as one that cannot")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, FAILED, self._exc_info_to_string(err, test))


def stage(name, folder, side_by_side=1, alone=(), long=()):
    """A stage that runs the tests in `folder`: first the modules that need the machine for themselves, then so many of
    the others at a time, those of `long` first."""

    def run(results):
        # A long file is mostly a long run, too: so all end at about the same time.
        files = sorted((ROOT / "tests" / folder).glob("test_*.py"), key=lambda file: -file.stat().st_size)
        modules = [f"{folder}.{file.stem}" for file in files]
        first = [f"{folder}.{module}" for module in alone]
        second = [f"{folder}.{module}" for module in long]
        rest = second + [module for module in modules if module not in first + second]
        if side_by_side == 1:
            run_modules(name, iter(modules), results)
        else:
            run_apart(name, first, results, 1)
            run_apart(name, rest, results, side_by_side)

    return run


def run_modules(stage_name, modules, results):
    collector = Collector(stage_name, results)
    try:
        for module in modules:
            arm(collector.limit_s)
            unittest.defaultTestLoader.loadTestsFromName(module).run(collector)
    finally:
        arm(0)


def run_apart(stage_name, modules, results, processes):
    """Each process takes the next module when it has ended one, and tells its results as they come."""
    fork = multiprocessing.get_context("fork")
    left = fork.SimpleQueue()
    for module in [*modules, *[None] * processes]:
        left.put(module)
    workers = {}
    try:
        for _ in range(processes):
            ours, theirs = fork.Pipe(duplex=False)
            workers[ours] = fork.Process(target=work, args=(stage_name, left, theirs))
            workers[ours].start()
            theirs.close()
        telling = set(workers)
        while telling:
            for pipe in multiprocessing.connection.wait(telling):
                try:
                    results.add(pipe.recv())
                except EOFError:
                    telling.remove(pipe)
                    workers[pipe].join()
                    if workers[pipe].exitcode:
                        reason = f"a process that ran them ended with {workers[pipe].exitcode}"
                        results.add(Result(stage_name, "its tests end", FAILED, 0.0, reason))
    finally:
        for worker in workers.values():
            worker.terminate()
        for worker in workers.values():
            worker.join(AGAIN_S)
            worker.kill()


class Told:
    """The results as a collector knows them, at the other end of a pipe."""

    def __init__(self, pipe):
        self.add = pipe.send


def work(stage_name, left, pipe):
    run_modules(stage_name, iter(left.get, None), Told(pipe))
