// Answers every request with a line of text that names its path.
addEventListener('fetch', (event) => event.respondWith(handle(event.request)));

function handle(request) {
  const { pathname, search } = new URL(request.url);
  return new Response(`Hello from JavaScript: ${pathname}${search}\n`, {
    headers: { 'content-type': 'text/plain' },
  });
}
