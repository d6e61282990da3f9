import type { Dispatcher } from 'undici';
import type { Exchange } from '../../model/exchange.ts';

/** The response header by which one tier tells the next that it has retried already (Kitex's chain stop). */
const HEADER = 'x-mesh-retry';

/** Whether a tier beneath has spent its retries on this: three tiers of three attempts each must not make 27. */
export function stopsRetries(exchange: Exchange): boolean {
  return exchange.headers[HEADER] === 'never';
}

/** `exchange` with `x-mesh-retry: never` among its headers, for callers who pass the response on. */
export function stopChain(exchange: Exchange): Exchange {
  exchange.headers[HEADER] = 'never';
  return {
    statusCode: exchange.statusCode,
    headers: exchange.headers,
    endpoint: exchange.endpoint,
    accept: (sink) => exchange.accept(marking(sink)),
    onEnd: (listener) => exchange.onEnd(listener),
    [Symbol.dispose]: () => exchange[Symbol.dispose](),
  };
}

/** The same sink, but its response head has the header both parsed and raw: fetch reads the one, `request` the other. */
function marking(sink: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  const onResponseStart: Dispatcher.DispatchHandler['onResponseStart'] = (controller, status, headers, message) => {
    if (status >= 200) {
      headers[HEADER] = 'never';
      const raw: unknown = controller.rawHeaders;
      if (Array.isArray(raw))
        raw.push(...(Buffer.isBuffer(raw[0]) ? [Buffer.from(HEADER), Buffer.from('never')] : [HEADER, 'never']));
    }
    sink.onResponseStart?.(controller, status, headers, message);
  };
  return new Proxy(sink, {
    get(target, key) {
      if (key === 'onResponseStart') return onResponseStart;
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
