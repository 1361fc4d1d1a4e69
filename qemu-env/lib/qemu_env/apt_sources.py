"""Finds the Debian mirror that this machine already uses, so that no mirror is written down anywhere here."""

from pathlib import Path

from .report import Failure

MAIN_SUITES = {
    "oldoldstable", "oldstable", "stable", "testing", "unstable",
    "buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid",
}  # fmt: skip


def parse_list(text):
    """One-line entries (*.list): yields (uri, suites, components) of each binary entry."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        del words[0]
        if words and words[0].startswith("["):
            while words and not words.pop(0).endswith("]"):
                pass
        if len(words) >= 2:
            yield words[0], {words[1]}, set(words[2:])


def parse_deb822(text):
    """Stanzas (*.sources): yields (uri, suites, components) of each binary entry."""
    stanza, key = {}, None
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if "deb" in stanza.get("types", "").split() and stanza.get("enabled", "yes").lower() not in ("no", "false"):
                for uri in stanza.get("uris", "").split():
                    yield uri, set(stanza.get("suites", "").split()), set(stanza.get("components", "").split())
            stanza, key = {}, None
        elif line[0].isspace():
            if key:
                stanza[key] += " " + line.strip()
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            stanza[key] = value.strip()


def pick(entries):
    """The mirror is the entry that offers `main` of a Debian suite; one that is called debian is the best guess."""
    uris = [
        uri
        for uri, suites, components in entries
        if suites & MAIN_SUITES and "main" in components and not uri.startswith("cdrom:")
    ]
    uris.sort(key=lambda uri: not uri.rstrip("/").endswith("/debian"))
    return uris[0] if uris else None


def find_mirror(etc=Path("/etc/apt")):
    entries = []
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        parse = parse_deb822 if file.suffix == ".sources" else parse_list
        entries += parse(file.read_text(errors="replace"))
    mirror = pick(entries)
    if mirror is None:
        raise Failure(
            f"no Debian mirror found in {etc}: none of its entries offers `main` of a Debian suite. "
            "Add your usual Debian entry (any release) there and try again"
        )
    return mirror
