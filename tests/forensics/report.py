"""What was searched and found: for programs, and for people."""

import collections
import json

from ue import paths

OUT = paths.OUT / "forensics"


class Report:
    """Every search, in order. Keys stand here by name only."""

    def __init__(self):
        self.searches = []

    def add(self, moment, place, secrets, octets, seconds, hits, *, wanted, owner=lambda address: ""):
        """`wanted` is how many octets the place has: nothing found in less of it would be no finding."""
        if octets != wanted or not wanted:
            raise RuntimeError(f"{moment}: {octets} octets of {place} were searched, and it has {wanted}")
        self.searches.append({
            "moment": moment,
            "place": place,
            "secrets": list(secrets),
            "octets": octets,
            "seconds": round(seconds, 2),
            "hits": [{"address": f"{hit.address:#x}", "owner": owner(hit.address), "secret": hit.secret,
                      "part": hit.part, "form": hit.form} for hit in hits],
        })  # fmt: skip

    def hits(self, moment, place, *secrets):
        """The hits of the one search of this place at this moment; of these secrets, or of all."""
        (search,) = (s for s in self.searches if (s["moment"], s["place"]) == (moment, place))
        missing = set(secrets) - set(search["secrets"])
        if missing:
            raise KeyError(f"{moment}, {place}: {missing} was not searched for")
        return [hit for hit in search["hits"] if hit["secret"] in (secrets or search["secrets"])]

    def text(self):
        lines = []
        for search in self.searches:
            lines.append(f"{search['moment']}: {search['place']}, {search['octets']:,} octets in {search['seconds']} s, "
                         f"searched for {', '.join(search['secrets'])}")
            lines += [f"    {line}" for line in _counted(search["hits"])] or ["    nothing"]
        total = sum(search["octets"] for search in self.searches)
        return "\n".join([*lines, f"{total:,} octets searched in {len(self.searches)} searches", ""])

    @staticmethod
    def forget():
        """An earlier life's report must not pass for this one's."""
        for name in ("report.json", "report.txt"):
            (OUT / name).unlink(missing_ok=True)

    def write(self):
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / "report.json").write_text(json.dumps({"searches": self.searches}, indent=1) + "\n")
        (OUT / "report.txt").write_text(self.text())


def _counted(hits):
    """One line for the copies of one kind, with the first address."""
    kinds = collections.defaultdict(list)
    for hit in hits:
        kinds[hit["secret"], hit["part"], hit["form"], hit["owner"]].append(hit["address"])
    for (secret, part, form, owner), at in sorted(kinds.items()):
        yield f"{secret}, {part}, {form}: {len(at)} at {at[0]}{', ...' if at[1:] else ''} {owner}".rstrip()
