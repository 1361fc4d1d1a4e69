"""What the figures must reach. No time is gated, only ratios of times that one interleaved run has measured: an
absolute time says as much about the machine as about ProSeal."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Goal:
    """A bound of one figure."""

    figure: str
    bound: float
    at_most: bool = True

    def holds(self, figures):
        """False also for a figure that was not measured."""
        if self.figure not in figures:
            return False
        value = figures[self.figure].value
        return value <= self.bound if self.at_most else value >= self.bound

    def missed(self, figures):
        """What went wrong, for people; None if the goal is reached."""
        if self.holds(figures):
            return None
        if self.figure not in figures:
            return f"{self.figure} was not measured; it must be {self}"
        return f"{self.figure} is {figures[self.figure].value:,.3f}; it must be {self}"

    def __str__(self):
        return f"at {'most' if self.at_most else 'least'} {self.bound:,g}"


GOALS = [
    Goal("ratio_derive_empty", 1.3),
    Goal("ratio_derive_memref", 1.15),
    Goal("ratio_batch64_derive", 2),
    Goal("ratio_session_empty", 3),
    Goal("ratio_pkcs11_derive", 12, at_most=False),
    # 16 would do if a write were not made in place.
    Goal("ratio_send_derive", 6),
    Goal("ratio_join_crypto", 0.5, at_most=False),
    Goal("derive_written", 0),
    # Shows that writes are seen where there are some.
    Goal("store_write_written", 1, at_most=False),
    Goal("ta_bytes", 256 * 1024),
]
