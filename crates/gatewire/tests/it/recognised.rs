//! Events that come again and again are recognised by the bytes of their names: handlers that come or
//! go meanwhile are seen, and no name is taken for another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use gatewire::{CloseCode, DropReason, HandlerId, Server, Socket};
use gatewire_codec::{Message, NackCode, ValueRef};

use crate::raw::{Raw, frame, frame_of};
use crate::rig::{PATIENCE, Record, eventually, record, serve};

/// What one write of a client holds.
#[derive(Default)]
struct Write(Vec<u8>);

impl Write {
    fn event(&mut self, event: &str, value: ValueRef<'_>) -> &mut Self {
        self.0.extend(frame(&Message::Event { event, value }));
        self
    }

    fn request(&mut self, id: u32, event: &str) -> &mut Self {
        self.0.extend(frame(&Message::Request { id, event, value: ValueRef::Empty }));
        self
    }

    fn body(&mut self, body: &[u8]) -> &mut Self {
        self.0.extend(frame_of(body));
        self
    }

    fn empty(&mut self, event: &str, times: usize) -> &mut Self {
        for _ in 0..times {
            self.event(event, ValueRef::Empty);
        }
        self
    }

    /// Sends it, and waits until it is handled.
    async fn send(&self, raw: &mut Raw) {
        let fence = frame(&Message::Request { id: 9999, event: "fence", value: ValueRef::Empty });
        raw.write(&[&self.0[..], &fence].concat()).await;
        raw.expect(&Message::Ack { id: 9999, value: ValueRef::Empty }).await;
    }
}

async fn connected() -> (Server, Raw, Socket) {
    let server = serve().await;
    let raw = Raw::dial(server.local_addr()).await;
    let socket = server.socket(&raw.id()).expect("a socket");
    (server, raw, socket)
}

