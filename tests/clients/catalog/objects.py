"""Names of the objects that a database has of its own: their ids differ between servers, their names do not."""

import psycopg

FIRST_USER_OID = 16384
QUERIES = {
    "class": "SELECT c.oid, n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
    "type": "SELECT t.oid, n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
    "constraint": "SELECT oid, conrelid::regclass::text || '.' || conname FROM pg_constraint",
    "schema": "SELECT oid, nspname FROM pg_namespace",
    "role": "SELECT oid, rolname FROM pg_roles",
    "database": "SELECT oid, datname FROM pg_database",
    "rule": "SELECT oid, ev_class::regclass::text || '.' || rulename FROM pg_rewrite",
}


def object_names(dsn):
    """{object id: "kind:name"} of everything that was made after initdb."""
    names = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog")
        for kind, query in QUERIES.items():
            for oid, name in connection.execute(query).fetchall():
                if oid >= FIRST_USER_OID:
                    names[oid] = f"{kind}:{name}"
    return names
