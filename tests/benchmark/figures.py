"""From raw samples to figures: medians, 99th percentiles, ratios. docs/bench.md says what each means."""

import dataclasses
import json
import math
import statistics

# Whose figure is a mean: only a mean has its share of the writes in it.
MEANS = {"derive_send"}
# What prose-fleet tells, and what it is called here: of each database a figure of its own, and of SQLite, which a manager
# has by default, the ratio that has a goal.
FLEET = [
    ("join_per_s", "join_per_s_{}", "1/s"),
    ("enrol_per_s", "enrol_per_s_{}", "1/s"),
    ("update_per_s", "update_per_s_{}", "1/s"),
    ("crypto_per_s", "join_crypto_per_s_{}", "1/s"),
    *((f"{act}_{members}_us", f"{act}_{members}_{{}}", "us")
      for act in ("rotate", "exclude") for members in (100, 1000, 10_000)),
]
DATABASES = {"sqlite": "sqlite", "postgresql": "postgres"}
# Of fewer samples the 99th percentile is only the maximum.
P99_SAMPLES = 100

# (name, above the line, below it): figures of the same run.
RATIOS = [
    ("ratio_memref_empty", "call_memref", "call_empty"),
    ("ratio_derive_empty", "derive", "call_empty"),
    ("ratio_derive_memref", "derive", "call_memref"),
    ("ratio_batch64_derive", "batch64", "derive"),
    ("ratio_send_derive", "derive_send", "derive"),
    ("ratio_pkcs11_derive", "pkcs11_derive", "derive"),
    ("ratio_session_empty", "session_open", "call_empty"),
    ("ratio_ready_empty", "session_ready", "call_empty"),
    ("ratio_first_empty", "session_open_first", "call_empty"),
    ("ratio_store_empty", "store_write", "call_empty"),
    ("ratio_statement_empty", "statement", "call_empty"),
    ("ratio_import_empty", "import", "call_empty"),
    ("ratio_import_store", "import", "store_write"),
    ("ratio_waiting_derive", "derive_waiting", "derive"),
    ("ratio_waiting_derive_p99", "derive_waiting_p99", "derive"),
]


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure; its unit is us, ratio, bytes, s or 1/s."""

    name: str
    value: float
    unit: str


def percentile(values, share):
    """The smallest value that at least `share` of all do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)]


def compute(samples_ns, written, boots_s, ta_bytes, fleets=None):
    """All figures of a run, by name. `written` is {call: {"calls", "bytes"}}, `fleets` what prose-fleet told by database;
    what is not there gives no figure."""
    found = {}

    def add(name, value, unit):
        found[name] = Figure(name, value, unit)

    for name, samples in sorted(samples_ns.items()):
        microseconds = [sample / 1000 for sample in samples]
        middle = statistics.mean if name in MEANS else statistics.median
        add(name, middle(microseconds), "us")
        if len(samples) >= P99_SAMPLES:
            add(f"{name}_p99", percentile(microseconds, 0.99), "us")
    for name, above, below in RATIOS:
        if above in found and below in found:
            add(name, found[above].value / found[below].value, "ratio")
    if "derive" in found:
        add("derives_per_second", 1e6 / found["derive"].value, "1/s")
    for call, counted in sorted(written.items()):
        add(f"{call}_written", counted["bytes"] / counted["calls"], "bytes")
    if boots_s:
        add("boot_seconds", statistics.median(boots_s), "s")
    if ta_bytes:
        add("ta_bytes", ta_bytes, "bytes")
    for database, told in (fleets or {}).items():
        short = DATABASES[database]
        for name, called, unit in FLEET:
            if name in told:
                add(called.format(short), told[name], unit)
        add("ratio_join_crypto" if short == "sqlite" else f"ratio_join_crypto_{short}", told["ratio_join_crypto"], "ratio")
    return found


def to_json(found):
    """The content of bench.json."""
    rows = [{"name": figure.name, "value": round(figure.value, 4), "unit": figure.unit} for figure in found.values()]
    return json.dumps({"figures": rows}, indent=1) + "\n"
