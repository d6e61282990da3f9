// request + text: undici's own API over an Agent and over a mesh.
import { Agent, type Dispatcher } from 'undici';
import { createMesh } from '../../src/index.ts';
import { measure } from './kit.ts';

const text = (to: Dispatcher, origin: string) => async (): Promise<string> => {
  const { body } = await to.request({ origin, path: '/v1/items', method: 'GET' });
  return body.text();
};

await measure('request + text', ([port]) => {
  const mesh = createMesh({ services: { orders: `static://127.0.0.1:${port}` } });
  const agent = new Agent({ connections: 1024 });
  return [
    { name: 'undici Agent.request', run: text(agent, `http://127.0.0.1:${port}`) },
    { name: 'inmesh mesh.request', run: text(mesh, 'http://orders') },
  ];
});
