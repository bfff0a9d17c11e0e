"""Superset: connect, browse, SQL Lab, a dataset and two charts, all through its REST API."""
import json
import logging
import warnings
from importlib.metadata import version as package_version

from checks import BLOCKS, DATABASE, HOST, PASSWORD, PORT, ROOT_CERTIFICATE, TABLES, TRANSACTIONS, USER, equal, run_all, version

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
version(package_version("apache-superset"))

from superset.app import create_app  # noqa: E402

URI = f"postgresql+psycopg2://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}?sslmode=verify-full&sslrootcert={ROOT_CERTIFICATE}"


class Api:
    """A signed-in client of the application; ids of what was made are kept between checks."""

    made = {}
    app = create_app()

    def __init__(self):
        self.client = self.app.test_client()
        login = {"username": "admin", "password": "admin", "provider": "db", "refresh": True}
        self.headers = {"Authorization": "Bearer " + self.call("post", "security/login", login)["access_token"]}

    def call(self, method, path, body=None):
        answer = getattr(self.client, method)(f"/api/v1/{path}", json=body, headers=getattr(self, "headers", None))
        if answer.status_code >= 300:
            raise AssertionError(f"{path}: {answer.status_code} {answer.get_data(as_text=True)[:500]}")
        return answer.get_json()

    def sql(self, sql, limit=1000):
        # SQL Lab puts its own limit in place of that of the statement.
        body = {"database_id": self.made["database"], "sql": sql, "schema": "chain", "runAsync": False, "queryLimit": limit, "client_id": str(len(sql))[:11]}
        return self.call("post", "sqllab/execute/", body)["data"]

    def chart(self, query):
        body = {"datasource": {"id": self.made["dataset"], "type": "table"}, "queries": [query], "result_format": "json", "result_type": "full"}
        return self.call("post", "chart/data", body)["result"][0]["data"]

    def close(self):
        pass


def a_connection_is_tested_and_made(api):
    api.call("post", "database/test_connection/", {"sqlalchemy_uri": URI, "database_name": "ergosql"})
    made = api.call("post", "database/", {"database_name": "ergosql", "sqlalchemy_uri": URI, "expose_in_sqllab": True})
    Api.made["database"] = made["id"]


def schemas_tables_and_columns_are_browsed(api):
    database = f"database/{api.made['database']}"
    schemas = api.call("get", f"{database}/schemas/")["result"]
    equal([name for name in ("chain", "ergo", "information_schema") if name not in schemas], [])
    tables = api.call("get", f"{database}/tables/?q=(schema_name:chain,force:!t)")["result"]
    equal(sorted(table["value"] for table in tables), TABLES)
    about = api.call("get", f"{database}/table_metadata/?name=transactions&schema=chain")
    assert len(about["columns"]) > 20, about
    equal([key["column_names"] for key in about["foreignKeys"]], [["block_number"]])
    assert api.call("get", f"{database}/select_star/blocks/chain/")["result"].startswith("SELECT"), "no statement"


def sql_lab_runs_statements(api):
    equal(api.sql("SELECT count(*) AS n FROM blocks"), [{"n": BLOCKS}])
    rows = api.sql("SELECT block_number, count(*) AS n, max(value) AS most FROM transactions GROUP BY 1 ORDER BY 2 DESC, 1", limit=5)
    equal(len(rows), 5)
    equal(api.sql("WITH t AS (SELECT number, gas_used FROM blocks WHERE number < 10) SELECT sum(gas_used) > 0 AS used FROM t"), [{"used": True}])
    try:
        api.sql("SELECT nope FROM blocks")
    except AssertionError as error:
        assert 'column \\"nope\\" does not exist' in str(error) or "nope" in str(error), error
    else:
        raise AssertionError("an unknown column was accepted")


def statements_are_explained(api):
    equal(list(api.sql("EXPLAIN SELECT * FROM blocks")[0]), ["QUERY PLAN"])


def a_dataset_is_made(api):
    made = api.call("post", "dataset/", {"database": api.made["database"], "schema": "chain", "table_name": "transactions"})
    Api.made["dataset"] = made["id"]
    columns = api.call("get", f"dataset/{made['id']}")["result"]["columns"]
    types = {column["column_name"]: column["type"] for column in columns}
    equal((types["block_number"], types["hash"], types["value"]), ("BIGINT", "BYTEA", "NUMERIC(78, 0)"))
    equal([column["column_name"] for column in columns if column["is_dttm"]], ["block_timestamp"])


def a_chart_by_category_has_data(api):
    metric = {"expressionType": "SIMPLE", "column": {"column_name": "gas"}, "aggregate": "SUM", "label": "gas"}
    rows = api.chart({"columns": ["transaction_type"], "metrics": [metric, "count"], "orderby": [["count", False]], "row_limit": 10})
    equal(sum(row["count"] for row in rows), TRANSACTIONS)


def a_chart_over_time_has_data(api):
    for grain in ("PT1S", "PT1M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"):
        query = {"columns": [{"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "block_timestamp", "label": "block_timestamp", "expressionType": "SQL"}],
                 "metrics": ["count"], "filters": [{"col": "block_timestamp", "op": "TEMPORAL_RANGE", "val": "2001-01-01 : 2101-01-01"}], "row_limit": 50_000}
        equal(sum(row["count"] for row in api.chart(query)), TRANSACTIONS)


def a_chart_is_saved(api):
    params = {"datasource": f"{api.made['dataset']}__table", "viz_type": "table", "query_mode": "raw", "all_columns": ["hash", "value"], "row_limit": 10}
    made = api.call("post", "chart/", {"slice_name": "newest", "viz_type": "table", "datasource_id": api.made["dataset"], "datasource_type": "table", "params": json.dumps(params)})
    equal(api.call("get", f"chart/{made['id']}")["result"]["slice_name"], "newest")
    rows = api.chart({"columns": ["block_number", "transaction_index", "value"], "metrics": [], "orderby": [["block_number", False]], "row_limit": 10})
    equal(len(rows), 10)


def values_of_a_filter_are_listed(api):
    values = api.call("get", f"datasource/table/{api.made['dataset']}/column/block_number/values/")["result"]
    assert len(values) > 100, len(values)


if __name__ == "__main__":
    # No application context around the checks: each request makes its own, as in the server, or they would share one user.
    run_all([a_connection_is_tested_and_made, schemas_tables_and_columns_are_browsed, sql_lab_runs_statements,
             statements_are_explained, a_dataset_is_made, a_chart_by_category_has_data,
             a_chart_over_time_has_data, a_chart_is_saved, values_of_a_filter_are_listed], Api)
