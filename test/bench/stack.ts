// What the layers themselves cost: the standard stack over an endpoint that answers at once, and without each layer in turn.
import { createMesh, type Exchange, type Layer, type Mesh } from '../../src/index.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import { median } from './kit.ts';

const endpoint = new Endpoint({ address: '127.0.0.1:80' });

/** An exchange that is over as soon as it is accepted. */
class Instant implements Exchange {
  readonly statusCode = 200;
  readonly headers = {};
  readonly endpoint = endpoint;
  #listeners: Parameters<Exchange['onEnd']>[0][] = [];
  onEnd(listener: Parameters<Exchange['onEnd']>[0]): void {
    this.#listeners.push(listener);
  }
  accept(sink: Parameters<Exchange['accept']>[0]): void {
    const controller = { paused: false, aborted: false, reason: null, pause() {}, resume() {}, abort() {} };
    for (const listener of this.#listeners) listener({ kind: 'success', latency: 1, status: 200 });
    sink.onResponseStart?.(controller, 200, this.headers, 'OK');
    sink.onResponseEnd?.(controller, {});
  }
  [Symbol.dispose](): void {}
}

const instantly: Layer = () => () => Promise.resolve(new Instant());

function meshWithout(...roles: string[]): Mesh {
  const mesh = createMesh({ services: { svc: 'static://127.0.0.1:80' } });
  mesh.stack.insertAfter('identity', { role: 'instantly', layer: instantly });
  for (const role of roles) mesh.stack.remove(role);
  return mesh;
}

const send = (mesh: Mesh): Promise<void> =>
  new Promise((resolve, reject) => {
    const handler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => resolve(),
      onResponseError: (_: unknown, error: Error) => reject(error),
    };
    mesh.dispatch({ origin: 'http://svc', path: '/', method: 'GET' }, handler);
  });

async function nanoseconds(mesh: Mesh, calls: number): Promise<number> {
  const begin = performance.now();
  for (let done = 0; done < calls; done += 32) await Promise.all(Array.from({ length: 32 }, () => send(mesh)));
  return ((performance.now() - begin) / calls) * 1e6;
}

const roles = meshWithout()
  .stack.describe()
  .map(({ role }) => role)
  .filter((role) => role !== 'instantly' && role !== 'balance');
const meshes = [meshWithout(), ...roles.map((role) => meshWithout(role)), meshWithout(...roles)];
const samples: number[][] = meshes.map(() => []);
for (let round = 0; round < 25; round++)
  for (const [index, mesh] of meshes.entries()) samples[index]!.push(await nanoseconds(mesh, 3_200));
const [whole, ...others] = samples.map((each) => median(each.slice(5)));
console.log(`the whole stack: ${whole!.toFixed(0)} ns a call; balance alone: ${others.pop()!.toFixed(0)} ns`);
for (const [index, role] of roles.entries())
  console.log(`  ${role.padEnd(20)}${(whole! - others[index]!).toFixed(0).padStart(6)} ns`);
process.exit(0);
