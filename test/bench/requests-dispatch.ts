// dispatch: all default policies against none.
import { type Dispatcher, Pool } from 'undici';
import { createMesh } from '../../src/index.ts';
import { measure } from './kit.ts';

/** The least that a handler can do. */
class Sink implements Dispatcher.DispatchHandler {
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  constructor(resolve: () => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }
  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    this.#resolve();
  }
  onResponseError(_controller: unknown, error: Error): void {
    this.#reject(error);
  }
}

const dispatch = (to: Dispatcher, origin: string) => (): Promise<void> =>
  new Promise((resolve, reject) => {
    to.dispatch({ origin, path: '/v1/items', method: 'GET' }, new Sink(resolve, reject));
  });

await measure('dispatch: all default policies against none', (ports) => {
  const origin = `http://127.0.0.1:${ports[0]}`;
  const pool = new Pool(origin, { connections: 1024 });
  const one = createMesh({ services: { orders: `static://127.0.0.1:${ports[0]}` } });
  const three = createMesh({ services: { orders: `static://${ports.map((port) => `127.0.0.1:${port}`).join()}` } });
  return [
    { name: 'undici Pool.dispatch', run: dispatch(pool, origin) },
    { name: 'inmesh mesh.dispatch', run: dispatch(one, 'http://orders') },
    { name: 'inmesh mesh.dispatch, three endpoints', run: dispatch(three, 'http://orders') },
  ];
});
