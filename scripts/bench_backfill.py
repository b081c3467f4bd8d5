"""Run by scripts/bench-backfill, which says what it measures."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from measured_process import run_measured

penstock = os.path.abspath(sys.argv[1])
if len(sys.argv) < 3:
    sys.exit("usage: scripts/bench-backfill FOLDER [PAIRS [OPTION...]]")
folder = sys.argv[2]
pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
options = sys.argv[4:]  # of penstock backfill
cores = len(os.sched_getaffinity(0))


def backfill(sources, extractors=0, sample_seconds=None):
    with tempfile.TemporaryDirectory() as scratch:
        run = run_measured(
            [penstock, "backfill", *sources, "--store", f"{scratch}/store.db", "--json",
             "--extractors", str(extractors), *options], sample_seconds)
    return run.wall, json.loads(run.output.splitlines()[-1]), run.peak_bytes


def pdftotext():
    started = time.monotonic()
    files = "\0".join(str(path) for path in sorted(pathlib.Path(folder).rglob("*.pdf")))
    subprocess.run(["xargs", "-0", f"-P{cores}", "-I{}", "pdftotext", "{}", "/dev/null"],
                   input=files.encode(), stderr=subprocess.DEVNULL, check=False)
    return time.monotonic() - started


walls, peers, summaries = [], [], []
for _ in range(pairs):
    wall, summary, _ = backfill([folder])
    walls.append(wall)
    summaries.append(summary)
    peers.append(pdftotext())
ratios = sorted(a / b for a, b in zip(walls, peers))
summary = summaries[-1]
outside = [s["cpu_engine_s"] / (s["cpu_engine_s"] + s["cpu_extraction_s"]) for s in summaries]
print(f"{summary['seen']} documents, {summary['pages']} pages, {cores} cores, {pairs} pairs; medians")
print(f"  penstock backfill        {statistics.median(walls):7.2f} s  "
      f"{summary['pages'] / statistics.median(walls):7.0f} pages/s")
print(f"  xargs -P{cores} pdftotext     {statistics.median(peers):7.2f} s  "
      f"{summary['pages'] / statistics.median(peers):7.0f} pages/s")
print(f"  time, backfill/pdftotext {statistics.median(ratios):7.2f}    ({ratios[0]:.2f} to {ratios[-1]:.2f})")
print(f"  CPU outside extraction   {100 * statistics.median(outside):7.1f} %")

largest = max(pathlib.Path(folder).rglob("*.pdf"), key=lambda path: path.stat().st_size)
one = statistics.median(backfill([str(largest)], 1)[0] for _ in range(3))
many = statistics.median(backfill([str(largest)], cores)[0] for _ in range(3))
print(f"  {largest.name}: {one:.2f} s with one extraction process, {many:.2f} s with {cores}: "
      f"{one / many:.2f} x")

_, _, peak = backfill([folder], sample_seconds=0.02)
print(f"  peak memory              {peak / 1e6:7.0f} MB  (PSS of all processes, every 20 ms)")
