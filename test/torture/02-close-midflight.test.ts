import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('2 close-midflight: what was read and never answered is sent elsewhere if idempotent, and fails by name if not', async () => {
  const effects = new Map<string, number>();
  const closing = await Faultd.start(
    always((peer, { body }) => {
      effects.set(body, (effects.get(body) ?? 0) + 1);
      peer.end();
    }),
  );
  const good = await Faultd.start(always((peer) => void peer.respond()));
  const { mesh, watch } = torture([closing.address, good.address], {
    outlier: false,
    balancer: 'round-robin',
    breaker: false,
  });

  for (let call = 0; call < 8; call++) expect((await watch.call(() => send(mesh))).status).toBe(200);
  expect(closing.requests).toBeGreaterThan(3);
  effects.clear();
  const outcomes: string[] = [];
  for (let call = 0; call < 10; call++) {
    const answer = watch.call(() => send(mesh, { method: 'POST', body: `order ${call}` }));
    outcomes.push(
      await answer.then(
        () => 'answered',
        (error: unknown) => {
          expect(isMeshError(error, 'INMESH_RESET')).toBe(true);
          return 'reset';
        },
      ),
    );
  }
  expect(outcomes.filter((outcome) => outcome === 'reset')).toHaveLength(5);
  await watch.check({ healthy: [good.address], effects: effects.values(), sent: closing.requests + good.requests });
  await closing.close();
  await good.close();
});
