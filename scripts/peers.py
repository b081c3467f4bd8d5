"""What measurements share: documents, runs of extract_peer, and how results are printed."""
import collections
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

# The modes of extract_peer, as people call them.
NAMES = {
    "penstock": "Penstock",
    "mupdf": "MuPDF",
    "poppler": "stock Poppler",
    "poppler-raw": "stock Poppler -raw",
    "pdfjs": "pdf.js",
}

# One extraction of one document. Seconds; `cpu` is the extracting thread's.
Extraction = collections.namedtuple("Extraction",
                                    "document outcome pages text_bytes cpu began ended")


def find_documents(folders):
    """PDFs below the folders, the largest first: several processes then end at about one time."""
    for folder in folders:
        if not os.path.isdir(folder):
            sys.exit(f"{folder} is no folder")
    found = {path for folder in folders for path in pathlib.Path(folder).rglob("*")
             if path.suffix.lower() == ".pdf" and path.is_file()}
    if not found:
        sys.exit(f"no PDF in {' '.join(folders)}")
    return [str(path) for path in sorted(found, key=lambda path: (-path.stat().st_size, path))]


def short_names(documents):
    """The shortest ends of the paths that differ: names alone, if those do."""
    names = [os.path.basename(path) for path in documents]
    if len(set(names)) == len(names):
        return names
    top = os.path.commonpath(documents)
    return [os.path.relpath(path, top) for path in documents]


def run_peer(program, mode, documents, cores, passes=1, timeout=30, text_folder=None):
    """Runs one mode with a process on each of `cores`; gives its extractions in order."""
    with tempfile.NamedTemporaryFile("w") as file_list:
        file_list.write("\n".join(documents))
        file_list.flush()
        command = ["taskset", "-c", ",".join(map(str, cores)), program, mode, file_list.name,
                   "--workers", str(len(cores)), "--repeat", str(passes),
                   "--timeout-ms", str(round(timeout * 1000))]
        if text_folder:
            command += ["--out", text_folder]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"{' '.join(command)}: {run.stderr.strip() or run.returncode}")
    extractions = []
    for line in run.stdout.splitlines():
        document, outcome, *numbers = line.split("\t")
        pages, text_bytes, cpu, began, ended = map(int, numbers)
        extractions.append(Extraction(int(document), outcome, pages, text_bytes,
                                      cpu / 1e9, began / 1e9, ended / 1e9))
    return extractions


def print_progress(text):
    """Beside the report, which goes to standard output."""
    print(f"{text} ...", file=sys.stderr, flush=True)


def spread(values, form):
    """The median, and between what it lies."""
    return (f"{form.format(statistics.median(values))} "
            f"({form.format(min(values))} to {form.format(max(values))})")


def print_table(header, rows):
    """In Markdown: names to the left, figures to the right."""
    print("| " + " | ".join(header) + " |")
    print("|---|" + "---:|" * (len(header) - 1))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def print_failures(title, outcomes, names):
    """The documents that some mode is not done with; outcomes are by mode and document."""
    failed = [document for document in range(len(names))
              if any(outcomes[mode][document] != "done" for mode in outcomes)]
    print(f"{title}: {len(failed):,} of {len(names):,} documents\n")
    rows = []
    alike = collections.Counter()
    for document in failed:
        row = [outcomes[mode][document] for mode in outcomes]
        if len(set(row)) == 1:
            alike[row[0]] += 1
        else:
            rows.append([names[document], *row])
    rows += [[f"{count} more", *[outcome] * len(outcomes)] for outcome, count in alike.items()]
    if rows:
        print_table(["document", *(NAMES[mode] for mode in outcomes)], rows)


def print_versions():
    """What was measured, on what."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file
                      if line.startswith("model name")), "unknown processor")
    versions = {}
    for package in ("libmupdf-dev", "libpoppler-private-dev"):
        versions[package] = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                                           capture_output=True, text=True, check=True).stdout
    print(f"{model}; MuPDF {versions['libmupdf-dev']}, "
          f"Poppler {versions['libpoppler-private-dev']}\n")
