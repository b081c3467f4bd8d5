#!/usr/bin/env python3
"""Vectors in an index of Pinecone, played by `penstock emulate pinecone`.

usage: pinecone.py PENSTOCK MAKE_FIXTURES [unittest arguments]
"""
import os
import sys
import unittest

from cases import Case, wait_until
from index import API_KEY, Index


class Pinecone(Case):
    def serve(self, *arguments, dimensions=384):
        self.index = Index(self.url_of_emulated("pinecone", "--dimensions", str(dimensions), "--api-key",
                                                API_KEY, "--visibility", "0ms-100ms", *arguments))
        self.at = ("--store", self.store, "--vectors", self.index.at)
        os.environ["PINECONE_API_KEY"] = API_KEY

    def test_trouble_costs_time_and_not_documents(self):
        self.serve("--faults", "0.1", *(word for kind in ("rate_limited", "server_error", "reset",
                                                          "truncated", "malformed")
                                        for word in ("--fault", kind)))
        summary = self.run_penstock("backfill", self.samples, "--include", "*.pdf", "--json",
                                    expect=3).summary()
        stats = self.index.ask("/stats")
        self.assertGreater(sum(stats["faults"].values()), 0)
        self.assertEqual(stats["records"], summary["chunks"] + 1)  # and the model's
        status = self.run_penstock("status", "--json").json()[-1]
        self.assertEqual((status["vectors"], status["documents"]), (summary["chunks"],
                                                                    summary["documents"]))
        self.assertEqual(os.path.basename(self.keys_found("bicycle")[0]), "bicycle.pdf")
        self.assert_sound()

    def test_a_changed_document_leaves_no_vector_behind(self):
        self.serve()
        path = self.write("a.txt", "The miller opens the gate.\n" * 200)
        kept = self.write("b.txt", "The ferryman waits.")
        self.run_penstock("backfill", self.docs)
        self.assertGreater(len(self.index.ids()), 2)
        self.write("a.txt", "The lighthouse keeper lights the lamp.")
        self.run_penstock("backfill", self.docs)
        wait_until(lambda: len(self.index.ids()) == 2)  # a removal is visible later
        self.assertEqual({record["metadata"]["key"] for record in self.index.records().values()},
                         {path, kept})
        hits = self.run_penstock("search", "keeper", "--hits", "1", "--json").json()
        self.assertEqual([hit["text"] for hit in hits], ["The lighthouse keeper lights the lamp.\n"])
        os.remove(path)
        summary = self.run_penstock("backfill", self.docs, "--prune", "--json").summary()
        self.assertEqual(summary["pruned"], 1)
        wait_until(lambda: len(self.index.ids()) == 1)  # it is visible later
        self.assert_sound()

    def test_a_wrong_key_is_told_in_one_line_and_never_shown(self):
        self.serve()
        self.write("a.txt", "words")
        for key in ("pc-not-the-key", ""):
            ran = self.run_penstock("backfill", self.docs, env=dict(os.environ, PINECONE_API_KEY=key),
                                    expect=1)
            self.assertRegex(ran.err, rf"^penstock: {self.index.at}: .*PINECONE_API_KEY.*\n$")
            self.assertNotIn("pc-not-the-key", ran.out + ran.err)

    def test_an_index_of_other_dimensions_is_told_in_one_line(self):
        self.serve(dimensions=256)
        self.write("a.txt", "words")
        self.fails_with(f"{self.index.at}: the index has vectors of 256 dimensions, and lexical-384-v1 "
                        "makes such of 384; create an index for them", "backfill", self.docs)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
