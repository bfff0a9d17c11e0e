//! A client that sends any bytes and shows every message that comes back.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{DATABASE, Harness};

/// A server that has not answered by then hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct RawClient<S = TcpStream> {
    stream: S,
}

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) kind: char,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A field of an error or notice: `C` is the SQLSTATE.
    pub(crate) fn field(&self, code: char) -> String {
        let mut fields = self.body.split(|&byte| byte == 0);
        let field = fields.find(|field| field.first() == Some(&(code as u8)));
        String::from_utf8(field.map(|field| field[1..].to_vec()).unwrap_or_default()).unwrap()
    }
}

impl RawClient {
    /// The bare socket.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Connected, nothing sent.
    pub(crate) async fn connect(harness: &Harness) -> Self {
        Self::connect_to(harness.port()).await
    }

    /// Connected to a port of loopback, nothing sent.
    pub(crate) async fn connect_to(port: u16) -> Self {
        Self { stream: TcpStream::connect(("127.0.0.1", port)).await.unwrap() }
    }

    /// Signed in to the harness's database.
    pub(crate) async fn signed_in(harness: &Harness) -> Self {
        let mut client = Self::connect(harness).await;
        client.send(&startup(&[("user", "ann"), ("database", DATABASE)])).await;
        assert_eq!(client.until('Z').await.last().unwrap().body, b"I");
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawClient<S> {
    /// A client over a stream that is open already.
    pub(crate) fn over(stream: S) -> Self {
        Self { stream }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Next bytes, without framing.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = self.stream.read_exact(&mut bytes);
        tokio::time::timeout(ANSWER_TIMEOUT, read).await.expect("no answer").unwrap();
        bytes
    }

    /// Next message; `None` at the end of the stream.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        let mut header = [0; 5];
        let read = self.stream.read_exact(&mut header);
        tokio::time::timeout(ANSWER_TIMEOUT, read).await.expect("no answer").ok()?;
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
        let body = self.bytes(length - 4).await;
        Some(Reply { kind: char::from(header[0]), body })
    }

    /// Messages up to one of type `last`, or the end of the stream.
    pub(crate) async fn until(&mut self, last: char) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.reply().await {
            let is_last = reply.kind == last;
            replies.push(reply);
            if is_last {
                break;
            }
        }
        replies
    }

    /// Message types up to ReadyForQuery, `E` followed by the SQLSTATE.
    pub(crate) async fn shape(&mut self) -> String {
        shape(&self.until('Z').await)
    }
}

/// Types of messages in order; an error with its SQLSTATE, a tag and a state with their text.
pub(crate) fn shape(replies: &[Reply]) -> String {
    let shown = replies.iter().map(|reply| match reply.kind {
        'E' | 'N' => format!("{}({})", reply.kind, reply.field('C')),
        'C' => format!("C({})", String::from_utf8_lossy(&reply.body[..reply.body.len() - 1])),
        'Z' => format!("Z({})", char::from(reply.body[0])),
        kind => kind.to_string(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

pub(crate) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    startup_of_version(3 << 16, parameters)
}

pub(crate) fn startup_of_version(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat()
}

pub(crate) fn message(kind: char, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind as u8][..], &length, body].concat()
}

pub(crate) fn query(sql: &str) -> Vec<u8> {
    message('Q', &[sql.as_bytes(), b"\0"].concat())
}

pub(crate) fn parse(name: &str, sql: &str) -> Vec<u8> {
    message('P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat())
}

/// Bind with text parameters.
pub(crate) fn bind(
    portal: &str,
    statement: &str,
    values: &[&str],
    result_formats: &[i16],
) -> Vec<u8> {
    let mut body = [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0\0\0"].concat();
    body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value.as_bytes());
    }
    body.extend(u16::try_from(result_formats.len()).unwrap().to_be_bytes());
    body.extend(result_formats.iter().flat_map(|format| format.to_be_bytes()));
    message('B', &body)
}

pub(crate) fn describe(target: char, name: &str) -> Vec<u8> {
    message('D', &[&[target as u8][..], name.as_bytes(), b"\0"].concat())
}

pub(crate) fn execute(portal: &str, rows_max: i32) -> Vec<u8> {
    message('E', &[portal.as_bytes(), b"\0", &rows_max.to_be_bytes()].concat())
}

pub(crate) fn sync() -> Vec<u8> {
    message('S', b"")
}
