"""Run by scripts/bench-workers, which says what it measures."""
import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import peers
from fresh_databases import FreshDatabases

RATIO_MIN = 0.9
CORES = 2
# Workers, and the extraction processes of each.
FLEETS = {"one worker, two extractors": (1, 2), "two workers, one extractor each": (2, 1)}

# Documents of each worker; CPU seconds of all.
Measured = collections.namedtuple("Measured",
                                  "per_second documents engine_cpu extraction_cpu")

redis_url = os.environ["PENSTOCK_TEST_REDIS"]


class Worker:
    """`penstock worker`, with when it claimed its first document and ended its last one."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.first_claim = self.last_outcome = None
        self.summary = None
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "claimed" and self.first_claim is None:
                self.first_claim = time.monotonic()
            elif event["event"] == "document":
                self.last_outcome = time.monotonic()
            elif event["event"] == "summary":
                self.summary = event

    def wait(self):
        self.process.wait()
        self.thread.join()
        if self.process.returncode not in (0, 3) or self.summary is None:  # 3: some documents failed
            sys.exit("a worker failed; it says why above")


def manifest_of(documents, count):
    """At least `count` lines: another round of the same documents has other keys."""
    rounds = -(-count // len(documents))
    return [json.dumps({"path": path, "key": f"{number}{path}"})
            for number in range(rounds) for path in documents]


def measure(penstock, manifest, workers, extractors):
    subprocess.run(["redis-cli", "-u", redis_url, "flushall"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([penstock, "enqueue", "--queue", redis_url, "--json", manifest], check=True,
                   stdout=subprocess.DEVNULL)
    with FreshDatabases() as databases:
        fleet = [Worker([penstock, "worker", "--queue", redis_url, "--ledger", databases.ledger,
                         "--vectors", f"pgvector:{databases.vectors}", "--embedder", "lexical:",
                         "--extractors", str(extractors), "--until-empty", "--json"])
                 for _ in range(workers)]
        for worker in fleet:
            worker.wait()
    documents = [worker.summary["seen"] for worker in fleet]
    began = min(worker.first_claim for worker in fleet if worker.first_claim is not None)
    ended = max(worker.last_outcome for worker in fleet if worker.last_outcome is not None)
    return Measured(sum(documents) / (ended - began), documents,
                    sum(worker.summary["cpu_engine_s"] for worker in fleet),
                    sum(worker.summary["cpu_extraction_s"] for worker in fleet))


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-workers")
    parser.add_argument("penstock", help=argparse.SUPPRESS)
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=2_000)
    options = parser.parse_args()

    documents = peers.find_documents([os.path.abspath(options.folder)])
    lines = manifest_of(documents, options.documents)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    runs = {name: [] for name in FLEETS}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as manifest:
        manifest.writelines(f"{line}\n" for line in lines)
        manifest.flush()
        for number in range(1, options.rounds + 1):
            for name, (workers, extractors) in FLEETS.items():
                peers.print_progress(f"round {number} of {options.rounds}: {name}")
                runs[name].append(measure(options.penstock, manifest.name, workers, extractors))
                if sum(runs[name][-1].documents) != len(lines):
                    sys.exit(f"{sum(runs[name][-1].documents)} documents were taken, "
                             f"of {len(lines)}")

    one, two = runs.values()
    ratios = [of_two.per_second / of_one.per_second for of_one, of_two in zip(one, two)]
    print(f"{len(lines):,} documents, {options.rounds} rounds in turn, medians (least to most):\n")
    peers.print_table(
        ["", "documents/s", "CPU outside extraction, s", "CPU of extraction, s",
         "documents of the worker that did fewest"],
        [[name, peers.spread([run.per_second for run in measured], "{:.1f}"),
          peers.spread([run.engine_cpu for run in measured], "{:.2f}"),
          peers.spread([run.extraction_cpu for run in measured], "{:.2f}"),
          peers.spread([min(run.documents) for run in measured], "{:,.0f}")]
         for name, measured in runs.items()])
    print(json.dumps({
        "documents": len(lines), "rounds": options.rounds,
        "one_worker_documents_per_second": round(statistics.median(r.per_second for r in one), 1),
        "two_workers_documents_per_second": round(statistics.median(r.per_second for r in two), 1),
        "ratio": round(statistics.median(ratios), 3), "ratio_least": round(min(ratios), 3),
        "ratio_most": round(max(ratios), 3), "ratio_min": RATIO_MIN}))
    return 0 if statistics.median(ratios) >= RATIO_MIN else 1


sys.exit(main())
