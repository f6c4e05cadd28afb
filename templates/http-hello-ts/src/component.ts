// Answers every request with a line of text that names its path.
addEventListener('fetch', (event) => {
  const fetched = event as FetchEvent;
  fetched.respondWith(handle(fetched.request));
});

function handle(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  return new Response(`Hello from TypeScript: ${pathname}${search}\n`, {
    headers: { 'content-type': 'text/plain' },
  });
}
