"""SQLAlchemy: reflection of every chain table, the inspector's calls, Core queries, server-side rows."""
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from checks import BLOCKS, DATABASE, HOST, LOGS, PASSWORD, PORT, ROOT_CERTIFICATE, TABLES, USER, equal, run_all, version

version(sa.__version__)


def engine(driver):
    url = sa.URL.create(f"postgresql+{driver}", USER, PASSWORD, HOST, PORT, DATABASE)
    return sa.create_engine(url, connect_args={"sslmode": "verify-full", "sslrootcert": ROOT_CERTIFICATE})


def connect():
    return engine("psycopg").connect()


def schemas_and_tables_are_listed(db):
    inspector = sa.inspect(db)
    equal([name for name in ("chain", "ergo", "information_schema") if name not in inspector.get_schema_names()], [])
    equal(sorted(inspector.get_table_names("chain")), TABLES)
    equal(inspector.get_view_names("chain"), [])
    equal(inspector.get_materialized_view_names("chain"), [])
    equal(inspector.get_temp_table_names(), [])
    equal(inspector.get_sequence_names("chain"), [])
    equal(inspector.get_enums("chain"), [])
    equal(inspector.get_domains("chain"), [])


def every_table_is_reflected(db):
    metadata = sa.MetaData()
    metadata.reflect(db, schema="chain")
    equal(sorted(table.name for table in metadata.tables.values()), TABLES)
    for table in metadata.tables.values():
        equal([c.name for c in table.columns if isinstance(c.type, sa.types.NullType)], [])
        assert table.primary_key.columns.keys(), f"{table.name} has no primary key"
        assert table.comment, f"{table.name} has no comment"
        equal([c.name for c in table.columns if not c.comment], [])
    transactions = metadata.tables["chain.transactions"]
    assert isinstance(transactions.c.hash.type, postgresql.BYTEA), transactions.c.hash.type
    assert isinstance(transactions.c.value.type, sa.Numeric), transactions.c.value.type


def every_inspector_call_answers(db):
    inspector = sa.inspect(db)
    for call in ["get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints",
                 "get_check_constraints", "get_table_comment", "get_table_options"]:
        for table in TABLES:
            getattr(inspector, call)(table, schema="chain")
        many = getattr(inspector, "get_multi_" + call.removeprefix("get_").replace("table_comment", "table_comment"), None)
        if many:
            equal(len(many(schema="chain")), len(TABLES))
    for relation in ["pg_class", "pg_stat_activity"]:
        assert inspector.get_columns(relation, schema="pg_catalog")
    equal(inspector.has_table("blocks", schema="chain"), True)
    equal(inspector.has_table("nothing", schema="chain"), False)


def core_queries_run(db):
    metadata = sa.MetaData()
    blocks = sa.Table("blocks", metadata, schema="chain", autoload_with=db)
    logs = sa.Table("logs", metadata, schema="chain", autoload_with=db)
    equal(db.scalar(sa.select(sa.func.count()).select_from(logs)), LOGS)
    joined = sa.select(blocks.c.number, sa.func.count()).join(logs, logs.c.block_number == blocks.c.number)
    rows = db.execute(joined.group_by(blocks.c.number).order_by(sa.desc(sa.text("2")), blocks.c.number).limit(5)).all()
    equal(len(rows), 5)
    equal(db.scalar(sa.select(blocks.c.number).where(blocks.c.number.in_([7, 8])).order_by(blocks.c.number.desc())), 8)
    subquery = sa.select(sa.func.max(blocks.c.number)).scalar_subquery()
    equal(db.scalar(sa.select(blocks.c.number).where(blocks.c.number == subquery)), BLOCKS - 1)


def rows_stream_from_a_server_side_cursor(db):
    result = db.execution_options(stream_results=True, max_row_buffer=50).execute(
        sa.text("SELECT number FROM chain.blocks ORDER BY number"))
    equal([row[0] for row in result], list(range(BLOCKS)))


def temporary_tables_are_created_and_filled(db):
    metadata = sa.MetaData()
    table = sa.Table("scratch", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
                     sa.Column("name", sa.String(20)), sa.Column("amount", sa.Numeric(78, 0)), prefixes=["TEMPORARY"])
    table.create(db)
    db.execute(table.insert(), [{"id": n, "name": f"n{n}", "amount": 10**60 + n} for n in range(10)])
    equal(db.scalar(sa.select(sa.func.max(table.c.amount))), 10**60 + 9)
    equal(sa.inspect(db).get_temp_table_names(), ["scratch"])


def the_psycopg2_dialect_reflects_too(_db):
    with engine("psycopg2").connect() as db:
        metadata = sa.MetaData()
        metadata.reflect(db, schema="chain")
        equal(len(metadata.tables), len(TABLES))


def the_pg8000_dialect_connects(_db):
    import ssl
    url = sa.URL.create("postgresql+pg8000", USER, PASSWORD, HOST, PORT, DATABASE)
    tls = ssl.create_default_context(cafile=ROOT_CERTIFICATE)
    with sa.create_engine(url, connect_args={"ssl_context": tls}).connect() as db:
        equal(sorted(sa.inspect(db).get_table_names("chain")), TABLES)


if __name__ == "__main__":
    run_all([schemas_and_tables_are_listed, every_table_is_reflected, every_inspector_call_answers, core_queries_run,
             rows_stream_from_a_server_side_cursor, temporary_tables_are_created_and_filled,
             the_psycopg2_dialect_reflects_too, the_pg8000_dialect_connects], connect)
