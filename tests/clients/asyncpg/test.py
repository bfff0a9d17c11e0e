"""asyncpg: binary protocol, prepared statements, cursors, COPY, type introspection, pools."""
import asyncio
import datetime
import decimal
import io
import ssl

import asyncpg

from checks import BLOCKS, DATABASE, HOST, PASSWORD, PORT, ROOT_CERTIFICATE, USER, Checks, equal, version

version(asyncpg.__version__)
TLS = ssl.create_default_context(cafile=ROOT_CERTIFICATE)
PARAMETERS = {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "database": DATABASE, "ssl": TLS}


async def values_of_each_type(db):
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    for name, value in [("int2", 1), ("int4", -70_000), ("int8", 2**40), ("numeric", decimal.Decimal(2**256 - 1)),
                        ("numeric", decimal.Decimal("-1.50")), ("bool", True), ("text", "é"), ("bytea", b"\x00\xff"),
                        ("float8", 1.5), ("float4", 0.5), ("timestamptz", when), ("timestamp", when.replace(tzinfo=None)),
                        ("date", when.date()), ("time", when.time()), ("interval", datetime.timedelta(1, 2)),
                        ("int4[]", [1, None, 3]), ("text[]", ["a", None]), ("numeric[]", [decimal.Decimal(1)]),
                        ("bytea[]", [b"a"]), ("varchar", "v"), ("name", "n"), ("oid", 7), ("uuid", __import__("uuid").uuid4()),
                        ("json", '{"a": 1}'), ("jsonb", '{"a": 1}'), ('"char"', b"c")]:
        equal(await db.fetchval(f"SELECT $1::{name}", value), value)
        equal(await db.fetchval(f"SELECT $1::{name}", None), None)


async def prepared_statements_tell_their_types(db):
    statement = await db.prepare("SELECT number, hash, timestamp FROM chain.blocks WHERE number = $1")
    equal([p.name for p in statement.get_parameters()], ["int8"])
    equal([(a.name, a.type.name) for a in statement.get_attributes()],
          [("number", "int8"), ("hash", "bytea"), ("timestamp", "timestamptz")])
    equal((await statement.fetchrow(5))["number"], 5)


async def arrays_as_parameters(db):
    equal(await db.fetchval("SELECT count(*) FROM chain.blocks WHERE number = ANY($1::int8[])", [1, 2, 3]), 3)
    hashes = [row[0] for row in await db.fetch("SELECT hash FROM chain.blocks LIMIT 5")]
    equal(await db.fetchval("SELECT count(*) FROM chain.blocks WHERE hash = ANY($1)", hashes), 5)
    equal(await db.fetchval("SELECT sum(x) FROM unnest($1::int4[]) AS t(x)", [1, 2, 3]), 6)


async def cursors_in_a_transaction(db):
    async with db.transaction(readonly=True):
        numbers = [row[0] async for row in db.cursor("SELECT number FROM chain.blocks ORDER BY 1", prefetch=7)]
        equal(numbers, list(range(BLOCKS)))
        cursor = await db.cursor("SELECT number FROM chain.blocks ORDER BY 1")
        equal(await cursor.forward(10), 10)
        equal((await cursor.fetchrow())[0], 10)


async def copy_out_and_in(db):
    out = io.BytesIO()
    equal(await db.copy_from_query("SELECT number FROM chain.blocks ORDER BY 1", output=out, format="csv"), f"COPY {BLOCKS}")
    equal(out.getvalue().split()[-1], str(BLOCKS - 1).encode())
    await db.execute("CREATE TEMP TABLE t (a int, b text, c timestamptz)")
    when = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
    equal(await db.copy_records_to_table("t", records=[(1, "x", when), (2, None, None)]), "COPY 2")
    equal([tuple(row) for row in await db.fetch("SELECT * FROM t ORDER BY a")], [(1, "x", when), (2, None, None)])
    await db.copy_to_table("t", source=io.BytesIO(b"3,y,\n"), format="csv")
    equal(await db.fetchval("SELECT count(*) FROM t"), 3)


async def executemany_inserts(db):
    await db.execute("CREATE TEMP TABLE t (a int, b text)")
    await db.executemany("INSERT INTO t VALUES ($1, $2)", [(n, str(n)) for n in range(50)])
    equal(await db.fetchval("SELECT sum(a) FROM t"), 1225)


async def unusual_types_are_introspected(db):
    equal(await db.fetchval("SELECT ARRAY[1::int2, 2::int2]"), [1, 2])
    equal(await db.fetchval("SELECT relacl FROM pg_class WHERE relname = 'blocks'") is None or True, True)
    equal(await db.fetchval("SELECT 'pg_class'::regclass"), "pg_class")
    equal(await db.fetchval("SELECT array_agg(typname ORDER BY oid) FROM pg_type WHERE oid IN (16, 17)"), ["bool", "bytea"])
    await db.set_type_codec("json", encoder=str, decoder=str, schema="pg_catalog")
    equal(len(await db.fetchval("SELECT indkey FROM pg_index WHERE indexrelid = 'pg_class_oid_index'::regclass")), 1)


async def nested_transactions_and_errors(db):
    async with db.transaction():
        try:
            async with db.transaction():
                await db.execute("SELECT 1/0")
        except asyncpg.DivisionByZeroError:
            pass
        equal(await db.fetchval("SELECT 1"), 1)
    try:
        await db.fetch("SELECT nope FROM chain.blocks")
        raise AssertionError("no error")
    except asyncpg.UndefinedColumnError as error:
        equal(error.position, "8")
    try:
        await db.fetchval("SELECT $1::int4", 2**40)
        raise AssertionError("no error")
    except asyncpg.DataError:
        pass


async def timeout_cancels_and_the_connection_lives(db):
    try:
        await db.fetchval("SELECT count(*) FROM generate_series(1,1000000) a, generate_series(1,1000000) b", timeout=0.5)
        raise AssertionError("no timeout")
    except asyncio.TimeoutError:
        pass
    equal(await db.fetchval("SELECT 1"), 1)


async def notifications(db):
    got = asyncio.get_running_loop().create_future()
    await db.add_listener("ergo_test", lambda *event: got.done() or got.set_result(event[-1]))
    await db.execute("SELECT pg_notify('ergo_test', 'hello')")
    equal(await asyncio.wait_for(got, 5), "hello")
    await db.remove_listener("ergo_test", lambda *_: None)


async def a_pool_resets_its_connections(_db):
    async with asyncpg.create_pool(**PARAMETERS, min_size=2, max_size=2) as pool:
        async with pool.acquire() as db:
            await db.execute("SET application_name = 'x'")
        values = await asyncio.gather(*(pool.fetchval("SELECT current_setting('application_name')") for _ in range(8)))
        equal(set(values), {""})


async def main():
    runner = Checks()
    for check in [values_of_each_type, prepared_statements_tell_their_types, arrays_as_parameters,
                  cursors_in_a_transaction, copy_out_and_in, executemany_inserts, unusual_types_are_introspected,
                  nested_transactions_and_errors, timeout_cancels_and_the_connection_lives, notifications,
                  a_pool_resets_its_connections]:
        db = await asyncpg.connect(**PARAMETERS)
        await runner.run(check, db)
        db.terminate()
    runner.finish()


asyncio.run(main())
