"""pg8000: pure Python, extended protocol with a Sync after every message pair; SCRAM-PLUS over TLS."""
import datetime
import decimal
import io
import ssl
import uuid

import pg8000
import pg8000.dbapi
import pg8000.native

from checks import BLOCKS, DATABASE, HOST, PASSWORD, PORT, ROOT_CERTIFICATE, USER, equal, run_all, version

version(pg8000.__version__)


def connect():
    tls = ssl.create_default_context(cafile=ROOT_CERTIFICATE)
    return pg8000.native.Connection(USER, host=HOST, port=PORT, password=PASSWORD, database=DATABASE, ssl_context=tls)


def parameters_of_each_python_type(db):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    for name, value in [("int4", 1), ("int8", 2**40), ("numeric", decimal.Decimal("1.50")), ("bool", True), ("text", "é"),
                        ("bytea", b"\x00\xff"), ("float8", 1.5), ("timestamptz", when), ("date", when.date()),
                        ("time", when.time()), ("uuid", uuid.uuid4()), ("int4[]", [1, 2]), ("text[]", ["a", 'b"'])]:
        equal(db.run(f"SELECT CAST(:v AS {name})", v=value), [[value]])


def prepared_statement(db):
    statement = db.prepare("SELECT number, hash FROM chain.blocks WHERE number = :n")
    equal([statement.run(n=n)[0][0] for n in range(10)], list(range(10)))
    equal([column["name"] for column in statement.columns], ["number", "hash"])
    statement.close()


def copy_out_and_in(db):
    out = io.BytesIO()
    db.run("COPY (SELECT number FROM chain.blocks ORDER BY 1) TO STDOUT WITH (FORMAT csv)", stream=out)
    equal(len(out.getvalue().split()), BLOCKS)
    db.run("CREATE TEMPORARY TABLE t (a int, b text)")
    db.run("COPY t FROM STDIN WITH (FORMAT csv, DELIMITER ',')", stream=io.BytesIO(b"1,x\n2,y\n"))
    equal(db.run("SELECT * FROM t ORDER BY a"), [[1, "x"], [2, "y"]])


def transactions(db):
    db.run("START TRANSACTION")
    db.run("CREATE TEMPORARY TABLE t (a int)")
    db.run("INSERT INTO t VALUES (1)")
    db.run("ROLLBACK")
    try:
        db.run("SELECT * FROM t")
        raise AssertionError("no error")
    except pg8000.native.DatabaseError as error:
        equal(error.args[0]["C"], "42P01")


def notifications(db):
    db.run("LISTEN ergo_test")
    db.run("NOTIFY ergo_test, 'hello'")
    equal([payload for _, _, payload in db.notifications], ["hello"])


def dbapi_with_many_rows(_db):
    tls = ssl.create_default_context(cafile=ROOT_CERTIFICATE)
    db = pg8000.dbapi.connect(USER, host=HOST, port=PORT, password=PASSWORD, database=DATABASE, ssl_context=tls)
    cursor = db.cursor()
    cursor.execute("SELECT number FROM chain.blocks WHERE number > %s ORDER BY 1", (100,))
    equal(len(cursor.fetchall()), BLOCKS - 101)
    cursor.execute("CREATE TEMP TABLE t (a int, b text)")
    cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(n, str(n)) for n in range(5)])
    cursor.execute("SELECT count(*) FROM t")
    equal(cursor.fetchone(), [5])
    db.rollback()
    db.close()


if __name__ == "__main__":
    run_all([parameters_of_each_python_type, prepared_statement, copy_out_and_in, transactions, notifications,
             dbapi_with_many_rows], connect)
