import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, chooseEndpoints } from '../../src/discovery/kubernetes/topology.ts';

interface Row {
  readonly name: string;
  /** By name: `ready`, `unready`, `draining` (serving while it terminates), `dying` (terminating only), and hints. */
  readonly endpoints: Readonly<Record<string, Shape>>;
  readonly zone?: string;
  readonly node?: string;
  readonly chosen: readonly string[];
  readonly by: string;
}

interface Shape {
  readonly is?: 'ready' | 'unready' | 'draining' | 'dying';
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

function candidate(name: string, { is = 'ready', zones, nodes }: Shape): Candidate & { name: string } {
  return {
    name,
    ready: is === 'ready',
    serving: is === 'ready' || is === 'draining',
    terminating: is === 'draining' || is === 'dying',
    forZones: zones,
    forNodes: nodes,
  };
}

const a = { zones: ['zone-a'] };
const b = { zones: ['zone-b'] };
const c = { zones: ['zone-c'] };

/**
 * What kube-proxy chooses for a Service with the cluster's endpoints: the cases of pkg/proxy/topology_test.go and of the
 * KEPs (1669, 2433, 3015), told in our own words. Those of a Service restricted to its node (`internalTrafficPolicy:
 * Local`) are left out: EndpointSlices do not say so.
 */
const TABLE: readonly Row[] = [
  {
    name: 'no endpoints: none',
    endpoints: {},
    zone: 'zone-a',
    chosen: [],
    by: 'termination',
  },
  {
    name: 'no hints at all: every ready one',
    endpoints: { one: {}, two: {}, three: {} },
    zone: 'zone-a',
    node: 'node-1',
    chosen: ['one', 'two', 'three'],
    by: 'readiness',
  },
  {
    name: 'zone hints on all, some for our zone: those',
    endpoints: { one: a, two: b, three: c, four: a },
    zone: 'zone-a',
    chosen: ['one', 'four'],
    by: 'zone hints',
  },
  {
    name: 'one for several zones: in each of them',
    endpoints: { one: { zones: ['zone-a', 'zone-b'] }, two: b, three: c },
    zone: 'zone-b',
    chosen: ['one', 'two'],
    by: 'zone hints',
  },
  {
    name: 'our own zone unknown: hints are ignored',
    endpoints: { one: a, two: b },
    chosen: ['one', 'two'],
    by: 'readiness',
  },
  {
    name: 'no hint for our zone: hints are ignored',
    endpoints: { one: a, two: b },
    zone: 'zone-z',
    chosen: ['one', 'two'],
    by: 'readiness',
  },
  {
    name: 'a ready one without a hint: hints are ignored',
    endpoints: { one: a, two: b, three: {} },
    zone: 'zone-a',
    chosen: ['one', 'two', 'three'],
    by: 'readiness',
  },
  {
    name: 'an unready one without a hint: does not count',
    endpoints: { one: a, two: b, three: { is: 'unready' } },
    zone: 'zone-a',
    chosen: ['one'],
    by: 'zone hints',
  },
  {
    name: 'the only one for our zone is unready: hints are ignored',
    endpoints: { one: { ...a, is: 'unready' }, two: b, three: c },
    zone: 'zone-a',
    chosen: ['two', 'three'],
    by: 'readiness',
  },
  {
    name: 'one for our zone is unready and one is ready: the ready one',
    endpoints: { one: { ...a, is: 'unready' }, two: a, three: b },
    zone: 'zone-a',
    chosen: ['two'],
    by: 'zone hints',
  },
  {
    name: 'node hints on all, one for our node: that one, whatever the zones say',
    endpoints: {
      one: { nodes: ['node-1'], ...b },
      two: { nodes: ['node-2'], ...a },
      three: { nodes: ['node-3'], ...a },
    },
    zone: 'zone-a',
    node: 'node-1',
    chosen: ['one'],
    by: 'node hints',
  },
  {
    name: 'node hints on all, none for our node: the zone decides',
    endpoints: { one: { nodes: ['node-1'], ...a }, two: { nodes: ['node-2'], ...b } },
    zone: 'zone-b',
    node: 'node-9',
    chosen: ['two'],
    by: 'zone hints',
  },
  {
    name: 'node hints on all, none for our node, no zone hints: every ready one',
    endpoints: { one: { nodes: ['node-1'] }, two: { nodes: ['node-2'] } },
    zone: 'zone-a',
    node: 'node-9',
    chosen: ['one', 'two'],
    by: 'readiness',
  },
  {
    name: 'a ready one without a node hint: the zone decides',
    endpoints: { one: { nodes: ['node-1'], ...a }, two: b, three: { nodes: ['node-3'], ...a } },
    zone: 'zone-a',
    node: 'node-1',
    chosen: ['one', 'three'],
    by: 'zone hints',
  },
  {
    name: 'the one for our node is unready: the zone decides',
    endpoints: {
      one: { nodes: ['node-1'], is: 'unready', ...a },
      two: { nodes: ['node-2'], ...a },
      three: { nodes: ['node-3'], ...b },
    },
    zone: 'zone-a',
    node: 'node-1',
    chosen: ['two'],
    by: 'zone hints',
  },
  {
    name: 'our node unknown: node hints are ignored, zone hints are not',
    endpoints: { one: { nodes: ['node-1'], ...a }, two: { nodes: ['node-2'], ...b } },
    zone: 'zone-a',
    chosen: ['one'],
    by: 'zone hints',
  },
  {
    name: 'some ready, some draining: the ready ones',
    endpoints: { one: {}, two: { is: 'draining' }, three: { is: 'dying' } },
    chosen: ['one'],
    by: 'readiness',
  },
  {
    name: 'none ready, some draining: the draining ones, in every zone',
    endpoints: { one: { is: 'draining', ...a }, two: { is: 'draining', ...b }, three: { is: 'unready', ...a } },
    zone: 'zone-a',
    chosen: ['one', 'two'],
    by: 'termination',
  },
  {
    name: 'none ready, none draining: none',
    endpoints: { one: { is: 'unready' }, two: { is: 'dying' } },
    chosen: [],
    by: 'termination',
  },
];

describe('the choice among endpoints, as kube-proxy makes it', () => {
  it.each(TABLE)('$name', ({ endpoints, zone, node, chosen, by }) => {
    const candidates = Object.entries(endpoints).map(([name, shape]) => candidate(name, shape));
    const choice = chooseEndpoints(candidates, { zone, node });
    expect(choice.chosen.map(({ name }) => name)).toEqual(chosen);
    expect(choice.by).toBe(by);
  });

  it('loses no ready endpoint: what is not chosen is among the others', () => {
    const name = fc.constantFrom('x', 'y', 'z');
    const hints = fc.option(fc.array(name, { minLength: 1, maxLength: 2 }), { nil: undefined });
    const any = fc.record({
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      forZones: hints,
      forNodes: hints,
    });
    const place = fc.record({ zone: fc.option(name, { nil: undefined }), node: fc.option(name, { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), place, (endpoints, own) => {
        const ready = endpoints.filter((endpoint) => endpoint.ready);
        const { chosen, others } = chooseEndpoints(endpoints, own);
        const draining = endpoints.filter(({ serving, terminating }) => serving && terminating);
        const usable = ready.length === 0 ? draining : ready;
        expect(chosen.length + others.length).toBe(usable.length);
        expect(new Set([...chosen, ...others])).toEqual(new Set(usable));
        expect(chosen.length === 0).toBe(usable.length === 0);
      }),
    );
  });
});
