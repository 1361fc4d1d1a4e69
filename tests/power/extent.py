"""How much of the power cuts one run makes: what `make test` does, unless tests/power/run says more."""

import dataclasses
import random

ALL = 1 << 32  # more than there are


@dataclasses.dataclass
class Extent:
    """Random cuts, and boundaries of the log: of the fresh disk's first commits, of the rest."""

    seed: int
    cuts: int = 10
    first_commits: int = 8
    the_rest: int = 12


EXTENT = Extent(random.SystemRandom().randrange(1 << 32))
