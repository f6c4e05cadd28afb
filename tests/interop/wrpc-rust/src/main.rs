//! A peer of the interface tests/interop/wit, on wRPC's own crates with the current framed dialect.
//!
//!     wrpc-rust serve ADDRESS    prints "serving ADDRESS"
//!     wrpc-rust check ADDRESS    calls everything there once
//!     wrpc-rust large ADDRESS    calls with large values
//!
//! ADDRESS is unix:PATH or tcp:HOST:PORT.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use wrpc::transport::frame::{tcp, unix};

mod bindings;
mod client;
mod server;

/// What both ends know, of the types that one of them has: bindings make a type of their own for
/// each direction.
#[macro_export]
macro_rules! known_values {
    ($types:ident) => {
        use $types::{Colour, Mixture, Numbers, Rights, Shape};

        fn known_numbers() -> Numbers {
            Numbers {
                yes: true,
                a: 200,
                b: -1,
                c: 300,
                d: -129,
                e: 624_485,
                f: -123_456,
                g: u64::MAX,
                h: i64::MIN,
                i: 1.5,
                j: 1.5,
                letter: 'a',
            }
        }

        fn known_mixture() -> Mixture {
            Mixture {
                text: "Grüße".into(),
                bytes: bytes::Bytes::from_static(&[0, 1, 255]),
                words: vec!["foo".into(), String::new(), "bar".into()],
                nothing: None,
                something: Some(7),
                good: Ok(5),
                bad: Err("no".into()),
                colour: Colour::Blue,
                rights: Rights::READ | Rights::RUN,
                shapes: vec![
                    Shape::None,
                    Shape::Circle(300),
                    Shape::Named("square".into()),
                ],
                pair: (300, true),
            }
        }
    };
}

enum Address {
    Unix(PathBuf),
    Tcp(String),
}

fn parse(address: &str) -> anyhow::Result<Address> {
    match address.split_once(':') {
        Some(("unix", path)) => Ok(Address::Unix(path.into())),
        Some(("tcp", where_)) => Ok(Address::Tcp(where_.into())),
        _ => bail!("{address} is neither unix:PATH nor tcp:HOST:PORT"),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: wrpc-rust serve|check|large ADDRESS";
    let mode = arguments.next().context(usage)?;
    let address = parse(&arguments.next().context(usage)?)?;
    match (mode.as_str(), address) {
        ("serve", Address::Unix(path)) => server::serve_unix(path).await,
        ("serve", Address::Tcp(at)) => server::serve_tcp(at).await,
        ("check", Address::Unix(path)) => client::check(&unix::Client::from(path)).await,
        ("check", Address::Tcp(at)) => client::check(&tcp::Client::from(at)).await,
        ("large", Address::Unix(path)) => client::check_large(&unix::Client::from(path)).await,
        ("large", Address::Tcp(at)) => client::check_large(&tcp::Client::from(at)).await,
        _ => bail!(usage),
    }
}
