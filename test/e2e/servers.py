"""The servers that scripts/services started, and databases of a test's own on them."""
import itertools
import os
import subprocess
import unittest

numbers = itertools.count()


def server(variable):
    """Its URL. Where it is missing the test is skipped, and says so; in CI it fails."""
    url = os.environ.get(variable)
    if url:
        return url
    if "CI" in os.environ:
        raise AssertionError(f"{variable} is not set: use scripts/services run")
    raise unittest.SkipTest(f"{variable} is not set; scripts/services run starts the servers")


def of_its_own(name="test"):
    """A name that no other test has on a shared server."""
    return f"{name}_{os.getpid()}_e{next(numbers)}"


def psql(database, statement):
    """What the statement returns, a string a row."""
    ran = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", database, "-c", statement],
                         capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def with_database(url, name):
    return url.rsplit("/", 1)[0] + "/" + name


def make_database(case, variable):
    """The URL of a new database on that server, which goes away with the test."""
    url = server(variable)
    name = of_its_own()
    psql(url, f"CREATE DATABASE {name}")
    case.addCleanup(psql, url, f"DROP DATABASE {name} WITH (FORCE)")
    return with_database(url, name)


def behind_pgbouncer(database):
    """The same database of PENSTOCK_TEST_POSTGRES, through the pooler."""
    return with_database(server("PENSTOCK_TEST_PGBOUNCER"), database.rsplit("/", 1)[1])
