"""What prosed costs: its data path alone against raw AES-256-GCM, and end to end (tun.py). No UE takes part."""

import json
import subprocess

from . import tun
from .figures import Figure
from .goals import Goal

GOALS = [
    Goal("ratio_path_1400", 0.85, at_most=False),
    Goal("ratio_tun_boringtun", 1, at_most=False),
]
SIZES = (64, 512, 1400)
BUILD = ["cargo", "build", "--locked", "--release", "-q", "-p", "prosed", "--no-default-features", "--features", "sim",
         "--bins", "--examples"]  # fmt: skip
LIMIT_S = 900


def measure(root, say):
    """All figures, by name."""
    say("prosed's data path, on one core")
    subprocess.run(BUILD, cwd=root, check=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    path = subprocess.run([root / "target/release/examples/datapath", "--json"], check=True, capture_output=True,
                          text=True, timeout=LIMIT_S).stdout
    figures = of_path([json.loads(line) for line in path.splitlines()])
    figures += [of_openssl(size, openssl(size)) for size in SIZES]
    say("prosed and boringtun between two TUN interfaces, in turn")
    figures += of_tun(tun.measure(root))
    return {figure.name: figure for figure in figures}


def of_path(rows):
    """Of the lines of examples/datapath: packets a second and core, and their ratio to the library's AES-256-GCM."""
    found = []
    for row in rows:
        name = f"{row['suite']}_{row['octets']}"
        for what in ("protect", "unprotect", "unprotect_of_50"):
            found.append(Figure(f"{what}_{name}", 1e9 / row[f"{what}_ns"], "1/s"))
        if row["suite"] == "aead":
            for what in ("raw_seal", "raw_open"):
                found.append(Figure(f"{what}_{row['octets']}", 1e9 / row[f"{what}_ns"], "1/s"))
            found.append(Figure(f"ratio_path_{row['octets']}", row["ratio_path"], "ratio"))
            found.append(Figure(f"ratio_path_bare_{row['octets']}", row["ratio_path_bare"], "ratio"))
    return found


def openssl(size):
    """What `openssl speed` says in its words for programs."""
    command = ["openssl", "speed", "-mr", "-seconds", "1", "-evp", "aes-256-gcm", "-bytes", str(size)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def of_openssl(size, said):
    """The last field of its line of figures is octets a second."""
    line = next(line for line in said.splitlines() if line.startswith("+F:"))
    return Figure(f"openssl_gcm_{size}", float(line.split(":")[-1]) / size, "1/s")


def of_tun(runs):
    """`runs`: by program, those of tun.py."""
    found = []
    for program, of_it in runs.items():
        found.append(Figure(f"tun_{program}", tun.median(run["per_second"] for run in of_it), "1/s"))
        found.append(Figure(f"tun_{program}_cpu", tun.median(run["cpu_us"] for run in of_it), "us"))
    ratio = tun.median(ours["per_second"] / theirs["per_second"] for ours, theirs in zip(*runs.values()))
    found.append(Figure("ratio_tun_boringtun", ratio, "ratio"))
    theirs, ours = (tun.median(run["cpu_us"] for run in runs[program]) for program in ("boringtun", "prosed"))
    found.append(Figure("ratio_tun_boringtun_cpu", theirs / ours, "ratio"))
    return found


def render(figures):
    """Lines of text."""
    goals = {goal.figure: goal for goal in GOALS}
    yield f"{'prosed':42} {'value':>12}"
    for figure in figures.values():
        digits = {"ratio": 2, "us": 2}.get(figure.unit, 0)
        goal = goals.get(figure.name)
        verdict = "" if goal is None else f"   {goal!s:17} {'ok' if goal.holds(figures) else 'MISSED'}"
        yield f"{figure.name:42} {figure.value:12,.{digits}f} {figure.unit}{verdict}"
