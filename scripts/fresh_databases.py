"""Databases for one measurement, on the servers that scripts/services started."""
import itertools
import os
import subprocess


def with_database(url, name):
    return url[:url.rindex("/") + 1] + name


def execute(url, statement):
    subprocess.run(["psql", "-XAtq", url, "-c", statement], check=True)


class FreshDatabases:
    """Empty while the `with` begins, gone when it ends: a ledger's, by PgBouncer, and vectors'."""
    numbers = itertools.count(1)

    def __enter__(self):
        self.name = f"bench_{next(self.numbers)}"
        # One server holds both where it has pgvector.
        self.servers = {os.environ["PENSTOCK_TEST_POSTGRES"], os.environ["PENSTOCK_TEST_PGVECTOR"]}
        for server in self.servers:
            execute(server, f"CREATE DATABASE {self.name}")
        self.ledger = with_database(os.environ["PENSTOCK_TEST_PGBOUNCER"], self.name)
        self.vectors = with_database(os.environ["PENSTOCK_TEST_PGVECTOR"], self.name)
        return self

    def __exit__(self, *_):
        for server in self.servers:
            execute(server, f"DROP DATABASE {self.name} WITH (FORCE)")
