"""Run by scripts/bench-generator, which says what it measures."""
import argparse
import collections
import csv
import io
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time

# `paced`: of the server. connections of a steady load: enough that none waits for another.
Load = collections.namedtuple("Load", "model amount size path")
LOADS = {
    "paced": Load("closed", 64, 1_000, "/paced"),
    "fast": Load("closed", 64, 1_000, "/"),
    "large": Load("closed", 8, 1_000_000, "/"),
    "steady": Load("open", 1_000, 1_000, "/"),
}
PACE = 2_000
STEADY_CONNECTIONS = 50

# CPU seconds are of 10,000 uploads, of the client alone.
Measured = collections.namedtuple("Measured", "per_second p50 p90 p99 cpu")

NGINX = """
daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 2m;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $server_port zone=pace:1m rate={pace}r/s;
  server {{
    listen 127.0.0.1:{answer} backlog=4096;
    location / {{ return 202 '{{"id":"$request_id"}}'; }}
  }}
  server {{
    listen 127.0.0.1:{front} backlog=4096;
    location / {{ return 202 '{{"id":"$request_id"}}'; }}
  }}
  server {{
    listen 127.0.0.1:{paced} backlog=4096;
    location / {{
      limit_req zone=pace burst=100000;
      proxy_pass http://127.0.0.1:{answer};
    }}
  }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Server:
    def __init__(self, folder):
        ports = {name: free_port() for name in ("answer", "front", "paced")}
        self.urls = {"/": f"http://127.0.0.1:{ports['front']}", "/paced": f"http://127.0.0.1:{ports['paced']}"}
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(NGINX.format(folder=folder, pace=PACE, **ports))
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", path])
        for port in ports.values():
            self.wait(port)

    @staticmethod
    def wait(port):
        for _ in range(500):
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.01)
        raise SystemExit("nginx does not listen")

    def end(self):
        self.process.terminate()
        self.process.wait()


def run(command):
    """Its output, and the CPU seconds that it used."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command}: {out}")
    return out, used.ru_utime + used.ru_stime


def measured(per_second, quantiles, cpu, seconds):
    return Measured(per_second, *quantiles, cpu / (per_second * seconds) * 10_000)


class Tools:
    def __init__(self, program, folder, seconds):
        self.program = program
        self.seconds = seconds
        self.folder = folder

    def body(self, size):
        path = os.path.join(self.folder, f"body-{size}")
        with open(path, "w") as file:
            file.write("x" * size)
        return path

    def penstock(self, load, url):
        out, cpu = run([self.program, url, load.model, str(load.amount), str(self.seconds), str(load.size)])
        seen = json.loads(out)
        return measured(seen["per_second"], (seen["p50"], seen["p90"], seen["p99"]), cpu, self.seconds)

    def wrk(self, load, url):
        if load.model == "open":
            return None
        script = os.path.join(self.folder, "post.lua")
        with open(script, "w") as file:
            file.write(f"""
                wrk.method = "POST"
                wrk.body = string.rep("x", {load.size})
                wrk.headers["Content-Type"] = "application/octet-stream"
                done = function(summary, latency)
                  local errors = summary.errors
                  local broken = errors.connect + errors.read + errors.write + errors.status + errors.timeout
                  io.write(string.format("seen %d %d %f %f %f %d\\n", summary.requests, summary.duration,
                    latency:percentile(50), latency:percentile(90), latency:percentile(99), broken))
                end""")
        out, cpu = run(["wrk", "-t1", f"-c{load.amount}", f"-d{self.seconds}s", "-s", script, url + "/"])
        requests, duration, p50, p90, p99, broken = map(float, re.search(r"^seen (.*)$", out, re.M)[1].split())
        assert broken == 0, out
        return measured(requests / duration * 1e6, (p50 / 1e6, p90 / 1e6, p99 / 1e6), cpu, self.seconds)

    def hey(self, load, url):
        command = ["hey", "-z", f"{self.seconds}s", "-m", "POST", "-D", self.body(load.size), "-o", "csv"]
        if load.model == "open":
            command += ["-c", str(STEADY_CONNECTIONS), "-q", str(load.amount / STEADY_CONNECTIONS)]
        else:
            command += ["-c", str(load.amount)]
        out, cpu = run([*command, url + "/"])
        rows = list(csv.DictReader(io.StringIO(out)))
        assert all(row["status-code"] == "202" for row in rows)
        times = sorted(float(row["response-time"]) for row in rows)
        end = max(float(row["offset"]) + float(row["response-time"]) for row in rows)
        at = lambda fraction: times[int(fraction * (len(times) - 1))]
        return measured(len(times) / end, (at(0.5), at(0.9), at(0.99)), cpu, self.seconds)


def cell(values, own, unit):
    """The median, and how it is to ours, with the least and the most of its rounds."""
    if not values:
        return "–"
    middle = statistics.median(values)
    text = unit(middle)
    if own is values:
        return text
    ratios = [ours / theirs for ours, theirs in zip(own, values)]
    return f"{text} ({statistics.median(ratios):.2f}: {min(ratios):.2f} to {max(ratios):.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--load", action="append", choices=LOADS)
    options = parser.parse_args()
    seen = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        server = Server(folder)
        try:
            tools = Tools(options.program, folder, options.seconds)
            names = ("penstock", "wrk", "hey")
            for name in options.load or LOADS:
                load = LOADS[name]
                for number in range(options.rounds):
                    # Whoever comes first in a round comes last in the next.
                    for tool in names if number % 2 == 0 else reversed(names):
                        if result := getattr(tools, tool)(load, server.urls[load.path]):
                            seen[name, tool].append(result)
        finally:
            server.end()

    def milliseconds(seconds):
        return f"{seconds * 1000:.3g} ms"

    units = Measured(lambda rate: f"{rate:,.0f}", milliseconds, milliseconds, milliseconds,
                     lambda seconds: f"{seconds:.2f} s")
    labels = Measured("uploads/s", "p50", "p90", "p99", "CPU of 10,000")
    print("| load |  | penstock | wrk (ratio) | hey (ratio) |\n|---|---|---:|---:|---:|")
    for name in options.load or LOADS:
        for place, label in enumerate(labels):
            columns = [[result[place] for result in seen[name, tool]] for tool in names]
            cells = [cell(values, columns[0], units[place]) for values in columns]
            print(f"| {name if place == 0 else ''} | {label} | {' | '.join(cells)} |")
    print(json.dumps({f"{name} {tool}": [result._asdict() for result in results]
                      for (name, tool), results in seen.items()}))


main()
