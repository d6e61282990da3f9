import { describe, expect, it } from 'vitest';
import { newPicker, type Picker } from '../../src/balancer/index.ts';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { endpointsOf } from './simulation.ts';

function pickerOf(endpoints: readonly Endpoint[], seed = 1, previous?: Picker): Picker {
  return newPicker('round-robin', endpoints, createEnv({ random: seededRandom(seed), log: silentLogger }), previous);
}

function turns(picker: Picker, count: number): Endpoint[] {
  return Array.from({ length: count }, () => picker.pick({ tried: [] })!.endpoint);
}

describe('round-robin', () => {
  it('goes round in the same order, each endpoint once', () => {
    const picker = pickerOf(endpointsOf(5));
    const round = turns(picker, 5);
    expect(new Set(round).size).toBe(5);
    expect(turns(picker, 5)).toEqual(round);
  });

  it('begins anywhere and in any order, so that many clients do not go round as a herd', () => {
    const endpoints = endpointsOf(5);
    const firsts = Array.from({ length: 500 }, (_, seed) => turns(pickerOf(endpoints, seed), 1)[0]!);
    const followers = Array.from({ length: 500 }, (_, seed) => {
      const round = turns(pickerOf(endpoints, seed), 5);
      return round[(round.indexOf(endpoints[0]!) + 1) % 5]!;
    });
    for (const endpoint of endpoints) {
      expect(firsts.filter((first) => first === endpoint).length).toBeGreaterThan(60);
    }
    for (const endpoint of endpoints.slice(1)) {
      expect(followers.filter((other) => other === endpoint).length).toBeGreaterThan(80);
    }
  });

  it('goes on where it was when an endpoint joins, which takes its place somewhere between the others', () => {
    const endpoints = endpointsOf(5);
    const places = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      const picker = pickerOf(endpoints.slice(0, 4), seed);
      const round = turns(picker, 4);
      turns(picker, 2);
      const next = turns(pickerOf(endpoints, seed, picker), 5);
      expect(next.filter((endpoint) => endpoint !== endpoints[4])).toEqual([round[2], round[3], round[0], round[1]]);
      places.add(next.indexOf(endpoints[4]!));
    }
    expect(places.size).toBeGreaterThan(2);
  });

  it('goes on with the next that is left when the one whose turn it was is gone', () => {
    const endpoints = endpointsOf(4);
    const picker = pickerOf(endpoints);
    const round = turns(picker, 4);
    const left = endpoints.filter((endpoint) => endpoint !== round[0]);
    expect(turns(pickerOf(left, 1, picker), 3)).toEqual([round[1], round[2], round[3]]);
  });

  it('starts over when nothing of the old set is left, and after an empty one', () => {
    const picker = pickerOf([], 1, pickerOf(endpointsOf(3)));
    expect(new Set(turns(pickerOf(endpointsOf(3), 1, picker), 3)).size).toBe(3);
  });

  it('takes other policies for predecessors', () => {
    const before = newPicker('random', endpointsOf(2), createEnv({ log: silentLogger }));
    expect(new Set(turns(pickerOf(endpointsOf(3), 1, before), 3)).size).toBe(3);
  });

  it('gives weights their exact share within every few rounds, not in bursts', () => {
    const endpoints = endpointsOf(3, (index) => [4, 2, 1][index]!);
    const picker = pickerOf(endpoints);
    turns(picker, 5);
    const seen = turns(picker, 70);
    for (let start = 0; start < 63; start++) {
      const run = seen.slice(start, start + 7);
      expect(run.filter((endpoint) => endpoint === endpoints[0]).length).toBeGreaterThan(2);
      expect(run.filter((endpoint) => endpoint === endpoints[1]).length).toBeGreaterThan(0);
    }
    expect(endpoints.map((endpoint) => seen.filter((other) => other === endpoint).length)).toEqual([40, 20, 10]);
  });

  it('lets light endpoints of different clients sit out different rounds', () => {
    const endpoints = endpointsOf(2, (index) => [8, 1][index]!);
    const places = Array.from({ length: 100 }, (_, seed) => turns(pickerOf(endpoints, seed), 9).indexOf(endpoints[1]!));
    expect(new Set(places).size).toBeGreaterThan(6);
  });

  it('spreads the turns of light endpoints over the rounds', () => {
    for (let seed = 0; seed < 20; seed++) {
      const endpoints = endpointsOf(9, (index) => (index === 0 ? 8 : 1));
      const seen = turns(pickerOf(endpoints, seed), 160).map((endpoint) => (endpoint === endpoints[0] ? 'H' : 'l'));
      expect(seen.join('')).not.toMatch('llll');
    }
  });
});
