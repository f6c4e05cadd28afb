// Counts the requests to each path in the key-value bucket `default`; DELETE starts again.
import { increment } from 'wasi:keyvalue/atomics@0.2.0-draft';
import { open } from 'wasi:keyvalue/store@0.2.0-draft';

addEventListener('fetch', (event) => {
  const fetched = event as FetchEvent;
  fetched.respondWith(handle(fetched.request));
});

function handle(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  const key = 'count' + (pathname + search).replaceAll('/', '-');
  try {
    return new Response(`${count(key, request.method === 'DELETE')}\n`);
  } catch (error) {
    return new Response(`cannot count: ${JSON.stringify(error)}\n`, { status: 500 });
  }
}

function count(key: string, reset: boolean): bigint {
  const bucket = open('default');
  if (reset) {
    bucket.delete(key);
    return 0n;
  }
  return increment(bucket, key, 1n);
}
