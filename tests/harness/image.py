"""Stage `image`: the image builds. Nothing else can be shown without it."""

from .process import show
from .results import FAILED, PASSED, Result


def stage(results):
    # Shown: a first build takes minutes.
    finished = show(["qemu-env/build"], 2400)
    results.add(Result("image", "the image builds", PASSED if finished.ok else FAILED, finished.seconds,
                       "" if finished.ok else finished.message))
