"""The table for people: every time with its ratio, every goal with its verdict."""

from .goals import GOALS

# The empty call first: the others are told by it.
CALLS = [
    ("call_empty", "a call of the empty TA, no parameters"),
    ("call_memref", "a call shaped like a derive, no work"),
    ("derive", "receive: IK and CK of another's epoch"),
    ("batch64", "receive of 64 at once"),
    ("derive_send", "send: a new epoch, with its writes (mean)"),
    ("session_open", "a session, the TA being loaded"),
    ("session_ready", "the same with the client's kept memory"),
    ("session_open_first", "the first session since the boot"),
    ("status", "status: what the device holds"),
    ("events", "events: what has happened"),
    ("store_write", "install: one write of the state"),
    ("import", "import: a package of three PGKs"),
    ("derive_waiting", "receive, begun during another's import"),
    ("statement", "statement: signed by the device"),
    ("suspend", "suspend: one write of the state"),
    ("revoke", "revoke: two writes of the state"),
    ("pkcs11_derive", "IK and CK by OP-TEE's PKCS#11 TA"),
]
OTHERS = ["derives_per_second", "boot_seconds"]
# Of a manager and its radios, a column a database.
FLEET = [
    ("join_crypto_per_s", "joins/s by public-key operations alone"),
    ("join_per_s", "joins/s"),
    ("enrol_per_s", "enrolments/s"),
    ("update_per_s", "updates/s"),
    *((f"{act}_{members}", f"{act} at {members:,} members, us")
      for act in ("rotate", "exclude") for members in (100, 1000, 10_000)),
]


def render(figures):
    """Lines of text; what was not measured is absent."""
    return "\n".join([*calls(figures), "", *goals(figures), "", *others(figures), *fleet(figures)])


def calls(figures):
    empty = figures.get("call_empty")
    yield f"{'call':42} {'median us':>10} {'p99 us':>10} {'x empty':>9}"
    for name, what in CALLS:
        if name in figures:
            value, p99 = figures[name].value, figures.get(f"{name}_p99")
            ratio = f"{value / empty.value:9.2f}" if empty else ""
            yield f"{what:42} {value:10,.0f} {'' if p99 is None else f'{p99.value:,.0f}':>10} {ratio}".rstrip()


def goals(figures):
    yield f"{'ratio, or octets':42} {'value':>10}   goal"
    goals = {goal.figure: goal for goal in GOALS}
    for figure in figures.values():
        goal = goals.get(figure.name)
        if figure.unit in ("ratio", "bytes"):
            digits = 2 if figure.unit == "ratio" else 0
            verdict = "" if goal is None else f"   {goal!s:17} {'ok' if goal.holds(figures) else 'MISSED'}"
            yield f"{figure.name:42} {figure.value:10,.{digits}f}{verdict}"


def others(figures):
    for name in OTHERS:
        if name in figures:
            yield f"{name:42} {figures[name].value:10,.1f}"


def fleet(figures):
    databases = [name for name in ("sqlite", "postgres") if f"join_per_s_{name}" in figures]
    if databases:
        yield ""
        yield f"{'a manager and its radios':42} " + " ".join(f"{name:>10}" for name in databases)
    for name, what in FLEET:
        row = [figures.get(f"{name}_{database}") for database in databases]
        if any(row):
            yield f"{what:42} " + " ".join(f"{'' if one is None else f'{one.value:,.0f}':>10}" for one in row)
