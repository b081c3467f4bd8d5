"""Run by scripts/bench-lanes, which says what it measures."""
import json
import subprocess
import sys

from emulator import Emulator

# Tokens and requests a minute, documents that arrive a second, and for how many seconds; what goes
# wrong. With a small quota a document of three chunks takes a second of it.
SERVICES = (
    ("6000000", "200000", "5", "120", "0"),
    ("6000000", "200000", "5", "120", "0.01"),
    ("90000", "3000", "0.25", "300", "0"),
)
LATENCY_MAX_S = 2
# Of fewer documents, the slowest hundredth is one document, and chance.
DOCUMENTS_MIN = 459
UTILISATION_MIN = 0.99

penstock, lanes_run, *options = sys.argv[1:]
rows = []
held = True
for tokens, requests, arrivals, seconds, faults in SERVICES:
    limits = ("--tokens-per-minute", tokens, "--requests-per-minute", requests)
    with Emulator(penstock, *limits, "--latency", "50ms-800ms", "--faults", faults,
                  "--seed", "1") as service:
        print(f"{int(tokens):,} tokens a minute, faults {faults}:", flush=True)
        # The last of an option counts, so the caller's.
        run = subprocess.run([lanes_run, service.url, *limits, "--arrivals", arrivals,
                              "--seconds", seconds, *options],
                             stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(run.returncode)
    *words, line = run.stdout.splitlines()
    print("\n".join(words), end="\n\n", flush=True)
    figures = json.loads(line)
    rows.append(f"| {int(tokens):,} | {float(faults):.0%} | {figures['interactive_documents']:,} "
                f"| {figures['p50_s']:.2f} s | {figures['p90_s']:.2f} s | {figures['p99_s']:.2f} s "
                f"| {figures['max_s']:.2f} s | {figures['utilisation']:.2%} "
                f"| {figures['violations']} |")
    if faults == "0":
        held = held and figures["violations"] == 0 and figures["utilisation"] >= UTILISATION_MIN
        if figures["interactive_documents"] >= DOCUMENTS_MIN:
            held = held and figures["p99_s"] < LATENCY_MAX_S

print("| tokens a minute | faults | documents waited for | p50 | p90 | p99 | max | quota used "
      "| refused for quota |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
print("\n".join(rows))
sys.exit(0 if held else 1)
