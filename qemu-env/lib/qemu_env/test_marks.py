"""What shows that a trusted application has the handlers of the test build. The product's must have none of it."""

from . import paths
from .report import Failure

# Texts and parts of symbols: what it says as it starts, the panic that can be asked for, the sources of its handlers
# (a panic names its place), their crate, the messages of their commands.
MARKS = (b"TEST BUILD", b"asked for by the test command", b"ta/test/src/", b"proseal_ta_test", b"test_command", b"test build")


def check(product, test_build):
    """Raises Failure if the ELF `product` has a mark. All must be in `test_build`: one that is not there proves nothing."""
    octets, marked = product.read_bytes(), test_build.read_bytes()
    missing = [mark.decode() for mark in MARKS if mark not in marked]
    if missing:
        raise Failure(f"{paths.shown(test_build)} does not have {missing}: the marks of the test build are to be chosen anew")
    found = [mark.decode() for mark in MARKS if mark in octets]
    if found:
        raise Failure(f"{paths.shown(product)} has {found} of the test build in it: a product must not")
