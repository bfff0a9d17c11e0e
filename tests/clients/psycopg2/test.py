"""psycopg2: simple protocol, client-side parameters, named cursors, COPY, LISTEN."""
import datetime
import decimal
import io

import psycopg2
import psycopg2.extras

from checks import BLOCKS, DATABASE, TRANSACTIONS, equal, run_all, version

version(psycopg2.__version__.split()[0])


def connect():
    return psycopg2.connect(f"sslmode=verify-full dbname={DATABASE}")


def query(db, sql, *values):
    cursor = db.cursor()
    cursor.execute(sql, values or None)
    return cursor.fetchall()


def parameters_of_each_python_type(db):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    for value in [1, 2**40, True, "é'\\", 1.5, decimal.Decimal("1.50"), when, when.date(), [1, 2], ["a", "b'"],
                  datetime.timedelta(days=1, seconds=2)]:
        equal(query(db, "SELECT %s", value), [(value,)])
    equal(bytes(query(db, "SELECT %s", b"\x00\xff")[0][0]), b"\x00\xff")
    equal(query(db, "SELECT number FROM chain.blocks WHERE number IN %s ORDER BY 1", (1, 2)), [(1,), (2,)])
    equal(query(db, "SELECT count(*) FROM chain.blocks WHERE number = ANY(%s)", [3, 4]), [(2,)])


def named_cursor(db):
    cursor = db.cursor("named")
    cursor.itersize = 100
    cursor.execute("SELECT number FROM chain.blocks ORDER BY number")
    equal(sum(1 for _ in cursor), BLOCKS)


def cursor_with_hold_and_scroll(db):
    cursor = db.cursor("held", withhold=True, scrollable=True)
    cursor.execute("SELECT number FROM chain.blocks ORDER BY number")
    db.commit()
    equal(cursor.fetchmany(2), [(0,), (1,)])
    cursor.scroll(-1)
    equal(cursor.fetchone(), (1,))
    cursor.close()


def copy_expert_csv(db):
    out = io.StringIO()
    db.cursor().copy_expert("COPY (SELECT number, miner FROM chain.blocks ORDER BY 1) TO STDOUT WITH CSV HEADER", out)
    equal(out.getvalue().splitlines()[0], "number,miner")
    equal(len(out.getvalue().splitlines()), BLOCKS + 1)


def copy_from_into_a_temporary_table(db):
    cursor = db.cursor()
    cursor.execute("CREATE TEMP TABLE t (a int, b text)")
    cursor.copy_from(io.StringIO("1\tx\n2\t\\N\n"), "t")
    equal(query(db, "SELECT * FROM t ORDER BY a"), [(1, "x"), (2, None)])


def execute_values(db):
    cursor = db.cursor()
    cursor.execute("CREATE TEMP TABLE t (a int, b text)")
    psycopg2.extras.execute_values(cursor, "INSERT INTO t VALUES %s", [(n, str(n)) for n in range(250)])
    equal(query(db, "SELECT count(*), sum(a) FROM t"), [(250, 31125)])


def isolation_and_errors(db):
    db.set_session(isolation_level="REPEATABLE READ", readonly=True)
    equal(query(db, "SELECT count(*) FROM chain.transactions"), [(TRANSACTIONS,)])
    try:
        query(db, "SELECT * FROM chain.nothing")
        raise AssertionError("no error")
    except psycopg2.errors.UndefinedTable as error:
        equal(error.diag.statement_position, "15")
    db.rollback()
    db.autocommit = True
    equal(query(db, "SELECT 1"), [(1,)])


def reset_discards_everything(db):
    query(db, "SELECT set_config('application_name', 'x', false)")
    db.reset()
    equal(query(db, "SHOW application_name"), [("",)])


def notifications(db):
    db.autocommit = True
    db.cursor().execute("LISTEN ergo_test")
    db.cursor().execute("NOTIFY ergo_test, 'hello'")
    db.poll()
    equal([notify.payload for notify in db.notifies], ["hello"])


def dictionary_rows_and_column_types(db):
    cursor = db.cursor(cursor_factory=psycopg2.extras.RealDictCursor)
    cursor.execute("SELECT * FROM chain.blocks WHERE number = 0")
    equal(cursor.fetchone()["number"], 0)
    codes = {column.name: column.type_code for column in cursor.description}
    equal((codes["number"], codes["hash"], codes["timestamp"]), (20, 17, 1184))


if __name__ == "__main__":
    run_all([value for name, value in list(globals().items()) if callable(value)
             and getattr(value, "__module__", "") == "__main__" and name not in ("connect", "query")], connect)
