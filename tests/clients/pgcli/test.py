"""pgcli: the statements that fill its completer, its special commands, and one session from a script."""
import os
import subprocess
from importlib.metadata import version as package_version

from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

from checks import DATABASE, HOST, PASSWORD, PORT, ROOT_CERTIFICATE, TABLES, USER, equal, run_all, version

version(package_version("pgcli"))


class Session:
    def __init__(self):
        self.execute = PGExecute(DATABASE, USER, PASSWORD, HOST, PORT, sslmode="verify-full", sslrootcert=ROOT_CERTIFICATE)
        self.special = PGSpecial()

    def run(self, text):
        return [(list(rows) if rows is not None else [], status)
                for _, rows, _, status, _, success, *_ in self.execute.run(text, self.special)]

    def close(self):
        self.execute.conn.close()


def completion_of_relations(session):
    execute = session.execute
    equal("chain" in list(execute.schemata()), True)
    equal(sorted(name for schema, name in execute.tables() if schema == "chain"), TABLES)
    equal(len([column for column in execute.table_columns() if column[0] == "chain"]) > 50, True)
    list(execute.views())
    list(execute.view_columns())
    list(execute.foreignkeys())


def completion_of_functions_types_and_databases(session):
    execute = session.execute
    list(execute.functions())
    list(execute.datatypes())
    list(execute.casing())
    equal(DATABASE in execute.databases(), True)
    list(execute.full_databases())
    execute.search_path()


def special_commands(session):
    for command in ["\\d", "\\dt", "\\dt chain.*", "\\dv *.*", "\\di chain.*", "\\ds", "\\dn", "\\du", "\\l", "\\df array_*",
                    "\\dT", "\\dx", "\\d chain.blocks", "\\d+ chain.logs", "\\dp", "\\db", "\\ddp"]:
        try:
            session.run(command)
        except Exception as error:
            raise AssertionError(f"{command}: {error}") from error


def queries_and_errors(session):
    equal(session.run("SELECT count(*) FROM chain.blocks")[0][0], [(301,)])
    equal(session.run("SELECT 1; SELECT 2")[1][0], [(2,)])


def a_session_from_a_script(_session):
    uri = f"postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}?sslmode=verify-full&sslrootcert={ROOT_CERTIFICATE}"
    done = subprocess.run([os.environ["PGCLI"], "--less-chatty", uri], input="SELECT count(*) FROM chain.logs;\n\\q\n",
                          capture_output=True, text=True, timeout=60)
    equal("18690" in done.stdout, True)


if __name__ == "__main__":
    run_all([completion_of_relations, completion_of_functions_types_and_databases, special_commands, queries_and_errors,
             a_session_from_a_script], Session)
