//! Attacks: each ends in an error or a closed socket, and the server serves the next client.

use std::time::Duration;

use pg_gateway::{AuthConfig, AuthMethod, GatewayConfig, Role, STARTUPS_MAX, Verifier};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{DATABASE, ENDLESS, Harness, PATIENCE};
use crate::raw::{RawClient, bind, describe, execute, message, parse, query, shape, startup, sync};

async fn harness() -> Harness {
    Harness::start(GatewayConfig::default()).await
}

async fn with_passwords() -> Harness {
    let role = Role { verifier: Some(Verifier::from_password("secret")), ..Role::default() };
    let auth =
        AuthConfig::with_loopback(AuthMethod::ScramSha256, [("ann".to_owned(), role)].into());
    Harness::start(GatewayConfig { auth, ..Default::default() }).await
}

async fn is_alive(harness: &Harness) {
    let mut client = RawClient::signed_in(harness).await;
    client.send(&query("SELECT 1")).await;
    assert_eq!(client.shape().await, "T D C(SELECT 1) Z(I)");
}

/// Bytes of this process in memory; the gateway runs in it.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn any_row_count_of_execute_is_taken_and_reserves_nothing() {
    let harness = harness().await;
    let mut client = RawClient::signed_in(&harness).await;
    for rows_max in [i32::MAX, i32::MIN, -1, 0] {
        let before = resident_bytes();
        let steps = [parse("", "SELECT * FROM generate_series(1, 3)"), bind("", "", &[], &[])];
        client.send(&[steps.concat(), execute("", rows_max), sync()].concat()).await;
        assert_eq!(client.shape().await, "1 2 D D D C(SELECT 3) Z(I)", "{rows_max}");
        assert!(resident_bytes() < before + (64 << 20));
    }
}

#[tokio::test]
async fn frames_shorter_than_their_header_or_longer_than_their_body_end_the_connection() {
    let harness = harness().await;
    for kind in *b"QPBDECHSXF" {
        for length in [0_u32, 3, u32::MAX, 1 << 31] {
            let mut client = RawClient::signed_in(&harness).await;
            client.send(&[&[kind][..], &length.to_be_bytes()].concat()).await;
            let error = client.reply().await.expect("an error before the end");
            assert_eq!(error.field('S'), "FATAL", "{} {length}", kind as char);
            assert_eq!(client.reply().await, None);
        }
    }
    is_alive(&harness).await;
}

#[tokio::test]
async fn three_hundred_megabytes_before_sign_in_are_not_read() {
    let harness = with_passwords().await;
    let hello = startup(&[("user", "ann"), ("database", DATABASE)]);
    let before = resident_bytes();
    for head in [
        // As a startup packet, and as a password message.
        (300_u32 << 20).to_be_bytes().to_vec(),
        [&hello[..], b"p", &(300_u32 << 20).to_be_bytes()].concat(),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", harness.port())).await.unwrap();
        stream.write_all(&head).await.unwrap();
        let mut sent_bytes = 0;
        let chunk = vec![b'x'; 1 << 20];
        let flood = async {
            while sent_bytes < 300 << 20 && stream.write_all(&chunk).await.is_ok() {
                sent_bytes += chunk.len();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), flood).await.expect("the server closes");
        assert!(sent_bytes < 64 << 20, "{sent_bytes} bytes were taken");
    }
    assert!(resident_bytes() < before + (64 << 20), "memory grew with what was sent");
}

#[tokio::test]
async fn a_web_browser_is_told_off() {
    let harness = harness().await;
    for request in
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.0\r\n\r\n", "\x16\x03\x01\x02\0"]
    {
        let mut client = RawClient::connect(&harness).await;
        client.send(request.as_bytes()).await;
        assert_eq!(shape(&client.until('Z').await), "E(08P01)", "{request:?}");
    }
    is_alive(&harness).await;
}

#[tokio::test]
async fn a_thousand_silent_clients_keep_nobody_out() {
    let harness = harness().await;
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(TcpStream::connect(("127.0.0.1", harness.port())).await.unwrap());
    }
    // No bound on speed: without room a sign-in would wait until the silent clients' time is up.
    tokio::time::timeout(PATIENCE, is_alive(&harness)).await.expect("a client signs in");
    // The oldest made room; those within the limit are still connected.
    let mut probe = [0];
    let closed = tokio::time::timeout(Duration::from_secs(5), silent[0].peek(&mut probe)).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    let newest = silent.last().unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(100), newest.peek(&mut probe)).await.is_err()
    );
    const { assert!(STARTUPS_MAX < 1000) };
}

#[tokio::test]
async fn a_reader_that_stops_costs_a_buffer_and_can_be_cancelled() {
    let harness = harness().await;
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    let replies = client.until('Z').await;
    let key = replies.iter().find(|reply| reply.kind == 'K').unwrap().body.clone();
    let before = resident_bytes();
    client.send(&query("SELECT repeat('x', 1000) FROM generate_series(1, 2000000)")).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes for a reader of 2 GB that does not read");
    is_alive(&harness).await;
    let mut cancel = RawClient::connect(&harness).await;
    cancel.send(&[&b"\0\0\0\x10\x04\xd2\x16\x2e"[..], &key].concat()).await;
    assert_eq!(cancel.reply().await, None);
    // What is in the sockets' buffers comes first, then the error.
    let replies = client.until('Z').await;
    let error = replies.iter().find(|reply| reply.kind == 'E').expect("the statement is cancelled");
    assert_eq!(error.field('C'), "57014");
}

