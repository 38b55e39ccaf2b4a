//! All of it: three routers, a client on each, and what they are told to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::{Outcome, keys, say};

/// Who waits in vain ends all the same.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn run() -> Outcome {
    let name = format!("gatewire-cluster-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let outcome = play(&directory);
    std::fs::remove_dir_all(&directory)?;
    outcome
}

fn play(directory: &Path) -> Outcome {
    let directory = directory.to_str().ok_or("a path that is text")?;
    keys::make(directory, &["host1", "host2", "host3"])?;
    let mut stage = Stage::new(directory);

    // Each router has those before it as neighbours. host1 and host3 have a dear link, too.
    let one = stage.start_router("host1", &[])?;
    let two = stage.start_router("host2", &[format!("{one}@1")])?;
    let three = stage.start_router("host3", &[format!("{two}@1"), format!("{one}@10")])?;
    for (client, address) in [("ana", &one), ("ben", &two), ("eva", &three)] {
        stage.start(client, &["client", directory, client, address])?;
        stage.wait_for(client, "is ")?;
    }
    for host in ["host1", "host2", "host3"] {
        stage.wait_for(host, "nodes with members of lobby: 3")?;
    }
    say("demo", "six processes run");

    stage.tell("ana", "say good morning")?;
    stage.wait_for("ben", "heard from ana")?;
    stage.wait_for("eva", "heard from ana")?;
    stage.tell("eva", "ask ana tea or coffee?")?;
    stage.wait_for("eva", "ana answers")?;

    // A router dies: its client is on its own, the others are not.
    stage.forget();
    say("demo", "now host2 is killed");
    stage.kill("host2")?;
    stage.wait_for("host1", "nodes with members of lobby: 2")?;
    stage.wait_for("host3", "nodes with members of lobby: 2")?;
    stage.wait_for("ben", "has lost its server")?;
    say("demo", "there is another way, which costs more");
    stage.tell("ana", "say can you hear me?")?;
    stage.wait_for("eva", "can you hear me?")?;

    // A key that is not in the ring: that of the clients, under another name.
    std::fs::copy(format!("{directory}/clients.key"), format!("{directory}/host9.key"))?;
    stage.start("host9", &["router", directory, "host9", "127.0.0.1:0", &format!("{one}@1")])?;
    stage.wait_for("host9", "no link to")?;
    say("demo", "a router without a key of its own gets no link");

    stage.end()?;
    say("demo", "all have ended");
    Ok(())
}

/// The processes, and what they have printed.
struct Stage<'a> {
    directory: &'a str,
    processes: Vec<Process>,
    lines: Receiver<Line>,
    sender: Sender<Line>,
    /// What was printed and not waited for.
    printed: Vec<Line>,
    end: Instant,
}

/// Who has printed what.
type Line = (String, String);

struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
}

impl<'a> Stage<'a> {
    fn new(directory: &'a str) -> Self {
        let (sender, lines) = channel();
        let end = Instant::now() + LIMIT;
        Self { directory, processes: Vec::new(), lines, sender, printed: Vec::new(), end }
    }

    /// Starts this program in a role.
    fn start(&mut self, name: &str, arguments: &[&str]) -> Outcome {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("it is piped")?);
        let (sender, owner) = (self.sender.clone(), name.to_owned());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                println!("{line}");
                if sender.send((owner.clone(), line)).is_err() {
                    break;
                }
            }
        });
        self.processes.push(Process { name: name.to_owned(), child, input });
        Ok(())
    }

    /// Starts a router on any port: where it listens.
    fn start_router(&mut self, node: &str, links: &[String]) -> Outcome<String> {
        let mut arguments = vec!["router", self.directory, node, "127.0.0.1:0"];
        arguments.extend(links.iter().map(String::as_str));
        self.start(node, &arguments)?;
        let line = self.wait_for(node, "listens at ")?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    }

    /// Nothing that was printed so far is waited for.
    fn forget(&mut self) {
        self.printed.clear();
        while self.lines.try_recv().is_ok() {}
    }

    /// Waits until a process prints this: the line. Each line is given once.
    fn wait_for(&mut self, name: &str, text: &str) -> Outcome<String> {
        loop {
            let wanted = |(owner, line): &Line| owner == name && line.contains(text);
            if let Some(at) = self.printed.iter().position(wanted) {
                return Ok(self.printed.remove(at).1);
            }
            let left = self.end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(format!("{name} does not print: {text}").into());
                }
            }
        }
    }

    /// Gives a process a line to read.
    fn tell(&mut self, name: &str, line: &str) -> Outcome {
        let process = self.processes.iter_mut().find(|process| process.name == name);
        let input = process.and_then(|process| process.input.as_mut()).ok_or("it runs")?;
        writeln!(input, "{line}")?;
        Ok(())
    }

    fn kill(&mut self, name: &str) -> Outcome {
        let process = self.processes.iter_mut().find(|process| process.name == name);
        let child = &mut process.ok_or("it runs")?.child;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends the input of all, and waits for them.
    fn end(&mut self) -> Outcome {
        for process in &mut self.processes {
            process.input = None;
        }
        while let Some(mut process) = self.processes.pop() {
            process.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Stage<'_> {
    /// Something went wrong: nobody is left behind.
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It may be gone already.
            let _gone = process.child.kill();
            let _gone = process.child.wait();
        }
    }
}
