/**
 * One client in a process of its own: `node client.ts <target> <door> <package> <api>`. Sends a GET and a POST to
 * `http://orders/` through a mesh and prints what came back, as JSON.
 */
import type * as Undici from 'undici';
import { createMesh } from '../../../src/index.ts';

const [target, door, name, api] = process.argv.slice(2) as [string, string, string, string];
const mesh = createMesh({ services: { orders: target } });
const restore = door === 'install' ? mesh.install() : undefined;
const given: object = door === 'dispatcher' ? { dispatcher: mesh.dispatcher } : {};
const post = { method: 'POST', body: 'four', headers: { 'content-length': '4' } };

async function send(init: object): Promise<string> {
  if (name === 'built-in') return (await fetch('http://orders/', { ...init, ...given })).text();
  const undici = (await import(name)) as typeof Undici;
  if (api === 'fetch') return (await undici.fetch('http://orders/', { ...init, ...given })).text();
  return (await undici.request('http://orders/', { ...init, ...given })).body.text();
}

const answers = [await send({}), await send(post)];
restore?.();
await mesh.close();
console.log(JSON.stringify(answers));
