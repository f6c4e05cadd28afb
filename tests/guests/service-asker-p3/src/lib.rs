//! A service of WASI 0.3 that asks another component of its workload by HTTP for the path in its
//! variable `ASK`, three times, and prints status and content; it fails if there is no answer.

#[path = "../../http-misc-p3/src/next.rs"]
mod next; // generated from ../http-relay-p3/wit

use wasip3::cli::{environment, stdout};
use wasip3::http::types::{Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

use crate::next::wasi::http::handler;

wasip3::cli::command::export!(Service);

struct Service;

impl wasip3::exports::cli::run::Guest for Service {
    async fn run() -> Result<(), ()> {
        let variables = environment::get_environment();
        let path = variables.iter().find(|(name, _)| name == "ASK");
        let path = path.map_or("/", |(_, path)| path.as_str());
        for _ in 0..3 {
            let response = handler::handle(get(path)).await.map_err(drop)?;
            say(&describe(response).await).await;
        }
        Ok(())
    }
}

fn get(path: &str) -> Request {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    request.set_path_with_query(Some(path)).unwrap();
    request.set_authority(Some("inside.test")).unwrap();
    request
}

async fn describe(response: Response) -> String {
    let status = response.get_status_code();
    let (_, taken) = wit_future::new(|| Ok(()));
    let (body, _trailers) = Response::consume_body(response, taken);
    let content = body.collect().await;
    format!("asked {status} {}", String::from_utf8_lossy(&content))
}

async fn say(text: &str) {
    let (mut writer, content) = wit_stream::new();
    let written = stdout::write_via_stream(content);
    writer.write_all(format!("{text}\n").into_bytes()).await;
    drop(writer);
    let _ = written.await;
}
