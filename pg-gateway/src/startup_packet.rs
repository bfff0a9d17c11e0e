//! Decodes the packets of a connection's first phase, which have a length and no type byte.

use bytes::Bytes;
use query_engine::values::Reader;
use query_engine::{QueryError, SqlState};

use crate::error::{INVALID_AUTHORIZATION, not_supported, protocol_violation};

/// Largest startup packet without its length word, as PostgreSQL limits it.
pub(crate) const STARTUP_BYTES_MAX: usize = 10_000;

/// Most parameters in a startup packet.
pub(crate) const STARTUP_PARAMETERS_MAX: usize = 64;

/// Newest minor version of protocol 3 that is spoken here.
pub(crate) const PROTOCOL_MINOR_MAX: u16 = 2;

const CANCEL_CODE: u32 = 80_877_102;
const SSL_CODE: u32 = 80_877_103;
const GSS_ENC_CODE: u32 = 80_877_104;

/// Shortest and longest cancel key of protocol 3.2.
const CANCEL_KEY_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// First packet of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StartupPacket {
    /// The client asks for TLS.
    Ssl,
    /// The client asks for GSS encryption.
    GssEncryption,
    /// The client wants the running statement of another connection cancelled.
    Cancel {
        /// Process id from BackendKeyData.
        pid: i32,
        /// Key from BackendKeyData.
        key: Bytes,
    },
    /// The client wants a session.
    Session(StartupParameters),
}

/// What a client asks for when it connects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StartupParameters {
    /// Minor version of protocol 3 that the client wants.
    pub(crate) minor: u16,
    /// Role name.
    pub(crate) user: String,
    /// Database name; the role name when the client sent none.
    pub(crate) database: String,
    /// Settings, those of `options` first, in the order sent.
    pub(crate) settings: Vec<(String, String)>,
    /// Protocol extensions (`_pq_.…`) that were asked for; none is known here.
    pub(crate) protocol_options: Vec<String>,
}

/// Decodes a startup packet, given without its length word.
///
/// # Errors
/// 08P01 for a malformed packet, 0A000 for another protocol or replication, 28000 without a user,
/// 54000 past [`STARTUP_PARAMETERS_MAX`], 22021 for text that is not UTF-8. All are fatal.
pub(crate) fn decode_startup(packet: &[u8]) -> Result<StartupPacket, QueryError> {
    if packet.len() > STARTUP_BYTES_MAX {
        return Err(protocol_violation("invalid length of startup packet"));
    }
    let mut reader = Reader::new(Bytes::copy_from_slice(packet));
    match reader.u32()? {
        SSL_CODE => reader.finish().map(|()| StartupPacket::Ssl),
        GSS_ENC_CODE => reader.finish().map(|()| StartupPacket::GssEncryption),
        CANCEL_CODE => {
            let pid = reader.i32()?;
            if !CANCEL_KEY_BYTES.contains(&reader.remaining()) {
                return Err(protocol_violation("invalid length of cancel request packet"));
            }
            let key = reader.bytes(reader.remaining())?;
            Ok(StartupPacket::Cancel { pid, key })
        }
        version => decode_session(version, &mut reader).map(StartupPacket::Session),
    }
}

fn decode_session(version: u32, reader: &mut Reader) -> Result<StartupParameters, QueryError> {
    let [major, minor] = [(version >> 16) as u16, version as u16];
    if major != 3 {
        return Err(not_supported(format!(
            "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{PROTOCOL_MINOR_MAX}"
        )));
    }
    let (mut user, mut database) = (String::new(), String::new());
    let (mut settings, mut options, mut protocol_options) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    loop {
        let name = reader.text()?;
        if name.is_empty() {
            break;
        }
        count += 1;
        if count > STARTUP_PARAMETERS_MAX {
            return Err(QueryError::new(
                SqlState::PROGRAM_LIMIT,
                format!("startup packet has more than {STARTUP_PARAMETERS_MAX} parameters"),
            ));
        }
        let value = reader.text()?;
        match name.as_str() {
            "user" => user = value,
            "database" => database = value,
            "options" => options = split_options(&value)?,
            "replication" => refuse_replication(&value)?,
            _ if name.starts_with("_pq_.") => protocol_options.push(name),
            _ => settings.push((name, value)),
        }
    }
    reader.finish().map_err(|_| {
        protocol_violation("invalid startup packet layout: expected terminator as last byte")
    })?;
    if user.is_empty() {
        return Err(QueryError::new(
            INVALID_AUTHORIZATION,
            "no PostgreSQL user name specified in startup packet",
        ));
    }
    if database.is_empty() {
        database.clone_from(&user);
    }
    // The command line of `options` comes first, so that a parameter of the packet wins over it.
    options.append(&mut settings);
    Ok(StartupParameters { minor, user, database, settings: options, protocol_options })
}

