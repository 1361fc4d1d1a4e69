"""How deep a program's calls go on the stack, from its disassembly: what is painted and measured is one run of one build;
this is each way through another.

Not followed: calls through a pointer, and recursion. Arrays whose length is a variable (libutee's, of some attributes)
are not counted. A tail call counts without the frame of its caller, as it runs.
"""

import dataclasses
import re
import subprocess

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
PUSH = re.compile(r"\[sp, #-(\d+)\]!")
DOWN = re.compile(r"sub\tsp, sp, #(0x[0-9a-f]+)(, lsl #12)?")
VARIABLE = re.compile(r"sub\tsp, sp, x")
# To the beginning of a function: what stays in one has an offset.
BRANCH = re.compile(r"^(bl|b|b\.\w+|cbn?z|tbn?z)\t.*<([^+>]+)>")
PROBE = 0x10  # pages: how far GCC goes down at a time for what has a variable length


@dataclasses.dataclass
class Function:
    frame: int = 0
    calls: set = dataclasses.field(default_factory=set)
    tail_calls: set = dataclasses.field(default_factory=set)


def disassembled(elf):
    return subprocess.run(["aarch64-linux-gnu-objdump", "--disassemble", "--no-show-raw-insn", elf], capture_output=True,
                          text=True, timeout=120, check=True).stdout


def functions(listed):
    """{name: Function} of a disassembly of AArch64."""
    found, lines = {}, []
    for line in listed.splitlines():
        if name := FUNCTION.match(line):
            found[name[1]] = lines = []
        elif "\t" in line:
            lines.append(line.split("\t", 1)[1].strip())
    return {name: _function(name, lines) for name, lines in found.items()}


def _function(name, lines):
    function, is_variable = Function(), any(VARIABLE.match(line) for line in lines)
    for line in lines:
        if push := PUSH.search(line):
            function.frame += int(push[1])
        if (down := DOWN.match(line)) and not (is_variable and down[2] and int(down[1], 16) == PROBE):
            function.frame += int(down[1], 16) << (12 if down[2] else 0)
        if (branch := BRANCH.match(line)) and branch[2] != name:
            (function.calls if branch[1] == "bl" else function.tail_calls).add(branch[2])
    return function


def deepest(program, name, left_out):
    """(octets, the functions of the way) below the caller of `name`; functions that match `left_out` are not entered."""
    known = {}

    def below(at, above):
        if at in above or at not in program or left_out.search(at):
            return 0, []
        if at not in known:
            function, inside = program[at], above | {at}
            calls = [below(called, inside) for called in sorted(function.calls)]
            tails = [below(called, inside) for called in sorted(function.tail_calls)]
            ways = [(function.frame + octets, way) for octets, way in [(0, []), *calls]] + tails
            octets, way = max(ways, key=lambda way: way[0])
            known[at] = octets, [at, *way]
        return known[at]

    return below(name, frozenset())
