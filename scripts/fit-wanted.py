#!/usr/bin/env python3
"""Fits how likely a line that calls nobody wants an answer (src/turn/addressing/wanted.rs).

    scripts/fit-wanted.py TROUPE SET...          tell how well it does, each set left out in turn
    scripts/fit-wanted.py --write TROUPE SET...  write the weights as well

TROUPE is the built program; it reads the signs of each case's last line. A SET is a file of labelled
rooms; cases of one author belong into one file, since what is fitted to an author's rooms does
better on the rest of them than on another's. The weights are those of a logistic regression with
a penalty on their squares; a sign counts only where it is 1 or more, so the fit is quick without
any library. The talk before a line depends on the weights: fit twice after a change of the signs.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src/turn/addressing/wanted/weights.rs"
PENALTY = 2.0
STEPS = 12


def read(troupe, path):
    """Rows of (signs, whether an answer is wanted) for the cases whose last line was weighed."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as out:
        command = [troupe, "bench", "answers", "--cases", path, "--out", out.name, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = {one["id"]: one for one in map(json.loads, out)}
    cases = [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]
    rows = []
    for case in cases:
        signs = found[case["id"]].get("signs")
        if signs and found[case["id"]]["reason"] != "asked to be quiet":
            rows.append((signs, bool(case["expect"]["answer"])))
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
    print(f"{name:28} right {right:.3f}  false {false}/{len(silent)}  missed {missed}/{len(wanted)}"
          f"  loss {loss:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the weights")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("troupe")
    parser.add_argument("sets", nargs="+")
    asked = parser.parse_args()
    sets = {path: read(asked.troupe, path) for path in asked.sets}
    names = [line.split('"')[1] for line in WEIGHTS.read_text().splitlines() if '("' in line]
    for rows in sets.values():
        for signs, _ in rows:
            if set(signs) != set(names):
                odd = sorted(set(signs) ^ set(names))
                sys.exit(f"the signs and {WEIGHTS} differ: {odd}")
    size = len(names) + 1

    def sparse(signs):
        return [(at, signs[name]) for at, name in enumerate(names) if signs[name]] + [(size - 1, 1)]

    data = {path: [(sparse(s), float(w)) for s, w in rows] for path, rows in sets.items()}
    every = []
    for path, rows in data.items():
        others = [row for other, more in data.items() if other != path for row in more]
        weights = fit(others, size, asked.penalty)
        shares = [(likely(weights, row), wanted) for row, wanted in rows]
        tell(pathlib.Path(path).name, shares)
        every += shares
    for threshold in (0.4, 0.5, 0.6, 0.7):
        tell(f"all, from {threshold}", every, threshold)
    for low in range(0, 10, 2):
        part = [w for share, w in every if low <= share * 10 < low + 2 or share == 1.0 and low == 8]
        if part:
            print(f"said {low / 10:.1f} to {low / 10 + 0.2:.1f}: {sum(part) / len(part):.2f} of {len(part)}")
    weights = fit([row for rows in data.values() for row in rows], size, asked.penalty)
    for weight, name in sorted(zip(weights, names)):
        uses = sum(bool(signs[name]) for rows in sets.values() for signs, _ in rows)
        print(f"{weight:6.2f}  {name} ({uses})")
    if asked.write:
        lines = [f'    ("{name}", {weight:.3f}),' for weight, name in zip(weights, names)]
        WEIGHTS.write_text(
            "//! Written by `scripts/fit-wanted.py`.\n\n/// What stands before any sign, in nats.\n"
            f"pub(super) const BIAS: f32 = {weights[-1]:.3f};\n\n"
            "/// What each sign is worth, in nats.\n"
            "pub(in super::super) const WEIGHTS: &[(&str, f32)] = &[\n" + "\n".join(lines) + "\n];\n"
        )


if __name__ == "__main__":
    main()
