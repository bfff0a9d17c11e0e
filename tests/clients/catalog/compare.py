"""Runs catalog statements on PostgreSQL and on ErgoSQL and compares columns, types and rows.

usage: compare.py POSTGRES_DSN ERGOSQL_DSN [--only TEXT] [--show N] [RECORDED.json…]
Both databases have the schemas `chain` and `ergo` with the same tables: fixture.py makes them in PostgreSQL.
The statements are those of statements.sql, and those of the files that record.py wrote. Object ids of the database's own
objects are compared by the objects' names. Prints each difference, the count of each source, and `equal N of M` last;
exit code 1 when something differs that `EXPECTED` does not name.
"""

import argparse
import json
import re
import sys
import time

import psycopg
from psycopg import pq

from objects import FIRST_USER_OID, object_names

HERE = __file__.rsplit("/", 1)[0]
# Differences that stay, by what a line of the difference says. docs/compatibility.md has the reasons.
EXPECTED = [re.compile(pattern) for pattern in (
    r"^(Size|size|Total size|Leaf partition size|pages|relpages): ",  # sizes on disk
    r"^(estimated_row_count|version): ",  # PostgreSQL's tables are empty, its version is its own
    r"viewdef[_1]*: ' SELECT NULL",  # views of schema ergo have no query
    r"^rol\w+: 't' ours 'f'",  # nobody signs in as the owner of everything
    r"permission denied for (table pg_subscription|tablespace pg_global)",  # empty or null here
)]


# Types whose text is an object id or holds some: oid, oid[], oidvector, xid excepted.
OID_TYPES = {26, 30, 1028}
# What depends on the session or the moment, and differs between two runs of PostgreSQL itself.
SKIPPED = re.compile(r"^\s*(BEGIN|COMMIT|ROLLBACK|START|SAVEPOINT|RELEASE|LOCK|COPY|DISCARD|DEALLOCATE|CLOSE)\b|pg_advisory|pg_postmaster_start_time\(\)", re.I)


def statements(only):
    """(source, name, sql, types, values) of the blocks of statements.sql; a name is the comment right above."""
    for block in re.split(r"\n\n+", open(f"{HERE}/statements.sql").read()):
        name, _, sql = block.strip().partition("\n")
        if sql and name.startswith("-- ") and not sql.startswith("--"):
            yield name[3:].split(":")[0], name[3:], sql, None, []


def recorded(path):
    for one in json.load(open(path)):
        yield one["source"].split()[0], one["source"], one["sql"], one["types"], one["values"]


class Server:
    def __init__(self, dsn):
        self.dsn, self.names = dsn, object_names(dsn)
        self.oids = {name: oid for oid, name in self.names.items()}
        self.connections = {}

    def connection(self, source):
        if source not in self.connections:
            connection = pq.PGconn.connect(self.dsn.encode())
            if connection.status != pq.ConnStatus.OK:
                raise SystemExit(connection.error_message.decode())
            self.connections[source] = connection
        return self.connections[source]

    def named(self, text):
        return re.sub(r"\{oid:([^{}]*)\}", lambda found: str(self.oids.get(found[1], 0)), text)

    def shown(self, value, oid):
        if value is None or oid not in OID_TYPES:
            return value
        return re.sub(r"\d+", lambda found: self.names.get(int(found[0]), found[0]) if int(found[0]) >= FIRST_USER_OID else found[0], value)

    def answer(self, source, sql, types, values):
        """Columns (name, type, modifier) and rows as text of the last result; or the error; and seconds."""
        connection, sql = self.connection(source), self.named(sql).encode()
        started = time.monotonic()
        if types is None:
            result = connection.exec_(sql)
        else:
            data = [None if value is None else bytes.fromhex(value[1]) for value in values]
            data = [self.named(d.decode()).encode() if value and value[0] == 0 else d for value, d in zip(values, data)]
            types = (list(types) + [0] * len(values))[: len(values)]
            result = connection.exec_params(sql, data, types, [value[0] if value else 0 for value in values], 0)
        seconds = time.monotonic() - started
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            field = lambda kind: (result.error_field(kind) or b"").decode()
            return [("error", field(pq.DiagnosticField.SQLSTATE), field(pq.DiagnosticField.MESSAGE_PRIMARY))], [], seconds
        columns = [(result.fname(at).decode(), result.ftype(at), result.fmod(at)) for at in range(result.nfields)]
        cell = lambda row, at: None if (value := result.get_value(row, at)) is None else value.decode()
        rows = [tuple(self.shown(cell(row, at), columns[at][1]) for at in range(len(columns))) for row in range(result.ntuples)]
        return columns, rows, seconds


