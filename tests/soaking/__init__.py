"""All long forms for a given time, and one summary of them: `tests/soak`.

parts (what there is) -> share (how much of each fits) -> runner (does it) -> figures (of a log) -> summary (text)
"""
