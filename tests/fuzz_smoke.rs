//! Every parser of outside bytes against seeded mutations of real inputs, on the stable toolchain.
//!
//! A failure is a panic, an abort or a hang, and prints the seed, the target and the input. The same
//! entry points run under libFuzzer in `fuzz/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "a hang is found by the clock")]

use std::io::Write as _;
use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use tests::fuzz::{chain, gateway};
use tests::mint::{
    Era1Writer, Fork, MintConfig, Minter, NdjsonWriter, Random, RlpChainWriter, Schedule,
};

/// Mutations per target and seed input.
const ROUNDS: u64 = 300;
/// No input of this size may take longer, in an unoptimised build on a busy machine.
const SECONDS_MAX: u64 = 20;

/// Runs `target` over mutations of `inputs`.
fn smoke(name: &str, target: fn(&[u8]), inputs: &[Vec<u8>]) {
    smoke_rounds(name, target, inputs, ROUNDS);
}

/// The same with this many mutations for each input.
fn smoke_rounds(name: &str, target: fn(&[u8]), inputs: &[Vec<u8>], rounds: u64) {
    let mut random = Random::new(17);
    inputs.iter().for_each(|input| target(input));
    for round in 0..rounds * inputs.len() as u64 {
        let mut input = random.pick(inputs).clone();
        for _ in 0..=random.below(4) {
            let other: &Vec<u8> = random.pick(inputs);
            mutate(&mut input, other, &mut random);
        }
        let started = Instant::now();
        let result = catch_unwind(|| target(&input));
        let shown = String::from_utf8_lossy(&input[..input.len().min(400)]).into_owned();
        assert!(result.is_ok(), "{name}, round {round}: panic on {} bytes: {shown}", input.len());
        let took = started.elapsed();
        assert!(
            took < Duration::from_secs(SECONDS_MAX),
            "{name}, round {round}: {took:?}: {shown}"
        );
    }
}

/// One change of the kinds that break parsers: bits, sizes, cuts, repeats, pieces of another input.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const EXTREMES: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0xb8, 0xbf, 0xf8, 0xff];
    if input.is_empty() {
        input.push(random.bits() as u8);
        return;
    }
    let at = random.below(input.len() as u64) as usize;
    let end = (at + random.between(1, 64) as usize).min(input.len());
    match random.below(8) {
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = *random.pick(&EXTREMES),
        2 => input[at..end].fill(*random.pick(&EXTREMES)),
        3 => input.truncate(at),
        4 => _ = input.drain(at..end),
        5 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece.repeat(random.between(1, 20) as usize));
        }
        6 if !other.is_empty() => {
            let from = random.below(other.len() as u64) as usize;
            let to = (from + random.between(1, 256) as usize).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            let size = random.between(1, 9) as usize;
            input.splice(at..at, random.bytes(size));
        }
    }
}

fn config(fork: Fork) -> MintConfig {
    MintConfig {
        schedule: Schedule::always(fork),
        block_count: 6,
        transactions_per_block: 3,
        account_count: 4,
        holder_count: 8,
        ..MintConfig::default()
    }
}

#[test]
fn block_files_never_panic_the_reader() {
    let mut era1 = Era1Writer::new(Vec::new()).unwrap();
    Minter::new(config(Fork::London)).for_each(|block| era1.push(&block).unwrap());
    let mut minter = Minter::new(config(Fork::Osaka));
    let mut rlp = RlpChainWriter::new(Vec::new());
    minter.by_ref().for_each(|block| rlp.push(&block).unwrap());
    let (rlp, _) = rlp.finish(minter.genesis()).unwrap();
    let mut ndjson = NdjsonWriter::new(Vec::new());
    Minter::new(config(Fork::Prague)).for_each(|block| ndjson.push(&block).unwrap());
    let ndjson = ndjson.finish().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&ndjson).unwrap();
    let inputs = [era1.finish().unwrap().0, rlp, ndjson, gzip.finish().unwrap()];
    smoke("block_file", chain::block_file, &inputs);
}

#[test]
fn blocks_never_panic_the_verifier() {
    for fork in [Fork::Frontier, Fork::Berlin, Fork::Osaka] {
        let blocks: Vec<_> = Minter::new(config(fork)).collect();
        let rlp: Vec<_> = blocks.iter().map(|block| block.rlp()).collect();
        smoke("rlp_block", chain::rlp_block, &rlp);
        let lines: Vec<_> = blocks.iter().map(|block| block.json_line().into_bytes()).collect();
        smoke("ndjson_line", chain::ndjson_line, &lines);
        let records: Vec<_> = blocks.iter().map(era1_records).collect();
        smoke("era1_block", chain::era1_block, &records);
    }
}

/// Three records and their sizes, as the entry point takes them.
fn era1_records(block: &tests::mint::MintedBlock) -> Vec<u8> {
    let compress = |bytes: &[u8]| {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.into_inner().unwrap()
    };
    let (header, body) = (compress(&block.header.encoded()), compress(&block.body_rlp()));
    let sizes = [header.len() as u16, body.len() as u16].map(u16::to_le_bytes).concat();
    [sizes, header, body, compress(&block.receipts_rlp())].concat()
}

