"""A run of a program: its output, its wall time, and its peak of memory with its children's; and what
a running one has used of the CPU."""
import collections
import os
import subprocess
import tempfile
import threading
import time

Run = collections.namedtuple("Run", "output code wall peak_bytes")


def tree(pid):
    """The process and its descendants."""
    found = [pid]
    for each in found:
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children") as file:
                    found += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return set(found)


def cpu_seconds(pid):
    """What the process, its descendants and those of them that ended have used so far."""
    ticks = 0
    for each in tree(pid):
        try:
            with open(f"/proc/{each}/stat") as file:
                # After the name, which may hold anything: utime, stime, cutime and cstime.
                ticks += sum(int(field) for field in file.read().rpartition(")")[2].split()[11:15])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def proportional_bytes(pid):
    """Memory of a process, what it shares with others counted in parts (PSS)."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return 0


def run_measured(command, sample_seconds=None, text=None, environment=None):
    """`text` is its standard input. Without sample_seconds the peak is 0."""
    with tempfile.TemporaryFile() as standard_input:
        standard_input.write((text or "").encode())
        standard_input.seek(0)
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=standard_input, stdout=subprocess.PIPE,
                                   env=environment)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout))
        reader.start()
        peak = 0
        while sample_seconds and process.poll() is None:
            peak = max(peak, sum(proportional_bytes(pid) for pid in tree(process.pid)))
            time.sleep(sample_seconds)
        process.wait()
        wall = time.monotonic() - started
        reader.join()
    return Run(b"".join(lines).decode(), process.returncode, wall, peak)
