// The live feed of the host: a snapshot, then what happens; after a break, a snapshot again.

/** A proxy or a sleeping laptop can leave a connection that is open and dead. */
const RETRY_MS = 2000;

/**
 * Follows `/api/events`. `on` has a function for each kind of event, and `link(up)`.
 * EventSource comes back by itself after a break, except when the server refused it.
 */
export function follow(on) {
  const source = new EventSource('/api/events');
  for (const kind of ['snapshot', 'status', 'state', 'turn', 'line', 'caption', 'lagged']) {
    source.addEventListener(kind, (event) => on[kind]?.(JSON.parse(event.data)));
  }
  source.addEventListener('open', () => on.link(true));
  source.addEventListener('error', () => {
    on.link(false);
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(() => follow(on), RETRY_MS);
  });
}

/** Asks the host to do something; throws its sentence, with its `status`, when it does not. */
export async function order(path, body) {
  const init = { method: 'POST' };
  if (body) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Error('The host does not answer.');
  }
  if (answer.ok) return;
  const { error } = await answer.json().catch(() => ({}));
  const failure = new Error(error ?? `The host answered ${answer.status}.`);
  failure.status = answer.status;
  throw failure;
}
