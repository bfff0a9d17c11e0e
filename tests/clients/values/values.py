"""Runs each line of the .sql files on PostgreSQL and on ErgoSQL and compares columns, types and values.

usage: values.py load POSTGRES_DSN ERGOSQL_DSN        makes schema `chain` with our rows in PostgreSQL
       values.py compare POSTGRES_DSN ERGOSQL_DSN [filter]

statements.sql reads chain tables, queries.sql temp tables that its first lines make, parameters.sql is only
prepared: types of parameters and of columns. Prints each difference, and for each file
`equal N of M, refused N` last: refused is what ErgoSQL answers with 0A000.
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


def shown(result):
    """Names, types and modifiers of columns. The oid of a row type is each server's own."""
    names = [result.fname(column).decode() for column in range(result.nfields)]
    kinds = [(result.ftype(column), result.fmod(column)) for column in range(result.nfields)]
    return [f"{name}:{kind if kind < 16384 else 'own'}:{modifier}" for name, (kind, modifier) in zip(names, kinds)]


def failure(result):
    state, message = psycopg.pq.DiagnosticField.SQLSTATE, psycopg.pq.DiagnosticField.MESSAGE_PRIMARY
    return f"{result.error_field(state).decode()} {result.error_field(message).decode()}"


def answer(connection, sql):
    """Column names and types, then rows in text; or the SQLSTATE and message of the error."""
    result = connection.pgconn.exec_(sql.encode())
    if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
        return failure(result), []
    width = range(result.nfields)
    return shown(result), [[result.get_value(row, column) for column in width] for row in range(result.ntuples)]


def description(connection, sql):
    """Types of the parameters and columns of a statement."""
    result = connection.pgconn.prepare(b"", sql.encode())
    if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
        return failure(result), []
    result = connection.pgconn.describe_prepared(b"")
    return [result.param_type(at) for at in range(result.nparams)], [shown(result)]


def compare(postgres, ergosql, name, ask, wanted):
    equal = refused = total = 0
    for sql in open(f"{HERE}/{name}"):
        sql = sql.strip()
        if sql.startswith(("CREATE", "INSERT")):
            for connection in (postgres, ergosql):
                connection.execute(sql)
            continue
        if sql.startswith("--") or wanted not in sql:
            continue
        total += 1
        theirs, ours = ask(postgres, sql), ask(ergosql, sql)
        same_state = isinstance(theirs[0], str) and isinstance(ours[0], str) and theirs[0][:5] == ours[0][:5]
        if theirs == ours or same_state:
            equal += 1
            continue
        refused += isinstance(ours[0], str) and ours[0].startswith("0A000")
        print(f"## {sql}")
        if theirs[0] != ours[0]:
            print(f"  columns {theirs[0]}\n  ours    {ours[0]}")
        if isinstance(theirs[0], str) or isinstance(ours[0], str):
            continue
        print(f"  {len(theirs[1])} rows, ours {len(ours[1])}")
        for row, our_row in zip(theirs[1], ours[1]):
            if row != our_row:
                print(f"  - {row}\n  + {our_row}")
                break
    print(f"{name}: equal {equal} of {total}, refused {refused}")
    return equal == total


def main():
    what, *dsns = sys.argv[1:4]
    wanted = sys.argv[4] if len(sys.argv) > 4 else ""
    postgres, ergosql = (psycopg.connect(dsn, autocommit=True) for dsn in dsns)
    for connection in (postgres, ergosql):
        connection.execute("SET TimeZone = 'UTC'")
    if what == "load":
        return load(postgres, ergosql)
    files = {"statements.sql": answer, "queries.sql": answer, "parameters.sql": description}
    same = [compare(postgres, ergosql, name, ask, wanted) for name, ask in files.items()]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
