"""Run by scripts/bench-fidelity, which says what it measures."""
import argparse
import collections
import itertools
import json
import multiprocessing
import os
import re
import shutil
import statistics
import sys
import unicodedata

import pdfjs
import peers

MODES = ("penstock", "poppler", "poppler-raw", "mupdf", "pdfjs")
JUDGED = ("penstock", "poppler", "poppler-raw")
REFERENCES = ("mupdf", "pdfjs")
# The references against each other are the yardstick: nobody agrees more with one than they do.
PAIRS = (*((mode, reference) for reference in REFERENCES for mode in JUDGED), REFERENCES)
# Who agrees on a word is right about it: these are the words that nobody may lose.
AGREEING = (("poppler", "mupdf"), ("mupdf", "pdfjs"))
WORST = 20

# What is no text: control, private use and format characters, U+FFFD. Each extractor has its own of
# these for a glyph whose character nobody knows, and some have none.
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069"
                     "\ue000-\uf8ff\ufeff\ufffd\U000f0000-\U0010ffff]")
# A hyphen inside a word goes, with the end of the line if that follows: what to do with hyphens is
# for each extractor to decide, and not what is judged.
HYPHEN = re.compile(r"(?<=\w)[-\u2010\u00ad](?:[ \t\r]*\n\s*)?(?=\w)")
# Kana, ideographs and Hangul count by character.
BY_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
WORD = re.compile(f"[{BY_CHARACTER}]|[^\\W_{BY_CHARACTER}]+")
ASCII_WORD = re.compile(r"[a-z0-9]+")


def words_of(text):
    text = NO_TEXT.sub("", text)
    if text.isascii():
        return ASCII_WORD.findall(HYPHEN.sub("", text).lower())
    return WORD.findall(HYPHEN.sub("", unicodedata.normalize("NFKC", text)).lower())


class Texts:
    """What each mode made of the documents: a folder a mode, a file a document it was done with."""

    def __init__(self, folder, documents):
        self.folder = folder
        self.documents = documents

    def path(self, mode, document):
        return f"{self.folder}/{mode}/{document}.txt"

    def extract(self, mode, extract):
        """Anew: `extract` fills the folder it is given, and gives the outcomes."""
        shutil.rmtree(f"{self.folder}/{mode}", ignore_errors=True)
        os.makedirs(f"{self.folder}/{mode}")
        outcomes = extract(f"{self.folder}/{mode}")
        for document, outcome in enumerate(outcomes):
            if outcome != "done" and os.path.exists(self.path(mode, document)):
                os.remove(self.path(mode, document))
        with open(f"{self.folder}/{mode}/outcomes.json", "w", encoding="utf-8") as file:
            json.dump([self.identities(), outcomes], file)

    def outcomes(self, mode):
        try:
            with open(f"{self.folder}/{mode}/outcomes.json", encoding="utf-8") as file:
                identities, outcomes = json.load(file)
        except FileNotFoundError:
            identities = None
        if identities != self.identities():
            sys.exit(f"no texts of {peers.NAMES[mode]} for these documents: run it without --only")
        return outcomes

    def identities(self):
        return [[path, os.path.getsize(path)] for path in self.documents]

    def words(self, mode, document):
        """None of them if the mode was not done with it."""
        try:
            with open(self.path(mode, document), encoding="utf-8", errors="replace") as file:
                return words_of(file.read())
        except FileNotFoundError:
            return []


# How much two multisets have in common.
Overlap = collections.namedtuple("Overlap", "common ours theirs")


def overlap(ours, theirs):
    # As (ours & theirs).total(), in a fifth of the time.
    common = sum(map(min, ours.values(), map(theirs.get, ours, itertools.repeat(0))))
    return Overlap(common, ours.total(), theirs.total())


# One document. `words` and `bigrams` are overlaps by (judged, reference), `agreed` those of each
# judged mode with the words that a pair agrees on, by (judged, pair).
Figures = collections.namedtuple("Figures", "document counts words bigrams agreed lost")


def figures_of(task):
    texts, document = task
    sequences = {mode: texts.words(mode, document) for mode in MODES}
    words = {mode: collections.Counter(sequence) for mode, sequence in sequences.items()}
    bigrams = {mode: collections.Counter(zip(sequence, sequence[1:]))
               for mode, sequence in sequences.items()}
    common = {pair: words[pair[0]] & words[pair[1]] for pair in AGREEING}
    lost = (common[AGREEING[0]] - words["penstock"]).most_common(4)
    return Figures(document, {mode: len(sequence) for mode, sequence in sequences.items()},
                   {pair: overlap(words[pair[0]], words[pair[1]]) for pair in PAIRS},
                   {pair: overlap(bigrams[pair[0]], bigrams[pair[1]]) for pair in PAIRS},
                   {(mode, pair): overlap(words[mode], common[pair])
                    for mode in JUDGED for pair in AGREEING},
                   [word for word, _ in lost])


def f1(overlap):
    """None where the reference has nothing: it judges nobody then."""
    if not overlap.theirs:
        return None
    return 2 * overlap.common / (overlap.ours + overlap.theirs)


def mean_f1(figures, mode):
    """The document's one figure: of words and of bigrams, against both references."""
    values = [f1(overlaps[mode, reference]) for overlaps in (figures.words, figures.bigrams)
              for reference in REFERENCES]
    values = [value for value in values if value is not None]
    return statistics.mean(values) if values else None


