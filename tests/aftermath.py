"""How the story of `make demo` ends: the table, what the link's capture says, the plot."""

import captured
from group_story import FORGED, SENTENCE
from scene import needle, table
from telling import chapter, expect, show
from timeline import Story, render
from ue import ROOT

from qemu_env.link import address

DISSECTOR = "host/prosed/wireshark/proseal.lua"
LEAD_S = 2


def tell(story, capture, plot):
    chapter("8. Who heard what",
            "Packets of speech as the program at each radio heard them; calls of its TEE for keys to hear with; frames "
            "that it dropped. Generations and epochs: what the headers of members' frames on the link say.")
    radios = {address(radio.name): radio.short for radio in story.network}
    data = [frame for frame in captured.frames(capture) if frame.kind == captured.DATA and frame.card in radios]
    # What an outsider's headers say is his own affair.
    sealed = {name: [] for name in radios.values()}
    for frame in data:
        name = radios[frame.card]
        if frame.member == story.members.get(name):
            sealed[name].append((frame.at, frame.ptk_id, story.generations[frame.index]))
    for line in table(story.scenes, [_used(scene, sealed) for scene in story.scenes]):
        show(line)
    print()
    look_into(story, capture, sealed)
    draw(story, plot, radios, data, sealed)
    show(f"packets, epochs and generations over time: {plot.relative_to(ROOT)}")
    show(f"the link as its hub captured it: {capture.relative_to(ROOT)}; to look into it:")
    show(f"tshark -X lua_script:{DISSECTOR} -r {capture.relative_to(ROOT)}")


def look_into(story, capture, sealed):
    scenes, octets = {scene.title: scene for scene in story.scenes}, capture.read_bytes()
    silent = [_within(scenes[title], sealed["charlie"]) for title in ("6 after", "7 stick")]
    expect("the lost radio put nothing on the link after that", silent == [[], []])
    expect("no radio went back to an epoch that it had left", _come_once(sealed))
    needles = [needle(radio.stream) for radio in story.network] + [SENTENCE.encode()]
    expect("what was said is nowhere in the capture", not any(one in octets for one in needles))
    expect("the same search finds what the outsider sent in clear", needle(FORGED) in octets)


def _within(scene, points):
    return [point for point in points if scene.start <= point[0] <= scene.end]


def _used(scene, sealed):
    """How many generations and epochs members sent under."""
    epochs = {(name, of, ptk_id) for name, points in sealed.items() for _, ptk_id, of in _within(scene, points)}
    return len({of for _, of, _ in epochs}), len(epochs)


def _come_once(sealed):
    """Whether no sender went back to an epoch that it had left."""
    for points in sealed.values():
        epochs = [(generation, ptk_id) for _, ptk_id, generation in points]
        left = [before for before, after in zip(epochs, epochs[1:]) if before != after] + epochs[-1:]
        if len(left) != len(set(left)):
            return False
    return True


def draw(story, plot, radios, data, sealed):
    begin = story.scenes[0].start - LEAD_S
    sent = {name: [] for name in radios.values()}
    for frame in data:
        sent[radios[frame.card]].append(frame.at - begin)
    heard = {name: sorted(at - begin for scene in story.scenes for row in scene.rows if row.radio == name for at in row.at)
             for name in sent}
    used = {name: [(at - begin, ptk_id, of) for at, ptk_id, of in points if at >= begin] for name, points in sealed.items()}
    scenes = [(scene.title, scene.start - begin, scene.end - begin) for scene in story.scenes]
    acts = [(what, at - begin) for what, at in story.acts]
    plot.write_text(render(Story(list(sent), scenes, acts, sent, heard, used)))
