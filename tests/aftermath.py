"""How the story of `make demo` ends: the table, what the link's capture says, the plot."""

import re

import captured
from group_story import FLOOD, SENTENCE
from scene import needle, table
from telling import chapter, expect, show
from timeline import Story, render
from ue import ROOT

DISSECTOR = "host/prosed/wireshark/proseal.lua"
LEAD_S = 2
# What fills a packet of prose-ptt up to its length is one octet, again and again.
FILLER = re.compile(rb"(.)\1{31}", re.DOTALL)


def tell(story, capture, plot):
    chapter("8. Who heard what",
            "Packets of speech as the program at each radio heard them; calls of its TEE for keys to hear with; frames "
            "that it dropped. Generations and epochs: what the headers of members' frames on the link say.")
    radios = {radio.card: radio.short for radio in story.network}
    sent = {name: [] for name in radios.values()}
    for frame in captured.frames(capture):
        if frame.kind == captured.DATA and frame.card in radios:
            sent[radios[frame.card]].append(frame)
    # What an outsider's headers say is his own affair.
    sealed = {name: [frame for frame in frames if frame.member == story.members.get(name)] for name, frames in sent.items()}
    used = {name: [(frame.at, frame.ptk_id, story.generations[frame.index]) for frame in frames]
            for name, frames in sealed.items()}
    for line in table(story.scenes, [_epochs(scene, used) for scene in story.scenes]):
        show(line)
    print()
    look_into(story, capture.read_bytes(), sent, sealed, used)
    draw(story, plot, sent, used)
    show(f"packets, epochs and generations over time: {plot.relative_to(ROOT)}")
    show(f"the link as its hub captured it: {capture.relative_to(ROOT)}; to look into it:")
    show(f"tshark -X lua_script:{DISSECTOR} \\")
    show(f"    -r {capture.relative_to(ROOT)}")


def look_into(story, octets, sent, sealed, used):
    """What must be true on the link, whatever radios say of themselves."""
    gone = next(scene.start for scene in story.scenes if scene.title == "6 after")
    expect("the lost radio put nothing on the link after that", max(frame.at for frame in sent["charlie"]) < gone)
    expect("no radio went back to an epoch that it had left", all(map(_only_forward, used.values())))
    said = [SENTENCE.encode(), *(needle(radio.stream) for radio in story.network)]
    in_clear = {name: sum(is_clear(frame) for frame in frames) for name, frames in sealed.items()}
    expect("what was said is nowhere in the capture",
           not any(one in octets for one in said) and not any(in_clear.values()))
    expect(f"the same search finds the {FLOOD} frames that the outsider sent in clear",
           sum(is_clear(frame) for frame in sent["delta"]) == FLOOD)


def is_clear(frame):
    """Whether a packet of prose-ptt lies open in it."""
    return FILLER.search(frame.octets) is not None


def _within(scene, points):
    return [point for point in points if scene.start <= point[0] <= scene.end]


def _epochs(scene, used):
    """How many generations and epochs members sent under."""
    epochs = {(name, of, ptk_id) for name, points in used.items() for _, ptk_id, of in _within(scene, points)}
    return len({of for _, of, _ in epochs}), len(epochs)


def _only_forward(points):
    epochs = [(generation, ptk_id) for _, ptk_id, generation in points]
    return epochs == sorted(epochs)


def draw(story, plot, sent, used):
    begin, end = story.scenes[0].start - LEAD_S, story.scenes[-1].end
    times = {name: [frame.at - begin for frame in frames if frame.at <= end] for name, frames in sent.items()}
    heard = {name: [at - begin for scene in story.scenes for row in scene.rows if row.radio == name for at in row.at]
             for name in sent}
    epochs = {name: [(at - begin, ptk_id, of) for at, ptk_id, of in points if begin <= at <= end]
              for name, points in used.items()}
    scenes = [(scene.title, scene.start - begin, scene.end - begin) for scene in story.scenes]
    acts = [(what, at - begin) for what, at in story.acts]
    plot.write_text(render(Story(list(sent), scenes, acts, times, heard, epochs)))
