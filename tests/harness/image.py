"""Stage `image`: what tests need is installed, and the image builds. Nothing else can be shown without it."""

from .process import show
from .results import FAILED, PASSED, Result


def stage(results):
    # Shown: a first build takes minutes.
    for what, command in (("tools are there", ["qemu-env/host-tools", "--tests"]), ("the image builds", ["qemu-env/build"])):
        finished = show(command, 2400)
        results.add(Result("image", what, PASSED if finished.ok else FAILED, finished.seconds,
                           "" if finished.ok else finished.message))