def sorted_rows(rows):
    return sorted(rows, key=lambda row: [(value is None, value or "") for value in row])


def difference(expected, found):
    """Lines that say how two answers differ; none when they are equal."""
    (columns, rows, _), (our_columns, our_rows, _) = expected, found
    if columns != our_columns:
        pairs = [(a, b) for a, b in zip(columns, our_columns) if a != b]
        return [f"columns {columns[:9]}", f"ours    {our_columns[:9]}"] if len(columns) != len(our_columns) else [f"column {a} ours {b}" for a, b in pairs]
    if rows == our_rows or sorted_rows(rows) == sorted_rows(our_rows):
        return []
    held, ours = set(rows), set(our_rows)
    missing, extra = [row for row in rows if row not in ours], [row for row in our_rows if row not in held]
    lines = [f"{len(rows)} rows, ours {len(our_rows)}; missing {len(missing)}, extra {len(extra)}"]
    if len(missing) == len(extra):
        for row, our in list(zip(sorted_rows(missing), sorted_rows(extra))):
            lines.append("  ".join(f"{name}: {a!r} ours {b!r}"[:300] for (name, _, _), a, b in zip(columns, row, our) if a != b))
        return lines
    return lines + [f"- {row}"[:400] for row in missing] + [f"+ {row}"[:400] for row in extra]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("postgres")
    options.add_argument("ergosql")
    options.add_argument("recorded", nargs="*")
    options.add_argument("--only", default="")
    options.add_argument("--show", type=int, default=3)
    options.add_argument("--slow", type=float, default=2.0, help="seconds past which a statement is named")
    options = options.parse_intermixed_args()
    postgres, ergosql = Server(options.postgres), Server(options.ergosql)
    counts, slowest = {}, []
    for statement in [*statements(options.only), *(one for path in options.recorded for one in recorded(path))]:
        source, name, sql, types, values = statement
        if options.only not in name or SKIPPED.search(sql):
            continue
        expected = postgres.answer(source, sql, types, values)
        found = ergosql.answer(source, sql, types, values)
        lines = difference(expected, found)
        # The first line of a difference in rows counts them.
        said = [line for line in lines if not re.match(r"\d+ rows, ours|ours  ", line)]
        is_expected = bool(said) and all(any(one.search(line) for one in EXPECTED) for line in said)
        equal, stays, total = counts.get(source, (0, 0, 0))
        counts[source] = equal + (not lines), stays + is_expected, total + 1
        slowest.append((found[2], name))
        if lines and not is_expected:
            print(f"## {name}\n   " + " ".join(sql.split())[:240], *lines[: options.show + 1], sep="\n  ", flush=True)
    for seconds, name in sorted(slowest, reverse=True)[:10]:
        if seconds > options.slow:
            print(f"slow: {seconds:.1f} s {name}")
    for source, (equal, stays, total) in counts.items():
        print(f"{source}: {equal} of {total} equal, {stays} differ as expected")
    equal, stays, total = (sum(count[at] for count in counts.values()) for at in range(3))
    print(f"equal {equal} of {total}, {stays} differ as expected")
    return 0 if equal + stays == total else 1


if __name__ == "__main__":
    sys.exit(main())
