import java.sql.*;
import java.util.*;

/** Connects, lists and queries as BI tools do: metadata without a catalog filter, prepared statements, all result types. */
public class Jdbc {
    static List<String> column(ResultSet r, String name) throws SQLException {
        List<String> out = new ArrayList<>();
        while (r.next()) out.add(r.getString(name));
        return out;
    }

    static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.setProperty("user", "jdbc");
        try (Connection c = DriverManager.getConnection(args[0], p)) {
            DatabaseMetaData m = c.getMetaData();
            check(m.getDatabaseProductName().equals("Trino"), "product");
            check(m.getDatabaseProductVersion().startsWith("483"), "version " + m.getDatabaseProductVersion());
            check(c.isValid(5), "isValid");
            check(column(m.getCatalogs(), "TABLE_CAT").containsAll(List.of("iceberg", "system", "tpch")), "catalogs");
            check(column(m.getSchemas("tpch", null), "TABLE_SCHEM").contains("tiny"), "schemas");
            check(column(m.getTables("tpch", "tiny", "%", null), "TABLE_NAME").contains("lineitem"), "tables");
            check(column(m.getTables(null, null, "nation", null), "TABLE_NAME").contains("nation"), "tables without a catalog");
            check(column(m.getColumns("tpch", "tiny", "nation", "%"), "COLUMN_NAME")
                .equals(List.of("nationkey", "name", "regionkey", "comment")), "columns");
            check(column(m.getTypeInfo(), "TYPE_NAME").contains("bigint"), "types");
            check(!column(m.getTableTypes(), "TABLE_TYPE").isEmpty(), "table types");
            m.getProcedures(null, null, "%").close();
            try (Statement s = c.createStatement()) {
                s.execute("CREATE SCHEMA IF NOT EXISTS iceberg.jdbc");
                s.execute("DROP TABLE IF EXISTS iceberg.jdbc.t");
                s.execute("CREATE TABLE iceberg.jdbc.t (i integer, b bigint, d decimal(10,2), f double, s varchar, x date, ts timestamp(6))");
                check(s.executeUpdate("INSERT INTO iceberg.jdbc.t VALUES (1, 2, 3.25, 4.5, 'five', DATE '2024-01-06', "
                    + "TIMESTAMP '2024-01-07 08:09:10.123456')") == 1, "update count");
            }
            try (PreparedStatement s = c.prepareStatement("SELECT * FROM iceberg.jdbc.t WHERE i = ? AND s = ?")) {
                s.setInt(1, 1);
                s.setString(2, "five");
                try (ResultSet r = s.executeQuery()) {
                    check(r.next() && r.getInt(1) == 1 && r.getLong(2) == 2 && r.getBigDecimal(3).toString().equals("3.25")
                        && r.getDouble(4) == 4.5 && r.getString(5).equals("five") && r.getDate(6).toString().equals("2024-01-06")
                        && r.getTimestamp(7).toString().equals("2024-01-07 08:09:10.123456"), "values");
                    check(!r.next(), "one row");
                }
            }
            try (Statement s = c.createStatement();
                 ResultSet r = s.executeQuery("SELECT ARRAY[1, 2], MAP(ARRAY['a'], ARRAY[1]), ROW(1, 'x'), true, X'00ff', "
                     + "INTERVAL '2' DAY, NULL, real '1.5', char 'ab', uuid '12151fd2-7586-11e9-8f9e-2a86e4085a59'")) {
                check(r.next(), "all types");
                for (int i = 1; i <= 10; i++) r.getObject(i);
            }
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT * FROM tpch.tiny.lineitem")) {
                int n = 0;
                while (r.next()) n++;
                check(n == 60175, "60175 rows");
            }
            try (Statement s = c.createStatement()) {
                s.executeQuery("SELECT nosuch FROM tpch.tiny.nation");
                check(false, "error expected");
            } catch (SQLException e) {
                check(e.getErrorCode() == 47 && e.getMessage().contains("line 1:8"), "error " + e.getErrorCode());
            }
        }
    }
}