#[test]
fn genesis_files_never_panic_the_reader() {
    let forks = [Fork::Frontier, Fork::London, Fork::Osaka];
    let inputs = forks.map(|fork| {
        let mut minter = Minter::new(config(fork));
        let mut rlp = RlpChainWriter::new(std::io::sink());
        minter.by_ref().for_each(|block| rlp.push(&block).unwrap());
        rlp.finish(minter.genesis()).unwrap().1.into_bytes()
    });
    inputs.iter().for_each(|input| _ = serde_json::from_slice::<serde_json::Value>(input).unwrap());
    smoke("genesis", chain::genesis, &inputs);
}

/// A frame of kind `kind`.
fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u32 + 4).to_be_bytes();
    [&[kind][..], &size, body].concat()
}

#[test]
fn frames_never_panic_the_decoder() {
    let session = [
        frame(b'Q', b"SELECT 1\0"),
        frame(b'P', b"name\0SELECT $1\0\0\x01\0\0\0\x17"),
        frame(b'B', b"\0name\0\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x2a\0\x01\0\x01"),
        frame(b'D', b"Sname\0"),
        frame(b'E', b"\0\0\0\0\x0a"),
        frame(b'C', b"Pportal\0"),
        frame(b'S', b""),
        frame(b'H', b""),
        frame(b'X', b""),
        frame(b'd', b"copied"),
    ];
    let mut inputs = session.to_vec();
    inputs.push(session.concat());
    smoke("frames", gateway::frames, &inputs);
}

#[test]
fn startup_packets_never_panic_the_decoder() {
    let inputs = [
        b"\0\x03\0\0user\0alice\0database\0ethereum\0application_name\0psql\0\0".to_vec(),
        b"\0\x03\0\x02user\0alice\0_pq_.x\0y\0options\0-c statement_timeout=5s\0\0".to_vec(),
        80_877_103_u32.to_be_bytes().to_vec(),
        [&80_877_102_u32.to_be_bytes()[..], &7_u32.to_be_bytes(), &[9; 32]].concat(),
    ];
    smoke("startup", gateway::startup, &inputs);
}

#[test]
fn sign_in_messages_never_panic_nor_sign_anybody_in() {
    let inputs = [
        b"n,,n=,r=abcdefgh\nc=biws,r=abcdefgh,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            .to_vec(),
        b"p=tls-server-end-point,,n=x,r=abc\nc=cD10bHM=,r=abc,p=".to_vec(),
        b"y,,n=\0,r=,m=x\n".to_vec(),
        include_bytes!("fixtures/tls/ann.der").to_vec(),
    ];
    smoke("sign_in", gateway::sign_in, &inputs);
}

#[test]
fn parameters_never_panic_the_decoder() {
    // (type, text, binary)
    let values: [(u16, &str, &[u8]); 15] = [
        (16, "true", &[1]),
        (17, "\\xdeadbeef", &[1, 2, 3]),
        (20, "-9223372036854775808", &i64::MIN.to_be_bytes()),
        (21, "32767", &i16::MAX.to_be_bytes()),
        (23, " 42 ", &42_i32.to_be_bytes()),
        (25, "text \u{1f600}", "text".as_bytes()),
        (701, "NaN", &f64::MAX.to_be_bytes()),
        (1082, "2024-02-29 BC", &(-1_i32).to_be_bytes()),
        (1114, "infinity", &i64::MAX.to_be_bytes()),
        (1184, "2024-01-01 00:00:00.123456+05:30", &i64::MIN.to_be_bytes()),
        (1700, "-12345678901234567890.5e-10", &[0, 2, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x27, 0x0f]),
        (2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", &[7; 16]),
        (
            1007,
            "{1,NULL,\"3\"}",
            &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9],
        ),
        (1001, "{\"\\\\x00\"}", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17]),
        (3802, "{}", b"\x01{}"),
    ];
    let inputs = values.iter().flat_map(|(oid, text, binary)| {
        let oid = oid.to_le_bytes();
        [[&[0], &oid[..], text.as_bytes()].concat(), [&[1], &oid[..], binary].concat()]
    });
    smoke("parameter", gateway::parameter, &inputs.collect::<Vec<_>>());
}

#[test]
fn copy_data_never_panics_whatever_its_pieces() {
    let binary = [
        &b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x03"[..],
        &[0, 0, 0, 1, 7, 255, 255, 255, 255, 0, 0, 0, 2, b'o', b'k', 255, 255],
    ];
    let inputs = [
        b"\x00a\tb\\n\t\\N\n\\x41\t\\101\t\\\\\n\\.\n".to_vec(),
        b"\x04a,\"b \"\"c\"\"\n\",\r\n,,\r\n".to_vec(),
        [&[29][..], &binary.concat()].concat(),
    ];
    smoke("copy_data", gateway::copy_data, &inputs);
}

