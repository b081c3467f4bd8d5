"""Capacity runs of a few seconds, and a proxy between generator and service that may do it wrong."""
import csv
import http.client
import http.server
import json
import os
import socketserver
import subprocess
import threading

from cases import penstock
from serving import Serving

PROFILE = """
name = "tiny"
seed = 7
drain_max = "{drain}"
content_checks = {checks}
{connections}

[system]
{system}

[[kind]]
name = "small"
{kind}

[[phase]]
name = "warm-up"
plan = "constant"
length = "1s"
per_second = 5
warm_up = true

[[phase]]
name = "steady"
{phase}

[[target]]
measure = "{measure}"
limit = {limit}
fraction = {fraction}
"""

# Checks that break where others use the machine. A run that fails there must be invalid instead.
OF_THE_MACHINE = {"quiet before", "issue delay", "timers", "generator CPU", "stolen CPU", "samples"}
# What falls behind misses its target by that, and says so first.
OF_TOO_MUCH = {"drained", "backlog"}


class Proxy:
    """Hands requests on, and answers back; `upload` stands in for what it does with an upload."""

    def __init__(self, url, upload):
        self.target = url.split("//")[1]
        self.uploads = 0
        self.lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def hand_on(self, body):
                connection = http.client.HTTPConnection(proxy.target, timeout=120)
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                connection.request(self.command, self.path, body, headers)
                return connection, connection.getresponse()

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with proxy.lock:
                    proxy.uploads += 1
                    number = proxy.uploads
                upload(self, number, body)

            def do_GET(self):
                connection, response = self.hand_on(None)
                if not self.path.startswith("/v1/events"):
                    self.answer(response.status, response.read())
                    return connection.close()
                self.send_response(response.status)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.close_connection = True
                try:
                    while piece := response.read1():
                        self.wfile.write(piece)
                except (OSError, http.client.HTTPException):
                    pass
                connection.close()

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # one side has gone away

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pass_on(handler, body):
    connection, response = handler.hand_on(body)
    handler.answer(response.status, response.read())
    connection.close()


def take(handler, body):
    """As pass_on, and nobody hears of it."""
    connection, response = handler.hand_on(body)
    response.read()
    connection.close()


def child_of(process, word):
    """The process id of its child that has this word in its command."""
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as command:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                if parent == process.pid and word in command.read().split("\0"):
                    return int(pid)
        except (OSError, ValueError, IndexError):
            pass
    return None


class Runs(Serving):
    def profile(self, *, url=None, system="workers = 1", kind='size = "20KB"', phase=None, per_second=20,
                length="2s", measure="upload", limit=30, fraction=0.5, checks=3, connections=None, wait=False,
                drain="60s"):
        """The path of one. Half of the documents in time are enough, since there are few of them."""
        steady = f'plan = "constant"\nlength = "{length}"\nper_second = {per_second}'
        pool = f"connections_max = {connections}" if connections else ""
        pool += "\nconnections_wait = true" if wait else ""
        path = os.path.join(self.folder, "profile.toml")
        with open(path, "w") as file:
            file.write(PROFILE.format(system=f'url = "{url}"' if url else system, kind=kind,
                                      phase=phase or steady, measure=measure, limit=limit, fraction=fraction,
                                      checks=checks, connections=pool,
                                      drain=drain))
        return path

    def begin(self, *arguments, env=None, **profile):
        """A run that goes on meanwhile."""
        self.report = os.path.join(self.folder, "report")
        process = subprocess.Popen([penstock, "capacity", self.profile(**profile), "--report", self.report,
                                    *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=self.folder, env=env)
        self.addCleanup(self.end, process)
        return process

    def finish(self, process, expect):
        """What it said, and its report."""
        out, err = process.communicate(timeout=120)
        self.assertIn(process.returncode, expect if isinstance(expect, tuple) else (expect,), out + err)
        with open(os.path.join(self.report, "report.json")) as file:
            self.json = json.load(file)
        with open(os.path.join(self.report, "arrivals.csv")) as file:
            self.arrivals = list(csv.DictReader(file))
        self.out = out
        self.said = " ".join(out.split())
        return out

    def capacity(self, expect, *arguments, **options):
        return self.finish(self.begin(*arguments, **options), expect)

    def misses(self, **options):
        """A run that misses its target; where others use the machine it may not say so."""
        out = self.capacity((10, 12), **options)
        self.assert_missed()
        return out

    def assert_missed(self):
        verdict = self.json["verdict"]
        self.assertLessEqual(self.broken_checks(), OF_THE_MACHINE | OF_TOO_MUCH)
        if verdict == "invalid":
            self.assertTrue(self.broken_checks() & OF_THE_MACHINE)
        target, = self.json["targets"]
        self.assertEqual(target["verdict"], verdict)
        self.assertGreater(target["misses"], target["misses_allowed"])
        if verdict == "fail":
            causes = [check["sentence"] for check in self.json["checks"] if not check["holds"]]
            first = self.json["sentence"].partition(" (and ")[0]
            self.assertIn(first, [*causes, f"{target['measure']}: {target['sentence']}"])
        self.assertTrue(self.said.startswith(f"{verdict.upper()} "))
        self.assertIn(" ".join(self.json["sentence"].split()), self.said)
        self.assertIn(" ".join(target["sentence"].split()), self.said)

    def here(self, **variables):
        """Runs make their folders where the test sees them."""
        return {**os.environ, "TMPDIR": self.folder, **variables}

    def refused(self, **profile):
        """The one line that a run says before it starts, or does not."""
        ran = self.run_penstock("capacity", self.profile(**profile), expect=1, store=False)
        said = ran.err.splitlines()[-1]
        self.assertEqual((ran.out, said[:10]), ("", "penstock: "), ran.err)
        return said

    def assert_all_done(self):
        conservation = self.json["conservation"]
        self.assertEqual(conservation["intended"], len(self.arrivals))
        self.assertEqual(conservation["done"], len(self.arrivals), self.json["errors"])
        self.assertTrue(conservation["holds"])
        self.assertEqual(self.json["content"], {"checked": 3, "wrong": 0, "first_wrong": ""})
        self.assertEqual((self.json["unknown"], self.json["findings"]), (0, []))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("penstock-capacity")], [])
        for arrival in self.arrivals:
            times = [float(arrival[name + "_s"]) for name in ("intended", "issued", "started", "stored", "done")]
            # The calendar tells milliseconds.
            for earlier, later in zip(times, times[1:]):
                self.assertLessEqual(earlier, later + 0.002)

    def behind(self, upload):
        self.serve()
        return self.proxy(self.url, upload)

    def proxy(self, url, upload):
        proxy = Proxy(url, upload)
        self.addCleanup(proxy.close)
        return proxy.url

    def broken_checks(self):
        return {check["name"] for check in self.json["checks"] if not check["holds"]}
