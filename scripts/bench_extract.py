"""Run by scripts/bench-extract, which says what it measures."""
import argparse
import math
import os
import statistics

import peers

MODES = ("penstock", "mupdf", "poppler")
PEERS = MODES[1:]
# Of the length of a document: forms, papers, theses, manuals.
CLASSES = ((1, 1), (2, 9), (10, 99), (100, 999), (1000, math.inf))
# A run of this length measures two cores against one: what starting and ending costs is then noise.
SCALING_SECONDS_MIN = 4


def class_name(first, last):
    if first == last:
        return f"{first} page"
    return f"{first:,} and more" if last == math.inf else f"{first:,} to {last:,}"


class Rounds:
    """Each mode over all documents, in turn, several times."""

    def __init__(self, program, documents, core, rounds, timeout):
        self.documents = documents
        self.runs = {mode: [] for mode in MODES}
        for number in range(1, rounds + 1):
            for mode in MODES:
                peers.print_progress(f"round {number} of {rounds}: {peers.NAMES[mode]}")
                self.runs[mode].append(
                    peers.run_peer(program, mode, documents, [core], timeout=timeout))

    def outcome(self, mode, document):
        """The worst it had: whatever is not done, in any round."""
        outcomes = [run[document].outcome for run in self.runs[mode]]
        return next((outcome for outcome in outcomes if outcome != "done"), "done")

    def pages(self, document):
        return self.runs["poppler"][0][document].pages

    def seconds(self, mode, documents):
        """CPU seconds for all these documents, a figure a round."""
        return [sum(run[document].cpu for document in documents) for run in self.runs[mode]]

    def busy(self, mode):
        """CPU time in wall time: less than one where the core was shared with somebody."""
        extractions = [each for run in self.runs[mode] for each in run if each.outcome == "done"]
        return (sum(each.cpu for each in extractions) /
                sum(each.ended - each.began for each in extractions))


def milliseconds(rounds, mode, document):
    return 1e3 * statistics.median(rounds.seconds(mode, [document]))


def ratios(rounds, peer, documents):
    """How many times faster than the peer, a figure a round."""
    ours = rounds.seconds("penstock", documents)
    return [theirs / own for theirs, own in zip(rounds.seconds(peer, documents), ours)]


def print_speeds(rounds, compared):
    rows = []
    groups = [(class_name(first, last), [d for d in compared if first <= rounds.pages(d) <= last])
              for first, last in CLASSES]
    for name, documents in [*groups, ("all", compared)]:
        if not documents:
            continue
        pages = sum(rounds.pages(document) for document in documents)
        speeds = [pages / statistics.median(rounds.seconds(mode, documents)) for mode in MODES]
        times = [statistics.median(ratios(rounds, peer, documents)) for peer in PEERS]
        each = statistics.median(milliseconds(rounds, "mupdf", document) /
                                 milliseconds(rounds, "penstock", document)
                                 for document in documents)
        rows.append([name, f"{len(documents):,}", f"{pages:,}", *(f"{s:,.0f}" for s in speeds),
                     *(f"{t:.2f} x" for t in times), f"{each:.2f} x"])
    peers.print_table(["pages in a document", "documents", "pages",
                       *(f"{peers.NAMES[mode]}, pages/s" for mode in MODES),
                       *(f"against {peers.NAMES[peer]}" for peer in PEERS),
                       "median document against MuPDF"], rows)
    for peer in PEERS:
        spread = sorted(ratios(rounds, peer, compared))
        print(f"Against {peers.NAMES[peer]}: {statistics.median(spread):.2f} x over all pages, "
              f"{spread[0]:.2f} to {spread[-1]:.2f} in a round.")


def print_slower(rounds, compared, names):
    """Documents on which Penstock loses to MuPDF, by the medians of the rounds."""
    times = [[milliseconds(rounds, mode, document) for mode in ("penstock", "mupdf")]
             for document in range(len(names))]
    lost = sorted((document for document in compared if times[document][0] > times[document][1]),
                  key=lambda document: times[document][1] - times[document][0])
    print(f"Slower than MuPDF: {len(lost)} of {len(compared)} documents"
          f"{', the farthest behind:' if lost else '.'}\n")
    if lost:
        peers.print_table(["document", "pages", "Penstock, ms", "MuPDF, ms"], [
            [names[document], rounds.pages(document), *(f"{time:.1f}" for time in times[document])]
            for document in lost[:5]])


def print_page_counts(rounds, compared, names):
    rows = []
    for document in compared:
        pages = [rounds.runs[mode][0][document].pages for mode in MODES]
        if len(set(pages)) > 1:
            rows.append([names[document], *pages])
    if rows:
        print(f"Of different page counts, stock Poppler's being used: {len(rows)}\n")
        peers.print_table(["document", *(peers.NAMES[mode] for mode in MODES)], rows)


def print_scaling(program, documents, cores, rounds, seconds, timeout):
    passes = max(1, math.ceil(SCALING_SECONDS_MIN / seconds))
    walls, cpus = {1: [], 2: []}, {1: [], 2: []}
    for number in range(1, rounds + 1):
        for count in (1, 2):
            peers.print_progress(f"round {number} of {rounds}: Penstock, cores: {count}")
            run = peers.run_peer(program, "penstock", documents, cores[:count], passes, timeout)
            pages = sum(extraction.pages for extraction in run)
            walls[count].append(max(each.ended for each in run) - min(each.began for each in run))
            cpus[count].append(sum(each.cpu for each in run))
    wall_gain = statistics.median(one / two for one, two in zip(walls[1], walls[2]))
    cpu_gain = statistics.median(2 * one / two for one, two in zip(cpus[1], cpus[2]))
    had = statistics.median(cpu / (2 * wall) for cpu, wall in zip(cpus[2], walls[2]))
    print(f"Two cores against one, wall time, the documents {passes} x: "
          f"{pages / statistics.median(walls[1]):,.0f} and "
          f"{pages / statistics.median(walls[2]):,.0f} pages/s, {wall_gain:.2f} x. The two "
          f"processes had {100 * had:.0f}% of the cores; by CPU time it is {cpu_gain:.2f} x.")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-extract")
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("folders", metavar="FOLDER", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=30, help="CPU seconds a document may take")
    arguments = parser.parse_args()

    documents = peers.find_documents(arguments.folders)
    names = peers.short_names(documents)
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    rounds = Rounds(arguments.program, documents, cores[0], arguments.rounds, arguments.timeout)
    outcomes = {mode: [rounds.outcome(mode, document) for document in range(len(documents))]
                for mode in MODES}
    compared = [document for document in range(len(documents))
                if all(outcomes[mode][document] == "done" for mode in MODES)]

    print(f"{len(documents):,} documents, "
          f"{sum(os.path.getsize(path) for path in documents) / 1e6:,.0f} MB, in memory. One core, "
          f"CPU time, medians of {arguments.rounds} rounds in turn.")
    peers.print_versions()
    if compared:
        print_speeds(rounds, compared)
        print_slower(rounds, compared, names)
    print_page_counts(rounds, compared, names)
    peers.print_failures("Left out, since not every extractor is done with them", outcomes, names)
    if compared and len(cores) > 1:
        seconds = statistics.median(rounds.seconds("penstock", compared))
        print_scaling(arguments.program, [documents[document] for document in compared], cores,
                      arguments.rounds, seconds, arguments.timeout)
    busy = min(rounds.busy(mode) for mode in MODES) if compared else 1
    if busy < 0.97:
        print(f"Other programs took up to {100 * (1 - busy):.0f}% of the core: CPU times hold, "
              "wall times mean little.")


main()
