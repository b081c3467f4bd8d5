"""pdf.js for bench_fidelity.py: node processes that a document may crash or hang."""
import os
import queue
import select
import subprocess
import threading

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
            readable, _, _ = select.select([self.process.stdout], [], [], timeout)
            outcome = self.process.stdout.readline().decode().strip() if readable else "timed_out"
        except BrokenPipeError:
            outcome = ""
        if outcome in ("done", "encrypted", "corrupt"):
            return outcome
        self.stop()
        return outcome or "crashed"

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
