"""Calls everything that a Python client asks about a database. usage: introspect.py CLIENT, with libpq's variables set."""

import asyncio
import glob
import os
import sys

HOST, PORT, USER, DATABASE = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
TABLES = ["blocks", "logs", "transactions"]


def inspector(driver):
    import sqlalchemy as sa

    engine = sa.create_engine(f"postgresql+{driver}://{USER}:none@{HOST}:{PORT}/{DATABASE}")
    with engine.connect() as connection:
        _inspect(sa, connection)


def _inspect(sa, connection):
    found = sa.inspect(connection)
    scopes = [sa.engine.reflection.ObjectScope.ANY, sa.engine.reflection.ObjectScope.DEFAULT, sa.engine.reflection.ObjectScope.TEMPORARY]
    kinds = [sa.engine.reflection.ObjectKind.ANY, sa.engine.reflection.ObjectKind.TABLE, sa.engine.reflection.ObjectKind.ANY_VIEW]
    found.get_schema_names()
    for schema in ("chain", "ergo", None, "pg_catalog"):
        for call in ("get_table_names", "get_view_names", "get_materialized_view_names", "get_foreign_table_names",
                     "get_sequence_names", "get_enums", "get_domains", "get_sorted_table_and_fkc_names"):
            getattr(found, call)(schema=schema)
    found.get_temp_table_names()
    found.get_temp_view_names()
    calls = ("columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment", "table_options")
    for call in calls:
        for table in TABLES:
            getattr(found, f"get_{call}")(table, schema="chain")
        getattr(found, f"get_{call}")("gaps", schema="ergo")
        for scope in scopes:
            for kind in kinds:
                try:
                    getattr(found, f"get_multi_{call}")(schema="chain", scope=scope, kind=kind)
                except NotImplementedError:
                    pass
    found.get_view_definition("gaps", schema="ergo")
    found.get_table_oid("blocks", schema="chain")
    found.has_table("blocks", schema="chain"), found.has_table("nothing"), found.has_schema("chain")
    found.has_sequence("nothing", schema="chain"), found.has_index("blocks", "blocks_pkey", schema="chain")
    found.get_extensions() if hasattr(found, "get_extensions") else None
    metadata = sa.MetaData()
    metadata.reflect(connection, schema="chain", views=True)


def inspector_of_asyncpg():
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    async def main():
        engine = create_async_engine(f"postgresql+asyncpg://{USER}:none@{HOST}:{PORT}/{DATABASE}?ssl=disable")
        async with engine.connect() as connection:
            await connection.run_sync(lambda inner: _inspect(sa, inner))
    asyncio.run(main())


def asyncpg():
    import asyncpg

    async def main():
        db = await asyncpg.connect(host=HOST, port=PORT, user=USER, database=DATABASE, ssl=False)
        for sql in ("SELECT relacl, reloptions, relpartbound FROM pg_class LIMIT 1", "SELECT * FROM pg_type LIMIT 1", "SELECT ROW(1, 'a')",
                    "SELECT NULL::int4range, NULL::int8multirange, NULL::information_schema.sql_identifier",
                    "SELECT indkey, indclass FROM pg_index LIMIT 1", "SELECT typinput, oid::regtype FROM pg_type LIMIT 1"):
            await db.fetch(sql)
        await db.fetch("SELECT b FROM chain.blocks b LIMIT 1")
        await db.set_type_codec("json", encoder=str, decoder=str, schema="pg_catalog")
        await db.reset()
        await db.close()
    asyncio.run(main())


def pgcli():
    from pgcli.pgexecute import PGExecute
    from pgspecial.main import PGSpecial

    execute, special = PGExecute(DATABASE, USER, "none", HOST, PORT), PGSpecial()
    for call in ("schemata", "tables", "views", "table_columns", "view_columns", "foreignkeys", "functions", "datatypes", "databases",
                 "full_databases", "casing", "search_path"):
        list(getattr(execute, call)() or [])
    for command in ("\\d", "\\d+", "\\dt", "\\dt+ chain.*", "\\dv *.*", "\\di chain.*", "\\ds", "\\dn", "\\dn+", "\\du", "\\l", "\\l+", "\\df array_*", "\\df+ lower",
                    "\\dT", "\\dT+", "\\dx", "\\d chain.blocks", "\\d+ chain.logs", "\\d ergo.gaps", "\\dp", "\\z", "\\db", "\\db+", "\\ddp", "\\dD", "\\dD+",
                    "\\dF", "\\dF+", "\\dE", "\\dm", "\\sf lower(text)"):
        for found in execute.run(command, special):
            list(found[1] or [])


def psqlodbc():
    import pyodbc

    driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
    for settings in ("", "UseDeclareFetch=1;", "ShowSystemTables=1;ShowOidColumn=1;RowVersioning=1;"):
        db = pyodbc.connect(f"Driver={driver};Server={HOST};Port={PORT};Database={DATABASE};UID={USER};PWD=none;SSLmode=disable;{settings}")
        cursor = db.cursor()
        calls = [lambda c: c.tables(), lambda c: c.tables(schema="chain"), lambda c: c.tables(table="blo%"), lambda c: c.tables(catalog="%"),
                 lambda c: c.tables(schema="%", catalog="", table=""), lambda c: c.tables(tableType="TABLE,VIEW,SYSTEM TABLE"),
                 lambda c: c.columns(table="blocks"), lambda c: c.columns(schema="chain"), lambda c: c.columns(table="logs", schema="chain", column="%index"),
                 lambda c: c.primaryKeys("logs", schema="chain"), lambda c: c.primaryKeys("blocks"),
                 lambda c: c.foreignKeys(table="blocks", schema="chain"), lambda c: c.foreignKeys(foreignTable="logs", foreignSchema="chain"),
                 lambda c: c.foreignKeys(table="transactions", foreignTable="logs"),
                 lambda c: c.statistics("transactions", schema="chain"), lambda c: c.statistics("transactions", unique=True),
                 lambda c: c.rowIdColumns("logs", schema="chain"), lambda c: c.rowVerColumns("logs", schema="chain"),
                 lambda c: c.procedures(), lambda c: c.procedures(procedure="lower"), lambda c: c.procedureColumns("lower"), lambda c: c.getTypeInfo(),
                 lambda c: c.execute("SELECT * FROM chain.blocks WHERE number = ?", 1)]
        for call in calls:
            try:
                call(cursor).fetchall()
            except pyodbc.Error as error:
                print(f"note: {error}", file=sys.stderr)


if __name__ == "__main__":
    {"sqlalchemy+psycopg": lambda: inspector("psycopg"), "sqlalchemy+asyncpg": inspector_of_asyncpg, "asyncpg": asyncpg, "pgcli": pgcli,
     "psqlodbc": psqlodbc}[sys.argv[1]]()
