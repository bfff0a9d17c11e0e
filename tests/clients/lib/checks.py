"""Named checks of one client: each prints one line, `ok NAME` or `FAIL NAME: error`.

The server is named by libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLROOTCERT);
tests/clients/run.sh sets them. The database holds the demo chain, whose totals are below.
"""
import inspect
import os
import sys

BLOCKS, TRANSACTIONS, LOGS = 301, 14_684, 18_690
TABLES = ["blocks", "logs", "receipts", "token_transfers", "transactions", "withdrawals"]

HOST, PORT = os.environ["PGHOST"], int(os.environ["PGPORT"])
USER, PASSWORD = os.environ["PGUSER"], os.environ["PGPASSWORD"]
DATABASE, ROOT_CERTIFICATE = os.environ["PGDATABASE"], os.environ["PGSSLROOTCERT"]


def version(text):
    """Tells the runner which version of the client is tested."""
    print("version", text, flush=True)


def equal(found, expected):
    """Fails with both values shown."""
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


class Checks:
    """Runs checks, goes on after a failure, and exits with 1 if there was one."""

    def __init__(self):
        self.failed = 0

    async def run(self, check, *arguments):
        """Runs a function or coroutine function under its own name."""
        name = check.__name__.replace("_", " ")
        try:
            result = check(*arguments)
            if inspect.isawaitable(result):
                await result
        except BaseException as error:  # a driver's panic is a failure too
            self.failed += 1
            text = " ".join(str(error).split()) or type(error).__name__
            print(f"FAIL {name}: {type(error).__name__}: {text}"[:700], flush=True)
        else:
            print("ok", name, flush=True)

    def finish(self):
        sys.exit(1 if self.failed else 0)


def run_all(checks, *make_arguments):
    """Runs synchronous checks; each gets a fresh connection from `make_arguments`."""
    import asyncio

    runner = Checks()
    for check in checks:
        def with_connection(check=check):
            arguments = [make() for make in make_arguments]
            try:
                check(*arguments)
            finally:
                for argument in arguments:
                    argument.close()
        with_connection.__name__ = check.__name__
        asyncio.run(runner.run(with_connection))
    runner.finish()
