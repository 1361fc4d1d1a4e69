"""Stage `image`: the image builds. Nothing else can be shown without it."""

import subprocess
import time

from .process import ROOT
from .results import FAILED, PASSED, Result


def stage(results):
    start = time.monotonic()
    # Not captured: a first build takes minutes, and shows what it does.
    finished = subprocess.run([ROOT / "qemu-env/build"], cwd=ROOT, stdin=subprocess.DEVNULL, timeout=2400, check=False)
    results.add(Result("image", "the image builds", PASSED if finished.returncode == 0 else FAILED,
                       time.monotonic() - start, f"exit status {finished.returncode}, see above"))
