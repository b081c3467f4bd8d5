"""Run by scripts/bench-embedding, which says what it measures."""
import argparse
import collections
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import urllib.request

import peers
from measured_process import run_measured

REQUEST_TIMEOUT_SECONDS = 10
REQUESTS_IN_FLIGHT = 64
SAMPLE_SECONDS = 0.1
UNBOUND_PER_MINUTE = 1_000_000_000
SECRET = "bench"  # the emulator takes any

Conditions = collections.namedtuple("Conditions",
                                    "requests_per_minute tokens_per_minute emulator_options")
# What one run made of one pipeline. `tokens` are those of the vectors it stored, `stats` the
# service's account, `first_minute` and `steady` the share of the quota used in the first minute and
# in the whole minutes after it; None where the run was shorter or nothing binds.
Measured = collections.namedtuple(
    "Measured", "wall peak_bytes documents failed tokens stats first_minute steady")


def quota_used(history, tokens_per_minute):
    """(first_minute, steady)."""
    seconds = [sum(second) for second in zip(*(key["tokens"] for key in history["keys"].values()))]
    minutes = len(seconds) // 60
    if minutes == 0 or tokens_per_minute == UNBOUND_PER_MINUTE:
        return None, None
    first_minute = sum(seconds[:60]) / tokens_per_minute
    if minutes == 1:
        return first_minute, None
    return first_minute, sum(seconds[60:60 * minutes]) / (tokens_per_minute * (minutes - 1))


@contextlib.contextmanager
def emulated(penstock, conditions):
    """Gives the URL of a service whose buckets are full and whose accounts are empty."""
    process = subprocess.Popen(
        [penstock, "emulate", "openai", "--listen", "127.0.0.1:0", "--json",
         "--requests-per-minute", str(conditions.requests_per_minute),
         "--tokens-per-minute", str(conditions.tokens_per_minute), *conditions.emulator_options],
        stdout=subprocess.PIPE)
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def read_json(url, path):
    with urllib.request.urlopen(url.removesuffix("/v1") + path) as answer:
        return json.load(answer)


class Penstock:
    name = "Penstock"

    def __init__(self, program):
        self.program = program

    def command(self, url, scratch, conditions):
        # Without overlap, as the other: the same text is embedded.
        return [self.program, "backfill", "-", "--json", "--store", f"{scratch}/store.db",
                "--embedder", f"openai:{url}",
                "--overlap-tokens", "0", "--requests-in-flight", str(REQUESTS_IN_FLIGHT),
                "--request-timeout", str(REQUEST_TIMEOUT_SECONDS),
                "--requests-per-minute", str(conditions.requests_per_minute),
                "--tokens-per-minute", str(conditions.tokens_per_minute)]

    def results(self, summary):
        return summary["documents"]["done"], summary["documents"]["failed"], summary["tokens"]


class Node:
    def __init__(self, package, share):
        self.script = f"{package}/pipeline.mjs"
        self.share = share
        self.name = f"Node, limiter at {100 * share:.0f}%"

    def command(self, url, scratch, conditions):
        return ["node", self.script, "--base-url", url, "--output", scratch,
                "--requests-in-flight", str(REQUESTS_IN_FLIGHT),
                "--request-timeout", str(REQUEST_TIMEOUT_SECONDS),
                "--requests-per-minute", str(round(self.share * conditions.requests_per_minute)),
                "--tokens-per-minute", str(round(self.share * conditions.tokens_per_minute))]

    def results(self, summary):
        return summary["done"], summary["failed"], summary["tokens"]


def measure(penstock, pipeline, file_list, conditions):
    with emulated(penstock, conditions) as url, tempfile.TemporaryDirectory() as scratch:
        run = run_measured(pipeline.command(url, scratch, conditions), SAMPLE_SECONDS,
                           file_list, dict(os.environ, OPENAI_API_KEY=SECRET))
        stats = read_json(url, "/stats")
        used = quota_used(read_json(url, "/stats/history"), conditions.tokens_per_minute)
    if run.code not in (0, 3):  # 3: some documents failed
        sys.exit(f"{pipeline.name}: exit code {run.code}")
    documents, failed, tokens = pipeline.results(json.loads(run.output.splitlines()[-1]))
    return Measured(run.wall, run.peak_bytes, documents, failed, tokens, stats, *used)


