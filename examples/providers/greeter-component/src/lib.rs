//! Serves `example:greeter/greeter`, as greeter-cpp beside it does, as a component.

mod provider; // generated, see README.md

use std::cell::RefCell;

use initial_heap as _;
use wit_bindgen::{StreamReader, spawn_local};

use crate::provider::exports::example::greeter::greeter::{
    Guest, GuestGuestBook, Language, Person, Problem,
};
use crate::provider::wit_stream;

crate::provider::export!(Greeter with_types_in crate::provider);

struct Greeter;

impl Guest for Greeter {
    type GuestBook = Book;

    fn greet(person: Person) -> Result<String, Problem> {
        if person.name.is_empty() {
            return Err(Problem::EmptyName);
        }
        match person.language {
            Language::English => Ok(format!("Hello {}", person.name)),
            Language::German => Ok(format!("Hallo {}", person.name)),
            Language::Other(language) => Err(Problem::UnknownLanguage(language)),
        }
    }

    /// The greetings go out after the call has returned, one for each name that comes in.
    async fn greet_all(mut names: StreamReader<String>) -> StreamReader<String> {
        let (mut greetings, reader) = wit_stream::new();
        spawn_local(async move {
            while let Some(name) = names.next().await {
                if greetings.write_one(format!("Hello {name}")).await.is_some() {
                    return; // nobody reads them any more
                }
            }
        });
        reader
    }
}

/// One for each constructor call.
struct Book {
    lines: RefCell<Vec<String>>,
}

impl GuestGuestBook for Book {
    fn new(title: String) -> Book {
        Book {
            lines: RefCell::new(vec![title]),
        }
    }

    fn sign(&self, person: Person) -> u32 {
        let mut lines = self.lines.borrow_mut();
        lines.push(person.name);
        (lines.len() - 1) as u32
    }

    async fn read(&self) -> StreamReader<String> {
        let (mut writer, reader) = wit_stream::new();
        let lines = self.lines.borrow().clone();
        spawn_local(async move {
            writer.write_all(lines).await; // what is left when nobody reads: no matter
        });
        reader
    }
}
