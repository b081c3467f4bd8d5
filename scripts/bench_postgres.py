"""Run by scripts/bench-postgres, which says what it measures."""
import argparse
import collections
import json
import os
import statistics
import subprocess
import sys

import peers
from fresh_databases import FreshDatabases
from measured_process import cpu_seconds

TARGET_PER_SECOND = 10_000
SERVERS = ("postgres", "pgbouncer", "pgvector")

# CPU seconds while writing by who used them, `workers` and SERVERS.
Measured = collections.namedtuple("Measured", "chunks per_second index_seconds cpu")


def server_cpu():
    used = {}
    for server in SERVERS:
        pid_file = f"{os.environ['PENSTOCK_TEST_SERVICES']}/{server}.pid"
        if os.path.exists(pid_file):  # pgvector's is not where postgres has the extension
            with open(pid_file, encoding="ascii") as file:
                used[server] = cpu_seconds(int(file.read()))
    return used


def run(*command):
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if not finished.stdout:
        sys.exit("postgres_run failed; it says why above")
    return json.loads(finished.stdout)


def measure(options, workers):
    with FreshDatabases() as databases:
        before = server_cpu()
        result = run(options.postgres_run, "write", "--ledger", databases.ledger,
                     "--vectors", databases.vectors, "--workers", str(workers),
                     "--documents", str(options.documents))
        cpu = {name: used - before[name] for name, used in server_cpu().items()}
        index = run(options.postgres_run, "index", "--vectors", databases.vectors)
    return Measured(result["chunks"], result["chunks_per_second"], index["seconds"],
                    {"workers": result["cpu_seconds"], **cpu})


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-postgres")
    parser.add_argument("postgres_run", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=lambda text: [int(each) for each in text.split(",")],
                        default=[1, 2, 4])
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=1_000)
    options = parser.parse_args()

    runs = {workers: [] for workers in options.workers}
    for number in range(1, options.rounds + 1):
        for workers in options.workers:
            peers.print_progress(f"round {number} of {options.rounds}: {workers} worker(s)")
            runs[workers].append(measure(options, workers))
    peers.print_progress(f"{options.connections} connections")
    with FreshDatabases() as databases:
        connected = run(options.postgres_run, "connect", "--url", databases.ledger,
                        "--workers", str(options.connections))

    print(f"{options.rounds} rounds in turn, medians (least to most):\n")
    rows = []
    for workers, measured in runs.items():
        chunks = measured[0].chunks
        per_10_000 = [f"{1e4 / chunks * statistics.median(each.cpu[name] for each in measured):.2f}"
                      for name in measured[0].cpu]
        rows.append([f"{workers}", f"{chunks:,}",
                     peers.spread([each.per_second for each in measured], "{:,.0f}"), *per_10_000,
                     peers.spread([each.index_seconds for each in measured], "{:.1f}")])
    names = next(iter(runs.values()))[0].cpu
    peers.print_table(["workers", "chunks", "chunks/s",
                       *(f"CPU of {name}, s per 10,000" for name in names), "index built in, s"],
                      rows)
    print(f"{connected['workers']:,} connections: {connected['failures']} failures, opened in "
          f"{connected['connect_seconds']:.1f} s; {connected['finds_per_second']:,.0f} lookups/s, "
          f"p50 {connected['p50_ms']:.0f} ms, p99 {connected['p99_ms']:.0f} ms\n")
    rates = {workers: statistics.median(each.per_second for each in measured)
             for workers, measured in runs.items()}
    best = max(rates, key=rates.get)
    print(json.dumps({
        "chunks_per_second": round(rates[best]), "target_per_second": TARGET_PER_SECOND,
        "workers": best, "rates": {str(workers): round(rate) for workers, rate in rates.items()},
        "index_seconds": round(statistics.median(each.index_seconds for each in runs[best]), 1),
        "indexed_chunks": runs[best][0].chunks, "connections": connected["workers"],
        "connection_failures": connected["failures"],
        "lookups_per_second": round(connected["finds_per_second"]),
        "lookup_p99_ms": round(connected["p99_ms"], 1),
    }))
    return 0 if rates[best] >= TARGET_PER_SECOND and connected["failures"] == 0 else 1


sys.exit(main())
