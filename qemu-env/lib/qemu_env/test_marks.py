"""What shows that a program is one of tests. The product's must have none of it.

These are marks of the test build's crate, its messages and its texts. A handler whose code were moved into the library
(proseal-ta, which product and test build share) and that named none of them would not be found; that the product does
not answer the test build's numbers is shown by prose-xtest, `negative_9002` and `9003`.
"""

from . import paths
from .report import Failure

# Of the test build of the trusted application, texts and parts of symbols: what it says as it starts, the panic that
# can be asked for, the sources of its handlers (a panic names its place), their crate, the messages of their commands.
APPLICATION = ("TEST BUILD", "asked for by the test command", "ta/test/src/", "proseal_ta_test", "test_command", "test build")
# Of prosectl-test, beside the UUID of the test build: its name, what `key import` says of a file.
TOOL = ("prosectl-test", "cannot read the key from")


def check(product, of_tests, marks):
    """Raises Failure if the program `product` has a mark. All must be in `of_tests`: one that is not there proves nothing."""
    octets, marked = product.read_bytes(), of_tests.read_bytes()
    missing = [mark for mark in marks if mark.encode() not in marked]
    if missing:
        raise Failure(f"{paths.shown(of_tests)} does not have {missing}: the marks of tests are to be chosen anew")
    found = [mark for mark in marks if mark.encode() in octets]
    if found:
        raise Failure(f"{paths.shown(product)} has {found} of the tests in it: a product must not")
