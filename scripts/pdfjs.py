"""pdf.js for bench_fidelity.py: node processes that a document may crash or hang."""
import os
import queue
import select
import subprocess
import threading
import time

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench/peers/pdfjs_text.mjs")


class PdfjsProcess:
    """Extracts one document after another; is started again after one that ended it."""

    def __init__(self, package):
        self.command = ["node", SCRIPT, package]
        self.process = None

    def extract(self, document, text, timeout):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write(f"{document}\t{text}\n".encode())
            self.process.stdin.flush()
            if self.answers_within(timeout):
                outcome = self.process.stdout.readline().decode().strip()
            else:
                outcome = "timed_out"
        except BrokenPipeError:
            outcome = ""
        if outcome in ("done", "encrypted", "corrupt"):
            return outcome
        self.stop()
        return outcome or "crashed"

    def answers_within(self, timeout):
        """In CPU time, or ten times that in wall time, as for extract_peer."""
        cpu_end = self.cpu_seconds() + timeout
        wall_end = time.monotonic() + 10 * timeout
        while self.cpu_seconds() < cpu_end and time.monotonic() < wall_end:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                return True
        return False

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


def run_pdfjs(package, documents, processes, timeout, text_folder):
    """Writes the text of document i to TEXT_FOLDER/i.txt; gives the outcomes."""
    outcomes = [None] * len(documents)
    waiting = queue.SimpleQueue()
    for document in range(len(documents)):
        waiting.put(document)

    def work():
        process = PdfjsProcess(package)
        while True:
            try:
                document = waiting.get_nowait()
            except queue.Empty:
                break
            outcomes[document] = process.extract(documents[document],
                                                 f"{text_folder}/{document}.txt", timeout)
        process.stop()

    workers = [threading.Thread(target=work) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return outcomes
