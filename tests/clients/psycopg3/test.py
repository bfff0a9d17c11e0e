"""psycopg 3: typed parameters, binary results, pipeline, server cursors, COPY, errors, cancel."""
import datetime
import decimal
import sys
import threading

import psycopg

from checks import BLOCKS, LOGS, TRANSACTIONS, equal, run_all, version

version(psycopg.__version__)


def connect():
    return psycopg.connect("sslmode=verify-full channel_binding=require")


def sign_in_uses_tls(db):
    equal(db.pgconn.ssl_in_use, True)
    equal(db.info.parameter_status("server_encoding"), "UTF8")


def totals_are_right(db):
    for table, count in [("blocks", BLOCKS), ("transactions", TRANSACTIONS), ("logs", LOGS)]:
        equal(db.execute(f"SELECT count(*) FROM chain.{table}").fetchone(), (count,))


def parameters_of_each_python_type(db):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    for value in [1, 70_000, 2**40, 10**30, True, "é", b"\x00\xff", 1.5, decimal.Decimal("1e-20"), when,
                  when.date(), when.time().replace(tzinfo=None), datetime.timedelta(days=1, seconds=2),
                  [1, 2], when.replace(tzinfo=None)]:
        for binary in [False, True]:
            cursor = db.cursor(binary=binary)
            found = cursor.execute("SELECT %s, %b, %t", (value, value, value)).fetchone()
            equal(found, (value,) * 3)
            # Text is sent without a type, and here nothing gives it one: 42P18 in PostgreSQL, too.
            is_null = "SELECT %s::text IS NULL" if isinstance(value, str) else "SELECT %s IS NULL"
            equal(cursor.execute(is_null, (value,)).fetchone(), (False,))


def lists_of_text(db):
    # Text is sent without a type, so a list of it is an array only where the statement says so.
    for value in [["a", None, 'q"x'], []]:
        equal(db.execute("SELECT %s::text[]", (value,)).fetchone(), (value,))
    equal(db.execute("SELECT %b", (["a", "b"],)).fetchone(), (["a", "b"],))


def columns_of_the_chain_in_text_and_binary(db):
    for table in ["blocks", "transactions", "logs", "receipts", "token_transfers"]:
        sql = f"SELECT * FROM chain.{table} ORDER BY block_number LIMIT 50".replace(
            "block_number", "number" if table == "blocks" else "block_number")
        text = db.cursor().execute(sql).fetchall()
        binary = db.cursor(binary=True).execute(sql).fetchall()
        equal(text, binary)


def named_statement_after_five_runs(db):
    for number in range(12):
        row = db.execute("SELECT number FROM chain.blocks WHERE number = %s", (number,)).fetchone()
        equal(row, (number,))


def lookup_by_hash(db):
    (hash_,) = db.execute("SELECT hash FROM chain.transactions ORDER BY hash LIMIT 1").fetchone()
    equal(db.execute("SELECT count(*) FROM chain.transactions WHERE hash = %s", (hash_,)).fetchone(), (1,))
    equal(db.execute("SELECT count(*) FROM chain.transactions WHERE hash = ANY(%s)", ([hash_, b"x"],)).fetchone(), (1,))


def pipeline_of_many_statements(db):
    with db.pipeline():
        cursors = [db.execute("SELECT %s::int8 + 1", (number,)) for number in range(50)]
    equal([cursor.fetchone()[0] for cursor in cursors], list(range(1, 51)))


def server_cursor_with_parameters(db):
    with db.cursor("sc") as cursor:
        cursor.execute("SELECT number FROM chain.blocks WHERE number >= %s ORDER BY number", (100,))
        equal(cursor.description[0].name, "number")
        equal(cursor.fetchmany(3), [(100,), (101,), (102,)])
        cursor.scroll(5)
        equal(cursor.fetchone(), (108,))
        equal(len(cursor.fetchall()), BLOCKS - 109)


def copy_out_as_text_and_binary(db):
    with db.cursor().copy("COPY (SELECT number, hash FROM chain.blocks ORDER BY number) TO STDOUT") as copy:
        equal(len(list(copy.rows())), BLOCKS)
    with db.cursor().copy("COPY (SELECT number FROM chain.blocks ORDER BY 1) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int8"])
        equal(list(copy.rows())[-1], (BLOCKS - 1,))


def copy_into_a_temporary_table(db):
    db.execute("CREATE TEMP TABLE t (a int, b text)")
    with db.cursor().copy("COPY t (a, b) FROM STDIN") as copy:
        for number in range(100):
            copy.write_row((number, f"row {number}"))
    equal(db.execute("SELECT count(*), sum(a), max(b) FROM t").fetchone(), (100, 4950, "row 99"))


def executemany_inserts(db):
    db.execute("CREATE TEMP TABLE t (a int, b text, c numeric)")
    db.cursor().executemany("INSERT INTO t VALUES (%s, %s, %s)", [(n, str(n), decimal.Decimal(n) / 4) for n in range(20)])
    equal(db.execute("SELECT count(*), sum(c) FROM t").fetchone(), (20, decimal.Decimal("47.5")))


def transactions_and_savepoints(db):
    with db.transaction():
        try:
            with db.transaction():
                db.execute("SELECT 1/0")
        except psycopg.errors.DivisionByZero:
            pass
        equal(db.execute("SELECT 1").fetchone(), (1,))
    try:
        db.execute("SELECT nope FROM chain.blocks")
        raise AssertionError("no error")
    except psycopg.errors.UndefinedColumn as error:
        equal(error.diag.statement_position, "8")
    try:
        db.execute("SELECT 1")
        raise AssertionError("no error")
    except psycopg.errors.InFailedSqlTransaction:
        db.rollback()
    db.read_only = True
    db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    equal(db.execute("SHOW transaction_read_only").fetchone(), ("on",))


def notifications(db):
    db.autocommit = True
    db.execute("LISTEN ergo_test")
    db.execute("NOTIFY ergo_test, 'hello'")
    equal([n.payload for n in db.notifies(timeout=5, stop_after=1)], ["hello"])


def cancel_stops_a_statement(db):
    threading.Timer(0.5, db.cancel).start()
    try:
        db.execute("SELECT count(*) FROM generate_series(1,1000000) a, generate_series(1,1000000) b")
        raise AssertionError("not cancelled")
    except psycopg.errors.QueryCanceled:
        pass


def types_are_looked_up(db):
    from psycopg.types import TypeInfo
    from psycopg.types.enum import EnumInfo
    equal(TypeInfo.fetch(db, "numeric").oid, 1700)
    equal(TypeInfo.fetch(db, "no_such_type"), None)
    equal(EnumInfo.fetch(db, "no_such_type"), None)


if __name__ == "__main__":
    run_all([value for name, value in list(globals().items())
             if callable(value) and getattr(value, "__module__", "") == "__main__" and name != "connect"], connect)
