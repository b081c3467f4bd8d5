"""Run by scripts/bench-quota, which says what it measures."""
import itertools
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import quota_chart
from emulator import Emulator

# Requests and tokens a minute.
KEYS = {"a": (100_000, 3_000_000), "b": (66_000, 2_000_000), "c": (34_000, 1_000_000)}
# The same for the emulator and for the backfill.
KEY_OPTIONS = [option for name, (requests, tokens) in KEYS.items()
               for option in ("--key", f"{name}:{requests}:{tokens}")]
TOKENS_PER_MINUTE = sum(tokens for _, tokens in KEYS.values())
TOKENS_TO_EMBED = 20_000_000
# The steady state leaves out so many seconds after the first request and before the last one: a
# start has nothing to send at first, and at the end some keys run out of work before others.
START_SECONDS = 5
END_SECONDS = 10
UTILISATION_MIN = 0.99

SEED = 1
DOCUMENT_TOKENS_MEAN = 11_000
DOCUMENT_TOKENS_RANGE = (50, 200_000)
# One token each, with the space before it. A chunk of hundreds, drawn at random, has no equal.
WORDS = """the of and to in a is that for it as was with be by on not he his but at are this have from
or had an they which one you were all her she there would their we him been has when who will no more
if out so up said what its about than into them can only other time new some could these two may first
then do any like my now over such our man me even most made after also did many before must through
back years where much your way well down should because each just those people how too little state
good very make world still own see men work long here get both between life being under never day same
another know while last might us great old year off come since against go came right used take three
water pressure valve turbine flow river gate channel level basin""".split()
# Of the text's tokens, what chunks that overlap repeat (64 in 512 and a sentence's rest).
TOKENS_BY_TEXT_TOKENS = 1.1


def penstock_json(*arguments):
    """The last line that the command prints."""
    run = subprocess.run([penstock, *arguments, "--json"], stdout=subprocess.PIPE, check=False)
    return json.loads(run.stdout.splitlines()[-1])


def sentence(draw):
    words = draw.choices(WORDS, k=draw.randint(6, 24))
    return " ".join(words).capitalize() + "."


def write_texts(path, tokens_to_write):
    """Texts as long as documents are: many short ones, and some of a hundred pages."""
    draw = random.Random(SEED)
    spread = 1  # of the logarithm
    middle = math.log(DOCUMENT_TOKENS_MEAN) - spread**2 / 2
    shortest, longest = DOCUMENT_TOKENS_RANGE
    written = 0
    for number in itertools.count():
        if written >= tokens_to_write:
            return
        wanted = min(max(draw.lognormvariate(middle, spread), shortest), longest)
        tokens = 0
        paragraphs = []
        while tokens < wanted:
            sentences = [sentence(draw) for _ in range(draw.randint(2, 8))]
            tokens += sum(text.count(" ") + 2 for text in sentences)  # the words and the full stop
            paragraphs.append(" ".join(sentences))
        (path / f"{number:05}.txt").write_text("\n\n".join(paragraphs))
        written += tokens * TOKENS_BY_TEXT_TOKENS


def backfill(sources, url, scratch):
    """The summary and the CPU seconds of the process and its children."""
    keys_file = scratch / "keys"
    keys_file.write_text("".join(f"{name}={name}\n" for name in KEYS))
    keys_file.chmod(0o600)
    process = subprocess.Popen(
        [penstock, "backfill", *sources, "--store", scratch / "store.db", "--embedder",
         f"openai:{url}", *KEY_OPTIONS, "--keys-file", keys_file, "--request-timeout", "10", "--json"],
        stdout=subprocess.PIPE)
    last = b""
    for line in process.stdout:
        last = line
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        sys.exit(f"penstock backfill ended with {process.returncode}: {last.decode()}")
    return json.loads(last), usage.ru_utime + usage.ru_stime


def print_figures(summary, cpu_seconds, stats, tokens_by_key, steady):
    first, last = steady
    seconds = last - first
    used = {name: sum(tokens[first:last]) for name, tokens in tokens_by_key.items()}
    permitted = {name: KEYS[name][1] / 60 * seconds for name in KEYS}
    utilisation = sum(used.values()) / sum(permitted.values())
    print(f"Steady state: from second {first} to second {last} of {stats['seconds']:.0f}, "
          f"{seconds} s.\n")
    print("| key | tokens a minute | used in the steady state | refused for quota "
          "| most over any 60 s |\n|---|---:|---:|---:|---:|")
    for name in KEYS:
        key = stats["keys"][name]
        print(f"| {name} | {KEYS[name][1]:,} | {used[name] / permitted[name]:.2%} "
              f"| {key['violations']} | {key['max_overshoot_tokens']:,} |")
    print(f"| all | {TOKENS_PER_MINUTE:,} | {utilisation:.2%} | {stats['violations']} "
          f"| {stats['max_overshoot_tokens']:,} |\n")

    faults = stats["faults"]
    needed = summary["tokens"] - summary["cached_tokens"]
    print(f"{summary['seen']:,} documents, {summary['documents']['done']:,} done, "
          f"{summary['failed']:,} failed; {needed:,} tokens to embed in {summary['seconds']:.0f} s, "
          f"{stats['requests']:,} requests.")
    print(f"Paid for {stats['answered_tokens']:,} tokens, "
          f"{stats['answered_tokens'] / needed - 1:.3%} more than needed; {stats['tokens']:,} of the "
          f"quota went, with what was answered by faults.")
    print(f"{sum(faults.values()):,} faults: "
          + ", ".join(f"{name} {count}" for name, count in faults.items() if count) + ".")
    print(f"The backfill used {cpu_seconds:.1f} s of CPU, {cpu_seconds / summary['seconds']:.1%} "
          f"of a core.")
    return utilisation


def main():
    with tempfile.TemporaryDirectory(prefix="penstock-bench-quota-") as folder:
        scratch = pathlib.Path(folder)
        sources = [real_documents] if real_documents else []
        to_write = TOKENS_TO_EMBED
        if real_documents:
            measured = penstock_json("backfill", real_documents, "--dry-run", "--store",
                                     scratch / "none.db")
            to_write -= measured["tokens"]
        texts = scratch / "texts"
        texts.mkdir()
        write_texts(texts, to_write)
        sources.append(texts)

        with Emulator(penstock, *KEY_OPTIONS, "--latency", "50ms-800ms", "--faults", "0.01",
                      "--seed", str(SEED)) as service:
            summary, cpu_seconds = backfill(sources, service.url, scratch)
            stats = service.get("/stats")
            history = service.get("/stats/history")

    tokens_by_key = {name: history["keys"][name]["tokens"] for name in KEYS}
    steady = (START_SECONDS, len(tokens_by_key["a"]) - END_SECONDS)
    if steady[1] - steady[0] < 60:
        sys.exit(f"only {stats['seconds']:.0f} s of work: no steady state to measure")
    utilisation = print_figures(summary, cpu_seconds, stats, tokens_by_key, steady)
    pathlib.Path(chart).write_text(quota_chart.draw(
        tokens_by_key, {name: tokens for name, (_, tokens) in KEYS.items()}))
    if utilisation < UTILISATION_MIN or stats["violations"] > 0:
        sys.exit(1)


penstock, chart = os.path.abspath(sys.argv[1]), sys.argv[2]
real_documents = sys.argv[3] if len(sys.argv) > 3 else None
main()
