// pgx: binary protocol, types, batches, cursors by COPY, pools, each query mode, cancel by context.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

const blocks = 301

var failed bool

func equal(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("found %v, expected %v", found, expected))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(name string, test func(context.Context, *pgx.Conn)) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	defer func() {
		if problem := recover(); problem != nil {
			failed = true
			fmt.Printf("FAIL %s: %.500s\n", name, strings.Join(strings.Fields(fmt.Sprint(problem)), " "))
			return
		}
		fmt.Println("ok", name)
	}()
	db, err := pgx.Connect(ctx, "")
	must(err)
	defer db.Close(ctx)
	test(ctx, db)
}

func roundTrip[T any](ctx context.Context, db *pgx.Conn, sqlType string, value T) {
	var found T
	must(db.QueryRow(ctx, "SELECT $1::"+sqlType, value).Scan(&found))
	equal(found, value)
}

func state(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return fmt.Sprint(err)
}

func main() {
	check("values of each type", func(ctx context.Context, db *pgx.Conn) {
		when := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
		roundTrip(ctx, db, "int2", int16(7))
		roundTrip(ctx, db, "int4", int32(-70000))
		roundTrip(ctx, db, "int8", int64(1)<<40)
		roundTrip(ctx, db, "bool", true)
		roundTrip(ctx, db, "text", "é")
		roundTrip(ctx, db, "bytea", []byte{0, 255})
		roundTrip(ctx, db, "float8", 1.5)
		roundTrip(ctx, db, "date", time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC))
		roundTrip(ctx, db, "int4[]", []int32{1, 2})
		roundTrip(ctx, db, "text[]", []string{"a", `b"`})
		var found time.Time
		must(db.QueryRow(ctx, "SELECT $1::timestamptz", when).Scan(&found))
		equal(found.UTC(), when)
		var number pgtype.Numeric
		must(db.QueryRow(ctx, "SELECT '123456789012345678901234567890.5'::numeric").Scan(&number))
		text, err := number.MarshalJSON()
		must(err)
		equal(string(text), "123456789012345678901234567890.5")
	})
	check("each query mode", func(ctx context.Context, db *pgx.Conn) {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
			pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
			for n := int64(0); n < 3; n++ {
				var number int64
				must(db.QueryRow(ctx, "SELECT number FROM chain.blocks WHERE number = $1", mode, n).Scan(&number))
				equal(number, n)
			}
		}
	})
	check("hashes as an array", func(ctx context.Context, db *pgx.Conn) {
		rows, err := db.Query(ctx, "SELECT hash FROM chain.blocks ORDER BY number LIMIT 3")
		must(err)
		hashes, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		must(err)
		var count int64
		must(db.QueryRow(ctx, "SELECT count(*) FROM chain.blocks WHERE hash = ANY($1)", hashes).Scan(&count))
		equal(count, int64(3))
	})
	check("a batch in one round trip", func(ctx context.Context, db *pgx.Conn) {
		batch := &pgx.Batch{}
		for n := 0; n < 50; n++ {
			batch.Queue("SELECT $1::int4 + 1", n)
		}
		results := db.SendBatch(ctx, batch)
		for n := 0; n < 50; n++ {
			var found int
			must(results.QueryRow().Scan(&found))
			equal(found, n+1)
		}
		must(results.Close())
	})
	check("transactions and savepoints", func(ctx context.Context, db *pgx.Conn) {
		tx, err := db.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
		must(err)
		inner, err := tx.Begin(ctx)
		must(err)
		_, err = inner.Exec(ctx, "SELECT 1/0")
		equal(state(err), "22012")
		must(inner.Rollback(ctx))
		_, err = tx.Exec(ctx, "SELECT 1")
		must(err)
		must(tx.Commit(ctx))
	})
	check("copy in and out", func(ctx context.Context, db *pgx.Conn) {
		var out bytes.Buffer
		tag, err := db.PgConn().CopyTo(ctx, &out, "COPY (SELECT number FROM chain.blocks) TO STDOUT")
		must(err)
		equal(tag.RowsAffected(), int64(blocks))
		_, err = db.Exec(ctx, "CREATE TEMP TABLE t (a int, b text)")
		must(err)
		count, err := db.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"},
			pgx.CopyFromRows([][]any{{int32(1), "x"}, {int32(2), nil}}))
		must(err)
		equal(count, int64(2))
	})
	check("notifications", func(ctx context.Context, db *pgx.Conn) {
		_, err := db.Exec(ctx, "LISTEN ergo_test")
		must(err)
		_, err = db.Exec(ctx, "SELECT pg_notify('ergo_test', 'hello')")
		must(err)
		notification, err := db.WaitForNotification(ctx)
		must(err)
		equal(notification.Payload, "hello")
	})
	check("types are loaded by name", func(ctx context.Context, db *pgx.Conn) {
		_, err := db.LoadType(ctx, "no_such_type")
		equal(err != nil, true)
		kind, err := db.LoadType(ctx, "_numeric")
		must(err)
		equal(kind.OID, uint32(1231))
	})
	check("a context that ends cancels", func(ctx context.Context, db *pgx.Conn) {
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		started := time.Now()
		_, err := db.Exec(short, "SELECT count(*) FROM generate_series(1,1000000) a, generate_series(1,1000000) b")
		equal(err != nil, true)
		equal(time.Since(started) < 5*time.Second, true)
	})
	check("a pool", func(ctx context.Context, _ *pgx.Conn) {
		pool, err := pgxpool.New(ctx, "")
		must(err)
		defer pool.Close()
		results := make(chan error, 40)
		for n := 0; n < 40; n++ {
			go func() {
				var found int
				err := pool.QueryRow(ctx, "SELECT $1::int4", n).Scan(&found)
				if err == nil && found != n {
					err = fmt.Errorf("found %d, expected %d", found, n)
				}
				results <- err
			}()
		}
		for n := 0; n < 40; n++ {
			must(<-results)
		}
	})
	if failed {
		os.Exit(1)
	}
}
