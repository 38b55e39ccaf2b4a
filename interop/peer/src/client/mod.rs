//! Scenarios of a client of version 1 that is connected to a server by fast-tcp.
//!
//! One is run per process, with a server of its own. It prints `passed`, or `failed` and why. What it cannot do
//! by itself, such as killing the server, it asks for in a line, and waits for `done`.

mod lifecycle;
mod names;
mod requests;
mod rooms;
mod sockets;
mod stage;
mod streams;
mod values;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::Outcome;
use stage::Stage;

/// A scenario with its name. It fails with a sentence that says what is not as it should be.
struct Scenario {
    name: String,
    run: Box<dyn FnOnce(Stage) -> Running>,
}

type Running = Pin<Box<dyn Future<Output = Outcome>>>;

fn scenario<F: Future<Output = Outcome> + 'static>(
    name: impl Into<String>,
    run: impl FnOnce(Stage) -> F + 'static,
) -> Scenario {
    Scenario { name: name.into(), run: Box::new(move |stage| Box::pin(run(stage))) }
}

fn all() -> Vec<Scenario> {
    let themes = [
        values::scenarios(),
        requests::scenarios(),
        names::scenarios(),
        rooms::scenarios(),
        sockets::scenarios(),
        streams::scenarios(),
        lifecycle::scenarios(),
    ];
    themes.into_iter().flatten().collect()
}

/// Prints how many scenarios there are, and their names.
pub(crate) fn list() {
    let scenarios = all();
    println!("scenarios {}", scenarios.len());
    scenarios.iter().for_each(|scenario| println!("{}", scenario.name));
}

/// Runs the scenario called `name` with the server at `address`.
pub(crate) async fn run(name: &str, address: &str) -> Outcome {
    let found = all().into_iter().find(|scenario| scenario.name == name);
    let scenario = found.ok_or_else(|| format!("there is no scenario `{name}`"))?;
    match (scenario.run)(Stage::new(address)).await {
        Ok(()) => println!("passed"),
        Err(error) => println!("failed {}", error.to_string().replace('\n', "\\n")),
    }
    Ok(())
}

/// Fails unless both are the same.
#[expect(clippy::needless_pass_by_value, reason = "both are made for this call only")]
fn expect<T: PartialEq<E> + Debug, E: Debug>(found: T, expected: E) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{} came, not {}", shown(&found), shown(&expected)).into())
}

/// A value in a bounded length.
fn shown(value: &impl Debug) -> String {
    const MOST: usize = 500;

    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
