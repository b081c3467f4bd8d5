#!/usr/bin/env python3
"""Gates of builds whose faults are known, and how they ended, as Markdown.

usage: bench_gate.py ROOT ROUNDS CASE...      see scripts/bench-gate
"""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

VERDICTS = ["regression", "pass", "inconclusive", "invalid"]
# What a regression says of a fault; of slow-STAGE, it is the stage.
NAMES = {"lost-text": "words lost", "doubled-chunk": "twice", "more-memory": "memory peak"}


@contextlib.contextmanager
def hog():
    """A program that takes a core of its own for itself."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    try:
        yield
    finally:
        process.kill()
        process.wait()


def gate(root, case, number):
    builds = [root / "build-as-it-is", root / ("build-as-it-is" if case.startswith("same") else f"build-{case}")]
    report = root / f"{case}-{number}"
    command = [builds[0] / "build/release/cli/penstock", "gate", "--baseline", builds[0] / "build/release",
               "--candidate", builds[1] / "build/release", "--seed", str(number), "--report", report]
    with hog() if case.endswith("-hog") else contextlib.nullcontext(), open(f"{report}.log", "w") as log:
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    if code not in (0, 11, 12, 13):
        sys.exit(f"bench_gate: the gate of {case} ended with {code}; see {report}.log")
    return json.loads((report / "gate.json").read_text())


def is_named(case, found):
    what = NAMES.get(case, case.removeprefix("slow-"))
    return any(what in line.partition(",")[0] for line in found["regressions"])


def main():
    root, rounds, cases = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    rows = []
    for case in cases:
        gates = []
        for number in range(1, rounds + 1):
            found = gate(root, case, number)
            gates.append(found)
            print(f"{case} {number}: {found['verdict']} after {len(found['pairs'])} pairs, {found['took_s']:.0f} s: "
                  f"{'; '.join(found['regressions']) or found['sentence']}", file=sys.stderr, flush=True)
        counts = " | ".join(str(sum(found["verdict"] == verdict for found in gates)) for verdict in VERDICTS)
        named = "–" if case.startswith("same") else sum(is_named(case, found) for found in gates)
        rows.append(f"| `{case}` | {rounds} | {counts} | {named} | "
                    f"{statistics.median(len(found['pairs']) for found in gates):.0f} | "
                    f"{max(found['took_s'] for found in gates):.0f} s |")
    print(f"| case | gates | {' | '.join(VERDICTS)} | named | pairs, median | longest |")
    print("|---|--:|" + "--:|" * (len(VERDICTS) + 3))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
