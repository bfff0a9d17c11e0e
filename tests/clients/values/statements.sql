-- Expressions and statements over chain tables, one a line. values.py runs each on both servers.
SELECT timestamp::text, timestamp::timestamp::text, timestamp::date::text, timestamp::time::text FROM chain.blocks ORDER BY number LIMIT 3
SELECT timestamp || '', 'at ' || timestamp, concat(timestamp, ' ', number), concat_ws(',', timestamp, number) FROM chain.blocks ORDER BY number LIMIT 3
SELECT (timestamp - timestamptz '2023-01-01')::text, timestamp - timestamptz '2023-01-01' FROM chain.blocks ORDER BY number LIMIT 3
SELECT (timestamp::timestamp - timestamp '2023-01-01 12:00')::text FROM chain.blocks ORDER BY number LIMIT 3
SELECT interval '1 day 02:03:04'::text, (interval '1 year 2 mons')::text FROM chain.blocks LIMIT 1
SELECT number::text, number::numeric::text, number::float8::text, (number / 4.0)::text FROM chain.blocks ORDER BY number LIMIT 9
SELECT (number::float8 / 3)::text, (number::real / 3)::text FROM chain.blocks ORDER BY number LIMIT 9
SELECT (number > 3)::text, (number > 3) || '' FROM chain.blocks ORDER BY number LIMIT 9
SELECT hash::text, miner::text, value::text FROM chain.transactions t JOIN chain.blocks b ON b.number = t.block_number ORDER BY block_number, transaction_index LIMIT 5
SELECT extract(epoch FROM timestamp), extract(year FROM timestamp), extract(second FROM timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(month FROM timestamp), extract(day FROM timestamp), extract(hour FROM timestamp), extract(minute FROM timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(dow FROM timestamp), extract(doy FROM timestamp), extract(isodow FROM timestamp), extract(week FROM timestamp), extract(quarter FROM timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(isoyear FROM timestamp), extract(decade FROM timestamp), extract(century FROM timestamp), extract(millennium FROM timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(milliseconds FROM timestamp), extract(microseconds FROM timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(epoch FROM timestamp - timestamptz '2023-01-01'), extract(day FROM timestamp - timestamptz '2023-01-01') FROM chain.blocks ORDER BY number LIMIT 3
SELECT date_part('epoch', timestamp), date_part('hour', timestamp), date_part('dow', timestamp::date) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(year FROM timestamp::date), extract(epoch FROM timestamp::date) FROM chain.blocks ORDER BY number LIMIT 3
SELECT extract(hour FROM timestamp::time), extract(epoch FROM timestamp::timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT date_trunc('day', timestamp), date_trunc('hour', timestamp::timestamp), date_trunc('month', timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT date_trunc('week', timestamp), date_trunc('quarter', timestamp), date_trunc('year', timestamp), date_trunc('minute', timestamp) FROM chain.blocks ORDER BY number LIMIT 3
SELECT date_trunc('day', timestamp, 'Europe/Berlin') FROM chain.blocks ORDER BY number LIMIT 3
SELECT date_trunc('day', timestamp)::date, count(*) FROM chain.blocks GROUP BY 1 ORDER BY 1
SELECT date_bin('15 minutes', timestamp, timestamptz '2000-01-01') FROM chain.blocks ORDER BY number LIMIT 3
SELECT timestamp AT TIME ZONE 'Europe/Berlin', timestamp AT TIME ZONE 'UTC' FROM chain.blocks ORDER BY number LIMIT 3
SELECT (timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Tokyo' FROM chain.blocks ORDER BY number LIMIT 3
SELECT timestamp + interval '1 month', timestamp - interval '2 days 3 hours', timestamp::date + 7, timestamp::date - 1 FROM chain.blocks ORDER BY number LIMIT 3
SELECT timestamp + number * interval '1 hour', interval '1 day' * 3, interval '1 day' / 2, number * interval '1 second' FROM chain.blocks ORDER BY number LIMIT 3
SELECT 2 * interval '1 day 1 hour', interval '1 day' * 1.5 FROM chain.blocks LIMIT 1
SELECT age(timestamp, timestamptz '2020-02-29 12:00'), age(timestamp::timestamp, timestamp '2023-01-31') FROM chain.blocks ORDER BY number LIMIT 3
SELECT timestamp::date - date '2023-01-01', timestamp::date::timestamp FROM chain.blocks ORDER BY number LIMIT 3
SELECT max(timestamp) - min(timestamp), max(timestamp)::date - min(timestamp)::date FROM chain.blocks
SELECT to_char(timestamp, 'YYYY-MM-DD HH24:MI:SS'), to_char(timestamp, 'Mon DD, YYYY'), to_char(timestamp, 'YYYY"Q"Q') FROM chain.blocks ORDER BY number LIMIT 3
SELECT to_char(timestamp, 'HH12:MI AM'), to_char(timestamp, 'Day'), to_char(timestamp, 'IYYY-IW') FROM chain.blocks ORDER BY number LIMIT 3
SELECT to_char(number, '999,999'), to_char(number, 'FM000'), to_char(number / 7.0, 'FM990.00') FROM chain.blocks ORDER BY number LIMIT 5
SELECT to_timestamp(extract(epoch FROM timestamp)), to_timestamp(1700000000) FROM chain.blocks ORDER BY number LIMIT 3
SELECT to_date('2023-11-14', 'YYYY-MM-DD'), make_date(2023, 11, 14), make_timestamp(2023, 11, 14, 1, 2, 3.5) FROM chain.blocks LIMIT 1
SELECT '2023-11-14 22:00:00'::timestamptz < timestamp, '2023-11-15'::date FROM chain.blocks ORDER BY number LIMIT 3
SELECT count(*) FROM chain.blocks WHERE timestamp >= '2023-11-15' AND timestamp < '2023-11-16'
SELECT count(*) FROM chain.blocks WHERE timestamp BETWEEN timestamptz '2023-11-14 23:30:00+00' AND timestamptz '2023-11-15 01:00:00+00'
SELECT count(*) FROM chain.blocks WHERE timestamp::date = '2023-11-15'
SELECT count(*) FROM chain.blocks WHERE timestamp > timestamptz '2023-11-14 22:00:00Z' + interval '2 hours'
SELECT sum(value), avg(value), min(value), max(value), count(value) FROM chain.transactions
SELECT sum(gas_used), avg(gas_used), min(gas_used), max(gas_used) FROM chain.blocks
SELECT avg(number), sum(number), stddev(number), variance(number) FROM chain.blocks
SELECT sum(number) / count(*), sum(number)::numeric / count(*) FROM chain.blocks
SELECT avg(number::float8), sum(number::float8), avg(transaction_index::int) FROM chain.transactions t JOIN chain.blocks b ON t.block_number = b.number
SELECT round(avg(number), 2), round(avg(number)), trunc(avg(number), 1), ceil(avg(number)), floor(avg(number)) FROM chain.blocks
SELECT number / 2, number % 7, -number, abs(number - 5), power(number, 2), sqrt(number) FROM chain.blocks ORDER BY number LIMIT 5
SELECT number / 2.0, number * 1.5, number + 0.1, number / 3.0 FROM chain.blocks ORDER BY number LIMIT 5
SELECT round(number / 3.0, 2), round((number / 3.0)::numeric, 4), round(number::float8 / 3) FROM chain.blocks ORDER BY number LIMIT 5
SELECT ln(number + 1), log(number + 1), exp(number::float8 / 100), mod(number, 3), sign(number - 2) FROM chain.blocks ORDER BY number LIMIT 5
SELECT greatest(number, 3), least(number, 3), coalesce(NULL, number), nullif(number, 2) FROM chain.blocks ORDER BY number LIMIT 5
SELECT width_bucket(number, 0, 300, 5), number::int::bit(8) IS NULL FROM chain.blocks ORDER BY number LIMIT 5
SELECT width_bucket(number::float8, 0, 300, 5) FROM chain.blocks ORDER BY number LIMIT 5
SELECT CASE WHEN number < 2 THEN 'low' WHEN number < 4 THEN 'mid' ELSE 'high' END FROM chain.blocks ORDER BY number LIMIT 5
SELECT CASE number WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN number > 2 THEN 1 ELSE 0.5 END FROM chain.blocks ORDER BY number LIMIT 5
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY number), percentile_disc(0.5) WITHIN GROUP (ORDER BY number) FROM chain.blocks
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY gas_used), mode() WITHIN GROUP (ORDER BY gas_limit) FROM chain.blocks
SELECT count(DISTINCT from_address), count(*) FILTER (WHERE to_address IS NULL), count(*) FROM chain.transactions
SELECT string_agg(number::text, ',' ORDER BY number DESC) FROM chain.blocks WHERE number < 5
SELECT array_agg(number ORDER BY number), array_agg(DISTINCT number % 3 ORDER BY number % 3) FROM chain.blocks WHERE number < 7
SELECT array_agg(number ORDER BY number)::text FROM chain.blocks WHERE number < 7
SELECT bool_and(number >= 0), bool_or(number > 1000), every(number < 1000) FROM chain.blocks
SELECT bit_and(number), bit_or(number) FROM chain.blocks WHERE number > 0
SELECT corr(number, gas_used), regr_slope(number, gas_used), covar_pop(number, gas_used) FROM chain.blocks
SELECT block_number, count(*) FROM chain.transactions GROUP BY block_number HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 5
SELECT number % 3, count(*), grouping(number % 3) FROM chain.blocks GROUP BY ROLLUP (number % 3) ORDER BY 1 NULLS LAST
SELECT number % 2 AS a, number % 3 AS b, count(*) FROM chain.blocks GROUP BY GROUPING SETS ((1), (2), ()) ORDER BY 1, 2, 3
SELECT number % 2 AS a, number % 3 AS b, count(*) FROM chain.blocks GROUP BY CUBE (1, 2) ORDER BY 1, 2, 3
SELECT DISTINCT ON (number % 5) number % 5, number FROM chain.blocks ORDER BY number % 5, number DESC
SELECT number, row_number() OVER (ORDER BY number DESC), rank() OVER (ORDER BY number % 3), dense_rank() OVER (ORDER BY number % 3) FROM chain.blocks ORDER BY number LIMIT 5
SELECT number, lag(number) OVER w, lead(number, 2, -1) OVER w, first_value(number) OVER w, last_value(number) OVER w FROM chain.blocks WINDOW w AS (ORDER BY number) ORDER BY number LIMIT 5
SELECT number, sum(gas_used) OVER (ORDER BY number), avg(gas_used) OVER (ORDER BY number ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM chain.blocks ORDER BY number LIMIT 6
SELECT number, ntile(4) OVER (ORDER BY number), percent_rank() OVER (ORDER BY number), cume_dist() OVER (ORDER BY number) FROM chain.blocks ORDER BY number LIMIT 6
SELECT number, timestamp - lag(timestamp) OVER (ORDER BY number) FROM chain.blocks ORDER BY number LIMIT 5
SELECT sum(count(*)) OVER (ORDER BY date_trunc('hour', timestamp)) FROM chain.blocks GROUP BY date_trunc('hour', timestamp) ORDER BY 1
SELECT ARRAY(SELECT number FROM chain.blocks WHERE number < 4 ORDER BY number)
SELECT number, ARRAY(SELECT transaction_index FROM chain.transactions t WHERE t.block_number = b.number ORDER BY 1) FROM chain.blocks b ORDER BY number LIMIT 4
SELECT b.number, l.n FROM chain.blocks b, LATERAL (SELECT count(*) AS n FROM chain.transactions t WHERE t.block_number = b.number) l ORDER BY 1 LIMIT 5
SELECT b.number, l.value FROM chain.blocks b CROSS JOIN LATERAL (SELECT value FROM chain.transactions t WHERE t.block_number = b.number ORDER BY value DESC LIMIT 1) l ORDER BY 1 LIMIT 5
SELECT b.number, l.n FROM chain.blocks b LEFT JOIN LATERAL (SELECT max(transaction_index) AS n FROM chain.transactions t WHERE t.block_number = b.number) l ON true ORDER BY 1 LIMIT 5
SELECT number, (SELECT count(*) FROM chain.transactions t WHERE t.block_number = b.number) FROM chain.blocks b ORDER BY number LIMIT 5
SELECT number FROM chain.blocks b WHERE EXISTS (SELECT 1 FROM chain.transactions t WHERE t.block_number = b.number AND t.to_address IS NULL) ORDER BY 1 LIMIT 5
SELECT number FROM chain.blocks b WHERE NOT EXISTS (SELECT FROM chain.transactions t WHERE t.block_number = b.number) ORDER BY 1 LIMIT 5
SELECT count(*) FROM chain.transactions WHERE (block_number, transaction_index) IN (SELECT number, 0 FROM chain.blocks)
SELECT count(*) FROM chain.transactions WHERE (block_number, transaction_index) IN ((1, 0), (2, 0), (3, 1))
SELECT count(*) FROM chain.transactions WHERE (block_number, transaction_index) > (100, 0)
SELECT count(*) FROM chain.transactions WHERE (block_number, transaction_index) = (SELECT max(number), 0 FROM chain.blocks)
SELECT count(*) FROM chain.transactions WHERE block_number NOT IN (SELECT number FROM chain.blocks WHERE number > 10)
SELECT count(*) FROM chain.transactions WHERE value > ALL (SELECT 1)
SELECT count(*) FROM chain.transactions WHERE gas = ANY (ARRAY[21000, 50000])
SELECT s.n, b.number FROM generate_series(1, 3) AS s(n) JOIN chain.blocks b ON b.number = s.n ORDER BY 1
SELECT g, count(b.number) FROM generate_series(timestamptz '2023-11-14 22:00+00', timestamptz '2023-11-15 02:00+00', interval '1 hour') AS g LEFT JOIN chain.blocks b ON date_trunc('hour', b.timestamp) = g GROUP BY 1 ORDER BY 1
SELECT b.number, u.i, u.v FROM chain.blocks b, unnest(ARRAY[10, 20]) WITH ORDINALITY AS u(v, i) WHERE b.number < 2 ORDER BY 1, 2
SELECT b.number, u.v FROM chain.blocks b CROSS JOIN unnest(ARRAY[b.number, b.number + 1]) AS u(v) WHERE b.number < 2 ORDER BY 1, 2
SELECT number, unnest(ARRAY[1, 2]) FROM chain.blocks ORDER BY number, 2 LIMIT 4
SELECT v.k, count(b.number) FROM (VALUES (0), (1), (2)) AS v(k) LEFT JOIN chain.blocks b ON b.number % 3 = v.k GROUP BY 1 ORDER BY 1
WITH RECURSIVE t(n) AS (SELECT min(number) FROM chain.blocks UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t ORDER BY 1
WITH a AS (SELECT number, gas_used FROM chain.blocks), b AS (SELECT max(gas_used) AS m FROM a) SELECT number FROM a, b WHERE gas_used = m ORDER BY 1 LIMIT 3
SELECT number FROM chain.blocks WHERE number < 3 UNION SELECT block_number FROM chain.transactions WHERE block_number < 4 ORDER BY 1
SELECT number FROM chain.blocks WHERE number < 9 EXCEPT SELECT 5 ORDER BY 1
SELECT number FROM chain.blocks WHERE number < 9 INTERSECT ALL SELECT block_number FROM chain.transactions ORDER BY 1
SELECT b.number, t.transaction_index FROM chain.blocks b FULL JOIN chain.transactions t ON t.block_number = b.number ORDER BY 1, 2 LIMIT 5
SELECT number, t.hash IS NULL FROM chain.blocks LEFT JOIN chain.transactions t ON number = block_number AND value > 0 ORDER BY number, transaction_index LIMIT 5
SELECT encode(hash, 'hex'), encode(hash, 'base64'), length(hash), octet_length(hash) FROM chain.blocks ORDER BY number LIMIT 2
SELECT substring(hash FROM 1 FOR 4), get_byte(hash, 0), hash || '\x00'::bytea FROM chain.blocks ORDER BY number LIMIT 2
SELECT left(encode(hash, 'hex'), 8), right(encode(hash, 'hex'), 4), upper(encode(hash, 'hex')) FROM chain.blocks ORDER BY number LIMIT 2
SELECT md5(number::text), sha256(hash), reverse(number::text) FROM chain.blocks ORDER BY number LIMIT 2
SELECT lpad(number::text, 5, '0'), rpad(number::text, 3, '*'), repeat('a', 3), replace(number::text, '1', 'x') FROM chain.blocks ORDER BY number LIMIT 3
SELECT split_part(timestamp::text, ' ', 1), strpos(number::text, '1'), position('1' IN number::text), initcap('ab cd') FROM chain.blocks ORDER BY number LIMIT 3
SELECT regexp_replace(number::text, '[0-4]', 'x', 'g'), number::text ~ '^1', number::text !~ '1$', number::text ~* 'A' FROM chain.blocks ORDER BY number LIMIT 3
SELECT regexp_match(number::text, '(\d)(\d)'), regexp_count(number::text, '1') FROM chain.blocks ORDER BY number DESC LIMIT 3
SELECT regexp_matches(number::text, '\d', 'g') FROM chain.blocks ORDER BY number DESC LIMIT 3
SELECT string_to_array('a,b', ','), array_to_string(ARRAY[number, 2], '-'), array_length(ARRAY[1, 2], 1) FROM chain.blocks ORDER BY number LIMIT 2
SELECT number::text LIKE '1%', number::text ILIKE '%2', number::text NOT LIKE '_', number::text SIMILAR TO '(1|2)%' FROM chain.blocks ORDER BY number LIMIT 3
SELECT trim('  a '), ltrim('xxa', 'x'), rtrim('axx', 'x'), btrim('xax', 'x'), char_length('é'), ascii('a'), chr(97) FROM chain.blocks LIMIT 1
SELECT format('%s-%s', number, 'x'), quote_literal(number::text), quote_ident('A b'), translate('abc', 'ab', 'xy') FROM chain.blocks ORDER BY number LIMIT 2
SELECT to_hex(number), number & 3, number | 8, number # 1, number << 2, number >> 1, ~number FROM chain.blocks ORDER BY number LIMIT 3
SELECT pg_typeof(number), pg_typeof(timestamp), pg_typeof(hash), pg_typeof(number / 2.0), pg_typeof(count(*) OVER ()) FROM chain.blocks ORDER BY number LIMIT 1
SELECT value / 1e18, value::numeric / 1000000000000000000, round(value / 1e18, 4) FROM chain.transactions ORDER BY block_number, transaction_index LIMIT 5
SELECT value::numeric * 2, value::numeric + 1, value > 1000, value = 0, value::text FROM chain.transactions ORDER BY block_number, transaction_index LIMIT 5
SELECT sum(value) / 1e18, sum(value)::numeric / count(*), max(value) - min(value) FROM chain.transactions
SELECT sum(gas_price * gas) FROM chain.transactions
SELECT date_trunc('hour', b.timestamp) AS h, count(*), sum(t.value) FROM chain.transactions t JOIN chain.blocks b ON b.number = t.block_number GROUP BY 1 ORDER BY 1
SELECT from_address, count(*), sum(value) FROM chain.transactions GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5
SELECT encode(from_address, 'hex') AS a, count(*) AS n FROM chain.transactions GROUP BY a ORDER BY n DESC, a LIMIT 3
SELECT * FROM chain.blocks ORDER BY number DESC LIMIT 2 OFFSET 1
SELECT number FROM chain.blocks ORDER BY number DESC FETCH FIRST 3 ROWS ONLY
SELECT number, gas_used FROM chain.blocks ORDER BY gas_used DESC NULLS LAST, number LIMIT 3
SELECT access_list::jsonb -> 0, access_list::json ->> 0 FROM chain.transactions ORDER BY block_number, transaction_index LIMIT 2
SELECT jsonb_build_object('n', number, 'h', encode(hash, 'hex')) FROM chain.blocks ORDER BY number LIMIT 2
SELECT json_agg(number ORDER BY number) FROM chain.blocks WHERE number < 3
SELECT row_to_json(b) FROM (SELECT number, gas_used FROM chain.blocks ORDER BY number LIMIT 2) b
SELECT to_jsonb(number), to_json(timestamp) FROM chain.blocks ORDER BY number LIMIT 1
SELECT current_date = now()::date, now() > max(timestamp), current_timestamp IS NOT NULL, localtimestamp IS NOT NULL FROM chain.blocks
SELECT random() < 1, gen_random_uuid() IS NOT NULL FROM chain.blocks LIMIT 1
SELECT number, number IS DISTINCT FROM 1, (number = 1) IS TRUE, (number = 1) IS NOT FALSE, (NULL::bool) IS UNKNOWN FROM chain.blocks ORDER BY number LIMIT 3
SELECT number BETWEEN 1 AND 2, number BETWEEN SYMMETRIC 2 AND 1, number NOT BETWEEN 1 AND 2, number IN (1, 2) FROM chain.blocks ORDER BY number LIMIT 4
SELECT CAST(number AS varchar(2)), number::char(5), number::smallint, number::int4, number::float4 FROM chain.blocks ORDER BY number LIMIT 4
SELECT '12'::int + number, '1.5'::numeric * number, 'true'::bool, '7'::bigint FROM chain.blocks ORDER BY number LIMIT 2
SELECT 1 / (number - 1) FROM chain.blocks ORDER BY number
SELECT number::smallint * 20000::smallint FROM chain.blocks ORDER BY number
SELECT number::text::date FROM chain.blocks
SELECT nothing FROM chain.blocks
SELECT number + 'a' FROM chain.blocks
SELECT upper(number) FROM chain.blocks
SELECT sum(hash) FROM chain.blocks
SELECT number, count(*) FROM chain.blocks
SELECT timestamp + 1 FROM chain.blocks
SELECT string_agg(number, ',') FROM chain.blocks
SELECT upper(timestamp) FROM chain.blocks
