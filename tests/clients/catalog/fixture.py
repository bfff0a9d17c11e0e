"""Prints SQL that makes the tables of an ErgoSQL database in PostgreSQL: same names, types, keys, comments.

usage: fixture.py ERGOSQL_DSN | psql -d postgres          (as superuser `ergosql`; makes database `demo`)
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


def main():
    connection = psycopg.connect(sys.argv[1], autocommit=True)
    relations = {}
    for schema, name, kind, *column, comment in connection.execute(COLUMNS).fetchall():
        relations.setdefault((schema, name, kind, comment), []).append(column)
    print("CREATE ROLE demo LOGIN;")
    print("CREATE DATABASE demo OWNER ergosql TEMPLATE template0;\n\\c demo")
    for schema, comment in connection.execute(
        "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN ('chain', 'ergo')"
    ).fetchall():
        print(f"CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {literal(comment)};")
        print(f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC;")
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
        print(f"GRANT SELECT ON {schema}.{name} TO PUBLIC;")
    for table, name, definition in connection.execute(KEYS).fetchall():
        print(f"ALTER TABLE chain.{table.removeprefix('chain.')} ADD CONSTRAINT {name} {definition};")
    print('ALTER DATABASE demo SET search_path = "$user", public, chain, ergo;')


if __name__ == "__main__":
    main()
