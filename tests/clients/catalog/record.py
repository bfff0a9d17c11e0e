"""Records the statements that clients send about the catalogs: runs each client against PostgreSQL through a proxy.

usage: record.py HOST:PORT OUT.json [CLIENT…]
The server is a PostgreSQL 16 with the tables of fixture.py in database `demo`, trusting role `tester`. OUT.json is
a list of {source, sql, types, values} for compare.py; an object id of the fixture stands in it as `{oid:class:chain.blocks}`.
Clients are found in $CACHE as tests/clients/*/run.sh leave them; those that are not installed are skipped with a note.
"""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading

from objects import object_names

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("CACHE", os.path.expanduser("~/.cache/ergosql/clients"))
USER, DATABASE = "tester", "demo"

# psql: each command alone, with S, +, S+ and a pattern where it takes them. A letter list says which.
PSQL = """d:S+p dt:S+p dv:S+p dm:S+p ds:S+p di:S+p dE:S+p dtvmsi:S+p da:Sp dA:+p dAc:+p dAf:+p dAo:+p dAp:+p db:+p dc:S+p dC:+p
dconfig:+p dd:Sp dD:S+p ddp:p dp:p z:p des:+p det:+p deu:+p dew:+p df:S+p dfa:S+p dfn:S+p dfp:S+p dft:S+p dfw:S+p dF:+p dFd:+p
dFp:+p dFt:+p dg:S+p du:S+p dl:+ dL:S+p dn:S+p do:S+p dO:S+p dP:+p dPi:+p dPt:+p dPn:+p drds: drg:Sp dRp:+p dRs:+p dT:S+p dx:+p dX:p
dy:+p l:+p"""
PATTERNS = {"d": ["chain.blocks", "chain.logs", "chain.*", "ergo.gaps", "blocks", "*.token*", "pg_class", "pg_catalog.pg_tables",
                  "transactions_pkey", "nothing"],
            "df": ["array_*", "pg_catalog.lower", "lower text", "generate_series"], "do": ["=", "= int4 int4", "||"],
            "dT": ["int*", "pg_catalog.text"], "dAo": ["btree integer_ops"], "dAc": ["btree int4"], "dAf": ["btree int4"],
            "dAp": ["btree integer_ops"], "dconfig": ["work_mem", "*path*"], "drds": ["*", "ergosql demo"], "dFp": ["default"],
            "dF": ["english"], "dFd": ["simple"], "dx": ["plpgsql"], "dn": ["chain", "*"], "l": ["demo"], "dC": ["int4", "bytea"]}
EXTRA = ["\\sf lower(text)", "\\sf+ pg_catalog.obj_description(oid)", "\\sf pg_table_is_visible", "\\sv ergo.gaps", "\\sv+ information_schema.tables",
         "\\lo_list", "\\dti chain.*", "\\d chain.blocks*", "\\d+ chain.transactions", "\\dtS+ pg_c*"]


def psql_commands():
    for entry in PSQL.split():
        name, _, marks = entry.partition(":")
        suffixes = [""] + ["S"] * ("S" in marks) + ["+"] * ("+" in marks) + ["S+"] * ("S" in marks and "+" in marks)
        patterns = [""] + (PATTERNS.get(name, ["*", "pg_c*"]) if "p" in marks or name == "drds" else [])
        for suffix in suffixes:
            for pattern in patterns:
                yield f"\\{name}{suffix} {pattern}".strip()
    yield from EXTRA


class Proxy:
    """Passes bytes on, and notes what runs: simple queries, and statements at each Execute with their parameters."""

    def __init__(self, server):
        self.server, self.source, self.found = server, "", []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.server)
            for pump in (lambda c=client, s=server: self.forward(c, s), lambda c=client, s=server: copy(s, c)):
                threading.Thread(target=pump, daemon=True).start()

    def forward(self, client, server):
        buffer, started, statements, portals = b"", False, {}, {}
        while data := receive(client):
            server.sendall(data)
            buffer += data
            while True:
                head = 1 if started else 0
                if len(buffer) < head + 4:
                    break
                length = head + struct.unpack_from("!I", buffer, head)[0]
                if len(buffer) < length:
                    break
                kind, body, buffer = buffer[:head], buffer[head + 4:length], buffer[length:]
                if started:
                    self.note(kind, body, statements, portals)
                elif struct.unpack_from("!I", body)[0] == 196608:
                    started = True
        finish(server)

    def note(self, kind, body, statements, portals):
        if kind == b"Q":
            self.found.append({"source": self.source, "sql": text_at(body, 0)[0], "types": None, "values": []})
        elif kind == b"P":
            name, at = text_at(body, 0)
            sql, at = text_at(body, at)
            statements[name] = sql, [oid for (oid,) in struct.iter_unpack("!I", body[at + 2:])]
        elif kind == b"B":
            portal, at = text_at(body, 0)
            name, at = text_at(body, at)
            formats, at = shorts(body, at)
            count, at = struct.unpack_from("!H", body, at)[0], at + 2
            values = []
            for index in range(count):
                size, at = struct.unpack_from("!i", body, at)[0], at + 4
                value = None if size < 0 else body[at:at + size]
                at += max(size, 0)
                form = formats[index] if len(formats) > 1 else (formats or [0])[0]
                values.append(None if value is None else [form, value.hex()])
            portals[portal] = (*statements[name], values)
        elif kind == b"E":
            portal = text_at(body, 0)[0]
            if portal in portals:
                sql, types, values = portals[portal]
                self.found.append({"source": self.source, "sql": sql, "types": types, "values": values})


