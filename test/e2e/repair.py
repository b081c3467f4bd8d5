#!/usr/bin/env python3
"""Every pair of a ledger and a vector store, damaged behind penstock's back and killed in the middle:
what is missing, too much or left behind is found and mended, and each pair ends with the same vectors.

usage: repair.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import unittest

from cases import Case, wait_until
from index import API_KEY, Index
from servers import behind_pgbouncer, make_database, psql

OTHER_VERSION = "0123456789abcdef" * 2
EXTRA_ORDINAL = 99


class SqliteVectors:
    def __init__(self, case, name="vectors.db"):
        self.path = os.path.join(case.folder, name)
        self.at = f"sqlite:{self.path}"

    def run(self, *statements):
        database = sqlite3.connect(self.path)
        rows = [database.execute(*statement).fetchall() for statement in statements][-1]
        database.commit()
        database.close()
        return rows

    def stored(self):
        return self.run(("SELECT v.key, lower(hex(v.version)), c.id & 1048575 FROM versions v "
                         "JOIN chunks c ON c.id >> 20 = v.id JOIN vectors w ON w.id = c.id "
                         "ORDER BY 1, 2, 3",))

    def lose_one(self, key):
        which = f"id = (SELECT (id << 20) + 1 FROM versions WHERE key = '{key}')"
        self.run((f"DELETE FROM chunks WHERE {which}",), (f"DELETE FROM vectors WHERE {which}",))

    def copy(self, key, to):
        """The first chunk of a document becomes another, with this id."""
        first = f"(SELECT id << 20 FROM versions WHERE key = '{key}' LIMIT 1)"
        self.run((f"INSERT INTO chunks SELECT {to}, page_first, page_last, char_begin, char_end, tokens, "
                  f"text FROM chunks WHERE id = {first}",),
                 (f"INSERT INTO vectors SELECT {to}, vector FROM vectors WHERE id = {first}",))

    def add_one(self, key):
        self.copy(key, f"(SELECT (id << 20) + {EXTRA_ORDINAL} FROM versions WHERE key = '{key}')")

    def add_version(self, key, like):
        self.run(("INSERT INTO versions (key, version) VALUES (?, ?)", (key, bytes.fromhex(OTHER_VERSION))))
        self.copy(like, "(SELECT max(id) << 20 FROM versions)")


class Pgvector:
    def __init__(self, case):
        self.database = make_database(case, "PENSTOCK_TEST_PGVECTOR")
        self.at = f"pgvector:{self.database}"

    def stored(self):
        rows = psql(self.database, "SELECT v.key, encode(v.version, 'hex'), c.ordinal FROM "
                                   "penstock.versions v JOIN penstock.chunks c ON c.version = v.id")
        return sorted((key, version, int(ordinal)) for key, version, ordinal in
                      (row.rsplit("|", 2) for row in rows))

    def lose_one(self, key):
        psql(self.database, "DELETE FROM penstock.chunks c USING penstock.versions v "
                            f"WHERE v.id = c.version AND v.key = '{key}' AND ordinal = 1")

    def copy(self, key, version, ordinal):
        psql(self.database, f"INSERT INTO penstock.chunks SELECT {version}, {ordinal}, page_first, page_last, "
                            "char_begin, char_end, tokens, text, embedding FROM penstock.chunks "
                            f"WHERE ordinal = 0 AND version = (SELECT min(id) FROM penstock.versions "
                            f"WHERE key = '{key}')")

    def add_one(self, key):
        self.copy(key, "version", EXTRA_ORDINAL)

    def add_version(self, key, like):
        psql(self.database, "INSERT INTO penstock.versions (key, version) "
                            f"VALUES ('{key}', '\\x{OTHER_VERSION}')")
        self.copy(like, "(SELECT max(id) FROM penstock.versions)", 0)


class Pinecone:
    def __init__(self, case):
        self.index = Index(case.url_of_emulated("pinecone", "--dimensions", "384", "--api-key", API_KEY,
                                                "--visibility", "0ms-20ms"))
        self.at = self.index.at

    def stored(self):
        return sorted((record["metadata"]["key"], id.split("#")[1], int(id.split("#")[2]))
                      for id, record in self.index.records().items())

    def record(self, key, ordinal):
        """Of the version that is current."""
        [record] = [record for id, record in self.index.records().items()
                    if record["metadata"]["key"] == key and id.endswith(f"{ordinal:08}") and
                    OTHER_VERSION not in id]
        return record

    def change(self, change):
        """Waits until what was written is seen: the next command cannot know of it."""
        before = self.index.ids()
        change()
        wait_until(lambda: self.index.ids() != before)

    def lose_one(self, key):
        lost = self.record(key, 1)["id"]
        self.change(lambda: self.index.remove(lost))

    def copy(self, record, key, version, ordinal):
        document = hashlib.sha256(key.encode()).hexdigest()[:32]
        self.change(lambda: self.index.add(dict(record, id=f"{document}#{version}#{ordinal:08}",
                                                metadata=dict(record["metadata"], key=key))))

    def add_one(self, key):
        record = self.record(key, 0)
        self.copy(record, key, record["id"].split("#")[1], EXTRA_ORDINAL)

    def add_version(self, key, like):
        self.copy(self.record(like, 0), key, OTHER_VERSION, 0)


def sqlite_ledger(case):
    return f"sqlite:{case.folder}/ledger.db"


def postgres_ledger(case):
    return behind_pgbouncer(make_database(case, "PENSTOCK_TEST_POSTGRES"))


class Pair:
    """A ledger and a vector store."""

    def setUp(self):
        super().setUp()
        os.environ["PINECONE_API_KEY"] = API_KEY
        self.vectors = self.vectors_of()
        self.at = ("--ledger", self.ledger_of(), "--vectors", self.vectors.at)

    def backfill(self, *arguments, **options):
        return self.run_penstock("backfill", self.docs, "--json", *arguments, **options).summary()

    def write_documents(self, names):
        """Of three chunks each."""
        return [self.write(name, " ".join(f"{name}x{i}" for i in range(250))) for name in names]

    def test_damage_is_found_and_mended(self):
        a, b, c = self.write_documents(("a.txt", "b.txt", "c.txt"))
        self.backfill()
        whole = self.vectors.stored()
        self.assertGreater(len(whole), 6)
        chunks = len([row for row in whole if row[0] == a])
        self.vectors.lose_one(a)
        self.vectors.add_one(b)
        self.vectors.add_version(c, like=c)
        self.vectors.add_version("nobody", like=c)

        ran = self.run_penstock("fsck", "--json", expect=3)
        stale = f"version {OTHER_VERSION} is stored and not current"
        self.assertEqual(
            sorted((finding["key"], finding["what"]) for finding in ran.events("finding")),
            [(a, f"{chunks} chunks expected; stored are {chunks - 1} chunks and {chunks - 1} vectors"),
             (b, f"{chunks} chunks expected; stored are {chunks + 1} chunks and {chunks + 1} vectors"),
             (c, stale), ("nobody", stale)])
        [report] = ran.events("fsck")
        self.assertEqual((report["incomplete"], report["stale"], report["sound"]), (2, 2, False))

        ran = self.run_penstock("fsck", "--repair", "--json")
        [report] = ran.events("fsck")
        self.assertEqual((report["repaired"], report["sound"]), (4, True))
        self.assertEqual(ran.summary()["documents"]["done"], 2)
        self.assertEqual(self.vectors.stored(), whole)
        [report] = self.run_penstock("fsck", "--json").events("fsck")
        self.assertEqual((report["versions"], report["incomplete"], report["stale"]), (3, 0, 0))
        self.assertEqual(self.backfill()["unchanged"], 3)

    def test_killed_at_any_moment_a_rerun_ends_with_the_same_vectors(self):
        chance = random.Random(20261127)
        names = [f"{number}.txt" for number in range(12)]
        self.write_documents(names)
        for kill in range(4):
            process = self.start("backfill", self.docs, "--json", "--documents-in-flight", "3")
            for _ in range(chance.randrange(8)):
                process.stdout.readline()
            for _ in range(chance.randrange(2000)):  # some moments later
                os.stat("/proc/self")
            process.kill()
            process.wait()
            # What was done becomes old versions, that are to go.
            for name in chance.sample(names, 4):
                self.write(name, " ".join(f"{name}x{kill}x{i}" for i in range(250)))
        self.backfill()
        self.assert_sound()
        disturbed = self.vectors.stored()
        undisturbed = SqliteVectors(self, "undisturbed.db")
        self.at = ("--store", undisturbed.path)
        self.backfill()
        self.assertEqual(disturbed, undisturbed.stored())


def pair_of(name, ledger, vectors):
    return type(name, (Pair, Case), {"ledger_of": ledger, "vectors_of": lambda case: vectors(case)})


SqliteSqlite = pair_of("SqliteSqlite", sqlite_ledger, SqliteVectors)
SqlitePgvector = pair_of("SqlitePgvector", sqlite_ledger, Pgvector)
SqlitePinecone = pair_of("SqlitePinecone", sqlite_ledger, Pinecone)
PostgresSqlite = pair_of("PostgresSqlite", postgres_ledger, SqliteVectors)
PostgresPgvector = pair_of("PostgresPgvector", postgres_ledger, Pgvector)
PostgresPinecone = pair_of("PostgresPinecone", postgres_ledger, Pinecone)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