fn refuse_replication(value: &str) -> Result<(), QueryError> {
    match value.to_ascii_lowercase().as_str() {
        "" | "0" | "false" | "off" | "no" | "f" | "n" => Ok(()),
        _ => Err(not_supported("replication connections are not supported")),
    }
}

/// Settings in a command line: `-c name=value`, `-cname=value`, `--name=value`; `\` escapes a space.
fn split_options(line: &str) -> Result<Vec<(String, String)>, QueryError> {
    let mut words = split_words(line).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let invalid = || {
            QueryError::new(
                SqlState::SYNTAX_ERROR,
                format!("invalid command-line argument for server process: {word}"),
            )
        };
        let assignment = if let Some(long) = word.strip_prefix("--") {
            long.to_owned()
        } else {
            match word.strip_prefix("-c").ok_or_else(invalid)? {
                "" => words.next().ok_or_else(invalid)?,
                joined => joined.to_owned(),
            }
        };
        let (name, value) = assignment.split_once('=').ok_or_else(invalid)?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut escaped) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            _ if escaped => {
                word.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if character.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(character),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(version: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut packet = version.to_be_bytes().to_vec();
        for (name, value) in pairs {
            packet.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        packet.push(0);
        packet
    }

    fn session(pairs: &[(&str, &str)]) -> Result<StartupParameters, QueryError> {
        match decode_startup(&packet(3 << 16, pairs))? {
            StartupPacket::Session(parameters) => Ok(parameters),
            other => panic!("not a session: {other:?}"),
        }
    }

    #[test]
    fn the_database_defaults_to_the_user() {
        assert_eq!(session(&[("user", "ann")]).unwrap().database, "ann");
        assert_eq!(session(&[("user", "ann"), ("database", "eth")]).unwrap().database, "eth");
    }

    #[test]
    fn options_become_settings_before_those_of_the_packet() {
        let line = r"-c search_path=a,b -cx=1 --extra-float-digits=2 -c note=a\ b\\c";
        let parameters = session(&[("TimeZone", "UTC"), ("user", "u"), ("options", line)]).unwrap();
        let expected = [
            ("search_path", "a,b"),
            ("x", "1"),
            ("extra_float_digits", "2"),
            ("note", r"a b\c"),
            ("TimeZone", "UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parameters.settings, expected);
        assert_eq!(session(&[("user", "u"), ("options", "-x")]).unwrap_err().state.0, "42601");
    }

    #[test]
    fn the_parameter_limit_admits_its_own_value_and_refuses_the_next() {
        let mut pairs = vec![("user", "u")];
        pairs.resize(STARTUP_PARAMETERS_MAX, ("a.b", "c"));
        session(&pairs).unwrap();
        pairs.push(("a.b", "c"));
        assert_eq!(session(&pairs).unwrap_err().state.0, "54000");
    }

    #[test]
    fn packets_that_ask_for_what_is_not_here_are_refused_by_code() {
        assert_eq!(session(&[]).unwrap_err().state.0, "28000");
        assert_eq!(session(&[("user", "u"), ("replication", "1")]).unwrap_err().state.0, "0A000");
        assert_eq!(decode_startup(&packet(2 << 16, &[])).unwrap_err().state.0, "0A000");
        assert_eq!(decode_startup(&vec![0; STARTUP_BYTES_MAX + 1]).unwrap_err().state.0, "08P01");
        let mut trailing = packet(3 << 16, &[("user", "u")]);
        trailing.push(7);
        assert_eq!(decode_startup(&trailing).unwrap_err().state.0, "08P01");
    }

    #[test]
    fn the_three_special_requests_are_told_apart() {
        assert_eq!(decode_startup(&SSL_CODE.to_be_bytes()).unwrap(), StartupPacket::Ssl);
        assert_eq!(
            decode_startup(&GSS_ENC_CODE.to_be_bytes()).unwrap(),
            StartupPacket::GssEncryption
        );
        let cancel = [&CANCEL_CODE.to_be_bytes()[..], &7i32.to_be_bytes(), b"abcd"].concat();
        let key = Bytes::from_static(b"abcd");
        assert_eq!(decode_startup(&cancel).unwrap(), StartupPacket::Cancel { pid: 7, key });
        assert_eq!(decode_startup(&cancel[..11]).unwrap_err().state.0, "08P01");
    }

    proptest! {
        #[test]
        fn random_packets_never_panic(packet in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = decode_startup(&packet);
            let _ = decode_startup(&[&(3u32 << 16).to_be_bytes()[..], &packet].concat());
        }
    }
}
