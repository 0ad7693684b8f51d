#!/usr/bin/env python3
"""Fits what is weighed where no mechanism decides who answers (src/turn/addressing/weighing.rs).

    scripts/fit-weights.py TROUPE SET...          tell how well it does, each set left out in turn
    scripts/fit-weights.py --write TROUPE SET...  write the weights as well

TROUPE is the built program; it reads the signs of each case's last line. A SET is a file of
labelled rooms; cases of one author belong into one file, since what is fitted to an author's rooms
does better on the rest of them than on another's. The weights are those of a logistic regression
with a penalty on their squares; a sign counts only where it is 1 or more, so the fit is quick
without any library. The talk before a line depends on the weights: fit twice after a change of the
signs.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src/turn/addressing/weighing/weights.rs"
MATTERS = ["unfinished", "called", "wanted"]
PENALTY = 1.0
STEPS = 12


def read(troupe, path):
    """For each matter rows of (signs, whether it is so) of the cases in which it was weighed."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as out:
        command = [troupe, "bench", "answers", "--cases", path, "--out", out.name, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = {one["id"]: one for one in map(json.loads, out)}
    rows = {matter: [] for matter in MATTERS}
    for case in (json.loads(line) for line in open(path, encoding="utf-8") if line.strip()):
        answered = bool(case["expect"]["answer"])
        for matter, scale in found[case["id"]]["weighed"].items():
            unfinished = case["category"] == "unfinished" and not answered
            if matter == "unfinished":
                rows[matter].append((scale["signs"], unfinished))
            elif not unfinished and found[case["id"]]["reason"] != "asked to be quiet":
                rows[matter].append((scale["signs"], answered))
    return rows


def likely(weights, row):
    total = sum(weights[at] * value for at, value in row)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def solve(matrix, vector):
    """Gauss with pivots."""
    size = len(vector)
    rows = [matrix[at][:] + [vector[at]] for at in range(size)]
    for at in range(size):
        best = max(range(at, size), key=lambda one: abs(rows[one][at]))
        rows[at], rows[best] = rows[best], rows[at]
        for other in range(at + 1, size):
            share = rows[other][at] / rows[at][at]
            if share:
                rows[other] = [one - share * two for one, two in zip(rows[other], rows[at])]
    found = [0.0] * size
    for at in reversed(range(size)):
        rest = sum(rows[at][one] * found[one] for one in range(at + 1, size))
        found[at] = (rows[at][size] - rest) / rows[at][at]
    return found


def fit(data, size, penalty=PENALTY):
    """Newton's steps. The last weight is the bias, which has no penalty."""
    weights = [0.0] * size
    for _ in range(STEPS):
        matrix = [[0.0] * size for _ in range(size)]
        slope = [penalty * weight for weight in weights]
        slope[-1] = 0.0
        for at in range(size):
            matrix[at][at] = penalty if at < size - 1 else 1e-6
        for row, wanted in data:
            share = likely(weights, row)
            spread = share * (1 - share) + 1e-9
            for at, value in row:
                slope[at] += (share - wanted) * value
                line = matrix[at]
                for other, second in row:
                    line[other] += spread * value * second
        step = solve(matrix, slope)
        weights = [one - two for one, two in zip(weights, step)]
        if max(map(abs, step)) < 1e-5:
            break
    return weights


def tell(name, shares, threshold=0.5):
    """One line on how well `shares`, pairs of likelihood and truth, do."""
    silent = [share for share, wanted in shares if not wanted]
    wanted = [share for share, wanted in shares if wanted]
    false = sum(share >= threshold for share in silent)
    missed = sum(share < threshold for share in wanted)
    loss = -sum(math.log(max(1e-9, s if w else 1 - s)) for s, w in shares) / max(1, len(shares))
    right = 1 - (false + missed) / max(1, len(shares))
    print(f"{name:20} right {right:.3f}  false {false}/{len(silent)}  missed {missed}/{len(wanted)}"
          f"  loss {loss:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("troupe")
    parser.add_argument("sets", nargs="+")
    asked = parser.parse_args()
    sets = {path: read(asked.troupe, path) for path in asked.sets}
    tables = WEIGHTS.read_text().split("pub(super) const ")[1:]
    written = []
    for matter, table in zip(MATTERS, tables):
        assert table.startswith(matter.upper())
        names = [line.split('"')[1] for line in table.splitlines() if '("' in line]
        rows = {path: found[matter] for path, found in sets.items() if found[matter]}
        written.append((matter, names, weigh(matter, names, rows, asked.penalty)))
    if asked.write:
        write(written)


def weigh(matter, names, sets, penalty):
    """Tells how well one matter is told on each set by the others; its weights by all of them."""
    odd = {name for rows in sets.values() for signs, _ in rows for name in set(signs) ^ set(names)}
    if odd:
        sys.exit(f"the signs of {matter} and {WEIGHTS} differ: {sorted(odd)}")
    size = len(names) + 1

    def sparse(signs):
        return [(at, signs[name]) for at, name in enumerate(names) if signs[name]] + [(size - 1, 1)]

    print(f"== {matter}")
    data = {path: [(sparse(s), float(w)) for s, w in rows] for path, rows in sets.items()}
    every = []
    for path, rows in data.items():
        others = [row for other, more in data.items() if other != path for row in more]
        weights = fit(others, size, penalty)
        shares = [(likely(weights, row), truth) for row, truth in rows]
        tell(pathlib.Path(path).name, shares)
        every += shares
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
        tell(f"all, from {threshold}", every, threshold)
    for low in range(0, 10, 2):
        part = [w for share, w in every if low <= min(share * 10, 9.9) < low + 2]
        if part:
            mean = sum(part) / len(part)
            print(f"said {low / 10:.1f} to {low / 10 + 0.2:.1f}: {mean:.2f} of {len(part)}")
    weights = fit([row for rows in data.values() for row in rows], size, penalty)
    for weight, name in sorted(zip(weights, names)):
        uses = sum(bool(signs[name]) for rows in sets.values() for signs, _ in rows)
        print(f"{weight:6.2f}  {name} ({uses})")
    return weights


def write(tables):
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


if __name__ == "__main__":
    main()
