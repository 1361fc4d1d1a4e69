"""The plot of a story on the air: packets, epochs and generations over time, as SVG. Nothing of a UE is in it."""

from collections import Counter
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

# Told apart also by eyes that see few colours (Okabe and Ito).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")
LEFT, WIDTH, RIGHT = 230, 880, 30
TITLE, LEGEND, SCENES, FIRST = 26, 50, 82, 96
TALL, LOW, BETWEEN, BELOW = 90, 46, 18, 46
THICK = 3  # a bar
# What a voice stream has in a second.
SPEECH = 50
# A sender who is silent for longer has stopped, seconds.
PAUSE_S = 1.5


@dataclass
class Story:
    """Times in seconds from its beginning."""

    radios: list  # names
    scenes: list  # (title, start, end)
    acts: list  # (what, time): what the manager did meanwhile
    sent: dict  # times of frames on the link, by radio
    heard: dict  # times of packets of speech, by radio
    used: dict  # (time, PTK Id, generation) of each frame that a member sent under a key, by radio

    @property
    def end(self):
        return max(end for _, _, end in self.scenes)


def runs(points, pause=PAUSE_S):
    """(start, end, what) of stretches of the same `what` in [(time, what)], without a pause."""
    found = []
    for at, what in points:
        if found and found[-1][2] == what and at - found[-1][1] <= pause:
            found[-1][1] = at
        else:
            found.append([at, at, what])
    return [tuple(run) for run in found]


def per_second(times):
    """How many there are in each second that has any."""
    return Counter(int(at) for at in times if at >= 0)


def render(story):
    """An SVG, as text. In its groups `packets`, `epochs` and `generations` each mark has its radio's name as class."""
    page = _Page(story)
    with page.group("packets"):
        page.lane("sent on the link", "frames a second", TALL, *_scale(story.sent))
        for name, times in story.sent.items():
            page.curve(name, per_second(times), is_filled=False)
        for name in story.radios:
            page.lane(f"heard by {name}", "packets a second", LOW, *_scale(story.heard))
            page.curve(name, per_second(story.heard.get(name, [])), is_filled=True)
    with page.group("epochs"):
        most = max((ptk_id for points in story.used.values() for _, ptk_id, _ in points), default=1)
        page.lane("epoch of the sender", "PTK Id", TALL, [(1, "1"), (most, f"{most}")], most + 1)
        for name, points in story.used.items():
            for start, end, (generation, ptk_id) in runs([(at, (of, ptk_id)) for at, ptk_id, of in points]):
                page.bar(name, start, end, ptk_id, f"PTK Id {ptk_id} of generation {generation}")
    with page.group("generations"):
        order = sorted({generation for points in story.used.values() for _, _, generation in points})
        rows = [(row, f"{of}") for row, of in enumerate(order, 1)]
        page.lane("generation in use", "of the PGK", TALL, rows, len(rows) + 1)
        for name, points in story.used.items():
            for start, end, generation in runs([(at, of) for at, _, of in points]):
                page.bar(name, start, end, order.index(generation) + 1, f"generation {generation}")
    return page.text()


def _scale(times_by_radio):
    """Ticks and upper end of an axis for how many in a second, one for all radios."""
    most = max([SPEECH, *(count for times in times_by_radio.values() for count in per_second(times).values())])
    return [(tick, f"{tick}") for tick in range(0, most + 1, 50)], most * 1.1


