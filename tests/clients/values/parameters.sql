-- Statements with parameters of undeclared types; values.py compares ParameterDescription and RowDescription.
SELECT $1
SELECT $1::int
SELECT $1 + 1
SELECT $1 + 1.5
SELECT $1 || 'x'
SELECT 'x' || $1
SELECT i + $1 FROM v
SELECT n * $1 FROM v
SELECT l / $1 FROM v
SELECT d - $1 FROM v
SELECT id FROM v WHERE i = $1
SELECT id FROM v WHERE l > $1 AND s < $2
SELECT id FROM v WHERE t = $1 OR vc = $2
SELECT id FROM v WHERE dt >= $1 AND ts < $2 AND tz <> $3 AND tm = $4
SELECT id FROM v WHERE iv > $1
SELECT id FROM v WHERE by = $1 AND ui = $2 AND b = $3
SELECT id FROM v WHERE n BETWEEN $1 AND $2
SELECT id FROM v WHERE i IN ($1, $2, 3)
SELECT id FROM v WHERE i = ANY ($1)
SELECT id FROM v WHERE t = ANY ($1) AND dt <> ALL ($2)
SELECT id FROM v WHERE $1 = ANY (ARRAY[1, 2])
SELECT id FROM w WHERE $1 = ANY (a)
SELECT id FROM w WHERE a @> $1
SELECT id FROM w WHERE a = $1
SELECT id FROM v WHERE t LIKE $1
SELECT id FROM v WHERE t ILIKE $1 OR t ~ $2
SELECT id FROM v WHERE t SIMILAR TO $1
SELECT id FROM v WHERE b = $1 OR $2
SELECT id FROM v WHERE NOT $1
SELECT id FROM v WHERE (i, s) = ($1, $2)
SELECT id FROM v WHERE (i, t) IN (($1, $2), ($3, $4))
SELECT id FROM v WHERE i = (SELECT max(x) FROM w WHERE k = $1)
SELECT id FROM v WHERE id IN (SELECT v_id FROM w WHERE x > $1)
SELECT id FROM v LIMIT $1 OFFSET $2
SELECT id FROM v ORDER BY id FETCH FIRST $1 ROWS ONLY
SELECT id FROM v LIMIT $1 + 1
SELECT coalesce($1, i), coalesce(t, $2), nullif(i, $3), greatest(n, $4) FROM v
SELECT CASE WHEN $1 THEN i ELSE $2 END, CASE i WHEN $3 THEN $4 ELSE 'x' END FROM v
SELECT $1::date + 1, $2::timestamp, $3::numeric, $4::text[], $5::boolean
SELECT CAST($1 AS bigint), CAST($2 AS varchar(5)), CAST($3 AS double precision)
SELECT dt + $1 FROM v
SELECT ts + $1 FROM v
SELECT ts - $1 FROM v
SELECT tz - $1 FROM v
SELECT dt - $1 FROM v
SELECT iv * $1 FROM v
SELECT length($1), upper($2), substr($3, $4, $5), left($6, $7)
SELECT replace(t, $1, $2), split_part(t, $3, $4), lpad(t, $5, $6) FROM v
SELECT round(n, $1), power(d, $2), abs($3), mod(i, $4) FROM v
SELECT date_trunc($1, ts), extract(year FROM $2::date), date_part($3, dt) FROM v
SELECT to_char(ts, $1), to_date($2, $3), to_timestamp($4) FROM v
SELECT make_date($1, $2, $3)
SELECT array_length($1::int[], 1), $2 = ANY ($1)
SELECT a[$1], a || $2 FROM w
SELECT unnest($1::int[])
SELECT * FROM unnest($1::int[], $2::text[]) AS t(a, b)
SELECT * FROM generate_series($1, $2)
SELECT * FROM generate_series($1::int, 10)
SELECT * FROM generate_series(1, $1::bigint, $2)
SELECT generate_series(1, $1)
SELECT count(*) FILTER (WHERE i > $1) FROM v
SELECT string_agg(t, $1) FROM v
SELECT sum(i * $1) FROM v
SELECT lag(i, $1, $2) OVER (ORDER BY id) FROM v
SELECT t, count(*) FROM v GROUP BY t HAVING count(*) > $1
SELECT v.id FROM v JOIN w ON w.v_id = v.id AND w.k = $1
SELECT v.id, l.k FROM v, LATERAL (SELECT k FROM w WHERE w.v_id = v.id AND x > $1 LIMIT $2) l
SELECT id FROM v WHERE EXISTS (SELECT 1 FROM w WHERE w.v_id = v.id AND w.x = $1)
SELECT id, (SELECT count(*) FROM w WHERE w.v_id = v.id AND x < $1) FROM v
SELECT i FROM v UNION SELECT $1
SELECT $1 UNION SELECT 'a'
VALUES ($1, 1), ('a', $2)
WITH q AS (SELECT i FROM v WHERE i > $1) SELECT * FROM q WHERE i < $2
SELECT $1 IS NULL
SELECT $1 IS NULL, i = $1 FROM v
SELECT $1::int, $1 + 1
SELECT $1, $1::text
SELECT $2::int
SELECT i = $1 AND l = $1 FROM v
SELECT number FROM chain.blocks WHERE number = $1
SELECT number FROM chain.blocks WHERE timestamp BETWEEN $1 AND $2
SELECT number FROM chain.blocks WHERE hash = $1 OR miner = ANY ($2)
SELECT hash FROM chain.transactions WHERE value > $1 AND gas < $2
SELECT j -> $1, j ->> $2, j @> $3 FROM v
SELECT id FROM v WHERE i IS DISTINCT FROM $1
SELECT id FROM v WHERE $1 < i AND $2 LIKE t
SELECT concat($1, $2), format($3, $4), $5 || $6
SELECT row_number() OVER (ORDER BY i + $1) FROM v
SELECT id FROM v ORDER BY i + $1
SELECT -$1, +$2
SELECT not $1 and true
SELECT $1 = $2
SELECT $1 > 5, $2 = 'a', $3 = true, $4 < now()
SELECT ARRAY[$1, $2], ARRAY[1, $3]
SELECT id FROM v WHERE i + $1 > 5 AND l * $2 < n
SELECT date_trunc('day', ts) FROM v WHERE ts > $1::timestamp - interval '1 day'
SELECT id FROM v WHERE ts > now() - $1::interval
SELECT id FROM v WHERE lower(t) = lower($1)
SELECT id FROM v WHERE t = $1::varchar
SELECT (SELECT $1)
SELECT ARRAY(SELECT id FROM v WHERE i > $1)
SELECT id FROM v WHERE i >= ALL (SELECT x FROM w WHERE k = $1)
