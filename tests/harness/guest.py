"""Stage `guest`: prose-xtest, and OP-TEE's own xtest, in a UE."""

import os
import re
import xml.etree.ElementTree as ET

from .process import ROOT, paths, run
from .results import FAILED, PASSED, SKIPPED, Result

UE = os.fspath(ROOT / "qemu-env/ue")
NAME = "guest-tests"
REPORT = "/tmp/prose-xtest.xml"
# What several callers, or a caller and another thread, do at once: also where they really do.
AT_ONCE = ["negative_60*", "attack_500*", "fuzz_*"]
# As proof that the platform under ours is sound: sessions, TA loading, storage.
XTEST = ["1001", "1003", "6001"]
XTEST_CASE = re.compile(r"^ {2}(regression_\d+) (OK|FAILED.*)$", re.M)


def stage(results):
    # Each case writes the state anew; what the host's disk does about it is the power tests' matter.
    if not started(results, "a UE starts", ["--fresh", "--cache", "unsafe"]):
        return
    try:
        prose_xtest(results, "all", ["-x", "storage_1001", "-x", "storage_1002"])
        panic_place(results)
        # One case in two lives of the machine.
        prose_xtest(results, "before-reboot", ["storage_1001"])
        reboot = run([UE, "reboot", NAME], 180, "guest-reboot.log")
        results.add(Result("guest", "the UE reboots", PASSED if reboot.ok else FAILED, reboot.seconds,
                           "" if reboot.ok else reboot.message))
        prose_xtest(results, "after-reboot", ["storage_1002"])
        xtest(results)
        run([UE, "stop", NAME], 60, "guest-stop.log")
        if started(results, "it starts with two processors", ["--cpus", "2", "--cache", "unsafe"]):
            prose_xtest(results, "two-processors", AT_ONCE, "prose-xtest, two processors")
    finally:
        run([UE, "stop", NAME], 60, "guest-stop.log")


def started(results, what, options):
    start = run([UE, "start", NAME, "--tests", "--bind-to", str(os.getpid()), *options], 180, "guest-start.log")
    results.add(Result("guest", what, PASSED if start.ok else FAILED, start.seconds, "" if start.ok else start.message))
    return start.ok


def prose_xtest(results, name, arguments, suite="prose-xtest"):
    command = [UE, "exec", NAME, "--", "prose-xtest", "--junit", REPORT, *arguments]
    finished = run(command, 900, f"guest-prose-xtest-{name}.log")
    report = run([UE, "exec", NAME, "--", "cat", REPORT], 60, f"guest-prose-xtest-{name}.xml")
    run([UE, "exec", NAME, "--", "rm", "-f", REPORT], 60, "guest-rm.log")
    try:
        cases = list(ET.fromstring(report.output).iter("testcase"))
    except ET.ParseError:
        cases = []
    for case in cases:
        failure, skipped = case.find("failure"), case.find("skipped")
        status = FAILED if failure is not None else SKIPPED if skipped is not None else PASSED
        why = failure if failure is not None else skipped
        message = "" if why is None else f"{why.get('message') or ''}\n{why.text or ''}".strip()
        results.add(Result(suite, case.get("name"), status, float(case.get("time") or 0), message))
    failed = any(case.find("failure") is not None for case in cases)
    if not cases or finished.ok == failed:
        results.add(Result(suite, f"the run {name} ends as its cases do", FAILED, finished.seconds,
                           finished.message))


def panic_place(results):
    """Suite negative makes the TA panic; its panic handler says where on the secure console."""
    source = (ROOT / "ta/test/src/dispatch.rs").read_text().splitlines()
    wanted = {f"dispatch.rs:{number}" for number, line in enumerate(source, 1) if line.strip().startswith("panic!(")}
    log = (paths.UE / NAME / "secure.log").read_text(errors="replace")
    said = set(re.findall(r"ProSeal: panic at \S*?([\w.]+:\d+)", log))
    passed = bool(said) and said <= wanted
    results.add(Result("guest", "a panic says its place on the secure console", PASSED if passed else FAILED, 0.0,
                       "" if passed else f"expected one of {sorted(wanted)}, found {sorted(said)}"))


def xtest(results):
    for number in XTEST:
        finished = run([UE, "exec", NAME, "--", "xtest", "-t", "regression", number], 300, f"guest-xtest-{number}.log")
        found = {name: ending == "OK" for name, ending in XTEST_CASE.findall(finished.output)}
        passed = finished.ok and found.get(f"regression_{number}", False)
        results.add(Result("xtest", f"regression_{number}", PASSED if passed else FAILED, finished.seconds,
                           "" if passed else finished.message))
