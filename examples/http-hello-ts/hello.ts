// Says hello and names the path that was asked for.
addEventListener('fetch', (event) => {
  const fetched = event as FetchEvent;
  fetched.respondWith(hello(new URL(fetched.request.url)));
});

function hello({ pathname, search }: URL): Response {
  return new Response(`hello from typescript ${pathname}${search}\n`, {
    headers: { 'content-type': 'text/plain' },
  });
}
