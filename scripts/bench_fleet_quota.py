"""Run by scripts/bench-fleet-quota, which says what it measures."""
import argparse
import json
import math
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

from emulator import Emulator

# Requests and tokens a minute.
KEYS = {"a": (100_000, 3_000_000), "b": (66_000, 2_000_000), "c": (34_000, 1_000_000)}
KEY_OPTIONS = [option for name, (requests, tokens) in KEYS.items()
               for option in ("--key", f"{name}:{requests}:{tokens}")]
UTILISATION_MIN = 0.97
START_S = 2  # until all processes run


def script_calls(redis_url):
    """How many scripts the server has run, and the microseconds that they took."""
    address = urllib.parse.urlparse(redis_url)
    with socket.create_connection((address.hostname, address.port)) as server:
        server.sendall(b"INFO commandstats\r\nQUIT\r\n")
        info = b"".join(iter(lambda: server.recv(65536), b"")).decode()
    calls = micros = 0
    for line in info.splitlines():
        if line.startswith("cmdstat_evalsha:"):
            fields = dict(field.split("=") for field in line.split(":", 1)[1].split(","))
            calls, micros = int(fields["calls"]), int(fields["usec"])
    return calls, micros


def percentile(values, part):
    ranked = sorted(values)
    return ranked[max(math.ceil(part * len(ranked)), 1) - 1]


parser = argparse.ArgumentParser()
for name in ("penstock", "fleet_quota_run", "redis_url", "folder"):
    parser.add_argument(name)
parser.add_argument("--seconds", type=float, default=150)
parser.add_argument("--processes", type=int, default=20)
parser.add_argument("--arrivals", default="0.2")
parser.add_argument("--interactive-share", default="0")
options = parser.parse_args()

keys_file = pathlib.Path(options.folder) / "keys"
keys_file.write_text("".join(f"{name}={name}\n" for name in KEYS))
keys_file.chmod(0o600)
with Emulator(options.penstock, *KEY_OPTIONS, "--latency", "50ms-800ms", "--seed", "1") as service:
    started = time.time()
    processes = [
        subprocess.Popen(
            [options.fleet_quota_run, service.url, options.redis_url, *KEY_OPTIONS,
             "--keys-file", keys_file, "--interactive-share", options.interactive_share,
             "--arrivals", options.arrivals, "--seed", str(number),
             "--ends-at", str(started + START_S + options.seconds)],
            stdout=subprocess.PIPE, text=True)
        for number in range(options.processes)]
    reports = [json.loads(process.communicate()[0] or "null") for process in processes]
    if None in reports:
        sys.exit("a process of the fleet failed; it says why above")
    stats = service.get("/stats")
calls, micros = script_calls(options.redis_url)

waits = [wait for report in reports for wait in report["interactive_waits_s"]]
tokens = [report["tokens"] for report in reports]
print(json.dumps({
    "processes": options.processes,
    "seconds": round(stats["seconds"], 1),
    "interactive_share": float(options.interactive_share),
    "steady_utilisation": stats["steady_utilisation"],
    "violations": stats["violations"],
    "max_overshoot_tokens": stats["max_overshoot_tokens"],
    "max_overshoot_requests": stats["max_overshoot_requests"],
    "requests": stats["requests"],
    "failed": sum(report["failed"] for report in reports),
    "tokens_of_a_process_min": min(tokens),
    "tokens_of_a_process_max": max(tokens),
    "interactive_requests": len(waits),
    "interactive_wait_p50_s": round(percentile(waits, 0.5), 4),
    "interactive_wait_p99_s": round(percentile(waits, 0.99), 4),
    "redis_calls_per_second": round(calls / stats["seconds"], 1),
    "redis_us_per_call": round(micros / max(calls, 1), 1),
}))
sys.exit(0 if stats["steady_utilisation"] >= UTILISATION_MIN and stats["violations"] == 0 else 1)
