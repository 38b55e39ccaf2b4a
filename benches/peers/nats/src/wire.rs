//! The text protocol of NATS, as a light client speaks it.
//!
//! ```text
//! client   CONNECT {..}\r\n   SUB subject sid\r\n   PUB subject [reply-to] size\r\npayload\r\n   PING\r\n   PONG\r\n
//! server   INFO {..}\r\n      MSG subject sid [reply-to] size\r\npayload\r\n      PING\r\n   PONG\r\n   -ERR '..'\r\n
//! ```

use gatewire_harness::Failure;
use peer_wire::body::write_decimal;
use peer_wire::{Body, Item, Opening, Request, RequestWire, RespondWire, Role, Wire};

/// A client of nats-server.
#[derive(Debug, Clone, Copy)]
pub struct Nats;

impl Wire for Nats {
    const PONG: &'static [u8] = b"PONG\r\n";

    async fn open(&self, opening: &mut Opening, role: Role) -> Result<(), Failure> {
        let subscription = match role {
            Role::Publisher | Role::Idle => "",
            Role::Subscriber => "SUB news 1\r\n",
            Role::Responder => "SUB ask 2\r\n",
            Role::Requester => "SUB answer 3\r\n",
        };
        opening.answer_until(b"\r\n").await?;
        opening.send(CONNECT).await?;
        opening.send(format!("{subscription}PING\r\n").as_bytes()).await?;
        let answer = opening.answer_until(b"\r\n").await?;
        match &answer[..] {
            b"PONG\r\n" => Ok(()),
            other => Err(refused(other)),
        }
    }

    fn publish(&self, body: Body, out: &mut Vec<u8>) {
        write(b"PUB news ", body, out);
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
        let Some(line) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let (line, rest) = bytes.split_at(line + 1);
        if line.starts_with(b"MSG ") {
            return message(line, rest);
        }
        let item = match line {
            b"PING\r\n" => Item::Ping,
            b"PONG\r\n" => Item::Other,
            _ if line.starts_with(b"INFO ") => Item::Other,
            other => return Err(refused(other)),
        };
        Ok(Some((item, line.len())))
    }
}

impl RequestWire for Nats {
    fn request(&self, _kind: Request, body: Body, out: &mut Vec<u8>) {
        write(b"PUB ask answer ", body, out);
    }
}

impl RespondWire for Nats {
    fn respond(&self, body: Body, out: &mut Vec<u8>) {
        write(b"PUB answer ", body, out);
    }
}

fn write(command: &[u8], body: Body, out: &mut Vec<u8>) {
    out.extend_from_slice(command);
    write_decimal(body.size, out);
    out.extend_from_slice(b"\r\n");
    body.write_binary(out);
    out.extend_from_slice(b"\r\n");
}

/// A message whose first line is `line`; its payload begins `rest`.
fn message(line: &[u8], rest: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
    let text = line.strip_suffix(b"\r\n").unwrap_or(line);
    let mut words = text.split(|byte| *byte == b' ').skip(2);
    let sid = words.next();
    let size = words.last().and_then(decimal).ok_or_else(|| refused(line))?;
    if rest.len() < size + 2 {
        return Ok(None);
    }
    let body = Body::read_binary(&rest[..size]).ok_or_else(|| refused(line))?;
    let item = match sid {
        Some(b"1") => Item::Message(body),
        Some(b"2") => Item::Asked(body),
        Some(b"3") => Item::Answer(body),
        _ => return Err(refused(line)),
    };
    Ok(Some((item, line.len() + size + 2)))
}

fn decimal(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn refused(line: &[u8]) -> Failure {
    Failure::new(format!("the server says: {}", String::from_utf8_lossy(line).trim_end()))
}

/// No acknowledgement for each command, as all clients have it that are made for speed.
const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\
\"lang\":\"rust\",\"version\":\"0.1.0\",\"protocol\":1,\"headers\":false}\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_from_the_stream() {
        let body = Body { number: 7, stamp: 0, size: 8 };
        let mut bytes = b"MSG news 1 8\r\n".to_vec();
        body.write_binary(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        for end in 0..bytes.len() {
            assert!(Nats.decode(&bytes[..end]).expect("it is right").is_none(), "{end}");
        }
        let length = bytes.len();
        bytes.extend_from_slice(b"PING\r\n");
        let found = Nats.decode(&bytes).expect("it is right");
        assert_eq!(found, Some((Item::Message(body), length)));
        let found = Nats.decode(&bytes[length..]).expect("it is right");
        assert_eq!(found, Some((Item::Ping, 6)));
    }

    #[test]
    fn a_request_names_where_its_answer_goes() {
        let mut bytes = b"MSG ask 2 answer 8\r\n".to_vec();
        let body = Body { number: 1, stamp: 0, size: 8 };
        body.write_binary(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        let found = Nats.decode(&bytes).expect("it is right");
        assert_eq!(found, Some((Item::Asked(body), bytes.len())));
        let mut question = Vec::new();
        Nats.request(Request::Echo, body, &mut question);
        assert!(question.starts_with(b"PUB ask answer 8\r\n"));
    }

    #[test]
    fn an_error_of_the_server_ends_the_run() {
        let failure = Nats.decode(b"-ERR 'Slow Consumer'\r\n").expect_err("an error");
        assert!(failure.to_string().contains("Slow Consumer"), "{failure}");
    }
}
