// Says hello and names the path that was asked for.
addEventListener('fetch', (event) => {
  const { pathname, search } = new URL(event.request.url);
  event.respondWith(
    new Response(`hello from javascript ${pathname}${search}\n`, {
      headers: { 'content-type': 'text/plain' },
    }),
  );
});
