// node-pg, pg-cursor and postgres.js: parameters, named statements, cursors, streams, LISTEN, pools.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';

const require = createRequire(process.env.CLIENT_MODULES + '/');
const pg = require('pg');
const Cursor = require('pg-cursor');
const postgres = require('postgres');
const versions = ['pg', 'pg-cursor', 'postgres'].map((name) => `${name} ${JSON.parse(readFileSync(
    `${process.env.CLIENT_MODULES}/node_modules/${name}/package.json`)).version}`);
console.log('version', versions.join(', '));

const BLOCKS = 301;
const ssl = { ca: readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' };
const settings = { host: process.env.PGHOST, port: +process.env.PGPORT, user: process.env.PGUSER,
    password: process.env.PGPASSWORD, database: process.env.PGDATABASE, ssl, enableChannelBinding: true };

const checks = {
    async 'parameters of each type'(db) {
        const when = new Date('2024-01-02T03:04:05.006Z');
        for (const [type, value, expected] of [['int4', 1, 1], ['int8', '5', '5'], ['text', 'é', 'é'], ['bool', true, true],
            ['bytea', Buffer.from([0, 255]), Buffer.from([0, 255])], ['float8', 1.5, 1.5], ['timestamptz', when, when],
            ['numeric', '1.50', '1.50'], ['int4[]', [1, 2], [1, 2]], ['text[]', ['a', null], ['a', null]],
            ['jsonb', { a: 1 }, { a: 1 }], ['json', { b: [1] }, { b: [1] }]]) {
            const { rows } = await db.query(`SELECT $1::${type} AS v`, [value]);
            assert.deepEqual(rows[0].v, expected, type);
        }
    },
    async 'named statements and array rows'(db) {
        for (let n = 0; n < 5; n++) {
            const { rows, fields } = await db.query({ name: 'by-number', rowMode: 'array', values: [n],
                text: 'SELECT number, hash FROM chain.blocks WHERE number = $1' });
            assert.equal(rows[0][0], String(n));
            assert.deepEqual(fields.map((field) => [field.name, field.dataTypeID]), [['number', 20], ['hash', 17]]);
        }
    },
    async 'several statements in one query'(db) {
        const results = await db.query('SELECT 1 AS a; SELECT 2 AS b');
        assert.deepEqual(results.map((result) => result.rows[0]), [{ a: 1 }, { b: 2 }]);
    },
    async 'any with an array of bytes'(db) {
        const { rows } = await db.query('SELECT hash FROM chain.blocks ORDER BY number LIMIT 3');
        const found = await db.query('SELECT count(*) FROM chain.blocks WHERE hash = ANY($1)', [rows.map((row) => row.hash)]);
        assert.equal(found.rows[0].count, '3');
    },
    async 'a cursor reads in steps and closes early'(db) {
        const cursor = db.query(new Cursor('SELECT number FROM chain.blocks WHERE number >= $1 ORDER BY number', [10]));
        assert.deepEqual((await cursor.read(2)).map((row) => row.number), ['10', '11']);
        assert.equal((await cursor.read(1000)).length, BLOCKS - 12);
        assert.equal((await cursor.read(1)).length, 0);
        await cursor.close();
        const early = db.query(new Cursor('SELECT number FROM chain.blocks'));
        await early.read(1);
        await early.close();
        assert.equal((await db.query('SELECT 1 AS a')).rows[0].a, 1);
    },
    async 'errors keep the connection and name the place'(db) {
        await assert.rejects(db.query('SELECT nope FROM chain.blocks'), { code: '42703', position: '8' });
        await assert.rejects(db.query('SELECT $1::int', ['x']), { code: '22P02' });
        assert.equal((await db.query('SELECT 1 AS a')).rows[0].a, 1);
    },
    async 'temporary tables in a transaction'(db) {
        await db.query('BEGIN');
        await db.query('CREATE TEMP TABLE t (id int, name text, data jsonb)');
        await db.query('INSERT INTO t VALUES ($1, $2, $3)', [1, 'x', { a: [1] }]);
        assert.deepEqual((await db.query('SELECT * FROM t')).rows, [{ id: 1, name: 'x', data: { a: [1] } }]);
        await db.query('ROLLBACK');
        await assert.rejects(db.query('SELECT * FROM t'), { code: '42P01' });
    },
    async 'notifications'(db) {
        const got = new Promise((resolve) => db.once('notification', resolve));
        await db.query('LISTEN ergo_test');
        await db.query("SELECT pg_notify('ergo_test', 'hello')");
        assert.equal((await got).payload, 'hello');
    },
    async 'a pool serves many queries at once'() {
        const pool = new pg.Pool({ ...settings, max: 4 });
        const found = await Promise.all([...Array(40).keys()].map((n) => pool.query('SELECT $1::int AS n', [n])));
        assert.deepEqual(found.map((result) => result.rows[0].n), [...Array(40).keys()]);
        await pool.end();
    },
    async 'postgres.js queries, cursors and transactions'() {
        const sql = postgres({ ...settings, max: 2, onnotice() {} });
        try {
            assert.equal((await sql`SELECT count(*)::int AS n FROM chain.blocks WHERE number >= ${5}`)[0].n, BLOCKS - 5);
            assert.equal((await sql`SELECT count(*)::int AS n FROM chain.blocks WHERE number IN ${sql([1, 2])}`)[0].n, 2);
            let count = 0;
            for await (const rows of sql`SELECT number FROM chain.blocks`.cursor(100)) count += rows.length;
            assert.equal(count, BLOCKS);
            await sql.begin('read only', async (sql) => assert.equal((await sql`SELECT 1 AS a`)[0].a, 1));
            await assert.rejects(sql`SELECT 1/0`, { code: '22012' });
        } finally {
            await sql.end({ timeout: 1 });
        }
    },
};

let failed = false;
for (const [name, check] of Object.entries(checks)) {
    const db = new pg.Client(settings);
    db.on('error', () => {});
    try {
        await db.connect();
        await Promise.race([check(db), new Promise((_, reject) => {
            setTimeout(reject, 20_000, new Error('no answer in 20 s')).unref();
        })]);
        console.log('ok', name);
    } catch (error) {
        failed = true;
        console.log(`FAIL ${name}: ${error.code ?? ''} ${String(error.message).split('\n').join(' ').slice(0, 500)}`);
    }
    await Promise.race([db.end(), new Promise((resolve) => setTimeout(resolve, 500))]).catch(() => {});
}
process.exit(failed ? 1 : 0);
