"""Run by scripts/bench-queue, which says what it measures."""
import argparse
import collections
import itertools
import json
import os
import statistics
import subprocess
import sys
import time

import peers

TARGET_PER_SECOND = 20_000
# What BullMQ is tried with: its documentation's driver and the other one, jobs added at once, jobs
# that a worker has in hand.
DRIVERS = ("ioredis", "redis")
BULKS = (500, 2_000)
CONCURRENCIES = (50, 100, 300)
TRIAL_DOCUMENTS_MAX = 10_000

Client = collections.namedtuple("Client", "name program options")
# Documents a second; CPU seconds per 10,000 documents.
Measured = collections.namedtuple("Measured", "enqueued worked together client_cpu redis_cpu")

redis_url = os.environ["PENSTOCK_TEST_REDIS"]


def redis(*command):
    return subprocess.run(["redis-cli", "-u", redis_url, *command], capture_output=True, text=True,
                          check=True).stdout


def redis_info(section):
    return dict(line.split(":", 1) for line in redis("info", section).splitlines() if ":" in line)


def redis_cpu_seconds():
    return sum(float(value) for name, value in redis_info("cpu").items()
               if name in ("used_cpu_sys", "used_cpu_user",
                           "used_cpu_sys_children", "used_cpu_user_children"))


def empty_redis():
    """Nothing in it, and nothing in its append-only file."""
    redis("flushall")
    redis("bgrewriteaof")
    while True:
        info = redis_info("persistence")
        if info["aof_rewrite_in_progress"] == info["aof_rewrite_scheduled"] == "0":
            return
        time.sleep(0.05)


class Process:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def heard(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a client failed; it says why above")
        return json.loads(line)


def measure(client, documents, processes):
    empty_redis()
    cpu_before = redis_cpu_seconds()
    firsts = [documents * number // processes for number in range(processes + 1)]
    clients = [Process([*client.program, redis_url, "bench", str(first), str(end - first),
                        *client.options])
               for first, end in itertools.pairwise(firsts)]
    began = [process.heard() for process in clients]
    times = [time.monotonic()]
    for _ in ("enqueue", "work"):
        for process in clients:
            process.go()
        ended = [process.heard() for process in clients]
        times.append(time.monotonic())
    redis_cpu = redis_cpu_seconds() - cpu_before
    for process in clients:
        process.process.communicate()
    done = sum(end["done"] for end in ended)
    if done != documents:
        sys.exit(f"{client.name}: {done} documents were done, of {documents}")
    client_cpu = sum(end["cpu_s"] - begin["cpu_s"] for begin, end in zip(began, ended))
    return Measured(documents / (times[1] - times[0]), documents / (times[2] - times[1]),
                    documents / (times[2] - times[0]), 1e4 * client_cpu / documents,
                    1e4 * redis_cpu / documents)


def bullmq(script, driver, bulk, concurrency):
    return Client("BullMQ", ["node", script], ["--driver", driver, "--bulk", str(bulk),
                                               "--concurrency", str(concurrency)])


def best_bullmq(script, documents, processes):
    best = None
    for settings in itertools.product(DRIVERS, BULKS, CONCURRENCIES):
        client = bullmq(script, *settings)
        rate = measure(client, min(documents, TRIAL_DOCUMENTS_MAX), processes).together
        peers.print_progress(f"BullMQ with {settings}: {rate:,.0f} documents/s")
        if best is None or rate > best[0]:
            best = rate, client, settings
    return best[1:]


FIGURES = (
    ("enqueued, documents/s", "enqueued", "{:,.0f}"),
    ("claimed and acknowledged, documents/s", "worked", "{:,.0f}"),
    ("together, documents/s", "together", "{:,.0f}"),
    ("CPU of the clients, s per 10,000 documents", "client_cpu", "{:.3f}"),
    ("CPU of Redis, s per 10,000 documents", "redis_cpu", "{:.3f}"),
)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-queue")
    parser.add_argument("queue_run", help=argparse.SUPPRESS)
    parser.add_argument("bullmq_client", help=argparse.SUPPRESS)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1, help="clients of each")
    options = parser.parse_args()

    theirs, (driver, bulk, concurrency) = best_bullmq(options.bullmq_client, options.documents,
                                                      options.processes)
    ours = Client("Penstock", [options.queue_run], [])
    runs = {client.name: [] for client in (ours, theirs)}
    for number in range(1, options.rounds + 1):
        for client in (ours, theirs):
            peers.print_progress(f"round {number} of {options.rounds}: {client.name}")
            runs[client.name].append(measure(client, options.documents, options.processes))

    def values(name, figure):
        return [getattr(run, figure) for run in runs[name]]

    def median(name, figure):
        return statistics.median(values(name, figure))

    ratios = [own.together / other.together
              for own, other in zip(runs["Penstock"], runs["BullMQ"])]
    print(f"{options.documents:,} documents, {options.processes} client process(es) of each, "
          f"{options.rounds} rounds in turn, medians (least to most); BullMQ with {driver}, "
          f"{bulk:,} jobs added at once, concurrency {concurrency}.\n")
    peers.print_table(["", *runs], [
        *([label, *(peers.spread(values(name, figure), form) for name in runs)]
          for label, figure, form in FIGURES),
        ["documents/s, Penstock's / this", "", peers.spread(ratios, "{:.1f}")]])
    rate = median("Penstock", "together")
    print(json.dumps({
        "documents": options.documents, "processes": options.processes, "rounds": options.rounds,
        "documents_per_second": round(rate), "target_per_second": TARGET_PER_SECOND,
        "bullmq_documents_per_second": round(median("BullMQ", "together")),
        "ratio": round(statistics.median(ratios), 2),
        "client_cpu_s_per_10000": round(median("Penstock", "client_cpu"), 4),
        "bullmq_client_cpu_s_per_10000": round(median("BullMQ", "client_cpu"), 4),
        "redis_cpu_s_per_10000": round(median("Penstock", "redis_cpu"), 4),
        "bullmq_redis_cpu_s_per_10000": round(median("BullMQ", "redis_cpu"), 4),
        "bullmq_settings": {"driver": driver, "bulk": bulk, "concurrency": concurrency},
    }))
    return 0 if rate >= TARGET_PER_SECOND else 1


sys.exit(main())
