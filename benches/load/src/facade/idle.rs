//! Many idle connections, each of which has proved that it knows the key, as the server has.

use gatewire::{Client, Psk};
use gatewire_harness::{Driver, Failure, Outcome};
use tokio::net::TcpStream;

use super::{COUNT, KEY, KEY_ID, light, outcome};
use crate::idle;

pub(super) async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    let key = Psk::new(KEY)?;
    let connect = async || {
        let mut stream = TcpStream::connect(&driver.address).await?;
        light::shake_hands(&mut stream, Some((KEY_ID.to_owned(), key.clone()))).await?;
        Ok(stream)
    };
    let count = async || {
        let client =
            Client::builder().psk(KEY_ID, key.clone()).plain().connect(&driver.address).await?;
        let all: u32 = client.request(COUNT, ()).await?;
        client.close().await;
        Ok(u64::from(all).saturating_sub(1))
    };
    idle::drive(driver, outcome(driver), connect, count).await
}
