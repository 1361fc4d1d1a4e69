"""Stage `lint`: each tool is one test."""

import os
import subprocess
import warnings

from .process import ROOT, paths, run
from .results import FAILED, PASSED, Result

GUEST = ["--target", "aarch64-unknown-linux-gnu"]
CARGO_DENY = ("cargo-deny", "0.20.2")
DENY = ["check", "bans", "licenses", "sources"]
SHELLS = ("/sh", "/bash", " sh", " bash")
PYTHONS = ("/python3", " python3")


def stage(results):
    cargo_deny = deny(results)
    env = {
        "TA_DEV_KIT_DIR": str(paths.TA_DEV_KIT),
        "OPTEE_CLIENT_EXPORT": str(paths.CLIENT_EXPORT),
    }
    checks = [
        ("fmt", ["cargo", "fmt", "--all", "--check"]),
        ("fmt fuzz", ["cargo", "fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]),
        ("clippy fuzz", ["cargo", "clippy", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz",
                         "--", "-D", "warnings"]),
        ("clippy host", ["cargo", "clippy", "--locked", "--all-targets", "-p", "proseal-proto", "-p", "proseal-ta",
                         "-p", "proseal-ta-test", "-p", "proseal-client", "-p", "proseal-issuer", "-p", "proseal-qr",
                         "-p", "prosectl", "-p", "prosectl-test", "-p", "prose-xtest", "-p", "ue-agent", "-p", "prose-hub",
                         "-p", "prose-ptt",
                         "--no-default-features", "--features",
                         "proseal-ta/sim,proseal-ta-test/sim,proseal-client/sim,prose-xtest/sim",
                         "--", "-D", "warnings"]),
        ("clippy manager", ["cargo", "clippy", "--locked", "--all-targets", "-p", "prose-manager", "-p", "prose-pages",
                            "--", "-D", "warnings"]),
        ("clippy traffic", ["cargo", "clippy", "--locked", "--all-targets", "-p", "prosed", "--no-default-features",
                            "--features", "sim", "--", "-D", "warnings"]),
        ("clippy fleet", ["cargo", "clippy", "--locked", "--all-targets", "-p", "prose-fleet", "--", "-D", "warnings"]),
        ("clippy guest", ["cargo", "clippy", "--locked", *GUEST, "-p", "proseal-client", "-p", "prosectl",
                          "-p", "prosectl-test", "-p", "prose-xtest", "-p", "prose-bench", "-p", "prosed", "-p", "ue-agent",
                          "--", "-D", "warnings"]),
        ("clippy ta", ["cargo", "clippy", "--locked", "--config", "ta/cargo.toml", "--profile", "ta", *GUEST, "-p", "proseal-ta",
                       "-p", "proseal-ta-product", "-p", "proseal-ta-test", "-p", "proseal-ta-empty",
                       "--features", "proseal-ta/optee,proseal-ta-product/optee,proseal-ta-test/optee,proseal-ta-empty/optee",
                       "--", "-D", "warnings"]),
        ("cargo deny", [cargo_deny, "--locked", *DENY]),
        ("cargo deny fuzz", [cargo_deny, "--locked", "--manifest-path", "fuzz/Cargo.toml", "--config", "deny.toml", *DENY]),
        ("shellcheck", ["shellcheck", *scripts(SHELLS)]),
    ]
    for name, command in checks:
        if None in command:
            continue
        finished = run(command, 900, f"lint-{name.replace(' ', '-')}.log", env)
        results.add(Result("lint", name, PASSED if finished.ok else FAILED, finished.seconds,
                           "" if finished.ok else finished.message))
    modules = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("qemu-env/**/*.py")]
    broken = broken_python([*modules, *map(ROOT.joinpath, scripts(PYTHONS))])
    results.add(Result("lint", "python", FAILED if broken else PASSED, 0.0, "\n".join(broken)))


def scripts(endings):
    """The repository's files whose first line names an interpreter that ends so."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.splitlines()
    found = []
    for name in listed:
        path = ROOT / name
        if path.is_file():
            with open(path, "rb") as file:
                first = file.readline().decode(errors="replace")
            if first.startswith("#!") and first.strip().endswith(endings):
                found.append(name)
    return found


def broken_python(paths):
    """What is no Python, each with its reason. Nothing is written, and no name has to end in .py."""
    broken = []
    for path in paths:
        try:
            with warnings.catch_warnings(action="error"):
                compile(path.read_bytes(), path, "exec")
        except (SyntaxError, ValueError, Warning) as error:
            broken.append(f"{path}: {error}")
    return broken


def deny(results):
    """cargo-deny in out/tools, installed on first use."""
    name, version = CARGO_DENY
    program = ROOT / f"out/tools/{name}-{version}/bin/{name}"
    if not program.exists():
        print(f"    installing {name} {version}, some minutes", flush=True)
        # Not for speed: it runs for a second, and is built for minutes.
        quick = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "1", "CARGO_PROFILE_RELEASE_LTO": "off",
                 "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16", "CARGO_PROFILE_RELEASE_DEBUG": "0"}
        finished = run(["cargo", "install", "--locked", "--version", version, "--root", os.fspath(program.parents[1]),
                        "--target-dir", "target/tools", name], 1500, "lint-install-deny.log", quick)
        if not finished.ok:
            results.add(Result("lint", "cargo deny", FAILED, finished.seconds, finished.message))
            return None
    return os.fspath(program)
