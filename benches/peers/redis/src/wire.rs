//! RESP, the protocol of Redis, as far as publish and subscribe need it.
//!
//! ```text
//! client   *3 $7 PUBLISH $4 news $size payload      *2 $9 SUBSCRIBE $4 news        *1 $4 PING
//! server   :receivers                               *3 $9 subscribe $4 news :1     +PONG
//!          *3 $7 message $4 news $size payload      (each word ends with \r\n)
//! ```

use gatewire_harness::Failure;
use peer_wire::body::write_decimal;
use peer_wire::{Body, Item, Opening, Role, Wire};

/// A client of redis-server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redis;

impl Wire for Redis {
    /// Redis does not ask its clients whether they are alive.
    const PONG: &'static [u8] = b"";

    async fn open(&self, opening: &mut Opening, role: Role) -> Result<(), Failure> {
        let (question, right): (&[u8], &[u8]) = match role {
            Role::Subscriber => (
                b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n",
                b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
            ),
            _ => (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
        };
        opening.send(question).await?;
        let answer = opening.answer(|bytes| (bytes.len() >= right.len()).then_some(right.len()));
        let answer = answer.await?;
        if answer == right { Ok(()) } else { Err(refused(&answer)) }
    }

    fn publish(&self, body: Body, out: &mut Vec<u8>) {
        out.extend_from_slice(b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$");
        write_decimal(body.size, out);
        out.extend_from_slice(b"\r\n");
        body.write_binary(out);
        out.extend_from_slice(b"\r\n");
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
        let Some(start) = bytes.get(..MESSAGE.len()) else {
            return if bytes.first() == Some(&b':') { receivers(bytes) } else { Ok(None) };
        };
        if start != MESSAGE {
            return receivers(bytes);
        }
        let rest = &bytes[MESSAGE.len()..];
        let Some(digits) = rest.iter().position(|byte| *byte == b'\r') else { return Ok(None) };
        let size = std::str::from_utf8(&rest[..digits]).ok().and_then(|size| size.parse().ok());
        let size: usize = size.ok_or_else(|| refused(bytes))?;
        let begin = MESSAGE.len() + digits + 2;
        let Some(payload) = bytes.get(begin..begin + size) else { return Ok(None) };
        let length = begin + size + 2;
        if bytes.len() < length {
            return Ok(None);
        }
        let body = Body::read_binary(payload).ok_or_else(|| refused(bytes))?;
        Ok(Some((Item::Message(body), length)))
    }
}

/// The answer to a publish.
fn receivers(bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
    if bytes.first() != Some(&b':') {
        return Err(refused(bytes));
    }
    let end = bytes.iter().position(|byte| *byte == b'\n');
    Ok(end.map(|end| (Item::Other, end + 1)))
}

fn refused(bytes: &[u8]) -> Failure {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Failure::new(format!("the server says: {}", String::from_utf8_lossy(line)))
}

/// How each message to a subscriber begins.
const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_from_the_stream() {
        let body = Body { number: 7, stamp: 8, size: 16 };
        let mut bytes = MESSAGE.to_vec();
        bytes.extend_from_slice(b"16\r\n");
        body.write_binary(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        for end in 0..bytes.len() {
            assert!(Redis.decode(&bytes[..end]).expect("it is right").is_none(), "{end}");
        }
        let found = Redis.decode(&bytes).expect("it is right");
        assert_eq!(found, Some((Item::Message(body), bytes.len())));
    }

    #[test]
    fn the_answer_to_a_publish_needs_no_attention() {
        assert_eq!(Redis.decode(b":1").expect("it is right"), None);
        assert_eq!(Redis.decode(b":1\r\n:1\r\n").expect("it is right"), Some((Item::Other, 4)));
        let many = b":1\r\n".repeat(20);
        assert_eq!(Redis.decode(&many).expect("it is right"), Some((Item::Other, 4)));
    }

    #[test]
    fn an_error_of_the_server_ends_the_run() {
        let text = b"-ERR max number of clients reached, and much more text\r\n";
        let failure = Redis.decode(text).expect_err("an error");
        assert!(failure.to_string().contains("max number"), "{failure}");
    }
}
