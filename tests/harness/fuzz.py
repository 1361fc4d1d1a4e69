"""Stage `fuzz`: every target for some seconds. `make fuzz` is the long form."""

from .process import ROOT, run
from .results import FAILED, PASSED, Result

TARGETS = sorted(path.stem for path in (ROOT / "fuzz/targets").glob("*.rs"))
SECONDS = "5"


def stage(results):
    for target in TARGETS:
        # The first one builds them all.
        finished = run(["fuzz/run", "--seconds", SECONDS, target], 600, f"fuzz-{target}.log")
        ran = "stat::number_of_executed_units" in finished.output
        passed = finished.ok and ran
        results.add(Result("fuzz", target, PASSED if passed else FAILED, finished.seconds,
                           "" if passed else finished.message))
