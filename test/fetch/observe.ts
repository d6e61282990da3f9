import type { Servers } from './servers.ts';

/** An error as far as two fetches can agree on it. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: error };
  const { name, message } = error;
  const code = (error as { code?: unknown }).code;
  const described = {
    class: error.constructor.name,
    name,
    code,
    ...('cause' in error && { cause: describeError(error.cause) }),
  };
  // The words of a parser or a socket differ between versions of undici; its codes do not.
  return typeof code === 'string' && (code.startsWith('UND_') || code.startsWith('HPE_'))
    ? { ...described, class: '' }
    : { ...described, message };
}

export async function settled(task: () => unknown): Promise<unknown> {
  try {
    return { value: await task() };
  } catch (error) {
    return { error: describeError(error) };
  }
}

const VOLATILE = new Set(['date', 'keep-alive']);

/** Everything about a response but its body. */
export function describeHead(response: Response): object {
  const { status, statusText, ok, url, redirected, type, bodyUsed } = response;
  const headers = [...response.headers].filter(([name]) => !VOLATILE.has(name));
  return {
    status,
    statusText,
    ok,
    url,
    redirected,
    type,
    bodyUsed,
    headers,
    cookies: response.headers.getSetCookie(),
    body: response.body === null ? null : [response.body.constructor.name, response.body.locked],
    instance: [response instanceof Response, response.constructor === Response, response.headers instanceof Headers],
    tag: [Object.prototype.toString.call(response), Object.prototype.toString.call(response.headers)],
    members: Reflect.ownKeys(response).map(String),
  };
}

export async function describe(response: Response): Promise<object> {
  const head = describeHead(response);
  const bytes = await settled(async () => Buffer.from(await response.arrayBuffer()).toString('latin1'));
  return { ...head, bytes, usedAfter: response.bodyUsed, lockedAfter: response.body?.locked };
}

/** Takes the ports out, which differ between runs. */
export function neutral(value: unknown, servers: Servers): unknown {
  let text = JSON.stringify(value, (_, each: unknown) => (each === undefined ? '(undefined)' : each)) ?? 'undefined';
  for (const name of ['here', 'there', 'raw', 'nobody'] as const) {
    text = text
      .replaceAll(servers[name].replace('http://', ''), name)
      .replaceAll(`:${new URL(servers[name]).port}`, `:${name}`);
  }
  return text.replaceAll(/formdata-undici-0?\d+/g, 'boundary').replaceAll(/"length":\d{3,}/g, '"length":…');
}
