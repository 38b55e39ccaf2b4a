//! Websocket frames, as a light client writes and reads them. Nothing is fragmented here.
//!
//! ```text
//!  byte 0         byte 1             then
//!  1000 opcode    M length (7 bits)  16 or 64 more bits of length for 126 and 127; 4 bytes of mask if M
//! ```

use gatewire_harness::Failure;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Bytes.
    Binary,
}

/// A frame that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) content: &'a [u8],
    /// Bytes of the whole frame.
    pub(crate) length: usize,
}

/// Appends the head of a client's frame with `length` bytes. A client must mask; a mask of zeros leaves the bytes
/// as they are, and the server has the same work with it as with any other.
pub(crate) fn write_head(kind: Kind, length: usize, out: &mut Vec<u8>) {
    out.push(match kind {
        Kind::Text => 0x81,
        Kind::Binary => 0x82,
    });
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..126), _) => out.push(0x80 | length),
        (_, Ok(length)) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
}

/// Appends a whole frame of text.
pub(crate) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_head(Kind::Text, text.len(), out);
    out.extend_from_slice(text);
}

/// The first frame of a server's `bytes`; `None` when it is incomplete.
///
/// # Errors
///
/// When it is no whole message of text or bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Frame<'_>>, Failure> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let kind = match first {
        0x81 => Kind::Text,
        0x82 => Kind::Binary,
        other => return Err(Failure::new(format!("a websocket frame of kind {other:#x}"))),
    };
    let (size, head) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        short => (u64::from(*short), 2),
    };
    let length = usize::try_from(size).ok().and_then(|size| size.checked_add(head));
    let length = length.ok_or_else(|| Failure::new("a websocket frame too long to be true"))?;
    Ok(bytes.get(head..length).map(|content| Frame { kind, content, length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_three_forms_are_read() {
        for (head, length) in [
            (vec![0x82, 5], 5),
            (vec![0x82, 126, 1, 0], 256),
            (vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
        ] {
            let mut bytes = head.clone();
            bytes.resize(head.len() + length, 7);
            for end in 0..head.len() + 1 {
                assert_eq!(read(&bytes[..end]).expect("it is right"), None);
            }
            bytes.push(0x81);
            let frame = read(&bytes).expect("it is right").expect("it is whole");
            let found = (frame.kind, frame.content.len(), frame.length);
            assert_eq!(found, (Kind::Binary, length, head.len() + length));
        }
        assert!(read(&[0x88, 0]).is_err());
    }

    #[test]
    fn a_clients_frame_is_masked_with_zeros() {
        let mut bytes = Vec::new();
        write_text(b"40", &mut bytes);
        assert_eq!(bytes, [0x81, 0x82, 0, 0, 0, 0, b'4', b'0']);
        bytes.clear();
        write_head(Kind::Binary, 300, &mut bytes);
        assert_eq!(bytes, [0x82, 0xfe, 1, 44, 0, 0, 0, 0]);
    }
}
