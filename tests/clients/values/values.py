"""Runs each line of statements.sql on PostgreSQL and on ErgoSQL and compares columns, types and values.

usage: values.py load POSTGRES_DSN ERGOSQL_DSN        makes schema `chain` with our rows in PostgreSQL
       values.py compare POSTGRES_DSN ERGOSQL_DSN [filter]

Prints each difference, and `equal N of M, refused N` last: refused is what ErgoSQL answers with 0A000.
Exit code 1 when something differs.
"""

import sys

import psycopg

HERE = __file__.rsplit("/", 1)[0]
TABLES = ["blocks", "transactions", "logs", "receipts"]
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid = 'chain.{}'::regclass AND a.attnum > 0 ORDER BY a.attnum"""


def load(postgres, ergosql):
    postgres.execute("DROP SCHEMA IF EXISTS chain CASCADE")
    postgres.execute("CREATE SCHEMA chain")
    for table in TABLES:
        columns = ergosql.execute(COLUMNS.format(table)).fetchall()
        shown = ", ".join(f'"{name}" {kind}' for name, kind in columns)
        postgres.execute(f"CREATE TABLE chain.{table} ({shown})")
        with ergosql.cursor().copy(f"COPY (SELECT * FROM chain.{table}) TO STDOUT (FORMAT binary)") as rows:
            with postgres.cursor().copy(f"COPY chain.{table} FROM STDIN (FORMAT binary)") as out:
                for data in rows:
                    out.write(data)


def answer(connection, sql):
    """Column names and types, then rows in text; or the SQLSTATE and message of the error."""
    try:
        cursor = connection.cursor(binary=False)
        cursor.execute(sql)
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}", []
    columns = [f"{column.name}:{column.type_code}" for column in cursor.description]
    result = cursor.pgresult
    width = range(result.nfields)
    return columns, [[result.get_value(row, column) for column in width] for row in range(result.ntuples)]


def compare(postgres, ergosql, wanted):
    equal = refused = total = 0
    for sql in open(f"{HERE}/statements.sql"):
        sql = sql.strip()
        if sql.startswith("--") or wanted not in sql:
            continue
        total += 1
        theirs, ours = answer(postgres, sql), answer(ergosql, sql)
        same_state = isinstance(theirs[0], str) and isinstance(ours[0], str) and theirs[0][:5] == ours[0][:5]
        if theirs == ours or same_state:
            equal += 1
            continue
        refused += isinstance(ours[0], str) and ours[0].startswith("0A000")
        print(f"## {sql}")
        if theirs[0] != ours[0]:
            print(f"  columns {theirs[0]}\n  ours    {ours[0]}")
            continue
        print(f"  {len(theirs[1])} rows, ours {len(ours[1])}")
        for row, our_row in zip(theirs[1], ours[1]):
            if row != our_row:
                print(f"  - {row}\n  + {our_row}")
                break
    print(f"equal {equal} of {total}, refused {refused}")
    return 0 if equal == total else 1


def main():
    what, *dsns = sys.argv[1:4]
    postgres, ergosql = (psycopg.connect(dsn, autocommit=True) for dsn in dsns)
    for connection in (postgres, ergosql):
        connection.execute("SET TimeZone = 'UTC'")
    if what == "load":
        return load(postgres, ergosql)
    return compare(postgres, ergosql, sys.argv[4] if len(sys.argv) > 4 else "")


if __name__ == "__main__":
    sys.exit(main())