class _Page:
    """Lanes, one below the other, on the same seconds."""

    def __init__(self, story):
        self.story, self.parts = story, []
        self.base, self.height, self.most = FIRST - BETWEEN, 0, 1

    def group(self, name):
        return _Group(self, name)

    def x(self, at):
        return LEFT + WIDTH * min(max(at / self.story.end, 0), 1)

    def y(self, value):
        return self.base - self.height * value / self.most

    def colour(self, name):
        return COLOURS[self.story.radios.index(name) % len(COLOURS)]

    def add(self, part):
        self.parts.append(part)

    def lane(self, title, unit, height, ticks, most):
        """Begins one; `ticks`: (value, label) on its axis, which ends at `most`."""
        self.base, self.height, self.most = self.base + BETWEEN + height, height, most
        for value, label in ticks:
            at = self.y(value)
            self.add(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{LEFT + WIDTH}" y2="{at:.1f}" stroke="#ddd"/>')
            self.add(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" font-size="10">{escape(label)}</text>')
        self.add(f'<line x1="{LEFT}" y1="{self.base}" x2="{LEFT + WIDTH}" y2="{self.base}" stroke="#888"/>')
        middle = self.base - height / 2
        self.add(f'<text x="8" y="{middle - 1:.1f}">{escape(title)}</text>')
        self.add(f'<text x="8" y="{middle + 13:.1f}" font-size="10" fill="#555">{escape(unit)}</text>')

    def curve(self, name, found, is_filled):
        """How many in each second; nothing is drawn where there is none."""
        for start, end, _ in runs([(second, None) for second in sorted(found)], pause=1):
            corners = [(start, 0)]
            for second in range(start, end + 1):
                corners += [(second, found[second]), (second + 1, found[second])]
            corners.append((end + 1, 0))
            points = " ".join(f"{self.x(at):.1f},{self.y(value):.1f}" for at, value in corners)
            fill = f'fill="{self.colour(name)}" fill-opacity="0.6"' if is_filled else 'fill="none" stroke-width="1.6"'
            self.add(f'<polyline class={quoteattr(name)} points="{points}" {fill} stroke="{self.colour(name)}"/>')

    def bar(self, name, start, end, value, told):
        """A stretch at a value, two pixels long at least; each radio's beside the others' there."""
        aside = THICK * (self.story.radios.index(name) - (len(self.story.radios) - 1) / 2)
        left, right, at = self.x(start), max(self.x(end), self.x(start) + 2), self.y(value) + aside
        self.add(f'<line class={quoteattr(name)} x1="{left:.1f}" y1="{at:.1f}" x2="{right:.1f}" y2="{at:.1f}" '
                 f'stroke="{self.colour(name)}" stroke-width="{THICK}"><title>{escape(f"{name}: {told}")}</title></line>')

    def text(self):
        width, height = LEFT + WIDTH + RIGHT, self.base + BELOW
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="13">',
            '<rect width="100%" height="100%" fill="white"/>',
            *self._heading(), *self._scenes(), *self.parts, *self._acts(), *self._seconds(), "</svg>", "",
        ])  # fmt: skip

    def _heading(self):
        yield f'<text x="8" y="{TITLE}" font-size="16">Radios of one group on one link</text>'
        for number, name in enumerate(self.story.radios):
            left = LEFT + 110 * number
            yield f'<rect x="{left}" y="{LEGEND - 11}" width="12" height="12" fill="{self.colour(name)}"/>'
            yield f'<text x="{left + 18}" y="{LEGEND}">{escape(name)}</text>'

    def _scenes(self):
        for title, start, end in self.story.scenes:
            left, width, height = self.x(start), self.x(end) - self.x(start), self.base - FIRST + 8
            yield f'<rect x="{left:.1f}" y="{FIRST - 8}" width="{width:.1f}" height="{height}" fill="#f3f3f3"/>'
            yield f'<text x="{left:.1f}" y="{SCENES}" font-size="12">{escape(title)}</text>'

    def _acts(self):
        for what, at in self.story.acts:
            left = self.x(at)
            yield f'<path d="M{left:.1f} {FIRST - 8}V{self.base}" stroke="#222" stroke-dasharray="4 3"/>'
            yield f'<text x="{left + 4:.1f}" y="{FIRST + 4}" font-size="11">{escape(what)}</text>'

    def _seconds(self):
        step = 10 if self.story.end <= 150 else 30
        for second in range(0, int(self.story.end) + 1, step):
            at = f"{self.x(second):.1f}"
            yield f'<line x1="{at}" y1="{self.base}" x2="{at}" y2="{self.base + 5}" stroke="#888"/>'
            yield f'<text x="{at}" y="{self.base + 19}" text-anchor="middle" font-size="11">{second}</text>'
        yield f'<text x="{LEFT + WIDTH}" y="{self.base + 36}" text-anchor="end" font-size="11">seconds</text>'


class _Group:
    """A group of marks, as `with` has it."""

    def __init__(self, page, name):
        self.page, self.name = page, name

    def __enter__(self):
        self.page.add(f'<g id="{self.name}">')

    def __exit__(self, *_):
        self.page.add("</g>")
