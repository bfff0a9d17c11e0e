"""Prints SQL that makes the tables of an ErgoSQL database in PostgreSQL: same names, types, keys, comments, privileges.

usage: fixture.py ERGOSQL_DSN | psql -U ergosql -d postgres
The server is a new one, made by `initdb -U ergosql --locale=C -E UTF8`. The database and the role have the names that
they have on the side of ErgoSQL; template databases are dropped, for there are none here.
"""

import sys

import psycopg

COLUMNS = """
SELECT n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname IN ('chain', 'ergo') AND c.relkind IN ('r', 'v') AND a.attnum > 0
ORDER BY n.nspname, c.relname, a.attnum"""

# Primary and unique keys before foreign keys, which need them.
KEYS = """
SELECT conrelid::regclass::text, conname, replace(pg_get_constraintdef(oid), 'REFERENCES ', 'REFERENCES chain.')
FROM pg_constraint WHERE connamespace = 'chain'::regnamespace AND contype IN ('p', 'u', 'f')
ORDER BY contype <> 'p', contype <> 'u', conname"""


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def privileges(kind, name, letters):
    """Only these privileges, for the owner and everybody: nothing can be changed by anyone."""
    print(f"REVOKE ALL ON {kind} {name} FROM ergosql, PUBLIC; GRANT {letters} ON {kind} {name} TO ergosql, PUBLIC;")


def main():
    connection = psycopg.connect(sys.argv[1], autocommit=True)
    database, role = connection.execute("SELECT current_database(), current_user").fetchone()
    relations = {}
    for schema, name, kind, *column, comment in connection.execute(COLUMNS).fetchall():
        relations.setdefault((schema, name, kind, comment), []).append(column)
    print(f"CREATE ROLE {role} LOGIN;\nCREATE DATABASE {database} OWNER ergosql TEMPLATE template0;\n\\c {database}")
    privileges("DATABASE", database, "CONNECT, TEMPORARY")
    for schema, comment in connection.execute(
        "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN ('chain', 'ergo')"
    ).fetchall():
        print(f"CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {literal(comment)};")
        privileges("SCHEMA", schema, "USAGE")
    for (schema, name, kind, comment), columns in relations.items():
        if kind == "r":
            body = ", ".join(f'"{c}" {t}{" NOT NULL" if required else ""}' for c, t, required, _ in columns)
            print(f"CREATE TABLE {schema}.{name} ({body});")
        else:
            body = ", ".join(f'NULL::{t} AS "{c}"' for c, t, _, _ in columns)
            print(f"CREATE VIEW {schema}.{name} AS SELECT {body};")
        word = "TABLE" if kind == "r" else "VIEW"
        print(f"COMMENT ON {word} {schema}.{name} IS {literal(comment)};")
        for column, _, _, text in columns:
            if text:
                print(f'COMMENT ON COLUMN {schema}.{name}."{column}" IS {literal(text)};')
    for table, name, definition in connection.execute(KEYS).fetchall():
        print(f"ALTER TABLE chain.{table.removeprefix('chain.')} ADD CONSTRAINT {name} {definition};")
    for schema, name, kind, _ in relations:
        privileges("TABLE", f"{schema}.{name}", "SELECT")
    print(f'ALTER DATABASE {database} SET search_path = "$user", chain, ergo, public;')
    for other in ("postgres", "template1", "template0"):
        print(f"ALTER DATABASE {other} IS_TEMPLATE false; DROP DATABASE {other};")


if __name__ == "__main__":
    main()
