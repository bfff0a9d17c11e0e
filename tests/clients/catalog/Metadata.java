// Calls every method of DatabaseMetaData that asks the server, with and without patterns. Server from libpq's variables.
import java.lang.reflect.Method;
import java.sql.*;
import java.util.*;

public class Metadata {
    static void read(String name, ResultSet rows) throws SQLException {
        while (rows.next()) { }
        rows.close();
    }

    interface Call { ResultSet run() throws SQLException; }

    static void ask(String name, Call call) {
        try {
            read(name, call.run());
        } catch (SQLException | RuntimeException error) {
            System.err.println("note: " + name + ": " + error.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> server = System.getenv();
        String url = "jdbc:postgresql://" + server.get("PGHOST") + ":" + server.get("PGPORT") + "/" + server.get("PGDATABASE");
        try (Connection db = DriverManager.getConnection(url + "?sslmode=disable", server.get("PGUSER"), "none")) {
            DatabaseMetaData about = db.getMetaData();
            // Methods without parameters: limits, keywords, lists of functions.
            for (Method method : DatabaseMetaData.class.getMethods()) {
                if (method.getParameterCount() == 0) {
                    try {
                        Object answer = method.invoke(about);
                        if (answer instanceof ResultSet) read(method.getName(), (ResultSet) answer);
                    } catch (ReflectiveOperationException error) {
                        System.err.println("note: " + method.getName() + ": " + error.getCause());
                    }
                }
            }
            ask("getSchemas", () -> about.getSchemas(null, "ch%"));
            for (String schema : new String[] {null, "chain", "pg_catalog"}) {
                ask("getTables", () -> about.getTables(null, schema, "%", null));
                ask("getTables", () -> about.getTables(null, schema, "b%", new String[] {"TABLE", "VIEW", "SYSTEM TABLE"}));
                ask("getColumns", () -> about.getColumns(null, schema, "%s", "%"));
                ask("getFunctions", () -> about.getFunctions(null, schema, "array%"));
                ask("getFunctionColumns", () -> about.getFunctionColumns(null, schema, "array_a%", "%"));
                ask("getProcedures", () -> about.getProcedures(null, schema, "array%"));
                ask("getProcedureColumns", () -> about.getProcedureColumns(null, schema, "array_a%", null));
                ask("getTablePrivileges", () -> about.getTablePrivileges(null, schema, "b%"));
                ask("getUDTs", () -> about.getUDTs(null, schema, "%", null));
            }
            for (String table : new String[] {"blocks", "transactions", "logs"}) {
                for (String schema : new String[] {null, "chain"}) {
                    ask("getColumnPrivileges", () -> about.getColumnPrivileges(null, schema, table, "%"));
                    ask("getBestRowIdentifier", () -> about.getBestRowIdentifier(null, schema, table, 2, true));
                    ask("getVersionColumns", () -> about.getVersionColumns(null, schema, table));
                    ask("getPrimaryKeys", () -> about.getPrimaryKeys(null, schema, table));
                    ask("getImportedKeys", () -> about.getImportedKeys(null, schema, table));
                    ask("getExportedKeys", () -> about.getExportedKeys(null, schema, table));
                    ask("getCrossReference", () -> about.getCrossReference(null, schema, table, null, schema, "logs"));
                    ask("getIndexInfo", () -> about.getIndexInfo(null, schema, table, false, true));
                    ask("getIndexInfo", () -> about.getIndexInfo(null, schema, table, true, false));
                }
            }
            ask("getSuperTypes", () -> about.getSuperTypes(null, null, "%"));
            ask("getAttributes", () -> about.getAttributes(null, null, "%", "%"));
            db.getTypeMap();
            try (Statement statement = db.createStatement()) {
                ResultSet rows = statement.executeQuery("SELECT b.*, t.value FROM chain.blocks b JOIN chain.transactions t ON t.block_number = b.number LIMIT 1");
                ResultSetMetaData columns = rows.getMetaData();
                for (int at = 1; at <= columns.getColumnCount(); at++) {
                    columns.getTableName(at);
                    columns.getSchemaName(at);
                    columns.getColumnClassName(at);
                    columns.isAutoIncrement(at);
                    columns.isNullable(at);
                    columns.getColumnTypeName(at);
                }
                rows = statement.executeQuery("SELECT relacl, typinput, t.oid::regtype FROM pg_class c JOIN pg_type t ON t.oid = c.reltype LIMIT 1");
                for (int at = 1; at <= rows.getMetaData().getColumnCount(); at++) rows.getMetaData().getColumnTypeName(at);
                while (rows.next()) for (int at = 1; at <= 3; at++) rows.getObject(at);
            }
            db.isValid(5);
            db.setReadOnly(true);
            db.getTransactionIsolation();
        }
    }
}
