"""Runs statements.sql on PostgreSQL and on ErgoSQL and compares columns, types and rows.

usage: compare.py POSTGRES_DSN ERGOSQL_DSN [filter]
Both have the schemas `chain` and `ergo` with the same tables: fixture.py makes them in PostgreSQL.
Prints each difference, and `equal N of M` last; exit code 1 when something differs.
"""

import re
import sys

import psycopg

HERE = __file__.rsplit("/", 1)[0]
ROWS_SHOWN = 4


def statements(wanted):
    """(name, text) of each statement; a name is the comment right above it."""
    text = open(f"{HERE}/statements.sql").read()
    for block in re.split(r"\n\n+", text):
        name, _, sql = block.strip().partition("\n")
        if sql and name.startswith("-- ") and not sql.startswith("--") and wanted in name:
            yield name[3:], sql


def answer(connection, sql):
    """Column names and types, and rows as text; or the SQLSTATE and message of the error."""
    try:
        cursor = connection.execute(sql)
    except psycopg.Error as error:
        connection.rollback()
        return [f"{error.sqlstate} {error.diag.message_primary}"], []
    columns = [f"{column.name}:{column.type_code}" for column in cursor.description]
    return columns, [tuple(map(str, row)) for row in cursor.fetchall()]


def main():
    postgres, ergosql = (psycopg.connect(dsn, autocommit=True) for dsn in sys.argv[1:3])
    equal = total = 0
    for name, sql in statements(sys.argv[3] if len(sys.argv) > 3 else ""):
        total += 1
        (columns, rows), (our_columns, our_rows) = answer(postgres, sql), answer(ergosql, sql)
        if (columns, rows) == (our_columns, our_rows):
            equal += 1
            continue
        print(f"## {name}")
        if columns != our_columns:
            print(f"  columns {columns}\n  ours    {our_columns}")
            continue
        missing = [row for row in rows if row not in our_rows]
        extra = [row for row in our_rows if row not in rows]
        print(f"  {len(rows)} rows, ours {len(our_rows)}; missing {len(missing)}, extra {len(extra)}")
        for label, found in (("-", missing), ("+", extra)):
            for row in found[:ROWS_SHOWN]:
                print(f"  {label} {row}"[:300])
    print(f"equal {equal} of {total}")
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main())
