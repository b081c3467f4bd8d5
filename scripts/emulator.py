"""`penstock emulate` for a measurement."""
import json
import subprocess
import urllib.request


class Emulator:
    """Serves on a free port while the `with` lasts."""

    def __init__(self, penstock, *arguments, service="openai"):
        self.command = [penstock, "emulate", service, "--listen", "127.0.0.1:0", "--json", *arguments]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the emulator did not start; it says why above")
        self.url = json.loads(line)["url"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def get(self, path):
        with urllib.request.urlopen(self.url.removesuffix("/v1") + path, timeout=60) as response:
            return json.load(response)
