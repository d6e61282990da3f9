import type { Dispatcher } from 'undici';
import { createMesh, type Mesh, type ServiceOptions } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { Invariants } from '../kit/invariants.ts';

/** A mesh of one service, `svc`, over `addresses`, its chance seeded, with the six invariants watching it. */
export function torture(
  addresses: readonly string[],
  options: Omit<ServiceOptions, 'target'> = {},
): { mesh: Mesh; watch: Invariants } {
  const target = `static://${addresses.join()}`;
  const mesh = createMesh({ services: { svc: { target, ...options } }, random: seededRandom(1), log: silentLogger });
  return { mesh, watch: new Invariants(mesh) };
}

/** One request, its body read whole. */
export async function send(
  mesh: Mesh,
  request: Partial<Dispatcher.RequestOptions> = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { statusCode, body, headers } = await mesh.request({
    origin: 'http://svc',
    path: '/',
    method: 'GET',
    ...request,
  });
  return { status: statusCode, text: await body.text(), headers };
}