#[test]
fn literals_of_every_type_never_panic() {
    let texts = [
        "1",
        "-1e-400",
        "NaN",
        "{1,{2},NULL}",
        "[0:1]={a,\"b\\\"\"}",
        "2020-02-30 25:61:61.1234567+99 BC",
        "P1Y2M3DT4H5M6.7S",
        "1 year -2 mons 3 days ago",
        "{\"a\": [1, \"\\u0041\\ud83d\"]}",
        "\\x0aff",
        "pg_catalog.pg_class",
        "infinity",
    ];
    let inputs = (0..36_u8)
        .flat_map(|head| texts.iter().map(move |text| [&[head][..], text.as_bytes()].concat()));
    smoke_rounds("literal", gateway::literal, &inputs.collect::<Vec<_>>(), 4);
}

#[test]
fn sql_text_never_panics_the_parser() {
    let inputs = [
        "SELECT number, hash FROM chain.blocks WHERE number BETWEEN 1 AND $1 ORDER BY 1 DESC LIMIT 5",
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) TABLE t; BEGIN; COMMIT",
        "SELECT sum(value) OVER (PARTITION BY a ORDER BY b ROWS 3 PRECEDING) FROM x -- comment\n/* a /* b */ */",
        "SELECT E'\\x41\\'', U&'\\0041', $tag$ text $tag$, B'101', X'ff', '0xabc'::bytea, 1e-3, .5, 0x1f",
        "SET statement_timeout = '5s'; SHOW ALL; PREPARE p (int) AS SELECT $1; EXECUTE p(1); DEALLOCATE p",
        "COPY t FROM '/etc/passwd'; CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/'; INSERT INTO a VALUES (1)",
        "SELECT CASE WHEN a IS DISTINCT FROM b THEN ARRAY[1,2][1] ELSE (r).f END, a COLLATE \"C\", INTERVAL '1' DAY",
        "DECLARE c CURSOR FOR SELECT 1; FETCH FORWARD 5 FROM c; CLOSE c; EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1",
    ];
    let inputs: Vec<_> = inputs.iter().map(|text| text.as_bytes().to_vec()).collect();
    smoke("sql", gateway::sql, &inputs);
}

/// Parses `open` and `close` nested around a value, a little and far past any limit.
fn nest_sql(open: &str, close: &str) {
    for depth in [8, 16, 32, 64, 20_000] {
        let text = format!("SELECT {}1{}", open.repeat(depth), close.repeat(depth));
        let started = Instant::now();
        gateway::sql(text.as_bytes());
        let took = started.elapsed();
        assert!(took < Duration::from_secs(SECONDS_MAX), "{open} {depth} deep: {took:?}");
    }
}

/// Recursion in a parser must have a limit: an overflowing stack takes the whole process down. Nor
/// may it try every way to read what is nested: that takes twice as long with each level.
#[test]
fn parentheses_in_sql_nest_up_to_a_limit() {
    nest_sql("(", ")");
    nest_sql("a + (", ")");
}

#[test]
fn subqueries_in_sql_nest_up_to_a_limit() {
    nest_sql("SELECT (", ")");
}

#[test]
fn operators_in_sql_nest_up_to_a_limit() {
    nest_sql("NOT ", "");
    nest_sql("- ", "");
    nest_sql("1 + ", "");
}

#[test]
fn case_expressions_in_sql_nest_up_to_a_limit() {
    nest_sql("CASE WHEN ", " END");
}

#[test]
fn arrays_in_sql_nest_up_to_a_limit() {
    nest_sql("ARRAY[", "]");
}

#[test]
fn unions_and_comments_in_sql_nest_up_to_a_limit() {
    nest_sql("1 UNION SELECT ", "");
    nest_sql("/* ", "*/");
}

/// Unknown members are skipped, so nesting below them counts too.
#[test]
fn deep_nesting_in_json_is_an_error_and_not_a_stack_overflow() {
    const DEPTH: usize = 200_000;
    for open in ["[", "{\"block\":", "{\"other\":", "{\"block\":{\"other\":[", "{\"receipts\":["] {
        chain::ndjson_line(open.repeat(DEPTH).as_bytes());
        chain::genesis(open.repeat(DEPTH).as_bytes());
    }
    let skipped = format!("{{\"other\":{}{}}}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    chain::ndjson_line(skipped.as_bytes());
    chain::genesis(skipped.as_bytes());
}

#[test]
fn deep_nesting_in_rlp_is_an_error_and_not_a_stack_overflow() {
    const DEPTH: usize = 2_000;
    let mut nested = vec![0xc0];
    for _ in 0..DEPTH {
        let mut outer = Vec::new();
        alloy_rlp::Header { list: true, payload_length: nested.len() }.encode(&mut outer);
        outer.extend(nested);
        nested = outer;
    }
    chain::rlp_block(&nested);
}
