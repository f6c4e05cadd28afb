//! A P3 HTTP component in front of `example:greeter/greeter`, whoever serves that.
//!
//! `/greet?name=&language=` greets in `english`, `german` or any other language;
//! `/greet-all?names=a,b` sends the names one by one and answers the greetings that come back;
//! `/book?title=&names=a,b` has people sign a guest book and answers how many have, and what stands
//! in it.

mod web; // generated, see README.md

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use initial_heap as _;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::web::example::greeter::greeter::{self, GuestBook, Language, Person, Problem};

wasip3::http::service::export!(Web);

struct Web;

impl wasip3::exports::http::handler::Guest for Web {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Ok(match path {
            "/greet" => greet(query),
            "/greet-all" => answer(200, greet_all(names(query)).await.join("\n")),
            "/book" => answer(200, book(query).await),
            _ => answer(404, "ask for /greet, /greet-all or /book".into()),
        })
    }
}

fn answer(status: u16, text: String) -> Response {
    let (mut body, contents) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(contents), trailers);
    response.set_status_code(status).unwrap();
    wit_bindgen::spawn_local(async move {
        body.write_all(text.into_bytes()).await; // what is left when the client is gone: no matter
    });
    response
}

/// What stands behind `name=` in a query, as it is: nothing is decoded.
fn text<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn names(query: &str) -> Vec<String> {
    let list = text(query, "names").unwrap_or_default();
    list.split(',').map(str::to_owned).collect()
}

fn person(name: &str, language: &str) -> Person {
    Person {
        name: name.to_owned(),
        language: match language {
            "english" => Language::English,
            "german" => Language::German,
            other => Language::Other(other.to_owned()),
        },
    }
}

fn greet(query: &str) -> Response {
    let name = text(query, "name").unwrap_or_default();
    let language = text(query, "language").unwrap_or("english");
    match greeter::greet(&person(name, language)) {
        Ok(greeting) => answer(200, greeting),
        Err(Problem::EmptyName) => answer(400, "nobody has no name".into()),
        Err(Problem::UnknownLanguage(language)) => answer(400, format!("who speaks {language}?")),
    }
}

/// Each name is sent only once the greeting of the one before has come.
async fn greet_all(names: Vec<String>) -> Vec<String> {
    let (mut sent, received) = web::wit_stream::new::<String>();
    let mut greetings = greeter::greet_all(received).await;
    let mut all = Vec::new();
    for name in names {
        all.extend(both(sent.write_one(name), greetings.next()).await);
    }
    drop(sent);
    all.extend(greetings.collect().await);
    all
}

/// Runs both at once until both are done; gives what was read.
async fn both<T>(
    write: impl Future<Output = Option<String>>,
    read: impl Future<Output = Option<T>>,
) -> Option<T> {
    let (mut write, mut read) = (pin!(write), pin!(read));
    let (mut written, mut greeting) = (false, None);
    poll_fn(|context| {
        written = written || write.as_mut().poll(context).is_ready();
        if greeting.is_none()
            && let Poll::Ready(next) = read.as_mut().poll(context)
        {
            greeting = Some(next);
        }
        match written && greeting.is_some() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    greeting.flatten()
}

async fn book(query: &str) -> String {
    let book = GuestBook::new(text(query, "title").unwrap_or_default());
    let mut signed = 0;
    for name in names(query) {
        signed = book.sign(&person(&name, "english"));
    }
    format!("{signed}: {}", book.read().await.collect().await.join(" "))
}
