//! A plain client of the Postgres protocol: sends a statement, counts and hands on what comes back.
//!
//! The same few lines read from both servers, so that a fast or slow driver favours neither.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// Bytes read from the socket at once.
const READ_BYTES: usize = 256 << 10;
/// Protocol 3.0.
const PROTOCOL: i32 = 3 << 16;

/// Form of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As SQL prints them.
    Text,
    /// As send functions make them.
    Binary,
}

/// A signed-in client.
pub struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
    out: Vec<u8>,
}

impl Client {
    /// Signs in without a password on a loopback port.
    ///
    /// # Errors
    /// What the system or the server says.
    pub fn connect(port: u16, database: &str) -> Result<Self, String> {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = BufReader::with_capacity(READ_BYTES, stream);
        let mut client = Self { stream, body: Vec::new(), out: Vec::new() };
        let parameters = format!("user\0bench\0database\0{database}\0\0");
        client.out.extend((8 + parameters.len() as i32).to_be_bytes());
        client.out.extend(PROTOCOL.to_be_bytes());
        client.out.extend(parameters.bytes());
        client.until_ready(|_, _| ())?;
        Ok(client)
    }

    /// Runs `sql` by the simple protocol; gives the number of rows.
    ///
    /// # Errors
    /// What the server says.
    pub fn run(&mut self, sql: &str, mut on_row: impl FnMut(&[u8])) -> Result<u64, String> {
        self.message(b'Q', &[sql.as_bytes(), b"\0"]);
        let mut row_count = 0;
        self.until_ready(|kind, body| {
            if kind == b'D' {
                row_count += 1;
                on_row(body);
            }
        })?;
        Ok(row_count)
    }

    /// Prepares `sql` under a name, with parameters of types that the server finds.
    ///
    /// # Errors
    /// What the server says.
    pub fn prepare(&mut self, name: &str, sql: &str) -> Result<(), String> {
        self.message(b'P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0", &[0, 0]]);
        self.message(b'S', &[]);
        self.until_ready(|_, _| ())
    }

    /// Runs a prepared statement with one parameter in text.
    ///
    /// # Errors
    /// What the server says.
    pub fn look_up(
        &mut self,
        name: &str,
        value: &str,
        mut on_row: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        let length = (value.len() as i32).to_be_bytes();
        let values = [&[0, 0, 0, 1][..], &length, value.as_bytes(), &[0, 0]].concat();
        self.message(b'B', &[b"\0", name.as_bytes(), b"\0", &values]);
        self.message(b'E', &[b"\0", &[0; 4]]);
        self.message(b'S', &[]);
        self.until_ready(|kind, body| {
            if kind == b'D' {
                on_row(body);
            }
        })
    }

    /// Runs `sql` by the extended protocol in one portal, `rows_per_execute` at a time, 0 for all at
    /// once; gives the number of rows.
    ///
    /// # Errors
    /// What the server says.
    pub fn fetch(
        &mut self,
        sql: &str,
        form: Form,
        rows_per_execute: i32,
        mut on_row: impl FnMut(&[u8]),
    ) -> Result<u64, String> {
        self.message(b'P', &[b"\0", sql.as_bytes(), b"\0", &[0, 0]]);
        let code = u8::from(form == Form::Binary);
        self.message(b'B', &[b"\0\0", &[0, 0, 0, 0, 0, 1, 0, code]]);
        let mut row_count = 0;
        loop {
            self.message(b'E', &[b"\0", &rows_per_execute.to_be_bytes()]);
            self.message(b'H', &[]);
            self.send()?;
            loop {
                let kind = self.read()?;
                match kind {
                    b'D' => {
                        row_count += 1;
                        on_row(&self.body);
                    }
                    // PortalSuspended: more rows are there.
                    b's' => break,
                    b'C' => {
                        self.message(b'S', &[]);
                        self.until_ready(|_, _| ())?;
                        return Ok(row_count);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Copies what `from` sends for `source`, a COPY TO STDOUT, into `target`, a COPY FROM STDIN.
    ///
    /// # Errors
    /// What either server says.
    pub fn copy_from(&mut self, target: &str, from: &mut Self, source: &str) -> Result<(), String> {
        from.message(b'Q', &[source.as_bytes(), b"\0"]);
        from.send()?;
        self.message(b'Q', &[target.as_bytes(), b"\0"]);
        self.send()?;
        while self.read()? != b'G' {}
        loop {
            match from.read()? {
                b'd' => {
                    self.message(b'd', &[&from.body]);
                    if self.out.len() >= READ_BYTES {
                        self.send()?;
                    }
                }
                b'c' => break,
                _ => {}
            }
        }
        from.until_ready(|_, _| ())?;
        self.message(b'c', &[]);
        self.until_ready(|_, _| ())
    }

    fn message(&mut self, kind: u8, parts: &[&[u8]]) {
        let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
        self.out.push(kind);
        self.out.extend((length as u32).to_be_bytes());
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
    }

    fn send(&mut self) -> Result<(), String> {
        let sent = self.stream.get_mut().write_all(&self.out);
        self.out.clear();
        sent.map_err(|error| error.to_string())
    }

    /// Reads one message into `body`; gives its type, or the server's error.
    fn read(&mut self) -> Result<u8, String> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header).map_err(|error| error.to_string())?;
        let [kind, length @ ..] = header;
        let length = u32::from_be_bytes(length) as usize - 4;
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).map_err(|error| error.to_string())?;
        if kind == b'E' { Err(shown(&self.body)) } else { Ok(kind) }
    }

    /// Sends what waits and reads up to ReadyForQuery.
    fn until_ready(&mut self, mut on_message: impl FnMut(u8, &[u8])) -> Result<(), String> {
        self.send()?;
        loop {
            match self.read()? {
                b'Z' => return Ok(()),
                kind => on_message(kind, &self.body),
            }
        }
    }
}

/// The fields of an error on one line.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace('\0', " ")
}
