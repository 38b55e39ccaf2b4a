//! An application needs `gatewire` and one object format: its handles can be named and shared.

use gatewire::{Client, Server};

fn shared<T: Clone + Send + Sync + 'static>() {
    println!("{}", std::any::type_name::<T>());
}

fn main() {
    shared::<Server>();
    shared::<Client>();
}
