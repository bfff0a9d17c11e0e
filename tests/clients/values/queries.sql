-- Statements over temp tables with all common types, and over chain tables, one a line. values.py runs each
-- on both servers. Lines before the first SELECT make the tables.
CREATE TEMP TABLE v (id int PRIMARY KEY, s smallint, i int, l bigint, n numeric(12,3), u numeric, r real, d double precision, t text, vc varchar(10), b boolean, dt date, ts timestamp, tz timestamptz, tm time, iv interval, by bytea, j jsonb, ui uuid)
INSERT INTO v VALUES (1, 1, 10, 100, 1.5, 2.25, 1.5, 2.5, 'alpha', 'one', true, '2024-01-15', '2024-01-15 10:20:30', '2024-01-15 10:20:30+00', '10:20:30', '1 day 02:03:04', '\x0102', '{"a": 1, "b": [1, 2, 3]}', '11111111-1111-1111-1111-111111111111')
INSERT INTO v VALUES (2, -2, -20, -200, -2.125, 1, -0.25, 1e10, 'Beta', 'two', false, '2024-02-29', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.5+00', '23:59:59.5', '-3 days', '\xff', '{"a": null, "c": "x"}', '22222222-2222-2222-2222-222222222222')
INSERT INTO v VALUES (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
INSERT INTO v VALUES (4, 4, 40, 400, 1000.001, 3.333, 'Infinity', 'NaN', '', '', true, '1999-12-31', '1999-12-31 00:00:00', '1999-12-31 00:00:00+00', '00:00:00', '1 year 2 mons', '\x', '[1, "two", {"k": true}]', '44444444-4444-4444-4444-444444444444')
INSERT INTO v VALUES (5, 5, 50, 500, 0.000, 100, 0, -1.5, 'a_b%c', 'five', false, '2024-01-15', '2024-01-15 00:00:00', '2024-06-15 12:00:00+00', '12:00:00', '00:00:00.5', '\x00ff', '"text"', '55555555-5555-5555-5555-555555555555')
INSERT INTO v VALUES (6, 6, 10, 7, 1.500, 2.250, 1.5, 2.5, 'alpha beta gamma', 'six', NULL, '2025-07-04', '2025-07-04 04:05:06', '2025-07-04 04:05:06+00', '04:05:06', '1 mon -1 days +02:00:00', '\x616263', '12.5', '66666666-6666-6666-6666-666666666666')
CREATE TEMP TABLE w (id int, v_id int, k text, x int, a int[], ta text[])
INSERT INTO w VALUES (1, 1, 'p', 5, '{1,2,3}', '{a,b}'), (2, 1, 'q', 7, '{}', '{}'), (3, 2, 'p', NULL, NULL, NULL), (4, 9, 'r', 9, '{4,NULL,6}', '{"x y",NULL,""}'), (5, NULL, 's', 1, '{1}', '{c}')
CREATE TEMP TABLE emp (name text, dept text, salary numeric(10,2), hired date, boss text)
INSERT INTO emp VALUES ('ann', 'eng', 5200.00, '2020-01-10', NULL), ('bob', 'eng', 4200.50, '2021-03-15', 'ann'), ('cid', 'ops', 3900.00, '2019-07-01', 'ann'), ('dan', 'ops', 3900.00, '2022-11-30', 'cid'), ('eve', 'hr', 4500.25, '2020-01-10', 'ann'), ('fay', NULL, NULL, '2023-05-05', 'eve')
-- Quantified comparisons over arrays.
SELECT id FROM v WHERE i = ANY (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i = ANY ('{10,40}') ORDER BY id
SELECT id FROM v WHERE i = ANY ('{10,40}'::int[]) ORDER BY id
SELECT id FROM v WHERE i <> ALL (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i > ANY (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i >= ALL (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i < ALL (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i <= SOME (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE i <> ANY (ARRAY[10, 40]) ORDER BY id
SELECT id FROM v WHERE NOT i = ANY (ARRAY[10, NULL]) ORDER BY id
SELECT id, i = ANY (ARRAY[10, NULL]) FROM v ORDER BY id
SELECT id, i <> ALL (ARRAY[10, NULL]) FROM v ORDER BY id
SELECT id, 1 = ANY (a), 4 = ANY (a), 1 = ALL (a) FROM w ORDER BY id
SELECT id, 2 < ANY (a), 2 > ALL (a) FROM w ORDER BY id
SELECT id FROM v WHERE t = ANY (ARRAY['alpha', 'Beta']) ORDER BY id
SELECT id FROM v WHERE t LIKE ANY (ARRAY['al%', 'B%']) ORDER BY id
SELECT id FROM v WHERE t NOT LIKE ALL (ARRAY['al%', 'B%']) ORDER BY id
SELECT id FROM v WHERE t ILIKE ANY ('{AL%,b%}') ORDER BY id
SELECT id FROM v WHERE t ~ ANY (ARRAY['^a', 'a$']) ORDER BY id
SELECT id FROM v WHERE t = ANY (string_to_array('alpha,Beta', ',')) ORDER BY id
SELECT id FROM v WHERE dt = ANY (ARRAY['2024-01-15', '1999-12-31']::date[]) ORDER BY id
SELECT id FROM v WHERE n = ANY (ARRAY[1.5, 0]) ORDER BY id
SELECT id FROM v WHERE by = ANY (ARRAY['\xff', '\x']::bytea[]) ORDER BY id
SELECT w.id, v.id FROM w JOIN v ON v.id = ANY (w.a) ORDER BY 1, 2
SELECT count(*) FROM chain.blocks WHERE number = ANY ('{1,2,3}')
SELECT count(*) FROM chain.blocks WHERE number > ALL ('{1,2,3}'::bigint[])
-- Over subqueries.
SELECT id FROM v WHERE i = ANY (SELECT x + 5 FROM w) ORDER BY id
SELECT id FROM v WHERE i > ANY (SELECT x FROM w) ORDER BY id
SELECT id FROM v WHERE i > ALL (SELECT x FROM w) ORDER BY id
SELECT id FROM v WHERE i > ALL (SELECT x FROM w WHERE x IS NOT NULL) ORDER BY id
SELECT id FROM v WHERE i <= ALL (SELECT x FROM w WHERE false) ORDER BY id
SELECT id FROM v WHERE i < SOME (SELECT x + 10 FROM w) ORDER BY id
SELECT id, i >= ANY (SELECT x FROM w) FROM v ORDER BY id
SELECT id, i >= ALL (SELECT x FROM w WHERE x < 9) FROM v ORDER BY id
SELECT id, i <> ANY (SELECT x FROM w) FROM v ORDER BY id
SELECT id, i = ALL (SELECT x FROM w WHERE x = 5) FROM v ORDER BY id
SELECT id FROM v WHERE i > ALL (SELECT x FROM w WHERE w.v_id = v.id) ORDER BY id
SELECT id FROM v WHERE i > ANY (SELECT x FROM w WHERE w.v_id = v.id) ORDER BY id
SELECT id FROM v WHERE i = ANY (SELECT x * 2 FROM w WHERE w.v_id = v.id) ORDER BY id
SELECT id FROM v WHERE i <> ALL (SELECT x FROM w WHERE w.v_id = v.id) ORDER BY id
SELECT id FROM v WHERE t LIKE ANY (SELECT k || '%' FROM w) ORDER BY id
SELECT id FROM v WHERE id NOT IN (SELECT v_id FROM w) ORDER BY id
SELECT id FROM v WHERE id NOT IN (SELECT v_id FROM w WHERE v_id IS NOT NULL) ORDER BY id
SELECT id, id IN (SELECT v_id FROM w) FROM v ORDER BY id
SELECT id, id NOT IN (SELECT v_id FROM w) FROM v ORDER BY id
SELECT id, EXISTS (SELECT 1 FROM w WHERE w.v_id = v.id) FROM v ORDER BY id
SELECT id, NOT EXISTS (SELECT FROM w WHERE w.v_id = v.id) AS none FROM v ORDER BY id
SELECT id FROM v WHERE EXISTS (SELECT 1 FROM w WHERE w.v_id = v.id AND w.x > 5) OR id = 5 ORDER BY id
SELECT CASE WHEN EXISTS (SELECT 1 FROM w WHERE w.v_id = v.id) THEN 'yes' ELSE 'no' END FROM v ORDER BY id
SELECT id FROM v WHERE EXISTS (SELECT 1 FROM w) ORDER BY id
SELECT id FROM v WHERE EXISTS (SELECT 1 FROM w WHERE w.v_id < v.id) ORDER BY id
-- ARRAY(subquery).
SELECT ARRAY(SELECT id FROM v ORDER BY id DESC)
SELECT ARRAY(SELECT t FROM v ORDER BY id)
SELECT id, ARRAY(SELECT x FROM w WHERE w.v_id = v.id ORDER BY x DESC) FROM v ORDER BY id
SELECT id, ARRAY(SELECT k FROM w WHERE w.v_id = v.id ORDER BY k LIMIT 1) AS ks FROM v ORDER BY id
SELECT id, array_to_string(ARRAY(SELECT k FROM w WHERE w.v_id = v.id ORDER BY k), '/') FROM v ORDER BY id
SELECT id, cardinality(ARRAY(SELECT k FROM w WHERE w.v_id = v.id)) FROM v ORDER BY id
SELECT id FROM v WHERE 'q' = ANY (ARRAY(SELECT k FROM w WHERE w.v_id = v.id)) ORDER BY id
SELECT ARRAY(SELECT id FROM v WHERE false), ARRAY(SELECT generate_series(1, 3))
SELECT ARRAY(SELECT DISTINCT i FROM v WHERE i IS NOT NULL ORDER BY 1)
-- Scalar subqueries.
SELECT id, (SELECT max(x) FROM w WHERE w.v_id = v.id) FROM v ORDER BY id
SELECT id, (SELECT count(*) FROM w WHERE w.v_id = v.id) AS c FROM v ORDER BY id
SELECT id, (SELECT k FROM w WHERE w.v_id = v.id ORDER BY k DESC LIMIT 1) FROM v ORDER BY id
SELECT id, (SELECT k FROM w WHERE w.v_id = v.id AND x = 5) FROM v ORDER BY id
SELECT id, (SELECT k FROM w WHERE w.v_id = v.id) FROM v ORDER BY id
SELECT id, (SELECT k FROM w WHERE w.id = v.id) FROM v ORDER BY id
SELECT (SELECT x FROM w)
SELECT (SELECT x FROM w WHERE false), (SELECT 1 WHERE false) IS NULL
SELECT id, (SELECT string_agg(k, ',' ORDER BY k) FROM w WHERE w.v_id = v.id) FROM v ORDER BY id
SELECT id, (SELECT v.i + 1) FROM v ORDER BY id
SELECT id, (SELECT sum(x) + v.i FROM w WHERE w.v_id = v.id) FROM v ORDER BY id
SELECT id, (SELECT count(*) FROM w WHERE w.v_id < v.id) FROM v ORDER BY id
SELECT id, (SELECT k FROM w WHERE w.v_id <= v.id ORDER BY w.id DESC LIMIT 1) FROM v ORDER BY id
SELECT id FROM v WHERE i > (SELECT avg(x) FROM w) ORDER BY id
SELECT id FROM v WHERE i = (SELECT max(i) FROM v v2 WHERE v2.b = v.b) ORDER BY id
SELECT e.name, (SELECT b.name FROM emp b WHERE b.name = e.boss) AS boss FROM emp e ORDER BY 1
SELECT name FROM emp e WHERE salary = (SELECT max(salary) FROM emp WHERE dept = e.dept) ORDER BY 1
SELECT name FROM emp e WHERE (SELECT count(*) FROM emp x WHERE x.salary > e.salary) < 2 ORDER BY 1
SELECT name, salary - (SELECT avg(salary) FROM emp x WHERE x.dept = e.dept) FROM emp e ORDER BY 1
SELECT dept, (SELECT min(hired) FROM emp x WHERE x.dept = e.dept) FROM emp e GROUP BY dept ORDER BY 1
SELECT name FROM emp ORDER BY (SELECT count(*) FROM emp x WHERE x.boss = emp.name) DESC, name
SELECT coalesce((SELECT k FROM w WHERE w.v_id = v.id AND k = 'q'), 'none') FROM v ORDER BY id
SELECT id FROM v WHERE (SELECT k FROM w WHERE w.v_id = v.id ORDER BY k LIMIT 1) = 'p' ORDER BY id
-- Row comparisons.
SELECT id FROM v WHERE (i, s) = (10, 1) ORDER BY id
SELECT id FROM v WHERE (i, s) <> (10, 1) ORDER BY id
SELECT id FROM v WHERE (i, s) < (40, 4) ORDER BY id
SELECT id FROM v WHERE (i, id) >= (10, 6) ORDER BY id
SELECT id FROM v WHERE ROW(i, id) > ROW(10, 1) ORDER BY id
SELECT id FROM v WHERE (i, id) IN ((10, 1), (40, 4)) ORDER BY id
SELECT id FROM v WHERE (i, id) NOT IN ((10, 1), (40, 4)) ORDER BY id
SELECT id FROM v WHERE (id, i) IN (SELECT v_id, x * 2 FROM w) ORDER BY id
SELECT id FROM v WHERE (id, t) = (SELECT id, t FROM v WHERE id = 2) ORDER BY id
SELECT id FROM v WHERE (id, 'p') IN (SELECT v_id, k FROM w) ORDER BY id
SELECT id FROM v WHERE (id, 5) NOT IN (SELECT v_id, x FROM w WHERE v_id IS NOT NULL AND x IS NOT NULL) ORDER BY id
SELECT id FROM v WHERE (i, s) IS NOT DISTINCT FROM (NULL, NULL) ORDER BY id
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3), (1, NULL) = (2, NULL), ROW(1, 'a') = ROW(1, 'a')
SELECT id FROM v WHERE (ts, id) > ('2024-01-15', 1) ORDER BY ts, id LIMIT 3
SELECT id FROM v WHERE (i, s) IS NULL ORDER BY id
-- Set-returning functions in the select list.
SELECT id, unnest(a) FROM w ORDER BY id, 2
SELECT id, unnest(a), unnest(ta) FROM w WHERE id IN (1, 4) ORDER BY id, 2
SELECT id, generate_series(1, id) FROM v WHERE id < 4 ORDER BY 1, 2
SELECT id, generate_series(1, 3), generate_series(1, 2) FROM v WHERE id < 3 ORDER BY 1, 2
SELECT id, generate_series(1, 2) * 10 AS g FROM v WHERE id < 3 ORDER BY 1, 2
SELECT regexp_split_to_table(t, ' ') FROM v WHERE id = 6
SELECT id, regexp_split_to_table(t, '\s+') AS part FROM v WHERE t <> '' ORDER BY 1, 2
SELECT string_to_table('a,b,c', ',')
SELECT unnest(ARRAY[1, 2, 3])
SELECT unnest(ARRAY['x', 'y']) AS u, 1 AS one
SELECT unnest(ARRAY[1, 2]), unnest(ARRAY['a', 'b', 'c'])
SELECT generate_series(1, 3) AS a, generate_series(10, 30, 10) AS b
SELECT generate_series(1, 3) + 1
SELECT generate_series(3, 1, -1)
SELECT generate_series(date '2024-01-01', date '2024-01-03', interval '1 day')
SELECT generate_series('2024-01-01'::timestamp, '2024-01-02', '6 hours')
SELECT generate_series(1.5, 3, 0.5)
SELECT DISTINCT unnest(ARRAY[1, 1, 2]) ORDER BY 1
SELECT count(*) FROM (SELECT unnest(a) FROM w) q
SELECT unnest(ta) AS e, count(*) FROM w GROUP BY 1 ORDER BY 1
SELECT regexp_matches(t, '[a-z]+', 'g') FROM v WHERE id = 6
SELECT jsonb_array_elements(j) FROM v WHERE id = 4
SELECT jsonb_object_keys(j) FROM v WHERE id = 1
SELECT id, (SELECT max(e) FROM unnest(a) AS e) FROM w ORDER BY id
-- FROM functions, LATERAL, ordinality.
SELECT * FROM generate_series(1, 3)
SELECT * FROM generate_series(1, 3) WITH ORDINALITY
SELECT * FROM generate_series(10, 1, -3) AS g(n)
SELECT n, n * n AS sq FROM generate_series(1, 4) n
SELECT * FROM generate_series(timestamp '2024-01-01', '2024-01-02', '12 hours') AS g
SELECT d::date FROM generate_series('2024-01-30'::date, '2024-02-02', '1 day') AS d
SELECT * FROM unnest(ARRAY[1, 2, 3])
SELECT * FROM unnest(ARRAY[1, 2, 3]) AS u(x)
SELECT u FROM unnest(ARRAY[1, 2, 3]) u
SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY
SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS t(v, n)
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c'])
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS t(x, y)
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) WITH ORDINALITY AS t(x, y, n)
SELECT * FROM unnest('{1,2}'::int[], '{3,4}'::bigint[]) AS t(x, y)
SELECT w.id, e FROM w, unnest(w.a) AS e ORDER BY 1, 2
SELECT w.id, e.v, e.n FROM w CROSS JOIN LATERAL unnest(w.ta) WITH ORDINALITY AS e(v, n) ORDER BY 1, 3
SELECT w.id, e FROM w LEFT JOIN LATERAL unnest(w.a) AS e ON true ORDER BY 1, 2
SELECT w.id, e FROM w LEFT JOIN unnest(w.a) AS e ON e > 1 ORDER BY 1, 2
SELECT v.id, g FROM v, generate_series(1, v.id) g WHERE v.id < 4 ORDER BY 1, 2
SELECT v.id, g FROM v CROSS JOIN LATERAL generate_series(1, v.s) AS g ORDER BY 1, 2
SELECT v.id, l.k FROM v, LATERAL (SELECT k FROM w WHERE w.v_id = v.id ORDER BY k DESC LIMIT 1) l ORDER BY 1
SELECT v.id, l.k FROM v LEFT JOIN LATERAL (SELECT k FROM w WHERE w.v_id = v.id ORDER BY k DESC LIMIT 1) l ON true ORDER BY 1
SELECT v.id, l.c, l.m FROM v, LATERAL (SELECT count(*) AS c, max(x) AS m FROM w WHERE w.v_id = v.id) l ORDER BY 1
SELECT v.id, l.z FROM v, LATERAL (SELECT v.i * 2 AS z) l ORDER BY 1
SELECT v.id, a.y, b.z FROM v, LATERAL (SELECT v.i * 2 AS y) a, LATERAL (SELECT a.y + 1 AS z) b ORDER BY 1
SELECT v.id, l.* FROM v CROSS JOIN LATERAL (VALUES ('i', v.i), ('s', v.s)) AS l(name, value) ORDER BY 1, 2
SELECT v.id, l.k FROM v LEFT JOIN LATERAL (SELECT k FROM w WHERE w.v_id < v.id ORDER BY w.id LIMIT 2) l ON true ORDER BY 1, 2
SELECT v.id, s.part FROM v, regexp_split_to_table(v.t, ' ') AS s(part) WHERE v.t IS NOT NULL ORDER BY 1, 2
SELECT v.id, s.part, s.n FROM v, string_to_table(v.t, ' ') WITH ORDINALITY AS s(part, n) WHERE v.t IS NOT NULL ORDER BY 1, 3
SELECT e.* FROM v, jsonb_each(v.j) AS e WHERE v.id = 1 ORDER BY 1
SELECT e.key, e.value FROM v, jsonb_each_text(v.j) AS e WHERE v.id = 2 ORDER BY 1
SELECT e FROM v, jsonb_array_elements(v.j) AS e WHERE v.id = 4
SELECT * FROM jsonb_array_elements_text('["a", 1, null]')
SELECT * FROM regexp_split_to_table('a b c', ' ') WITH ORDINALITY
SELECT b.number, g FROM chain.blocks b, generate_series(b.number, b.number + 1) g WHERE b.number < 2 ORDER BY 1, 2
SELECT t.block_number, x FROM chain.transactions t, unnest(ARRAY[t.gas, t.nonce]) AS x WHERE t.block_number < 3 ORDER BY 1, 2
-- Operators and patterns.
SELECT id FROM v WHERE i OPERATOR(pg_catalog.=) 10 ORDER BY id
SELECT 1 OPERATOR(pg_catalog.+) 2, 'a' OPERATOR(pg_catalog.||) 'b', 5 OPERATOR(pg_catalog.%) 3
SELECT id FROM v WHERE t OPERATOR(pg_catalog.~~) 'al%' ORDER BY id
SELECT id FROM v WHERE t LIKE 'a!_b!%c' ESCAPE '!' ORDER BY id
SELECT id FROM v WHERE t LIKE 'a\_b%' ORDER BY id
SELECT id FROM v WHERE t NOT LIKE 'a%' ORDER BY id
SELECT id FROM v WHERE t ILIKE 'AL%' ORDER BY id
SELECT id FROM v WHERE t ILIKE '%!_%' ESCAPE '!' ORDER BY id
SELECT id FROM v WHERE t SIMILAR TO '(alpha|Beta)' ORDER BY id
SELECT id FROM v WHERE t SIMILAR TO '%!_%' ESCAPE '!' ORDER BY id
SELECT id FROM v WHERE t NOT SIMILAR TO '[a-z ]*' ORDER BY id
SELECT id, t LIKE vc || '%', t LIKE '%' || left(vc, 1) || '%' FROM v ORDER BY id
SELECT 'a\b' LIKE 'a\\b', 'ab' LIKE 'a_', 'ab' LIKE 'a', '' LIKE '%', NULL LIKE 'a', 'a%' LIKE 'a\%'
SELECT 'abc' ~ '^a.c$', 'ABC' ~* 'abc', 'abc' !~ 'b', 'abc' !~* 'B', 'a.c' ~ 'a\.c'
SELECT 'foo' ~~ 'f%', 'foo' ~~* 'F%', 'foo' !~~ 'f%', 'foo' !~~* 'F%'
SELECT 'abc' ^@ 'ab', starts_with('abc', 'b')
SELECT t LIKE NULL, t ~ NULL FROM v WHERE id = 1
-- Literals of unknown type.
SELECT id FROM v WHERE i = '10' ORDER BY id
SELECT id FROM v WHERE '10' = i ORDER BY id
SELECT id FROM v WHERE n > '1.2' AND d < '3' ORDER BY id
SELECT id FROM v WHERE b = 'true' OR b = 'f' ORDER BY id
SELECT id FROM v WHERE dt = '2024-01-15' ORDER BY id
SELECT id FROM v WHERE dt > 'January 20, 2024' ORDER BY id
SELECT id FROM v WHERE ts >= '2024-01-15' AND ts < '2024-01-16' ORDER BY id
SELECT id FROM v WHERE tz = '2024-01-15 11:20:30+01' ORDER BY id
SELECT id FROM v WHERE tm < '12:00' ORDER BY id
SELECT id FROM v WHERE iv > '1 hour' ORDER BY id
SELECT id FROM v WHERE by = '\x0102' ORDER BY id
SELECT id FROM v WHERE ui = '22222222-2222-2222-2222-222222222222' ORDER BY id
SELECT id FROM v WHERE i IN ('10', '40') ORDER BY id
SELECT id FROM v WHERE i BETWEEN '10' AND '40' ORDER BY id
SELECT id FROM v WHERE dt BETWEEN '2024-01-01' AND '2024-12-31' ORDER BY id
SELECT id FROM v WHERE dt IN ('2024-01-15', '1999-12-31') ORDER BY id
SELECT i + '5', '5' + i, n * '2', d / '2' FROM v WHERE id = 1
SELECT dt + '1 day'::interval, ts + '1 hour', tz - '1 day', dt - '2024-01-01', ts - '2024-01-01' FROM v WHERE id = 1
SELECT i = 'x' FROM v
SELECT dt = 'notadate' FROM v
SELECT coalesce(i, '7'), coalesce(dt, '2000-01-01'), coalesce(t, 'none'), coalesce(n, '0') FROM v ORDER BY id
SELECT CASE WHEN b THEN i ELSE '0' END, CASE WHEN b THEN '1' ELSE '2' END, CASE WHEN id > 2 THEN dt ELSE '2000-01-01' END FROM v ORDER BY id
SELECT greatest(i, '15'), least(dt, '2024-02-01'), nullif(i, '10') FROM v ORDER BY id
SELECT 'a' || 1, 1 || 'a', 'x' || NULL, 'x' || true, t || i FROM v WHERE id = 1
SELECT 'a' AS lit, NULL AS nothing, 'b'::unknown IS NULL
SELECT '1' UNION SELECT 2
SELECT NULL UNION ALL SELECT 1
SELECT 'a' UNION ALL SELECT NULL
SELECT date '2024-01-01', timestamp '2024-01-01 10:00', timestamptz '2024-01-01 10:00+02', time '10:00', interval '90 minutes'
SELECT int '5', numeric '1.50', bool 'yes', float8 '1e3', bytea '\xab'
-- DISTINCT, GROUP BY, HAVING.
SELECT DISTINCT b FROM v ORDER BY b
SELECT DISTINCT ON (b) b, id FROM v ORDER BY b, id DESC
SELECT DISTINCT ON (dept) dept, name, salary FROM emp ORDER BY dept, salary DESC, name
SELECT DISTINCT ON (dept, hired) name FROM emp ORDER BY dept NULLS FIRST, hired, name
SELECT DISTINCT dept, count(*) OVER (PARTITION BY dept) FROM emp ORDER BY 1
SELECT DISTINCT i FROM v ORDER BY i DESC
SELECT DISTINCT i % 3 AS m FROM v ORDER BY m NULLS FIRST
SELECT DISTINCT t, i FROM v ORDER BY i, t
SELECT dept, count(*), sum(salary), avg(salary), min(name), max(hired) FROM emp GROUP BY dept ORDER BY dept
SELECT dept AS d, count(*) FROM emp GROUP BY d ORDER BY d
SELECT dept, count(*) FROM emp GROUP BY 1 ORDER BY 2 DESC, 1
SELECT coalesce(dept, '?') AS dept, count(*) FROM emp GROUP BY 1 ORDER BY 1
SELECT upper(dept) AS name, count(*) FROM emp GROUP BY name ORDER BY 1
SELECT dept FROM emp GROUP BY dept HAVING count(*) > 1 ORDER BY dept
SELECT dept, avg(salary) AS a FROM emp GROUP BY dept HAVING avg(salary) > 4000 ORDER BY a
SELECT count(*) FROM emp HAVING count(*) > 100
SELECT 1 FROM emp HAVING max(salary) > 1
SELECT dept, name FROM emp GROUP BY dept
SELECT sum(salary) FROM emp WHERE sum(salary) > 1
SELECT count(*) FILTER (WHERE salary > 4000), sum(salary) FILTER (WHERE dept = 'eng'), array_agg(name ORDER BY name) FILTER (WHERE dept = 'ops') FROM emp
SELECT dept, boss, count(*) FROM emp GROUP BY ROLLUP (dept, boss) ORDER BY dept, boss, 3
SELECT dept, boss, count(*), grouping(dept), grouping(boss), grouping(dept, boss) FROM emp GROUP BY CUBE (dept, boss) ORDER BY 1, 2, 3, 4, 5
SELECT dept, boss, sum(salary) FROM emp GROUP BY GROUPING SETS ((dept), (boss), ()) ORDER BY 1, 2, 3
SELECT dept, extract(year FROM hired) AS y, count(*) FROM emp GROUP BY dept, ROLLUP (extract(year FROM hired)) ORDER BY 1, 2
SELECT dept, count(*) FROM emp GROUP BY GROUPING SETS (dept, ()) HAVING count(*) > 1 ORDER BY 1
SELECT date_trunc('year', hired) AS y, count(*) FROM emp GROUP BY y ORDER BY y
SELECT extract(year FROM hired) AS y, extract(month FROM hired) AS m, count(*) FROM emp GROUP BY y, m ORDER BY y, m
SELECT b, bool_and(i > 0), bool_or(i > 0), every(i < 100) FROM v GROUP BY b ORDER BY b
SELECT dept, string_agg(name, ', ' ORDER BY salary DESC, name) FROM emp GROUP BY dept ORDER BY dept
SELECT string_agg(DISTINCT dept, ',' ORDER BY dept), string_agg(name, '') FROM emp
SELECT array_agg(DISTINCT dept ORDER BY dept), array_agg(salary ORDER BY salary NULLS FIRST) FROM emp
SELECT array_agg(dept), array_agg(i) FROM emp, (SELECT 1 AS i) q WHERE name < 'c'
SELECT array_agg(x) FROM w WHERE false
SELECT sum(x), count(x), avg(x), max(x), string_agg(k, ',') FROM w WHERE false
SELECT count(*), count(x), count(DISTINCT k), count(DISTINCT (k, x)) FROM w
SELECT sum(s), sum(i), sum(l), sum(n), sum(u), sum(r), sum(d) FROM v WHERE id IN (1, 2)
SELECT avg(s), avg(i), avg(l), avg(n), avg(u), avg(r), avg(d) FROM v WHERE id IN (1, 2)
SELECT min(s), max(i), min(n), max(u), min(t), max(dt), min(ts), max(tm), max(b::int), max(iv) FROM v
SELECT sum(iv), avg(iv) FROM v
SELECT sum(DISTINCT i), avg(DISTINCT i) FROM v
SELECT stddev(i), stddev_pop(i), stddev_samp(n), variance(i), var_pop(d), var_samp(l) FROM v WHERE id < 4
SELECT stddev(salary), variance(salary) FROM emp
SELECT corr(i, id), covar_pop(i, id), covar_samp(i, id), regr_slope(i, id), regr_intercept(i, id), regr_r2(i, id), regr_count(i, id), regr_avgx(i, id), regr_avgy(i, id), regr_sxx(i, id), regr_syy(i, id), regr_sxy(i, id) FROM v WHERE id <> 4
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary), percentile_disc(0.5) WITHIN GROUP (ORDER BY salary), mode() WITHIN GROUP (ORDER BY dept) FROM emp
SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY i), percentile_disc(0.1) WITHIN GROUP (ORDER BY t) FROM v
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i DESC), percentile_cont(0.9) WITHIN GROUP (ORDER BY iv) FROM v
SELECT rank(15) WITHIN GROUP (ORDER BY i), dense_rank(15) WITHIN GROUP (ORDER BY i) FROM v
SELECT bit_and(i), bit_or(i), bit_xor(i) FROM v WHERE id IN (1, 4)
SELECT json_agg(name ORDER BY name), jsonb_agg(salary ORDER BY name) FROM emp WHERE dept = 'eng'
SELECT json_object_agg(name, salary ORDER BY name), jsonb_object_agg(name, dept) FROM emp WHERE dept = 'eng'
SELECT any_value(dept) FROM emp WHERE dept = 'hr'
SELECT max(name) || min(name), count(*) * 2 + 1, sum(salary) / count(*) FROM emp
-- Windows.
SELECT name, rank() OVER (PARTITION BY dept ORDER BY salary DESC), row_number() OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (PARTITION BY dept ORDER BY hired), sum(salary) OVER () FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY hired, name ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp ORDER BY name
SELECT name, count(*) OVER (ORDER BY salary RANGE BETWEEN 300 PRECEDING AND CURRENT ROW) FROM emp ORDER BY name
SELECT name, count(*) OVER (ORDER BY hired RANGE BETWEEN '1 year' PRECEDING AND CURRENT ROW) FROM emp ORDER BY name
SELECT name, count(*) OVER (ORDER BY salary GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY name ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM emp ORDER BY name
SELECT name, lag(salary) OVER w, lead(salary, 2, 0) OVER w, first_value(name) OVER w, last_value(name) OVER w, nth_value(name, 2) OVER w FROM emp WINDOW w AS (ORDER BY salary, name) ORDER BY name
SELECT name, ntile(3) OVER (ORDER BY name), percent_rank() OVER (ORDER BY salary), cume_dist() OVER (ORDER BY salary), dense_rank() OVER (ORDER BY dept) FROM emp ORDER BY name
SELECT name, avg(salary) OVER (PARTITION BY dept) AS a, salary - avg(salary) OVER (PARTITION BY dept) FROM emp ORDER BY name
SELECT dept, sum(sum(salary)) OVER (ORDER BY dept) FROM emp GROUP BY dept ORDER BY dept
SELECT * FROM (SELECT name, row_number() OVER (PARTITION BY dept ORDER BY salary DESC, name) AS rn FROM emp) q WHERE rn = 1 ORDER BY name
SELECT name, count(*) FILTER (WHERE salary > 4000) OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, string_agg(name, ',') OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, array_agg(name) OVER (PARTITION BY dept ORDER BY name) FROM emp ORDER BY name
SELECT id, lag(i, 1) OVER (ORDER BY id), i - lag(i) OVER (ORDER BY id), max(i) OVER (ORDER BY id ROWS 1 PRECEDING) FROM v ORDER BY id
SELECT id, first_value(t) OVER (PARTITION BY b ORDER BY id DESC), bool_and(b) OVER (ORDER BY id) FROM v ORDER BY id
SELECT id, row_number() OVER (PARTITION BY i ORDER BY id), sum(i) OVER (PARTITION BY b ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM v ORDER BY id
SELECT id, rank() OVER (ORDER BY i DESC NULLS LAST) AS r FROM v ORDER BY r, id
SELECT row_number() OVER (), id FROM (SELECT id FROM v ORDER BY id) q ORDER BY 1
-- CTEs.
WITH q AS (SELECT id, i FROM v WHERE i > 0) SELECT * FROM q ORDER BY id
WITH q(a, b) AS (SELECT id, i FROM v) SELECT b, a FROM q ORDER BY a
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b
WITH q AS MATERIALIZED (SELECT max(i) AS m FROM v) SELECT id FROM v, q WHERE i = m
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n), count(*) FROM t
WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT (n * 2) % 7 FROM t) SELECT n FROM t ORDER BY n
WITH RECURSIVE chain AS (SELECT name, boss, 0 AS depth FROM emp WHERE boss IS NULL UNION ALL SELECT e.name, e.boss, c.depth + 1 FROM emp e JOIN chain c ON e.boss = c.name) SELECT * FROM chain ORDER BY depth, name
WITH RECURSIVE p AS (SELECT name, name::text AS path FROM emp WHERE boss IS NULL UNION ALL SELECT e.name, p.path || '/' || e.name FROM emp e JOIN p ON e.boss = p.name) SELECT path FROM p ORDER BY path
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 50) SELECT a FROM f ORDER BY a
WITH RECURSIVE p AS (SELECT name, ARRAY[name] AS path FROM emp WHERE boss IS NULL UNION ALL SELECT e.name, p.path || e.name FROM emp e JOIN p ON e.boss = p.name) SELECT path FROM p ORDER BY path
WITH x AS (SELECT dept, sum(salary) AS s FROM emp GROUP BY dept) SELECT dept, s, s / (SELECT sum(s) FROM x) AS share FROM x ORDER BY dept
SELECT * FROM (WITH q AS (SELECT 1 AS a) SELECT a FROM q) z
-- Joins.
SELECT v.id, w.id FROM v JOIN w ON w.v_id = v.id ORDER BY 1, 2
SELECT v.id, w.id FROM v LEFT JOIN w ON w.v_id = v.id ORDER BY 1, 2
SELECT v.id, w.id FROM v RIGHT JOIN w ON w.v_id = v.id ORDER BY 1, 2
SELECT v.id, w.id FROM v FULL JOIN w ON w.v_id = v.id ORDER BY 1, 2
SELECT v.id, w.id FROM v CROSS JOIN w WHERE v.id < 3 AND w.id < 3 ORDER BY 1, 2
SELECT id, v.i, w.k FROM v JOIN w USING (id) ORDER BY id
SELECT * FROM (SELECT id, i FROM v) a JOIN (SELECT id, k FROM w) b USING (id) ORDER BY 1
SELECT id, a.i, b.k FROM (SELECT id, i FROM v WHERE id < 4) a FULL JOIN (SELECT id + 2 AS id, k FROM w) b USING (id) ORDER BY 1
SELECT * FROM (SELECT id, i FROM v) a NATURAL JOIN (SELECT id, k FROM w) b ORDER BY 1
SELECT * FROM (SELECT id, i FROM v) a NATURAL LEFT JOIN (SELECT id, k FROM w WHERE id < 3) b ORDER BY 1
SELECT * FROM (SELECT id, i FROM v WHERE id < 3) a NATURAL FULL JOIN (SELECT id + 1 AS id, k FROM w) b ORDER BY 1
SELECT v.id, w.id FROM v JOIN w ON w.v_id < v.id ORDER BY 1, 2
SELECT v.id, w.id FROM v LEFT JOIN w ON w.v_id = v.id AND w.x > 5 WHERE v.id < 4 ORDER BY 1, 2
SELECT v.id, w.id FROM v FULL JOIN w ON w.v_id = v.id AND v.i > 0 ORDER BY 1, 2
SELECT a.name, b.name FROM emp a JOIN emp b ON a.boss = b.name ORDER BY 1
SELECT a.name, b.name FROM emp a LEFT JOIN emp b ON a.boss = b.name LEFT JOIN emp c ON b.boss = c.name WHERE c.name IS NULL ORDER BY 1
SELECT * FROM (v JOIN w ON w.v_id = v.id) ORDER BY v.id, w.id
SELECT x.a, y.b FROM (VALUES (1), (2)) x(a) JOIN (VALUES (2), (3)) y(b) ON x.a = y.b
SELECT v.id FROM v JOIN w ON v.t = w.k OR v.id = w.id ORDER BY 1
SELECT count(*) FROM chain.blocks b JOIN w ON b.number = w.id
SELECT b.number, v.t FROM chain.blocks b JOIN v ON v.id = b.number ORDER BY 1
-- Set operations and VALUES.
SELECT id FROM v UNION SELECT id FROM w ORDER BY 1
SELECT id FROM v UNION ALL SELECT id FROM w ORDER BY 1
SELECT id FROM v INTERSECT SELECT v_id FROM w ORDER BY 1
SELECT id FROM v EXCEPT SELECT v_id FROM w ORDER BY 1
SELECT i FROM v EXCEPT ALL SELECT 10 ORDER BY 1
SELECT k FROM w INTERSECT ALL SELECT k FROM w WHERE id < 4 ORDER BY 1
SELECT s FROM v UNION SELECT l FROM v ORDER BY 1
SELECT i FROM v UNION SELECT n FROM v ORDER BY 1
SELECT i FROM v UNION SELECT d FROM v ORDER BY 1
SELECT dt FROM v UNION SELECT ts FROM v ORDER BY 1
SELECT vc FROM v UNION SELECT t FROM v ORDER BY 1
SELECT 1 AS a UNION SELECT 2.5 ORDER BY a
SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL ORDER BY a
SELECT i FROM v UNION SELECT t FROM v
SELECT id, i FROM v UNION SELECT id FROM w
(SELECT id FROM v ORDER BY id DESC LIMIT 2) UNION ALL (SELECT id FROM w ORDER BY id LIMIT 1) ORDER BY 1
SELECT 1 UNION SELECT 2 EXCEPT SELECT 1
VALUES (1, 'a'), (2, 'b')
VALUES (1), (2.5), (NULL)
VALUES ('a'), (NULL)
VALUES (1, NULL), (NULL, 'x')
SELECT * FROM (VALUES (1, 'one'), (2, 'two'), (3, NULL)) AS t(n, name)
SELECT column1, column2 FROM (VALUES (1, true), (2, false)) q ORDER BY column1 DESC
SELECT * FROM (VALUES (date '2024-01-01'), ('2024-02-01')) q(d)
VALUES (3), (1), (2) ORDER BY 1 LIMIT 2
-- Order and limits.
SELECT id, i FROM v ORDER BY i, id
SELECT id, i FROM v ORDER BY i DESC, id DESC
SELECT id, i FROM v ORDER BY i NULLS FIRST, id
SELECT id, t FROM v ORDER BY t
SELECT id, d FROM v ORDER BY d
SELECT id, d FROM v ORDER BY d DESC
SELECT id, r FROM v ORDER BY r, id
SELECT id, b FROM v ORDER BY b, id
SELECT id, iv FROM v ORDER BY iv
SELECT id, by FROM v ORDER BY by
SELECT id, n FROM v ORDER BY n, id
SELECT id, u FROM v ORDER BY u, id
SELECT id AS x, -id AS y FROM v ORDER BY y
SELECT id FROM v ORDER BY -id
SELECT id FROM v ORDER BY i + s, id
SELECT id, i FROM v ORDER BY 2 DESC NULLS LAST, 1
SELECT i AS id, id AS q FROM v ORDER BY id, q
SELECT id FROM v ORDER BY length(t) DESC NULLS LAST, id
SELECT id FROM v ORDER BY id LIMIT 2 OFFSET 1
SELECT id FROM v ORDER BY id OFFSET 3
SELECT id FROM v ORDER BY id LIMIT ALL
SELECT id FROM v ORDER BY id LIMIT NULL
SELECT id FROM v ORDER BY id LIMIT 1 + 1
SELECT id FROM v ORDER BY id LIMIT (SELECT 2)
SELECT id FROM v ORDER BY id FETCH FIRST ROW ONLY
SELECT id FROM v ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY
SELECT i FROM v ORDER BY i FETCH FIRST 1 ROW WITH TIES
SELECT id FROM v ORDER BY id LIMIT 0
SELECT id FROM v LIMIT -1
SELECT id FROM v ORDER BY nosuch
SELECT id FROM v ORDER BY 5
SELECT name COLLATE "C" FROM emp ORDER BY name COLLATE "C" DESC
SELECT t FROM v ORDER BY lower(t) NULLS FIRST
SELECT id FROM v ORDER BY CASE WHEN id = 3 THEN 0 ELSE 1 END, id
-- Numbers.
SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7 / 2.0, 7.0 / 2, 2 ^ 10, 2.0 ^ 0.5, @ -5, |/ 16, ||/ 27, 5 !~~ 6 IS NULL
SELECT 1 / 3.0, 2 / 3.0, 10 / 3.0, 1000 / 3.0, 100000 / 3.0, 1.0 / 7, 22 / 7.0, 1e10 / 3, 1.5 / 1.2, 0.001 / 3, 123456789 / 1000.0
SELECT n / 3, n / u, u / n, n / 7.0, i / 3.0, l / 1e3 FROM v WHERE id IN (1, 2, 4) ORDER BY id
SELECT avg(x), avg(id) FROM w
SELECT avg(number), avg(gas_used), avg(gas_limit) FROM chain.blocks
SELECT dept, avg(salary), avg(salary) * 2, sum(salary) / 3, avg(salary)::text FROM emp GROUP BY dept ORDER BY dept
SELECT 1.10 + 2.205, 1.10 * 2.20, 5.50 - 5.5, 10.5 % 3, -1.50, 1.0 * 0, 3.14::numeric(5,1)
SELECT 0.1 + 0.2, 0.1::float8 + 0.2::float8, 1e20, 1e-7, 1.50e3, .5, 5.
SELECT round(2.5), round(-2.5), round(2.45, 1), round(1234.5678, -2), round(2.5::float8), round(3.5::float8), round(12345, -2)
SELECT trunc(2.7), trunc(-2.789, 2), trunc(1234.5, -2), trunc(2.7::float8), ceil(2.1), ceil(-2.1), ceiling(2.1::float8), floor(2.9), floor(-2.1::float8)
SELECT abs(-5), abs(-5.50), abs(-1.5::float8), sign(-3), sign(0.0), sign(2.5::float8)
SELECT mod(7, 3), mod(-7, 3), mod(7.5, 2), div(7, 2), div(-7.5, 2), gcd(12, 18), lcm(4, 6), factorial(5)
SELECT power(2, 3), power(2.0, 3), power(2, 0.5), power(2.0::float8, 3), sqrt(2), sqrt(2.0), sqrt(16), cbrt(27.0::float8), exp(1), exp(1.0), exp(0.0)
SELECT ln(2), ln(2.0), log(100), log(100.0), log(2, 8), log(2.0, 64.0), log10(1000), pi(), degrees(pi()), radians(180)
SELECT sin(1), cos(1), tan(1), asin(1), acos(1), atan(1), atan2(1, 2), sinh(1), cosh(1), tanh(1), cot(1), sind(30), cosd(60)
SELECT n, round(n), round(n, 1), trunc(n, 1), ceil(n), floor(n), abs(n), sign(n), -n FROM v WHERE id IN (1, 2, 4, 5) ORDER BY id
SELECT sqrt(n), power(n, 2), exp(n / 100), ln(n + 3) FROM v WHERE id IN (1, 4) ORDER BY id
SELECT width_bucket(5.35, 0.024, 10.06, 5), width_bucket(5, ARRAY[1, 3, 6]), scale(1.500), min_scale(1.500), trim_scale(1.500), numeric '1.50' = 1.5
SELECT greatest(1, 2.5, 3), least(1, 2.5), greatest(NULL, 1), least(i, l), greatest(n, u) FROM v WHERE id = 1
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT 32767::smallint + 1::smallint
SELECT i * 2000000000 FROM v WHERE id = 1
SELECT l * 9223372036854775807 FROM v WHERE id = 1
SELECT 1 / 0
SELECT 1.0 / 0
SELECT 1::float8 / 0
SELECT 5 % 0
SELECT n / 0 FROM v
SELECT 3000000000::int
SELECT 70000::smallint
SELECT 1e30::bigint
SELECT abs((-2147483648)::int)
SELECT -(-2147483648)::int
SELECT 123456.789::numeric(6,2)
SELECT 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e300, 'Infinity'::float8 > 1, '-inf'::float8 < 0
SELECT 0.0::float8 = -0.0::float8, 1e308::float8 * 10
SELECT d, d * 2, d + r, r + r, r * 1.5, d / 3, round(d), -d FROM v WHERE id IN (1, 5) ORDER BY id
SELECT max(d), min(d), max(r), count(DISTINCT d) FROM v
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 2, i & 7, l | 1 FROM v WHERE id = 1
SELECT 1::bigint + 1, 1::smallint + 1, 1 + 1.0, 1 + 1::float8, 1::real + 1, 1::real + 1.0, 1::bigint * 2.5
SELECT s + i, s + l, s * s, i - l, i / s, i % s FROM v WHERE id = 2
SELECT to_hex(255), to_hex(255::bigint), 255::text, (-5)::text, 1.50::text, 1e3::text, (1.0::float8)::text, 1e20::float8::text, 1e-5::float8::text, 0.1::real::text
SELECT random() >= 0 AND random() < 1, setseed(0.5) IS NOT NULL
SELECT sum(v) FROM (VALUES (1.1), (2.22), (3)) q(v)
SELECT avg(v) FROM (VALUES (1), (2)) q(v)
SELECT avg(v), sum(v), min(v), max(v) FROM (VALUES (1.5), (2.25), (NULL)) q(v)
SELECT x::numeric / 3, (x * 1.0) / 3, round(x::numeric / 3, 3), x / 3::numeric FROM w ORDER BY id
SELECT round(100.0 * x / sum(x) OVER (), 1), 100.0 * x / sum(x) OVER () FROM w ORDER BY id
SELECT count(*) * 100.0 / (SELECT count(*) FROM v) FROM v WHERE b
SELECT 100 * count(*) FILTER (WHERE b) / count(*) FROM v
-- Text.
SELECT length('héllo'), char_length('héllo'), octet_length('héllo'), bit_length('abc'), upper('aé'), lower('AÉ'), initcap('hello wORLD-foo')
SELECT substring('hello' FROM 2 FOR 3), substring('hello' FROM 2), substring('hello' FOR 2), substr('hello', 2, 2), substring('hello', 0, 3), substring('hello', -1, 3), substr('hello', 10)
SELECT substring('foobar' FROM 'o(.)b'), substring('foobar' SIMILAR '%#"o_b#"%' ESCAPE '#')
SELECT left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2), left('', 3)
SELECT trim('  x '), trim(both 'x' FROM 'xxaxx'), trim(leading 'x' FROM 'xxa'), trim(trailing 'x' FROM 'axx'), btrim('xyxa', 'xy'), ltrim('  a'), rtrim('a  ')
SELECT lpad('5', 3, '0'), rpad('5', 3, 'ab'), lpad('hello', 2), lpad('x', 4), repeat('ab', 3), repeat('x', 0), repeat('x', -1), reverse('abc')
SELECT position('l' IN 'hello'), strpos('hello', 'll'), strpos('hello', 'z'), strpos('abc', '')
SELECT replace('hello', 'l', 'L'), translate('12345', '143', 'ax'), overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4), overlay('abc' PLACING 'X' FROM 2)
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a,b', ',', 5), split_part('a', '', 1)
SELECT concat('a', NULL, 1, true), concat_ws(', ', 'a', NULL, 'b'), concat_ws(NULL, 'a'), concat(), 'a' || 'b' || 'c'
SELECT ascii('A'), chr(65), chr(233), ascii(''), md5('abc'), encode('abc'::bytea, 'hex'), encode('\x0001ff', 'base64'), encode('\x00ff61', 'escape')
SELECT decode('616263', 'hex'), decode('AAH/', 'base64'), decode('a\\000', 'escape'), convert_from('\x616263', 'UTF8'), convert_to('abc', 'UTF8')
SELECT quote_ident('A b'), quote_ident('abc'), quote_literal('it''s'), quote_nullable(NULL), quote_literal('a\b')
SELECT format('%s %I %L %%', 'a', 'B c', 'd''e'), format('%2$s %1$s', 'a', 'b'), format('%10s|%-5s|', 'x', 'y'), format('no')
SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('Abc', 'a', 'x', 'i'), regexp_replace('a.b.c', '\.', '-', 'g')
SELECT regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('abc', 'x'), regexp_match('abc', 'b'), regexp_match('ABC', 'b', 'i')
SELECT regexp_count('abcabc', 'b'), regexp_like('abc', 'B', 'i'), regexp_substr('foobar', 'o+'), regexp_instr('foobar', 'o+'), regexp_replace('abc', 'b', 'x', 1, 1)
SELECT regexp_split_to_array('a1b2c', '\d'), string_to_array('a,b,,c', ','), string_to_array('a,b,NULL', ',', 'NULL'), string_to_array('abc', NULL), string_to_array('', ',')
SELECT to_char(1234.5, '9,999.99'), to_char(-5, '999'), to_char(5, '000'), to_char(0.5, 'FM0.00'), to_char(1234567, 'FM9,999,999'), to_char(12, 'FM999'), to_char(12.345, '99.9'), to_char(5, 'S99'), to_char(-3.5, '9.9MI'), to_char(485, 'RN'), to_char(1e6, '9.9EEEE')
SELECT to_number('12,454.8-', '99G999D9S'), to_number('1,234.5', '9,999.9'), to_number('$12', 'L99')
SELECT starts_with('abc', 'a'), 'abc' < 'abd', 'a' < 'B', 'Z' < 'a', '' < 'a', 'a' = 'a ', 'a'::char(3) = 'a', 'a'::char(3) || 'b', length('a'::char(5))
SELECT t, upper(t), length(t), substr(t, 2, 3), t || '!', t || vc, coalesce(t, 'none'), nullif(t, ''), t IS NULL, t = '' FROM v ORDER BY id
SELECT vc::varchar(2), t::char(3), t::varchar, 'abcdef'::varchar(3), 'ab'::char(4), length('ab'::char(4)), 'x'::text::varchar(5) FROM v ORDER BY id
SELECT string_agg(t, '' ORDER BY id), string_agg(coalesce(t, '-'), '|' ORDER BY id DESC) FROM v
SELECT normalize('é'), unistr('\0061'), U&'\0061bc', E'a\tb', E'\x41', 'it''s', $$dollar$$, $x$tag$x$
SELECT crc32('abc'::bytea)
SELECT sha256('abc'), sha224('abc'), sha512('abc'::bytea), md5('\x00'::bytea)
SELECT length(by), octet_length(by), get_byte(by, 0), substring(by FROM 1 FOR 1), by || '\x00', encode(by, 'hex'), by::text, set_byte(by, 0, 5), position('\x02' IN by), reverse(t) FROM v WHERE id = 1
SELECT by > '\x02', by = '\xff', min(by::text) FROM v GROUP BY by ORDER BY by
SELECT trim(t), btrim(t, 'a'), lower(t) LIKE '%a', initcap(t) FROM v ORDER BY id
SELECT 'abc' COLLATE "C" < 'abd', lower('ABC' COLLATE "default")
SELECT string_agg(c, '') FROM (SELECT chr(generate_series(97, 101)) AS c) q
-- Dates and times.
SELECT date '2024-01-31' + 1, date '2024-01-31' - 1, date '2024-03-01' - date '2024-02-01', date '2024-01-31' + interval '1 month', date '2024-01-31' + time '10:00'
SELECT timestamp '2024-01-31 10:00' + interval '1 month 2 days', timestamp '2024-03-31' - interval '1 month', timestamp '2024-01-02' - timestamp '2024-01-01 12:00', time '10:00' + interval '3 hours', time '23:00' + interval '2 hours', time '10:00' - time '08:30'
SELECT timestamptz '2024-03-31 00:30+00' + interval '1 day', timestamptz '2024-03-31 12:00+02' AT TIME ZONE 'America/New_York', timestamp '2024-03-31 12:00' AT TIME ZONE 'America/New_York', time '10:00' AT TIME ZONE 'UTC' IS NOT NULL
SELECT extract(year FROM dt), extract(month FROM ts), extract(day FROM tz), extract(hour FROM tm), extract(minute FROM iv), extract(second FROM ts), extract(epoch FROM iv), extract(dow FROM dt), extract(doy FROM dt) FROM v ORDER BY id
SELECT extract(epoch FROM ts), extract(epoch FROM tz), extract(epoch FROM dt), extract(epoch FROM tm), extract(milliseconds FROM ts), extract(microseconds FROM tm), extract(week FROM dt), extract(isoyear FROM dt), extract(quarter FROM dt), extract(century FROM dt), extract(julian FROM dt), extract(timezone FROM tz) FROM v ORDER BY id
SELECT extract(year FROM iv), extract(month FROM iv), extract(day FROM iv), extract(hour FROM iv), extract(second FROM iv), extract(decade FROM dt) FROM v ORDER BY id
SELECT date_part('year', dt), date_part('epoch', ts), date_part('hour', iv), date_part('second', tm), date_part('dow', tz) FROM v ORDER BY id
SELECT date_trunc('month', dt), date_trunc('day', ts), date_trunc('hour', tz), date_trunc('week', ts), date_trunc('quarter', ts), date_trunc('year', tz), date_trunc('decade', ts), date_trunc('second', ts), date_trunc('milliseconds', ts) FROM v ORDER BY id
SELECT date_trunc('hour', iv), date_trunc('day', iv), date_trunc('month', iv) FROM v ORDER BY id
SELECT date_trunc('day', tz, 'Asia/Tokyo'), date_trunc('MONTH', ts) FROM v ORDER BY id
SELECT age(ts, '2023-01-31'), age(timestamp '2024-03-01', timestamp '2024-01-31'), age(timestamptz '2024-01-01 00:00+00', tz) FROM v ORDER BY id
SELECT date_bin('15 minutes', ts, '2000-01-01'), date_bin('1 day', tz, '2000-01-01 00:00+00') FROM v ORDER BY id
SELECT make_date(2024, 2, 29), make_time(10, 20, 30.5), make_timestamp(2024, 1, 2, 3, 4, 5.678), make_timestamptz(2024, 1, 2, 3, 4, 5), make_timestamptz(2024, 1, 2, 3, 4, 5, 'Europe/Paris'), make_interval(1, 2, 3, 4, 5, 6, 7.5), make_interval(days => 10), make_interval(hours => 2, mins => 30)
SELECT make_date(2023, 2, 29)
SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_char(ts, 'Day, DD Month YYYY'), to_char(ts, 'FMDay FMDDth FMMonth'), to_char(tz, 'HH12:MI AM TZ'), to_char(ts, 'Dy Mon DDD WW IW Q J'), to_char(dt, 'YY/MM/DD'), to_char(ts, 'MS US SSSS') FROM v ORDER BY id
SELECT to_char(iv, 'HH24:MI:SS'), to_char(interval '15h 2m', 'HH24:MI'), to_char(tm, 'HH24:MI') FROM v ORDER BY id
SELECT to_char(ts, 'MONTH'), to_char(ts, 'mon'), to_char(ts, 'DAY'), to_char(ts, 'D ID'), to_char(ts, 'YYYY"T"HH24'), to_char(ts, 'CC'), to_char(ts, 'a.m.'), to_char(tz, 'OF') FROM v ORDER BY id
SELECT to_date('2024-01-15', 'YYYY-MM-DD'), to_date('15 Jan 2024', 'DD Mon YYYY'), to_date('20240115', 'YYYYMMDD'), to_timestamp('2024-01-15 10:20:30', 'YYYY-MM-DD HH24:MI:SS'), to_timestamp('01/15/2024', 'MM/DD/YYYY'), to_timestamp(1705314030.5)
SELECT to_date(t, 'YYYY-MM-DD') FROM (VALUES ('2024-05-06'), (NULL)) q(t)
SELECT interval '1 day' + interval '2 hours', interval '1 day' * 2.5, interval '1 month' / 2, interval '1 day' > interval '23 hours', interval '30 days' = interval '1 month', -interval '1 day', interval '1 year' - interval '1 day', justify_hours(interval '30 hours'), justify_days(interval '35 days'), justify_interval(interval '1 mon -1 hour')
SELECT interval '1 day 2 hours'::text, (interval '-1 month +2 days')::text, interval 'P1Y2M3DT4H5M6S', interval '1-2', interval '1 2:03:04', interval '2' day, interval '3.5 hours', interval '1 week', interval '1.5 months', interval '-00:00:01'
SELECT ts::date, ts::time, tz::date, tz::timestamp, dt::timestamp, dt::timestamptz, ts::timestamptz, tm::interval, iv::time, ts::text, tz::text, dt::text, tm::text, iv::text FROM v ORDER BY id
SELECT ts::timestamp(0), tz::timestamptz(0), tm::time(0), ts::timestamp(3), '2024-01-01 10:00:00.5678'::timestamp(2), current_timestamp(0) IS NOT NULL FROM v ORDER BY id
SELECT ts < tz, dt < ts, dt = ts::date, dt + 1 > ts, tz > '2024-01-01', ts > dt FROM v ORDER BY id
SELECT iv * 2, iv / 2, 2 * iv, iv + iv, ts + iv, ts - iv, dt + iv, tz + iv, tm + iv FROM v ORDER BY id
SELECT ts - ts, tz - tz, dt - dt, ts - dt, tz - ts, max(ts) OVER () - ts FROM v ORDER BY id
SELECT (dt, dt + 10) OVERLAPS (date '2024-01-20', date '2024-02-01'), isfinite(dt), isfinite(iv) FROM v ORDER BY id
SELECT now() - now(), now() = current_timestamp, current_date = now()::date, localtimestamp <= now(), clock_timestamp() >= now(), statement_timestamp() IS NOT NULL, transaction_timestamp() = now(), timeofday() IS NOT NULL, current_time IS NOT NULL
SELECT pg_typeof(now()), pg_typeof(current_date), pg_typeof(now() - now()), pg_typeof(localtime), pg_typeof(date '2024-01-01' + 1), pg_typeof(date '2024-01-01' + interval '1 day'), pg_typeof(extract(year FROM now()))
SELECT date 'infinity', timestamp '-infinity', timestamp 'infinity' > now(), 'epoch'::timestamp, 'today'::date = current_date, 'now'::timestamptz IS NOT NULL, 'yesterday'::date < 'tomorrow'::date
SELECT '2024-13-01'::date
SELECT '2024-02-30'::date
SELECT 'abc'::timestamp
SELECT '25:00'::time
SELECT '2024-01-15'::date::int
SELECT '1/15/2024'::date, 'Jan 15, 2024'::date, '15-Jan-2024'::date, '20240115'::date, '2024-01-15T10:20:30Z'::timestamptz, '2024-01-15 10:20 PM'::timestamp, '2024-01-15 10:20:30 Europe/Berlin'::timestamptz, '10:20 PM'::time
SELECT extract(epoch FROM timestamptz '2024-01-01 00:00+00')::bigint, to_timestamp(0), to_timestamp(1e9), extract(epoch FROM interval '1 day')::int / 3600
SELECT date_trunc('day', timestamp), count(*), sum(gas_used), avg(gas_used)::numeric(20,2) FROM chain.blocks GROUP BY 1 ORDER BY 1
SELECT to_char(date_trunc('hour', timestamp), 'YYYY-MM-DD HH24:00') AS h, count(*) FROM chain.blocks GROUP BY 1 ORDER BY 1
SELECT floor(extract(epoch FROM timestamp) / 3600) * 3600 AS bucket, count(*) FROM chain.blocks GROUP BY 1 ORDER BY 1
SELECT to_timestamp(floor(extract(epoch FROM timestamp) / 300) * 300) AS "time", avg(gas_used) AS value FROM chain.blocks GROUP BY 1 ORDER BY 1 LIMIT 5
SELECT timestamp AS "time", gas_used FROM chain.blocks WHERE timestamp BETWEEN '2023-11-14T22:00:00Z' AND '2023-11-14T23:00:00Z' ORDER BY 1 LIMIT 5
SELECT CAST(date_trunc('month', CAST(timestamp AS timestamp)) AS date) AS m, COUNT(*) AS "count" FROM chain.blocks GROUP BY CAST(date_trunc('month', CAST(timestamp AS timestamp)) AS date) ORDER BY 1 ASC
SELECT (CAST(extract(dow FROM timestamp) AS integer) + 1) AS d, count(*) FROM chain.blocks GROUP BY (CAST(extract(dow FROM timestamp) AS integer) + 1) ORDER BY 1
-- Arrays.
SELECT ARRAY[1, 2, 3], ARRAY['a', NULL], ARRAY[]::int[], ARRAY[1, 2.5], ARRAY[1.5::float8], '{1,2}'::int[], '{a,"b c",NULL}'::text[], ARRAY[true, false], ARRAY[date '2024-01-01']
SELECT a[1], a[2], a[10], a[0], a[1:2], a[2:], a[:2], ta[1] FROM w ORDER BY id
SELECT array_length(a, 1), cardinality(a), array_upper(a, 1), array_lower(a, 1), array_ndims(a), array_dims(a), array_length(a, 2) FROM w ORDER BY id
SELECT a || 9, 9 || a, a || ARRAY[8, 9], array_append(a, 1), array_prepend(0, a), array_cat(a, a) FROM w ORDER BY id
SELECT array_position(a, 2), array_positions(a, 1), array_remove(a, 1), array_replace(a, 1, 100), array_position(ta, 'b') FROM w ORDER BY id
SELECT a @> ARRAY[1], ARRAY[1] <@ a, a && ARRAY[3, 4], a = ARRAY[1, 2, 3], a < ARRAY[2], a <> '{1}' FROM w ORDER BY id
SELECT array_to_string(a, ','), array_to_string(a, ',', '*'), array_to_string(ta, '-') FROM w ORDER BY id
SELECT a::text, ta::text, a::bigint[], a::text[], ta::varchar[] FROM w ORDER BY id
SELECT id FROM w ORDER BY a, id
SELECT a, count(*) FROM w GROUP BY a ORDER BY a
SELECT array_fill(0, ARRAY[3]), trim_array(ARRAY[1, 2, 3], 1), array_agg(id ORDER BY id) FROM w
SELECT array_agg(a) FROM w WHERE id IN (1)
SELECT ARRAY[[1, 2], [3, 4]], (ARRAY[[1, 2], [3, 4]])[2][1]
SELECT (ARRAY[10, 20, 30])[2], (string_to_array('a,b', ','))[1], (SELECT array_agg(id ORDER BY id) FROM w)[2]
SELECT (array_agg(name ORDER BY salary DESC))[1] FROM emp WHERE dept = 'eng'
SELECT array_sample(ARRAY[1], 1), array_shuffle(ARRAY[1])
SELECT id FROM w WHERE a @> '{1}' ORDER BY id
SELECT id FROM w WHERE 'a' = ANY (ta) ORDER BY id
SELECT blob_versioned_hashes, cardinality(blob_versioned_hashes) FROM chain.transactions WHERE blob_versioned_hashes IS NOT NULL ORDER BY block_number, transaction_index LIMIT 2
SELECT topics[1] IS NOT NULL, cardinality(topics), array_length(topics, 1) FROM chain.logs ORDER BY block_number, log_index LIMIT 3
-- JSON.
SELECT j -> 'a', j ->> 'a', j #> '{b,1}', j #>> '{b,0}', j -> 0, j -> -1, j ? 'a', j @> '{"a": 1}', '{"a": 1}' <@ j FROM v ORDER BY id
SELECT jsonb_typeof(j), jsonb_pretty(j), j::text, j = '"text"' FROM v ORDER BY id
SELECT j || '{"z": 9}', j - 'a', jsonb_set(j, '{a}', '5') FROM v WHERE id = 1
SELECT jsonb_array_length(j -> 'b'), jsonb_extract_path(j, 'b', '0'), jsonb_extract_path_text(j, 'a') FROM v WHERE id = 1
SELECT (j ->> 'a')::int + 1, j -> 'b' -> 1, (j -> 'b' ->> 2)::numeric FROM v WHERE id = 1
SELECT '{"b":1, "a" : [1,2]}'::jsonb, '{"b":1, "a" : [1,2]}'::json, '[1, 2]'::jsonb -> 1, '{"a": {"b": 2}}'::jsonb #>> '{a,b}'
SELECT jsonb_build_object('a', 1, 'b', NULL, 'c', 'x'), json_build_object('a', 1), jsonb_build_array(1, 'a', NULL), to_jsonb('x'::text), to_jsonb(1.5), to_json(true), json_build_array(1, 2)
SELECT row_to_json(q) FROM (SELECT id, t FROM v WHERE id = 1) q
SELECT to_jsonb(q) FROM (SELECT id, t, b, n FROM v WHERE id < 4 ORDER BY id) q
SELECT json_agg(q) FROM (SELECT id, t FROM v WHERE id < 3 ORDER BY id) q
SELECT id FROM v WHERE j ->> 'c' = 'x' ORDER BY id
SELECT id FROM v WHERE j ? 'b' OR j @> '"text"' ORDER BY id
SELECT '{"a":1,"a":2}'::jsonb, 'nojson'::jsonb
SELECT jsonb_path_query('{"a": [1, 2]}', '$.a[*]')
SELECT jsonb_strip_nulls('{"a": null, "b": 1}'), json_typeof('[]')
-- Conditionals and casts.
SELECT CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END, CASE 1 WHEN 1 THEN 'a' END, CASE WHEN false THEN 1 END, CASE i WHEN 10 THEN 'ten' WHEN '40' THEN 'forty' ELSE 'other' END FROM v ORDER BY id
SELECT CASE WHEN id = 1 THEN i WHEN id = 2 THEN l ELSE s END, CASE WHEN id = 1 THEN n ELSE i END, CASE WHEN id = 1 THEN d ELSE n END, CASE WHEN id = 1 THEN dt ELSE ts END FROM v ORDER BY id
SELECT coalesce(i, l), coalesce(s, 0), coalesce(n, 0), coalesce(n, i), coalesce(d, n), coalesce(NULL, NULL, 1), coalesce(dt, ts) FROM v ORDER BY id
SELECT nullif(1, 1), nullif(1, 2), nullif('a', 'b'), nullif(i, 10), nullif(n, 1.5) FROM v ORDER BY id
SELECT CASE WHEN i THEN 1 END FROM v
SELECT CASE WHEN true THEN 1 ELSE 'x' END
SELECT i::text, l::text, n::text, u::text, r::text, d::text, b::text, by::text, ui::text, s::text, j::text FROM v ORDER BY id
SELECT i::bigint, i::numeric, i::real, i::float8, i::boolean, s::int FROM v ORDER BY id
SELECT n::int, n::bigint, n::float8, n::numeric(10,1), u::int, (n + 0.5)::int, round(n)::int FROM v ORDER BY id
SELECT d::int, d::numeric, r::numeric, r::float8, d::real, d::text FROM v WHERE id IN (1, 5) ORDER BY id
SELECT 1.5::float8::numeric, 0.1::float4::numeric, 123456789.123::float8::numeric, 1e15::float8::numeric, 1e-10::float8::numeric, 2.5::int, 3.5::int, (-2.5)::int, 2.5::float8::int
SELECT '5'::int, ' 5 '::int, '-5'::bigint, '1e3'::float8, '1.50'::numeric, 't'::bool, 'off'::bool, '2024-01-01'::date, '\xab'::bytea, 'x'::text, 'yes'::boolean
SELECT 'abc'::int
SELECT '1.5'::int
SELECT ''::int
SELECT 'maybe'::bool
SELECT t::int FROM v WHERE id = 1
SELECT true::int, 1::bool, 0::bool, true::text, 't'::bool::int, bool 'f'
SELECT true::numeric
SELECT b AND true, b OR false, NOT b, b IS TRUE, b IS NOT TRUE, b IS UNKNOWN, b = true, b <> false, b > false FROM v ORDER BY id
SELECT true AND NULL, false AND NULL, true OR NULL, NULL::bool OR false, NOT NULL, true = true IS NOT NULL
SELECT i IS NULL, i IS NOT NULL, i ISNULL, i NOTNULL, i IS DISTINCT FROM 10, i IS NOT DISTINCT FROM NULL FROM v ORDER BY id
SELECT i BETWEEN 0 AND 20, i NOT BETWEEN 0 AND 20, i BETWEEN SYMMETRIC 20 AND 0 FROM v ORDER BY id
SELECT i IN (10, NULL), i NOT IN (10, NULL), i IN (1.5, 10.0), t IN ('alpha'), t IN ('x', 'y') FROM v ORDER BY id
SELECT pg_typeof(1), pg_typeof(1.5), pg_typeof('a'), pg_typeof(NULL), pg_typeof(ARRAY[1]), pg_typeof(3000000000), pg_typeof(1::real), pg_typeof(sum(i)), pg_typeof(avg(i)), pg_typeof(count(*)), pg_typeof(sum(l)), pg_typeof(avg(d)) FROM v
SELECT pg_typeof(s), pg_typeof(i), pg_typeof(n), pg_typeof(r), pg_typeof(vc), pg_typeof(b), pg_typeof(dt), pg_typeof(ts), pg_typeof(tz), pg_typeof(tm), pg_typeof(iv), pg_typeof(by), pg_typeof(j), pg_typeof(ui) FROM v WHERE id = 1
SELECT num_nulls(i, t), num_nonnulls(i, t, 1), pg_typeof(i + l), pg_typeof(s + s), pg_typeof(i / 2.0), pg_typeof(d * 2) FROM v WHERE id = 3
SELECT *, i + 1 AS nxt FROM v WHERE id = 1
SELECT v.*, w.k FROM v JOIN w ON w.v_id = v.id WHERE w.id = 1
SELECT id AS "Id", i AS "I x" FROM v WHERE id = 1
SELECT count(*), sum(i) AS total, max(t) FROM v
SELECT upper(t), i + 1, -i, i::text, CASE WHEN b THEN 1 END, (SELECT 1), ARRAY[1], EXISTS (SELECT 1), coalesce(i, 0), t || 'x', i IS NULL, extract(year FROM dt), now() IS NOT NULL, 'lit', 1.5, NULL, true FROM v WHERE id = 1
SELECT v FROM (SELECT 1 AS a, 'x' AS b) v
SELECT w FROM w WHERE id = 1
SELECT ROW(1, 'a', NULL), (1, 2)
SELECT nosuch(1)
SELECT lower(1)
SELECT sum(t) FROM v
SELECT abs('x')
SELECT length(5)
SELECT i + t FROM v
SELECT t + t FROM v
SELECT dt + dt FROM v
SELECT b + 1 FROM v
SELECT i AND b FROM v
SELECT 1 WHERE 1
SELECT NOT i FROM v
SELECT x.id FROM v
SELECT id FROM v, w
SELECT id FROM v WHERE count(*) > 1
SELECT i, count(*) FROM v
SELECT i, t FROM v GROUP BY i
SELECT max(count(*)) FROM v
SELECT rank() FROM v
SELECT id FROM v WHERE row_number() OVER () = 1
SELECT (SELECT id, i FROM v)
SELECT id FROM v WHERE id IN (SELECT id, i FROM v)
SELECT ui, ui::text, ui = '11111111-1111-1111-1111-111111111111'::uuid, max(ui::text) OVER () FROM v ORDER BY ui
SELECT count(*) FROM v WHERE ui IN ('11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222')
SELECT gen_random_uuid() <> gen_random_uuid(), version() IS NOT NULL, current_user = session_user, current_database() IS NOT NULL
SELECT "number", "gas_used" FROM "chain"."blocks" WHERE "number" < 3 ORDER BY "number"
SELECT b.number, count(t.hash) AS txs, coalesce(sum(t.gas), 0) AS gas FROM chain.blocks b LEFT JOIN chain.transactions t ON t.block_number = b.number GROUP BY b.number ORDER BY b.number LIMIT 5
SELECT from_address, to_address, count(*) FROM chain.transactions GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 1, 2 LIMIT 5
SELECT block_number, sum(value), sum(value)::numeric / 1e18, round(sum(value) / 1e18, 6) FROM chain.transactions GROUP BY 1 ORDER BY 1 LIMIT 5
SELECT block_number, value, rank() OVER (PARTITION BY block_number ORDER BY value DESC), sum(value) OVER (ORDER BY block_number, transaction_index) FROM chain.transactions ORDER BY block_number, transaction_index LIMIT 5
SELECT avg(value), stddev(value::numeric), value % 7, value / 3, value * 2 FROM chain.transactions GROUP BY value ORDER BY value LIMIT 3
SELECT gas_price * gas AS fee, gas_price / 1e9, gas_price::float8 FROM chain.transactions ORDER BY block_number, transaction_index LIMIT 3
SELECT value + 1, value - 1, -value, abs(value), value::bigint IS NULL FROM chain.transactions WHERE value < 1000 ORDER BY block_number, transaction_index LIMIT 3
SELECT log(value), ln(value + 1), sqrt(value), power(value, 2) FROM chain.transactions WHERE value > 0 ORDER BY block_number, transaction_index LIMIT 3
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gas), percentile_cont(0.5) WITHIN GROUP (ORDER BY value), percentile_disc(0.5) WITHIN GROUP (ORDER BY value) FROM chain.transactions
SELECT width_bucket(gas_used, 0, 30000000, 10) AS b, count(*) FROM chain.blocks GROUP BY 1 ORDER BY 1
SELECT count(*), count(DISTINCT miner), min(timestamp), max(timestamp), max(timestamp) - min(timestamp), (max(number) - min(number))::numeric / count(*) FROM chain.blocks
SELECT substr(encode(hash, 'hex'), 1, 6), '0x' || encode(miner, 'hex') FROM chain.blocks ORDER BY number LIMIT 2
SELECT count(*) FROM chain.transactions WHERE to_address = decode('0000000000000000000000000000000000000000', 'hex') OR to_address IS NULL
SELECT count(*) FROM chain.transactions t WHERE t.block_number IN (SELECT number FROM chain.blocks WHERE gas_used > (SELECT avg(gas_used) FROM chain.blocks))
SELECT b.number, (SELECT sum(t.value) FROM chain.transactions t WHERE t.block_number = b.number) FROM chain.blocks b ORDER BY 1 LIMIT 4
SELECT b.number, (SELECT t.hash FROM chain.transactions t WHERE t.block_number = b.number ORDER BY t.gas DESC, t.transaction_index LIMIT 1) FROM chain.blocks b ORDER BY 1 LIMIT 4