# What is printed of a run; a figure it does not have is None.
FIGURES = (
    ("wall time, s", "{:.1f}", lambda run: run.wall),
    ("documents done", "{:,.0f}", lambda run: run.documents),
    ("documents that embedding failed", "{:,.0f}", lambda run: run.failed),
    ("documents/s", "{:.2f}", lambda run: run.documents / run.wall),
    ("tokens/s", "{:,.0f}", lambda run: run.tokens / run.wall),
    ("quota used, first minute", "{:.1%}", lambda run: run.first_minute),
    ("quota used, whole minutes after it", "{:.1%}", lambda run: run.steady),
    ("requests refused for quota", "{:,.0f}", lambda run: run.stats["violations"]),
    ("most tokens beyond the limit in any 60 s", "{:,.0f}",
     lambda run: run.stats["max_overshoot_tokens"]),
    ("tokens paid / needed", "{:.3f}", lambda run: run.stats["answered_tokens"] / run.tokens),
    ("tokens taken from the quota / needed", "{:.3f}",
     lambda run: run.stats["tokens"] / run.tokens),
    ("peak memory, MB", "{:,.0f}", lambda run: run.peak_bytes / 1e6),
)
RATES = ("documents/s", "tokens/s")


def print_comparison(title, pipelines, runs):
    rows = []
    for name, form, figure in FIGURES:
        cells = [[figure(run) for run in runs[pipeline]] for pipeline in pipelines]
        if all(None in values for values in cells):
            continue
        rows.append([name, *("" if None in values else form.format(statistics.median(values))
                             for values in cells)])
    for name, _, figure in FIGURES:
        if name not in RATES:
            continue
        ours = [figure(run) for run in runs[pipelines[0]]]
        row = [f"{name}, Penstock's / these", ""]
        for pipeline in pipelines[1:]:
            ratios = sorted(own / figure(run) for own, run in zip(ours, runs[pipeline]))
            row.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        rows.append(row)
    print(f"{title}\n")
    peers.print_table(["", *(pipeline.name for pipeline in pipelines)], rows)


def compare(title, penstock, pipelines, file_list, conditions, rounds):
    runs = {pipeline: [] for pipeline in pipelines}
    for number in range(1, rounds + 1):
        for pipeline in pipelines:
            peers.print_progress(f"round {number} of {rounds}: {pipeline.name}")
            runs[pipeline].append(measure(penstock, pipeline, file_list, conditions))
    print_comparison(title, pipelines, runs)


def count_tokens(penstock, file_list):
    run = run_measured([penstock, "backfill", "-", "--overlap-tokens", "0", "--dry-run", "--json"],
                       text=file_list)
    return json.loads(run.output.splitlines()[-1])["tokens"]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-embedding")
    parser.add_argument("penstock", help=argparse.SUPPRESS)
    parser.add_argument("package", help=argparse.SUPPRESS)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--only", choices=["quota", "unbound"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--requests-per-minute", type=int, default=200_000)
    parser.add_argument("--tokens-per-minute", type=int)
    arguments = parser.parse_args()

    documents = peers.find_documents([arguments.folder])
    program = os.path.abspath(arguments.penstock)
    file_list = "".join(f"{document}\n" for document in documents)
    ours, everything = Penstock(program), Node(arguments.package, 1)
    print(f"{len(documents):,} documents, {len(os.sched_getaffinity(0))} cores; "
          f"rounds in turn: {arguments.rounds}, medians.\n")
    if arguments.only != "unbound":
        tokens_per_minute = (arguments.tokens_per_minute or
                             max(count_tokens(program, file_list) // 4, 10_000))
        conditions = Conditions(arguments.requests_per_minute, tokens_per_minute,
                                ["--latency", "50ms-800ms", "--faults", "0.01", "--seed", "1"])
        compare(f"{tokens_per_minute:,} tokens a minute, 50 to 800 ms, 1% faults:", program,
                [ours, Node(arguments.package, 0.8), everything], file_list, conditions,
                arguments.rounds)
    if arguments.only != "quota":
        conditions = Conditions(UNBOUND_PER_MINUTE, UNBOUND_PER_MINUTE, ["--latency", "20ms"])
        compare("No quota binds, 20 ms:", program, [ours, everything], file_list,
                conditions, arguments.rounds)


main()