/// Notes the name, each time that the handler runs.
fn listen(server: &Server, names: &[&'static str]) -> (Vec<HandlerId>, Record<&'static str>) {
    let (seen, order) = record();
    let ids = names.iter().map(|&name| {
        let seen = seen.clone();
        server.on(name, move || seen.note(name))
    });
    (ids.collect(), order)
}

#[tokio::test]
async fn handlers_that_come_and_go_between_messages_of_one_read_are_seen() {
    let (server, mut raw, socket) = connected().await;
    let (ids, mut order) = listen(&server, &["event"]);
    let id = ids[0];
    let changer = server.clone();
    let (note, mut notes) = record();
    let own = Mutex::new(None);
    server.on("change", move |socket: &Socket, step: i64| {
        let note = note.clone();
        match step {
            0 => drop(changer.on("event", move || note.note("added"))),
            1 => assert!(changer.off(id)),
            2 => {
                let id = socket.on("event", move || note.note("own"));
                *own.lock().expect("no panic") = Some(id);
            }
            3 => assert_eq!(changer.off_event("event"), 1),
            _ => {
                let own = own.lock().expect("no panic").take();
                assert!(socket.off(own.expect("it was added")));
            }
        }
    });
    let mut write = Write::default();
    write.empty("event", 2);
    for step in 0..5 {
        write.event("change", ValueRef::Integer(step)).empty("event", 2);
    }
    write.send(&mut raw).await;
    assert_eq!(order.so_far(), ["event"; 4]);
    let expected =
        ["added", "added", "added", "added", "own", "added", "own", "added", "own", "own"];
    assert_eq!(notes.so_far(), expected);
    let inbound = server.counters().inbound;
    assert!(inbound.is_balanced());
    assert_eq!(inbound.dropped(DropReason::NoHandler), 2);
    assert!(socket.is_connected());
}

#[tokio::test]
async fn a_handler_that_takes_itself_off_runs_no_more() {
    let (server, mut raw, _) = connected().await;
    let (seen, mut order) = record();
    let changer = server.clone();
    server.on("event", move || {
        assert_eq!(changer.off_event("event"), 1);
        seen.note("ran");
    });
    let mut write = Write::default();
    write.empty("event", 3).request(1, "event");
    raw.write(&write.0).await;
    raw.expect(&Message::Nack { id: 1, code: NackCode::NoHandler, value: ValueRef::Empty }).await;
    assert_eq!(order.so_far(), ["ran"]);
    assert_eq!(server.counters().inbound.dropped(DropReason::NoHandler), 3);
}

#[tokio::test]
async fn a_catch_all_that_comes_and_goes_hears_what_lies_between() {
    let (server, mut raw, _) = connected().await;
    let (_, mut order) = listen(&server, &["event"]);
    let (seen, mut heard) = record();
    let changer = server.clone();
    server.on("on", move || {
        let seen = seen.clone();
        changer.on_any(move |_, event, _| seen.note(event.to_owned()));
    });
    let mut write = Write::default();
    write.empty("event", 2).empty("on", 1).empty("event", 2).empty("unknown", 2);
    write.send(&mut raw).await;
    assert_eq!(order.so_far(), ["event"; 4]);
    assert_eq!(heard.so_far(), ["event", "event", "unknown", "unknown", "fence"]);
}

/// Far more names than are remembered, and names that differ where nobody looks first.
#[tokio::test]
async fn no_name_is_taken_for_another() {
    const TURNS: usize = 3;

    let (server, mut raw, _) = connected().await;
    let long = "x".repeat(usize::from(u16::MAX));
    let mut names: Vec<String> =
        ["", "a", "A", "\u{e9}", "e\u{301}", "\0", "a\0", "axa", "aya"].map(str::to_owned).into();
    names.extend((0..200).map(|number| format!("a{number:03}z")));
    names.extend(["y", "X", ""].map(|end| format!("{}{end}", &long[1..])));
    names.push(long);
    let (seen, mut order) = record();
    for (index, name) in names.iter().enumerate() {
        let seen = seen.clone();
        server.on(name, move || seen.note(index));
    }
    let mut write = Write::default();
    let mut expected = Vec::new();
    for turn in 0..TURNS {
        for index in 0..names.len() {
            // In another order each time, and each twice.
            let index = (index * (turn * 2 + 1)) % names.len();
            write.empty(&names[index], 2);
            expected.extend([index; 2]);
        }
    }
    write.send(&mut raw).await;
    assert_eq!(order.so_far(), expected);
}

/// A message whose name is known is refused for its value as one whose name is not.
#[tokio::test]
async fn what_is_wrong_behind_a_known_name_is_told_as_ever() {
    let (server, mut raw, _) = connected().await;
    let (_, mut order) = listen(&server, &["ab"]);
    let (told, mut errors) = record();
    server.on_error(move |_, error| told.note(error.to_string()));
    let wrong: [&[u8]; 9] = [
        // A type that there is not.
        &[3, 16, 2, b'a', b'b', 99],
        // Not UTF-8; a bool that is neither; bytes behind a bool, behind nothing, behind an integer.
        &[3, 16, 2, b'a', b'b', 1, 0xff],
        &[3, 16, 2, b'a', b'b', 6, 2],
        &[3, 17, 1, 2, b'a', b'b', 1, 0xff],
        // Names that are not UTF-8, as long as the known one.
        &[3, 16, 2, b'a', 0xff, 7],
        &[3, 16, 2, 0xff, b'b', 7],
        // An integer, a length and an id that are longer than they must be.
        &[3, 16, 2, b'a', b'b', 3, 0x80, 0],
        &[3, 16, 0x82, 0, b'a', b'b', 7],
        &[3, 17, 0x81, 0, 2, b'a', b'b', 7],
    ];
    let unknown = |body: &[u8]| -> Vec<u8> {
        // The same with a name that nobody listens for.
        let name = body.windows(2).rposition(|pair| pair == b"ab");
        let mut body = body.to_vec();
        if let Some(place) = name {
            body[place + 1] = b'c';
        }
        body
    };
    for body in wrong {
        let mut texts = Vec::new();
        for body in [unknown(body), body.to_vec()] {
            let mut write = Write::default();
            write.empty("ab", 1).body(&body).empty("ab", 1);
            raw.write(&write.0).await;
            let refused = raw.read().await.expect("a frame");
            texts.push((refused, errors.next().await));
            assert_eq!(order.next_many(2).await, ["ab"; 2]);
        }
        assert_eq!(texts[0], texts[1], "{body:?}");
    }
    let inbound = server.counters().inbound;
    assert!(inbound.is_balanced());
    assert_eq!(inbound.dropped(DropReason::Decode), 18);
    // Cut short within the value: the connection ends, known name or not.
    let mut write = Write::default();
    write.empty("ab", 1).body(&[3, 16, 2, b'a', b'b']);
    raw.write(&write.0).await;
    raw.expect_close(CloseCode::Protocol).await;
}

/// Connections race for handlers that run once. Who lost recognises the event until the list is without
/// its handler, but nobody handles it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_messages_that_a_once_handler_took_count_as_handled() {
    const EVENTS: usize = 2000;
    const ROUNDS: usize = 20;

    let server = Server::builder().bind("127.0.0.1:0").await.expect("a free port");
    // A long table: changing it takes time.
    for number in 0..500 {
        server.on(&format!("other {number}"), || ());
    }
    let mut raws = Vec::new();
    for _ in 0..4 {
        raws.push(Raw::dial(server.local_addr()).await);
    }
    let ran = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let adder = std::thread::spawn({
        let (server, ran, stop) = (server.clone(), Arc::clone(&ran), Arc::clone(&stop));
        move || {
            while !stop.load(Ordering::Relaxed) {
                let before = ran.load(Ordering::Relaxed);
                let count = Arc::clone(&ran);
                server.once("event", move || count.fetch_add(1, Ordering::Relaxed));
                let begun = std::time::Instant::now();
                while ran.load(Ordering::Relaxed) == before
                    && !stop.load(Ordering::Relaxed)
                    && begun.elapsed() < PATIENCE
                {
                    std::thread::yield_now();
                }
            }
        }
    });
    let mut write = Write::default();
    write.empty("event", EVENTS);
    for _ in 0..ROUNDS {
        for raw in &mut raws {
            raw.write(&write.0).await;
        }
    }
    let all = u64::try_from(EVENTS * ROUNDS * raws.len()).expect("few");
    eventually(|| {
        let inbound = server.counters().inbound;
        inbound.accepted == all && inbound.queued == 0
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    adder.join().expect("it ends");
    let inbound = server.counters().inbound;
    let ran = ran.load(Ordering::Relaxed);
    assert!(ran > 0);
    assert_eq!((inbound.done, inbound.dropped(DropReason::NoHandler)), (ran, all - ran));
}
