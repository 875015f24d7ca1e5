// Keep every file of the page once it was fetched, so that the page works without a network.

const CACHE = "ram-VERSION";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(dropOld()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && new URL(event.request.url).origin === self.location.origin)
    event.respondWith(stored(event.request));
});

async function dropOld() {
  const old = (await caches.keys()).filter((name) => name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
  const cache = await caches.open(CACHE);
  await cache.addAll(["./", "page.css", "page.js", "tagger.js", "runtime.js", "resample.js", "wordpiece.js"]);
}

async function stored(request) {
  const cache = await caches.open(CACHE), kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
