// pgjdbc: DatabaseMetaData over the chain, prepared statements, fetch size, batches, COPY, cancel.
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.*;
import org.postgresql.PGConnection;

public class Test {
    interface Check { void run(Connection db) throws Exception; }

    static final int BLOCKS = 301;
    static final List<String> TABLES =
        List.of("blocks", "logs", "receipts", "token_transfers", "transactions", "withdrawals");
    static boolean failed;

    static Connection connect(String... extra) throws SQLException {
        var properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("ssl", "true");
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        for (int at = 0; at < extra.length; at += 2) properties.setProperty(extra[at], extra[at + 1]);
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
            + "/" + System.getenv("PGDATABASE"), properties);
    }

    static void equal(Object found, Object expected) {
        if (!Objects.equals(found, expected)) throw new AssertionError("found " + found + ", expected " + expected);
    }

    static void check(String name, Check check) {
        try (var db = connect()) {
            check.run(db);
            System.out.println("ok " + name);
        } catch (Throwable error) {
            failed = true;
            var text = String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
            System.out.println("FAIL " + name + ": " + error.getClass().getSimpleName() + ": "
                + text.substring(0, Math.min(500, text.length())));
        }
    }

    /** Column `column` of every row; reads all columns, as tools do. */
    static List<String> column(ResultSet rows, String column) throws SQLException {
        var found = new ArrayList<String>();
        int count = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            for (int at = 1; at <= count; at++) rows.getObject(at);
            found.add(rows.getString(column));
        }
        return found;
    }

    static void metaData(Connection db) throws SQLException {
        var meta = db.getMetaData();
        equal(meta.getDatabaseProductName(), "PostgreSQL");
        equal(column(meta.getTables(null, "chain", "%", new String[] {"TABLE"}), "TABLE_NAME"), TABLES);
        if (!column(meta.getSchemas(), "TABLE_SCHEM").contains("chain")) throw new AssertionError("no schema chain");
        equal(column(meta.getCatalogs(), "TABLE_CAT").contains(db.getCatalog()), true);
        column(meta.getTableTypes(), "TABLE_TYPE");
        column(meta.getTypeInfo(), "TYPE_NAME");
    }

    static void metaDataOfEachTable(Connection db) throws SQLException {
        var meta = db.getMetaData();
        for (var table : TABLES) {
            if (column(meta.getColumns(null, "chain", table, "%"), "COLUMN_NAME").isEmpty()) throw new AssertionError(table);
            if (column(meta.getPrimaryKeys(null, "chain", table), "COLUMN_NAME").isEmpty())
                throw new AssertionError(table + " has no primary key");
            column(meta.getIndexInfo(null, "chain", table, false, true), "INDEX_NAME");
            column(meta.getImportedKeys(null, "chain", table), "FK_NAME");
            column(meta.getExportedKeys(null, "chain", table), "FK_NAME");
            column(meta.getBestRowIdentifier(null, "chain", table, DatabaseMetaData.bestRowSession, true), "COLUMN_NAME");
            column(meta.getTablePrivileges(null, "chain", table), "PRIVILEGE");
            column(meta.getColumnPrivileges(null, "chain", table, "%"), "PRIVILEGE");
            column(meta.getVersionColumns(null, "chain", table), "COLUMN_NAME");
        }
        column(meta.getCrossReference(null, "chain", "blocks", null, "chain", "logs"), "FK_NAME");
    }

    static void metaDataOfRoutinesAndWords(Connection db) throws SQLException {
        var meta = db.getMetaData();
        column(meta.getFunctions(null, "pg_catalog", "array_%"), "FUNCTION_NAME");
        column(meta.getFunctionColumns(null, "pg_catalog", "array_upper", "%"), "COLUMN_NAME");
        column(meta.getProcedures(null, null, "%"), "PROCEDURE_NAME");
        column(meta.getProcedureColumns(null, null, "%", "%"), "COLUMN_NAME");
        column(meta.getUDTs(null, null, "%", null), "TYPE_NAME");
        column(meta.getClientInfoProperties(), "NAME");
        equal(meta.getSQLKeywords().isEmpty(), false);
        equal(meta.getMaxColumnNameLength(), 63);
        equal(meta.getDefaultTransactionIsolation(), Connection.TRANSACTION_READ_COMMITTED);
    }

    static void resultMetaData(Connection db) throws SQLException {
        try (var rows = db.createStatement().executeQuery("SELECT number, hash, base_fee_per_gas FROM chain.blocks LIMIT 1")) {
            var meta = (org.postgresql.PGResultSetMetaData) rows.getMetaData();
            equal(meta.getBaseTableName(1), "blocks");
            equal(meta.getBaseSchemaName(1), "chain");
            equal(rows.getMetaData().isNullable(1), ResultSetMetaData.columnNoNulls);
            equal(rows.getMetaData().getColumnTypeName(2), "bytea");
        }
    }

    static void preparedStatements(Connection db) throws SQLException {
        var when = OffsetDateTime.of(2024, 1, 2, 3, 4, 5, 6000, ZoneOffset.UTC);
        try (var statement = db.prepareStatement("SELECT ?::int4, ?::int8, ?::text, ?::bool, ?::bytea, ?::numeric, ?::timestamptz, ?::float8")) {
            for (int run = 0; run < 12; run++) {
                statement.setInt(1, run);
                statement.setLong(2, 1L << 40);
                statement.setString(3, "é");
                statement.setBoolean(4, true);
                statement.setBytes(5, new byte[] {0, -1});
                statement.setBigDecimal(6, new BigDecimal("1.50"));
                statement.setObject(7, when);
                statement.setDouble(8, 1.5);
                try (var rows = statement.executeQuery()) {
                    rows.next();
                    equal(rows.getInt(1), run);
                    equal(rows.getLong(2), 1L << 40);
                    equal(rows.getString(3), "é");
                    equal(rows.getBoolean(4), true);
                    equal(Arrays.equals(rows.getBytes(5), new byte[] {0, -1}), true);
                    equal(rows.getBigDecimal(6), new BigDecimal("1.50"));
                    equal(rows.getObject(7, OffsetDateTime.class).toInstant(), when.toInstant());
                    equal(rows.getDouble(8), 1.5);
                }
            }
        }
        try (var statement = db.prepareStatement("SELECT count(*) FROM chain.blocks WHERE timestamp >= ? AND number = ANY(?)")) {
            statement.setTimestamp(1, new Timestamp(0));
            statement.setArray(2, db.createArrayOf("int8", new Long[] {1L, 2L}));
            try (var rows = statement.executeQuery()) { rows.next(); equal(rows.getLong(1), 2L); }
        }
        equal(db.prepareStatement("SELECT number FROM chain.blocks WHERE number = ?").getMetaData().getColumnCount(), 1);
        equal(db.prepareStatement("SELECT ?::int4 + ?").getParameterMetaData().getParameterCount(), 2);
    }

    static String hex(byte[] bytes) {
        return bytes == null ? null : HexFormat.of().formatHex(bytes);
    }

    static void wholeTablesInTextAndBinary(Connection db) throws SQLException {
        for (var table : TABLES) {
            // Rows of some blocks in any order: no two columns of every table make one.
            var block = table.equals("blocks") ? "number" : "block_number";
            var found = new ArrayList<List<String>>();
            for (var binary : List.of("true", "false")) {
                try (var other = connect("binaryTransfer", binary, "prepareThreshold", "-1");
                     var rows = other.createStatement().executeQuery("SELECT * FROM chain." + table + " WHERE " + block + " < 30")) {
                    var all = new ArrayList<String>();
                    var meta = rows.getMetaData();
                    while (rows.next()) {
                        var row = new StringBuilder();
                        for (int at = 1; at <= meta.getColumnCount(); at++)
                            row.append(meta.getColumnType(at) == Types.BINARY ? hex(rows.getBytes(at)) : rows.getString(at)).append('|');
                        all.add(row.toString());
                    }
                    Collections.sort(all);
                    found.add(all);
                }
            }
            equal(found.get(0), found.get(1));
        }
    }

    static void fetchSize(Connection db) throws SQLException {
        db.setAutoCommit(false);
        try (var statement = db.prepareStatement("SELECT number FROM chain.blocks ORDER BY number")) {
            statement.setFetchSize(10);
            try (var rows = statement.executeQuery()) { equal(column(rows, "number").size(), BLOCKS); }
            statement.setFetchSize(0);
            statement.setMaxRows(5);
            try (var rows = statement.executeQuery()) { equal(column(rows, "number").size(), 5); }
        }
        db.commit();
    }

    static void transactionsAndErrors(Connection db) throws SQLException {
        db.setReadOnly(true);
        db.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        equal(db.getTransactionIsolation(), Connection.TRANSACTION_REPEATABLE_READ);
        db.setAutoCommit(false);
        var savepoint = db.setSavepoint("a");
        try {
            db.createStatement().executeQuery("SELECT 1/0");
            throw new AssertionError("no error");
        } catch (SQLException error) { equal(error.getSQLState(), "22012"); }
        db.rollback(savepoint);
        try (var rows = db.createStatement().executeQuery("SELECT 1")) { equal(rows.next(), true); }
        db.rollback();
        equal(db.isValid(5), true);
    }

    static void temporaryTableWithBatchAndCopy(Connection db) throws Exception {
        db.createStatement().execute("CREATE TEMPORARY TABLE t (a int, b text)");
        try (var statement = db.prepareStatement("INSERT INTO t VALUES (?, ?)")) {
            for (int n = 0; n < 100; n++) { statement.setInt(1, n); statement.setString(2, "n" + n); statement.addBatch(); }
            equal(statement.executeBatch().length, 100);
        }
        var copy = db.unwrap(PGConnection.class).getCopyAPI();
        equal(copy.copyIn("COPY t FROM STDIN WITH (FORMAT csv)", new StringReader("100,x\n101,y\n")), 2L);
        try (var rows = db.createStatement().executeQuery("SELECT count(*), sum(a) FROM t")) {
            rows.next();
            equal(rows.getLong(1), 102L);
            equal(rows.getLong(2), 5151L);
        }
    }

    static void copyOut(Connection db) throws Exception {
        var out = new StringWriter();
        equal(db.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (SELECT number FROM chain.blocks) TO STDOUT", out), (long) BLOCKS);
    }

    static void timeoutCancels(Connection db) throws SQLException {
        try (var statement = db.createStatement()) {
            statement.setQueryTimeout(1);
            statement.executeQuery("SELECT count(*) FROM generate_series(1,1000000) a, generate_series(1,1000000) b");
            throw new AssertionError("no timeout");
        } catch (SQLException error) { equal(error.getSQLState(), "57014"); }
        equal(db.isValid(5), true);
    }

    static void simpleMode(Connection unused) throws SQLException {
        try (var db = connect("preferQueryMode", "simple"); var statement = db.prepareStatement("SELECT ?, count(*) FROM chain.blocks WHERE number >= ?")) {
            statement.setString(1, "it's");
            statement.setLong(2, 1);
            try (var rows = statement.executeQuery()) { rows.next(); equal(rows.getLong(2), BLOCKS - 1L); }
        }
    }

    public static void main(String[] arguments) {
        System.out.println("version " + org.postgresql.util.DriverInfo.DRIVER_VERSION);
        check("database metadata", Test::metaData);
        check("metadata of each table", Test::metaDataOfEachTable);
        check("metadata of routines and words", Test::metaDataOfRoutinesAndWords);
        check("result metadata names its table", Test::resultMetaData);
        check("prepared statements", Test::preparedStatements);
        check("whole tables in text and binary", Test::wholeTablesInTextAndBinary);
        check("fetch size and max rows", Test::fetchSize);
        check("transactions and errors", Test::transactionsAndErrors);
        check("temporary table with batch and copy", Test::temporaryTableWithBatchAndCopy);
        check("copy out", Test::copyOut);
        check("timeout cancels", Test::timeoutCancels);
        check("simple query mode", Test::simpleMode);
        System.exit(failed ? 1 : 0);
    }
}