#[tokio::test]
async fn cancel_keys_cannot_be_guessed_fast_and_no_answer_tells_a_hit() {
    let harness = harness().await;
    let mut client = RawClient::connect(&harness).await;
    client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
    let replies = client.until('Z').await;
    let key = replies.iter().find(|reply| reply.kind == 'K').unwrap().body.clone();
    client.send(&query(ENDLESS)).await;
    let started = Instant::now();
    let mut guesses = Vec::new();
    for guess in 0..32_u32 {
        let mut guesser = RawClient::connect(&harness).await;
        let wrong = (u32::from_be_bytes(key[4..8].try_into().unwrap()) ^ (guess + 1)).to_be_bytes();
        let request = [&b"\0\0\0\x10\x04\xd2\x16\x2e"[..], &key[..4], &wrong].concat();
        guesser.send(&request).await;
        guesses.push(guesser);
    }
    for guesser in &mut guesses {
        assert_eq!(guesser.reply().await, None);
    }
    let taken = started.elapsed();
    assert!(taken >= Duration::from_millis(1900), "32 guesses in {taken:?}");
    // Short and long keys are no keys.
    for length in [0_usize, 3, 257] {
        let mut guesser = RawClient::connect(&harness).await;
        let size = u32::try_from(12 + length).unwrap().to_be_bytes();
        let body = vec![0; length];
        guesser.send(&[&size[..], b"\x04\xd2\x16\x2e", &key[..4], &body].concat()).await;
        assert_eq!(shape(&guesser.until('Z').await), "E(08P01)", "{length}");
    }
    drop(client);
    is_alive(&harness).await;
}

#[tokio::test]
async fn sign_in_messages_out_of_order_end_the_connection() {
    let harness = with_passwords().await;
    let hello = startup(&[("user", "ann"), ("database", DATABASE)]);
    let first = |text: &str| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        message('p', &[&b"SCRAM-SHA-256\0"[..], &length, text.as_bytes()].concat())
    };
    let good = first("n,,n=,r=abcdefgh");
    let last = |text: &str| message('p', text.as_bytes());
    for (steps, expected) in [
        (vec![last("c=biws,r=abcdefgh,p=AAAA")], "E(08P01)"),
        (vec![good.clone(), good.clone()], "R E(08P01)"),
        (vec![good.clone(), query("SELECT 1")], "R E(08P01)"),
        (vec![good.clone(), startup(&[("user", "ann")])], "R E(08P01)"),
        (vec![good.clone(), last("c=biws,r=other,p=AAAA")], "R E(08P01)"),
        (vec![good.clone(), last("c=biws,r=\0,p=AAAA")], "R E(08P01)"),
        (vec![good.clone(), last("c=biws,r=\u{e9}")], "R E(08P01)"),
        (vec![first("n,,n=,r=abc\u{7f}")], "E(08P01)"),
        (vec![first("n,,n=,r=a\0c")], "E(08P01)"),
        (vec![message('p', b"SCRAM-SHA-256\0\xff\xff\xff\xff")], "E(08P01)"),
        (vec![message('p', b"SCRAM-SHA-256\0\0\0\x10\0n,,")], "E(08P01)"),
        (vec![message('p', b"SCRAM-SHA-256")], "E(08P01)"),
        (vec![message('p', b"")], "E(08P01)"),
    ] {
        let mut client = RawClient::connect(&harness).await;
        client.send(&hello).await;
        assert_eq!(client.reply().await.unwrap().kind, 'R');
        client.send(&steps.concat()).await;
        assert_eq!(shape(&client.until('Z').await), expected, "{steps:?}");
    }
}

#[tokio::test]
async fn zero_bytes_and_bytes_that_are_not_utf8_are_errors_everywhere() {
    let harness = harness().await;
    for packet in [&b"user\0a\xff\0database\0testnet\0\0"[..], b"user\0ann\0database\0\xc3\x28\0\0"]
    {
        let mut client = RawClient::connect(&harness).await;
        let length = u32::try_from(packet.len() + 8).unwrap().to_be_bytes();
        client.send(&[&length[..], b"\0\x03\0\0", packet].concat()).await;
        assert_eq!(shape(&client.until('Z').await), "E(22021)");
    }
    let mut client = RawClient::signed_in(&harness).await;
    for bad in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80"] {
        client.send(&message('Q', &[b"SELECT '", bad, b"'\0"].concat())).await;
        assert_eq!(client.shape().await, "E(22021) Z(I)", "{bad:?}");
        let statements = [
            message('P', &[bad, b"\0SELECT 1\0\0\0"].concat()),
            message('P', &[b"\0SELECT '", bad, b"'\0\0\0"].concat()),
            message('D', &[b"S", bad, b"\0"].concat()),
            message('C', &[b"P", bad, b"\0"].concat()),
            message('E', &[bad, b"\0\0\0\0\0"].concat()),
            message('B', &[bad, b"\0\0\0\0\0\0\0\0"].concat()),
        ];
        for statement in statements {
            client.send(&[statement, sync()].concat()).await;
            assert_eq!(client.shape().await, "E(22021) Z(I)", "{bad:?}");
        }
    }
    // Inside a text a zero byte ends it, so the rest of the body is too much.
    client.send(&message('Q', b"SELECT 1\0; SELECT 2\0")).await;
    assert_eq!(client.shape().await, "E(08P01) Z(I)");
    for value in [&b"a\0b"[..], b"\xff"] {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let mut body = b"\0\0\0\0\0\x01".to_vec();
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend([value, b"\0\0"].concat());
        let steps = [parse("", "SELECT $1::text"), message('B', &body), describe('P', ""), sync()];
        client.send(&steps.concat()).await;
        assert_eq!(client.shape().await, "1 E(22021) Z(I)", "{text:?}");
    }
    is_alive(&harness).await;
}
