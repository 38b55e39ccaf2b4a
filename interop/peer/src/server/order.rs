//! Whether messages come in order.

use std::sync::{Arc, Mutex, PoisonError};

use gatewire::{Rejection, Socket};

/// What came, and the first that came out of order.
#[derive(Debug, Default)]
struct Count {
    next: i64,
    wrong: Option<String>,
}

impl Count {
    fn add(&mut self, number: i64) {
        if number != self.next {
            let next = self.next;
            self.wrong.get_or_insert_with(|| format!("{number} came instead of {next}"));
        }
        self.next += 1;
    }

    fn report(&self) -> String {
        format!("{}, {}", self.next, self.wrong.as_deref().unwrap_or("in order"))
    }
}

/// Each connection is counted for itself.
pub(super) fn listen(socket: &Socket) {
    let count = Arc::new(Mutex::new(Count::default()));
    let added = Arc::clone(&count);
    socket.on("count", move |number: i64| {
        added.lock().unwrap_or_else(PoisonError::into_inner).add(number);
    });
    socket.on("counted", move || count.lock().unwrap_or_else(PoisonError::into_inner).report());
    socket.on("emit many", |socket: Socket, number: i64| async move {
        for i in 0..number {
            socket.ready().await?;
            socket.emit("number", i)?;
        }
        Ok::<_, Rejection>(())
    });
}