def receive(sock):
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def finish(sock):
    """Says the end to a peer, also while another thread reads from it."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def copy(source, target):
    while data := receive(source):
        target.sendall(data)
    finish(target)


def text_at(body, at):
    end = body.index(0, at)
    return body[at:end].decode(), end + 1


def shorts(body, at):
    count = struct.unpack_from("!H", body, at)[0]
    return list(struct.unpack_from(f"!{count}h", body, at + 2)), at + 2 + 2 * count


# Types whose binary form is one integer: int8, int2, int4, oid, regclass, regtype; and arrays of some.
INTEGERS = {20: "!q", 21: "!h", 23: "!i", 26: "!I", 2205: "!I", 2206: "!I"}
INTEGER_ARRAYS = {1005: 21, 1007: 23, 1016: 20, 1028: 26}


def as_text(oid, value):
    """The text form of a binary integer or array of integers; None for other types."""
    if oid in INTEGERS:
        return str(struct.unpack(INTEGERS[oid], value)[0])
    if oid in INTEGER_ARRAYS and (len(value) == 12 or len(value) >= 20):
        dimensions = struct.unpack_from("!i", value)[0]
        element, found, at = INTEGER_ARRAYS[oid], [], 20
        while dimensions and at < len(value):
            size, at = struct.unpack_from("!i", value, at)[0], at + 4
            found.append("NULL" if size < 0 else as_text(element, value[at:at + size]))
            at += max(size, 0)
        return "{" + ",".join(found) + "}"
    return None


def run(command, environment, **more):
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, **more)
    if done.returncode:
        print(f"note: {command[0]}: {(done.stderr or done.stdout)[-2000:]}", file=sys.stderr)


def psql(proxy, name, binary, environment):
    for command in psql_commands():
        proxy.source = f"{name} {command}"
        run([binary, "-X", "-c", command], environment)


def python_client(proxy, name, environment, folder):
    proxy.source = name
    python = f"{CACHE}/{folder}/bin/python"
    if not os.path.exists(python):
        return print(f"note: no {python}", file=sys.stderr)
    return run([python, f"{HERE}/introspect.py", name], environment)


def pgjdbc(proxy, environment):
    proxy.source = "pgjdbc"
    driver = f"{CACHE}/java/postgresql-42.7.4.jar"
    run(["java", "-cp", driver, f"{HERE}/Metadata.java"], environment)


def pg_dump(proxy, binary, environment):
    for name, options in [("schema", ["-s"]), ("data of a table", ["--data-only", "-t", "chain.blocks"]), ("schema of a table", ["-s", "-t", "chain.logs"])]:
        proxy.source = f"pg_dump {name}"
        run([binary, *options], environment)


def clients(proxy, environment):
    newer = os.environ.get("PG16_BIN", "")
    return {
        "psql15": lambda: psql(proxy, "psql15", shutil.which("psql"), environment),
        "psql16": lambda: psql(proxy, "psql16", f"{newer}/psql", environment),
        "pg_dump": lambda: pg_dump(proxy, f"{newer}/pg_dump", environment),
        "pgjdbc": lambda: pgjdbc(proxy, environment),
        **{name: (lambda name=name, folder=folder: python_client(proxy, name, environment, folder)) for name, folder in [
            ("sqlalchemy+psycopg", "catalog"), ("sqlalchemy+asyncpg", "catalog"), ("asyncpg", "catalog"),
            ("pgcli", "catalog"), ("psqlodbc", "catalog")]},
    }


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    proxy = Proxy((host, int(port)))
    environment = {"PGHOST": "127.0.0.1", "PGPORT": str(proxy.port), "PGUSER": USER, "PGDATABASE": DATABASE, "PGPASSWORD": "none", "PGSSLMODE": "disable"}
    known = clients(proxy, environment)
    for name in sys.argv[3:] or known:
        known[name]()
    names = object_names(f"host={host} port={port} user={USER} dbname={DATABASE}")
    hide = lambda text: re.sub(r"\b\d{5,10}\b", lambda found: f"{{oid:{names[int(found[0])]}}}" if int(found[0]) in names else found[0], text)
    recorded, seen = [], set()
    for one in proxy.found:
        one["sql"] = hide(one["sql"])
        # Where the server decided the types they are not recorded; asyncpg then sends object ids and arrays of them.
        types = (one["types"] or []) + [0] * len(one["values"])
        for oid, value in zip(types, one["values"]):
            if value and oid == 0:
                oid = 26 if len(value[1]) == 8 else 1028
            if value and value[0] == 1:
                try:
                    text = as_text(oid, bytes.fromhex(value[1]))
                except struct.error:
                    text = None
                if text is not None:
                    value[:] = [0, text.encode().hex()]
            if value and value[0] == 0 and re.fullmatch(rb"[{}\d,]+", bytes.fromhex(value[1])):
                value[1] = hide(bytes.fromhex(value[1]).decode()).encode().hex()
        # A small number was sent as int2; the object's id on the other server may be larger.
        is_named = [value and b"{oid:" in bytes.fromhex(value[1]) for value in one["values"]]
        one["types"] = one["types"] and [23 if named and oid == 21 else oid for oid, named in zip(one["types"], is_named)]
        key = json.dumps([one["source"].split()[0], one["sql"], one["types"], one["values"]])
        if key not in seen:
            seen.add(key)
            recorded.append(one)
    with open(sys.argv[2], "w") as out:
        json.dump(recorded, out, indent=1)
    print(f"{len(recorded)} statements of {len({one['source'].split()[0] for one in recorded})} clients")


if __name__ == "__main__":
    main()