def print_agreement(all_figures):
    rows = []
    for pair in PAIRS:
        judged = [each for each in all_figures if each.words[pair].theirs]
        if not judged:
            continue
        row = [f"{peers.NAMES[pair[0]]} and {peers.NAMES[pair[1]]}", f"{len(judged):,}"]
        for what in ("words", "bigrams"):
            overlaps = [getattr(each, what)[pair] for each in judged]
            values = sorted(value for value in map(f1, overlaps) if value is not None)
            pooled = f1(Overlap(*map(sum, zip(*overlaps))))
            row += [f"{value:.4f}" for value in (statistics.mean(values), statistics.median(values),
                                                 values[len(values) // 10], pooled)]
        rows.append(row)
    peers.print_table(["", "documents", *(f"{what}{of}" for what in ("word F1", "bigram F1")
                                          for of in (", mean", ", median", ", p10", ", pooled"))],
                      rows)


def print_agreed(all_figures):
    rows = []
    for pair in AGREEING:
        row = [f"{peers.NAMES[pair[0]]} and {peers.NAMES[pair[1]]}",
               f"{sum(each.agreed['penstock', pair].theirs for each in all_figures):,}"]
        for mode in JUDGED[:2]:
            overlaps = [each.agreed[mode, pair] for each in all_figures]
            has = sum(o.common for o in overlaps) / max(1, sum(o.theirs for o in overlaps))
            row.append(f"{100 * has:.3f}%")
            row += [f"{sum(o.common < share * o.theirs for o in overlaps):,}"
                    for share in (0.999, 0.9)]
        rows.append(row)
    header = ["words on which they agree", "number"]
    for mode in JUDGED[:2]:
        header += [f"{peers.NAMES[mode]} has", "documents under 99.9%", "under 90%"]
    peers.print_table(header, rows)


def print_documents(title, chosen, names):
    print(f"{title}: {len(chosen)} documents{' (stock Poppler in brackets):' if chosen else '.'}\n")
    if not chosen:
        return

    def both_f1(figures, what, reference):
        overlaps = getattr(figures, what)
        both = [f1(overlaps[mode, reference]) for mode in ("penstock", "poppler")]
        return "-" if both[0] is None else f"{both[0]:.3f} ({both[1]:.3f})"

    rows = []
    for each in chosen:
        agreed = each.agreed["penstock", AGREEING[0]]
        share = f"{100 * agreed.common / agreed.theirs:.1f}%" if agreed.theirs else "-"
        rows.append([names[each.document],
                     *(f"{each.counts[mode]:,}" for mode in ("penstock", "poppler", *REFERENCES)),
                     *(both_f1(each, what, reference) for reference in REFERENCES
                       for what in ("words", "bigrams")), share, " ".join(each.lost)])
    peers.print_table(
        ["document",
         *(f"words, {peers.NAMES[mode]}" for mode in ("penstock", "poppler", *REFERENCES)),
         *(f"{what} F1, {peers.NAMES[reference]}" for reference in REFERENCES
           for what in ("word", "bigram")), "agreed words", "lost of those, e.g."], rows)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-fidelity")
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("pdfjs", help=argparse.SUPPRESS)
    parser.add_argument("texts", help=argparse.SUPPRESS)
    parser.add_argument("folders", metavar="FOLDER", nargs="+")
    parser.add_argument("--only", choices=MODES,
                        help="extract with this one alone; the others' texts are of the last run")
    parser.add_argument("--timeout", type=float, default=60, help="CPU seconds a document may take")
    arguments = parser.parse_args()

    documents = peers.find_documents(arguments.folders)
    names = peers.short_names(documents)
    cores = sorted(os.sched_getaffinity(0))
    texts = Texts(arguments.texts, [os.path.abspath(path) for path in documents])

    def extract(mode, folder):
        if mode == "pdfjs":
            return pdfjs.run_pdfjs(arguments.pdfjs, documents, len(cores), arguments.timeout,
                                   folder)
        run = peers.run_peer(arguments.program, mode, documents, cores, timeout=arguments.timeout,
                             text_folder=folder)
        return [extraction.outcome for extraction in run]

    os.makedirs(texts.folder, exist_ok=True)
    with open(f"{texts.folder}/documents.txt", "w", encoding="utf-8") as file:
        file.writelines(f"{number}\t{path}\n" for number, path in enumerate(texts.documents))
    for mode in [arguments.only] if arguments.only else MODES:
        peers.print_progress(f"{peers.NAMES[mode]} extracts")
        texts.extract(mode, lambda folder, mode=mode: extract(mode, folder))
    outcomes = {mode: texts.outcomes(mode) for mode in MODES}
    peers.print_progress("comparing words")
    with multiprocessing.Pool(len(cores)) as pool:
        figures = list(pool.imap_unordered(
            figures_of, [(texts, document) for document in range(len(documents))]))

    peers.print_versions()
    print_agreement(figures)
    print_agreed(figures)
    judged = sorted((each for each in figures if mean_f1(each, "penstock") is not None),
                    key=lambda each: each.document)
    far = sorted((each for each in judged if mean_f1(each, "penstock") < 1),
                 key=lambda each: mean_f1(each, "penstock"))
    print_documents("Farthest from MuPDF and pdf.js", far[:WORST], names)

    def lead(each):
        return mean_f1(each, "penstock") - mean_f1(each, "poppler")

    behind = sorted((each for each in judged if lead(each) < 0), key=lead)
    print_documents("Farthest behind stock Poppler", behind[:WORST], names)
    peers.print_failures("Not every extractor is done with them, and one that is not has no text",
                         outcomes, names)


main()
