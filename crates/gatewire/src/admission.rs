//! Who may connect to a server, before anybody has proven anything.
//!
//! The bounds are part of [`Limits`](crate::Limits); what they did is told by
//! [`Server::admission`](crate::Server::admission), one counter for each.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gatewire::admission::{Failure, Refused};
//! use gatewire::{Limits, Server};
//!
//! let mut limits = Limits::default();
//! // All clients come through one proxy.
//! limits.admission.pending_per_source = 1024;
//! limits.admission.failures = u32::MAX;
//! let server = Server::builder().limits(limits).bind("127.0.0.1:0").await?;
//! // ...
//! let admission = server.admission();
//! println!("{} sessions", admission.established);
//! println!("{} wrong proofs", admission.failed(Failure::Proof));
//! println!("{} closed at once", admission.refused(Refused::PendingOfSource));
//! # server.close().await;
//! # Ok(())
//! # }
//! ```

pub use gatewire_core::admission::{AdmissionCounters, AdmissionLimits, Failure, Refused};
