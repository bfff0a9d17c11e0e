"""LibreOffice Base: connections with and without a database document, tables, columns, keys, queries, parameters."""
import os
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.sdbc import SQLException

from checks import BLOCKS, DATABASE, HOST, PASSWORD, PORT, TABLES, TRANSACTIONS, USER, equal, run_all, version

# libpq of the driver finds the certificate in PGSSLROOTCERT.
URL = f"sdbc:postgresql:host={HOST} port={PORT} dbname={DATABASE} sslmode=verify-full"
STARTED_SECONDS_MAX = 90


def office():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    end = time.monotonic() + STARTED_SECONDS_MAX
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={os.environ['PIPE']};urp;StarOffice.ComponentContext")
        except NoConnectException:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


CONTEXT = office()


def make(name):
    return CONTEXT.ServiceManager.createInstanceWithContext(name, CONTEXT)


def setting(name, value):
    return PropertyValue(Name=name, Value=value)


def connect():
    return make("com.sun.star.sdbc.DriverManager").getConnectionWithInfo(URL, (setting("user", USER), setting("password", PASSWORD)))


def rows(found, *getters):
    values = []
    while found.next():
        values.append(tuple(getattr(found, getter)(at) for at, getter in enumerate(getters, 1)))
    return values


def the_server_is_described(db):
    about = db.getMetaData()
    equal(about.getDatabaseProductName(), "PostgreSQL")
    assert about.getDatabaseProductVersion().startswith("16."), about.getDatabaseProductVersion()
    found = [row[0] for row in rows(about.getSchemas(), "getString")]
    equal([name for name in ("chain", "ergo") if name not in found], [])
    rows(about.getTableTypes(), "getString")
    assert len(rows(about.getTypeInfo(), "getString")) > 20


def tables_columns_and_keys_are_listed(db):
    about = db.getMetaData()
    found = rows(about.getTables(None, "chain", "%", ("TABLE",)), "getString", "getString", "getString")
    equal(sorted(row[2] for row in found), TABLES)
    columns = rows(about.getColumns(None, "chain", "transactions", "%"), *["getString"] * 4)
    assert len(columns) > 20, columns
    keys = rows(about.getPrimaryKeys(None, "chain", "logs"), *["getString"] * 4)
    equal([row[3] for row in keys], ["block_number", "log_index"])
    rows(about.getImportedKeys(None, "chain", "logs"), *["getString"] * 8)
    rows(about.getIndexInfo(None, "chain", "transactions", False, False), *["getString"] * 6)
    rows(about.getTablePrivileges(None, "chain", "blocks"), *["getString"] * 3)


def a_query_gives_rows(db):
    statement = db.createStatement()
    equal(rows(statement.executeQuery("SELECT count(*) FROM chain.transactions"), "getLong"), [(TRANSACTIONS,)])
    found = statement.executeQuery("SELECT number, gas_used, timestamp, difficulty FROM chain.blocks ORDER BY number LIMIT 3")
    about = found.getMetaData()
    equal([about.getColumnName(at) for at in range(1, 5)], ["number", "gas_used", "timestamp", "difficulty"])
    found = rows(found, "getLong", "getLong", "getTimestamp", "getString")
    equal([row[0] for row in found], [0, 1, 2])


def parameters_are_bound(db):
    statement = db.prepareStatement("SELECT number FROM chain.blocks WHERE number > ? ORDER BY number LIMIT 2")
    statement.setLong(1, 7)
    equal(rows(statement.executeQuery(), "getLong"), [(8,), (9,)])


def an_error_is_reported(db):
    try:
        db.createStatement().executeQuery("SELECT nope FROM chain.blocks")
    except SQLException as error:
        assert "nope" in error.Message, error.Message
    else:
        raise AssertionError("an unknown column was accepted")


def a_database_document_shows_tables(_db):
    source = make("com.sun.star.sdb.DatabaseContext").createInstance()
    source.URL, source.User, source.Password = URL, USER, PASSWORD
    source.DatabaseDocument.storeAsURL(f"file://{os.environ['WORK']}/demo.odb", ())
    db = source.getConnection(USER, PASSWORD)
    names = [name for name in db.getTables().getElementNames() if name.startswith("chain.")]
    equal(sorted(names), [f"chain.{name}" for name in TABLES])
    columns = db.getTables().getByName("chain.blocks").getColumns()
    assert columns.hasByName("hash") and columns.hasByName("timestamp")
    keys = db.getTables().getByName("chain.logs").getKeys()
    assert keys.getCount() >= 1, keys.getCount()
    rowset = make("com.sun.star.sdb.RowSet")
    rowset.ActiveConnection, rowset.CommandType, rowset.Command = db, 0, "chain.blocks"
    rowset.execute()
    rowset.last()
    equal(rowset.getRow(), BLOCKS)
    db.close()


if __name__ == "__main__":
    product = make("com.sun.star.configuration.ConfigurationProvider").createInstanceWithArguments(
        "com.sun.star.configuration.ConfigurationAccess", (setting("nodepath", "/org.openoffice.Setup/Product"),))
    version(f"{product.getByName('ooSetupVersionAboutBox')}")
    try:
        run_all([the_server_is_described, tables_columns_and_keys_are_listed, a_query_gives_rows, parameters_are_bound,
                 an_error_is_reported, a_database_document_shows_tables], connect)
    finally:
        make("com.sun.star.frame.Desktop").terminate()
