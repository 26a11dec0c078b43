"""What was measured, as a table on the terminal and in RESULTS.md.

Given: comparisons and single figures, each with its goal. Gives: minimum, median and maximum of both sides, the ratio of the
medians, and whether the goal is met. A goal that is missed is written down and fails nothing. Of the machine only kernel
and processors are named: no path, no host, no address.
"""

import os
import re
from dataclasses import dataclass, field

from measure import median, words

HEAD = """\
# dashdeploy beside its peers

Written by `make bench`; not to be edited. Whole processes, run in turn in one go on one machine that other work may share:
only ratios within a row mean anything. Figures are minimum / **median** / maximum; a ratio is ours divided by the peer's,
of medians. What each case does, and what it proves before it counts: `tests/README.md`.
"""


@dataclass
class Row:
    """One line of a table."""

    what: str
    ours: str
    peer: str
    theirs: str
    ratio: str
    goal: str
    met: object = None

    def cells(self):
        """The cells in order."""
        met = {True: "met", False: "**not met**", None: ""}[self.met]
        return [self.what, self.ours, self.peer, self.theirs, self.ratio, self.goal, met]


@dataclass
class Section:
    """One case."""

    name: str
    title: str
    rows: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def compare(self, what, ours, peer, goal=None, unit="s"):
        """A row of two sides that ran in turn, with the ratio of their medians."""
        mine, theirs = ours.seconds(), peer.seconds()
        self.figures(what, mine, peer.name, theirs, goal, unit)
        for side in (ours, peer):
            line = re.sub(r"(--label \S+ )+", "--label … ", words(side.command))
            if line not in self.commands:
                self.commands.append(line)

    def figures(self, what, mine, peer, theirs, goal=None, unit="s"):
        """A row of two lists of figures."""
        ratio = median(mine) / median(theirs) if median(theirs) else float("inf")
        text = f"≤ {goal:.2f}" if goal is not None else ""
        met = None if goal is None else ratio <= goal
        self.rows.append(Row(what, spread(mine, unit), peer, spread(theirs, unit), f"{ratio:.2f}", text, met))

    def limit(self, what, mine, limit, unit, peer="", theirs=None):
        """A row of our figures against a limit, with the peer's beside it where there are any."""
        goal = f"< {limit:g} {unit}"
        other = spread(theirs, unit) if theirs else ""
        self.rows.append(Row(what, spread(mine, unit), peer, other, "", goal, median(mine) < limit))

    def alone(self, what, mine, unit="s"):
        """A row of our figures, with nothing beside them."""
        self.rows.append(Row(what, spread(mine, unit), "", "", "", ""))

    def fact(self, what, ours, peer="", theirs="", goal="", met=None):
        """A row of words."""
        self.rows.append(Row(what, ours, peer, theirs, "", goal, met))

    def checked(self, sentence):
        """Something that was proven to be so, or the run would have failed."""
        self.notes.append(f"Checked: {sentence}")

    def note(self, sentence):
        """Something to know."""
        self.notes.append(sentence)

    def markdown(self, when):
        """The section of RESULTS.md."""
        lines = [f"## {self.name}: {self.title}", "", when, ""]
        if self.rows:
            lines += ["| | dashdeploy | peer | peer's | ratio | goal | |", "|---|---|---|---|---|---|---|"]
            lines += ["| " + " | ".join(row.cells()) + " |" for row in self.rows]
            lines.append("")
        lines += [f"- {note}" for note in self.notes]
        lines += [f"- `{command}`" for command in self.commands]
        return "\n".join(lines).rstrip() + "\n"

    def text(self):
        """The section for a terminal."""
        lines = [f"\n{self.name}: {self.title}"]
        for row in self.rows:
            cells = [cell.replace("**", "") for cell in row.cells()]
            peer = f"{cells[2]}: {cells[3]}" if cells[3] else ""
            goal = f"goal {cells[5]}: {cells[6]}" if cells[5] else ""
            ratio = f"ratio {cells[4]}" if cells[4] else ""
            lines.append(f"  {cells[0]:<44} {cells[1]:<26} {peer:<44} {ratio:<11} {goal}".rstrip())
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def spread(values, unit):
    """`min / **median** / max unit`; a single value alone."""
    if unit == "s" and median(values) < 1:
        values, unit = [value * 1000 for value in values], "ms"
    digits = 2 if unit == "s" else 1
    figures = [min(values), median(values), max(values)] if len(values) > 1 else values
    shown = [f"{value:.{digits}f}" for value in figures]
    if len(shown) > 1:
        shown[1] = f"**{shown[1]}**"
    return f"{' / '.join(shown)} {unit}"


def write(path, versions, sections, when):
    """Writes RESULTS.md: the sections given are put in the place of theirs, others stay as they are."""
    parts = former(path)
    for section in sections:
        parts[section.name] = section.markdown(when)
    table = ["| program | version |", "|---|---|", *(f"| {name} | {version} |" for name, version in versions)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([HEAD, *table, ""]) + "\n" + "\n".join(parts[name] for name in sorted(parts, key=order)))


ORDER = ["noop", "edit", "cold", "up", "images", "memory", "startup", "push", "load", "render"]


def order(name):
    """The place of a case."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def former(path):
    """The sections that are there, by name."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.split(r"(?m)^(?=## )", text)[1:]
    parts = {part[3:].split(":")[0]: part.rstrip() + "\n" for part in found}
    return {name: part for name, part in parts.items() if name in ORDER}
