#!/usr/bin/env python3
"""Fits what is weighed where no mechanism decides who answers (src/turn/addressing/weighing.rs).

    scripts/fit-weights.py TROUPE SET...          tell how well it does, each set left out in turn
    scripts/fit-weights.py --write TROUPE SET...  write the weights as well

TROUPE is the built program; it reads the signs of each case's last line and, with the model of
sentences, its direction. A SET is a file of labelled rooms; cases of one author belong into one
file, since what is fitted to an author's rooms does better on the rest of them than on another's.
The weights are those of a logistic regression with a penalty on their squares, once by the signs
alone and once with the direction. The talk before a line depends on the weights: fit twice after a
change of the signs. Needs numpy.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src/turn/addressing/weighing/weights.rs"
DIRECTIONS = ROOT / "src/meaning/directions.rs"
MATTERS = ["unfinished", "called", "wanted", "goes_on"]
MEANT = ["called", "wanted", "goes_on"]
# Signs that only a line whose meaning is known has, or that is weighed only then.
OF_MEANING = ["near", "near_partner", "alone", "alone_after_speech", "alone_asks"]
PENALTY = 1.0
# A direction has many sides, each of little worth: so they are penalised less than a sign is.
GAIN = 1.5
STEPS = 12


def read(troupe, path):
    """For each matter rows of (signs, direction, whether it is so), where it was weighed."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as out:
        command = [troupe, "bench", "answers", "--cases", path, "--out", out.name, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = {one["id"]: one for one in map(json.loads, out)}
    rows = {matter: [] for matter in MATTERS}
    for case in (json.loads(line) for line in open(path, encoding="utf-8") if line.strip()):
        answered, one = bool(case["expect"]["answer"]), found[case["id"]]
        for matter, scale in one["weighed"].items():
            unfinished = case["category"] == "unfinished" and not answered
            row = scale["signs"], one["vector"]
            of = scale.get("of")
            is_so = of in case["expect"]["answer"] if of else answered
            if matter == "unfinished":
                rows[matter].append((*row, unfinished))
            elif not unfinished and one["reason"] != "asked to be quiet":
                rows[matter].append((*row, is_so))
    return rows


def likely(weights, rows):
    return 1 / (1 + numpy.exp(-numpy.clip(rows @ weights, -30, 30)))


def fit(rows, wanted, penalty):
    """Newton's steps. The last weight is the bias, which has no penalty."""
    weights = numpy.zeros(rows.shape[1])
    penalties = numpy.full(rows.shape[1], penalty)
    penalties[-1] = 1e-6
    for _ in range(STEPS):
        share = likely(weights, rows)
        slope = rows.T @ (share - wanted) + penalties * weights
        matrix = (rows.T * (share * (1 - share) + 1e-9)) @ rows + numpy.diag(penalties)
        step = numpy.linalg.solve(matrix, slope)
        weights -= step
        if abs(step).max() < 1e-5:
            break
    return weights


def tell(name, shares, wanted, threshold=0.5):
    """One line on how well `shares` of likelihood fit the truth."""
    false = ((shares >= threshold) & ~wanted).sum()
    missed = ((shares < threshold) & wanted).sum()
    loss = -numpy.log(numpy.maximum(1e-9, numpy.where(wanted, shares, 1 - shares))).mean()
    right = 1 - (false + missed) / len(wanted)
    print(f"{name:20} right {right:.3f}  false {false}/{(~wanted).sum()}"
          f"  missed {missed}/{wanted.sum()}  loss {loss:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("troupe")
    parser.add_argument("sets", nargs="+")
    asked = parser.parse_args()
    sets = {path: read(asked.troupe, path) for path in asked.sets}
    # The order of the signs is the program's.
    orders = dict(map(order, WEIGHTS.read_text().split("pub(super) const ")[1:]))
    tables, directions = [], []
    for matter in MATTERS:
        rows = {path: found[matter] for path, found in sets.items() if found[matter]}
        names = orders[matter.upper()]
        odd = {name for part in rows.values() for signs, *_ in part for name in {*signs} ^ {*names}}
        if odd:
            sys.exit(f"the signs of {matter} and {WEIGHTS} differ: {sorted(odd)}")
        weights, _ = weigh(matter, names, rows, asked.penalty, meant=False)
        tables.append((matter, names, weights))
        if matter in MEANT:
            weights, direction = weigh(matter, names, rows, asked.penalty, meant=True)
            tables.append((f"{matter}_meant", names, weights))
            directions.append((matter, direction))
    if asked.write:
        write(tables, directions)


def order(table):
    """The name of a table of weights, and its signs."""
    return table.split(":")[0], [line.split('"')[1] for line in table.splitlines() if '("' in line]


def weigh(matter, names, sets, penalty, meant):
    """Tells how well one matter is told on each set by the others. Its weights by all of them, the
    bias last, and the direction where the meaning counts."""
    def numbers(signs, vector):
        values = [0.0 if not meant and name in OF_MEANING else signs[name] for name in names]
        return [*values, *(GAIN * side for side in vector if meant), 1.0]

    def alone(signs):
        return not meant and signs.get("alone")

    print(f"== {matter}{' with its meaning' if meant else ''}")
    data = {}
    for path, rows in sets.items():
        rows = [row for row in rows if not alone(row[0])]
        if rows:
            truth = numpy.array([wanted for *_, wanted in rows])
            data[path] = numpy.array([numbers(signs, vector) for signs, vector, _ in rows]), truth
    shares, every = [], numpy.concatenate([truth for _, truth in data.values()])
    for path, (rows, truth) in data.items():
        others = [both for other, both in data.items() if other != path]
        of_others = [numpy.concatenate(part) for part in zip(*others)]
        shares.append(likely(fit(*of_others, penalty), rows))
        tell(pathlib.Path(path).name, shares[-1], truth)
    shares = numpy.concatenate(shares)
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        tell(f"all, from {threshold}", shares, every, threshold)
    for low in numpy.arange(0, 1, 0.2):
        part = every[(shares >= low) & (shares < low + 0.2)]
        if len(part):
            print(f"said {low:.1f} to {low + 0.2:.1f}: {part.mean():.2f} of {len(part)}")
    weights = fit(*[numpy.concatenate(part) for part in zip(*data.values())], penalty)
    for weight, name in sorted(zip(weights, names)):
        uses = sum((rows[:, names.index(name)] != 0).sum() for rows, _ in data.values())
        print(f"{weight:6.2f}  {name} ({uses})")
    count = len(names)
    return [*weights[:count], weights[-1]], GAIN * weights[count:-1]


def write(tables, directions):
    text = [
        "//! Written by `scripts/fit-weights.py`: what stands before any sign, and what each sign"
        " is",
        "//! worth, in nats.",
        "",
        "pub(super) type Table = (f32, &'static [(&'static str, f32)]);",
    ]
    for matter, names, weights in tables:
        text += ["", f"pub(super) const {matter.upper()}: Table = ("]
        text += [f"    {weights[-1]:.3f},", "    &["]
        text += [f'        ("{name}", {weight:.3f}),' for weight, name in zip(weights, names)]
        text += ["    ],", ");"]
    WEIGHTS.write_text("\n".join(text) + "\n")
    text = [
        "//! Written by `scripts/fit-weights.py`: the directions in which lines want an answer, in"
        " nats.",
        "",
        "use super::Vector;",
    ]
    for matter, direction in directions:
        text += ["", "#[rustfmt::skip]", f"pub(super) const {matter.upper()}: Vector = ["]
        for at in range(0, len(direction), 12):
            text.append("    " + " ".join(f"{side:.2f}," for side in direction[at:at + 12]))
        text.append("];")
    DIRECTIONS.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
