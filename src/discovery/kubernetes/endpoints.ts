import type { EndpointInfo } from '../../model/endpoint.ts';
import { Fault } from '../../resolver/index.ts';
import type { Slice, SlicePort } from './slice.ts';
import { type Candidate, chooseEndpoints, type Place } from './topology.ts';
import type { Slices } from './watch.ts';

/** Which endpoints are meant. */
export interface Wanted {
  /** `namespace/service`, for messages. */
  readonly name: string;
  readonly port: string | number | undefined;
  readonly place: Place;
  /** The family that is taken where a service has both. */
  readonly family: 4 | 6;
}

interface Member extends Candidate {
  /** As one that is chosen. */
  readonly info: EndpointInfo;
}

/** The endpoints to use, or why there are none. */
export type Found = { readonly endpoints: readonly EndpointInfo[] } | { readonly none: Fault };

/**
 * What all slices of a service come to: every address once, on the port of its own slice, of one family, chosen as
 * kube-proxy chooses. Those that hints keep for others follow at priority 1: they are used if none of the chosen can be.
 * What was computed of a slice is kept as long as the slice.
 */
export class ServiceEndpoints {
  readonly #wanted: Wanted;
  readonly #members: WeakMap<Slice, readonly Member[]> = new WeakMap();
  readonly #spare: WeakMap<EndpointInfo, EndpointInfo> = new WeakMap();
  /** By family, as of the last look. */
  readonly #merged: Record<4 | 6, ReadonlyMap<string, Member>> = { 4: new Map(), 6: new Map() };

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  of(slices: Slices): Found {
    const { name, family, place } = this.#wanted;
    if (slices.size === 0) {
      const remedy = `is there a Service of that name, with a selector?`;
      return { none: new Fault('NO_SERVICE', `there is no EndpointSlice of ${name}; ${remedy}`) };
    }
    const problem = this.#portProblem(slices);
    if (problem !== undefined) return { none: problem };
    this.#merged[4] = this.#merge(slices, 4);
    this.#merged[6] = this.#merge(slices, 6);
    for (const one of [family, family === 4 ? 6 : 4] as const) {
      const { chosen, others } = chooseEndpoints([...this.#merged[one].values()], place);
      if (chosen.length === 0) continue;
      const endpoints = chosen.map(({ info }) => info);
      for (const { info } of others) endpoints.push(this.#spareOf(info));
      return { endpoints };
    }
    const known = this.#merged[4].size + this.#merged[6].size;
    return { none: new Fault('NOT_READY', `none of the ${known} endpoints of ${name} is ready`) };
  }

  /** Whether any slice names the address, in whatever condition it is. */
  names(address: string): boolean {
    return this.#merged[4].has(address) || this.#merged[6].has(address);
  }

  /** Each address once: while an endpoint moves it is in two slices, and the better of the two counts. */
  #merge(slices: Slices, family: 4 | 6): ReadonlyMap<string, Member> {
    const merged = new Map<string, Member>();
    for (const slice of slices.values()) {
      if (slice.family !== family) continue;
      for (const member of this.#membersOf(slice)) {
        const { address } = member.info;
        const other = merged.get(address);
        if (other === undefined || rank(member) > rank(other)) merged.set(address, member);
      }
    }
    return merged;
  }

  #membersOf(slice: Slice): readonly Member[] {
    let members = this.#members.get(slice);
    if (members === undefined) this.#members.set(slice, (members = this.#read(slice)));
    return members;
  }

  #read(slice: Slice): Member[] {
    const port = this.#portOf(slice);
    if (port === undefined) return [];
    const protocol = PROTOCOLS[port.appProtocol ?? ''];
    return slice.endpoints.map(({ ip, zone, ready, serving, terminating, forZones, forNodes }) => {
      const address = slice.family === 4 ? `${ip}:${port.port}` : `[${ip}]:${port.port}`;
      const info = {
        address,
        ...(zone === undefined ? {} : { zone }),
        ...(protocol === undefined ? {} : { protocol }),
      };
      return { info, ready, serving, terminating, forZones, forNodes };
    });
  }

  /** The port that is meant, as this slice has it: the same name may be another number in another slice. */
  #portOf({ ports }: Slice): (SlicePort & { port: number }) | undefined {
    const { port: wanted } = this.#wanted;
    // A headless Service without ports: the number is the caller's to know. A port without a number restricts nothing.
    if (typeof wanted === 'number' && ports.length === 0) return { name: '', port: wanted, appProtocol: undefined };
    for (const port of ports) {
      const meant = wanted === undefined || port.name === wanted || port.port === wanted;
      if (meant && port.port !== undefined) return { ...port, port: port.port };
      if (port.port === undefined && typeof wanted === 'number') return { ...port, port: wanted };
    }
    return undefined;
  }

  #portProblem(slices: Slices): Fault | undefined {
    const { name, port } = this.#wanted;
    const names = new Map<string, SlicePort>();
    let fits = false;
    for (const slice of slices.values()) {
      for (const one of slice.ports) names.set(one.name, one);
      fits ||= this.#portOf(slice) !== undefined;
    }
    const list = [...names.values()].map((one) => `${one.name || 'unnamed'} (${one.port ?? 'any'})`).join(', ');
    const has = names.size === 0 ? 'its EndpointSlices have no TCP port' : `its pods have ${list}`;
    if (port === undefined && names.size > 1) {
      const example = [...names.keys()].find((one) => one !== '') ?? 'http';
      return new Fault('NO_PORT', `${name} has several ports: ${list}; name one, as in k8s://${name}:${example}`);
    }
    if (fits) return undefined;
    const hint = typeof port === 'number' ? `; a number is the one the pods listen on, not the Service's` : '';
    return new Fault('NO_PORT', `${name} has no port ${port ?? ''}: ${has}${hint}`.replace('port :', 'port:'));
  }

  #spareOf(info: EndpointInfo): EndpointInfo {
    let spare = this.#spare.get(info);
    if (spare === undefined) this.#spare.set(info, (spare = { ...info, priority: 1 }));
    return spare;
  }
}

function rank({ ready, serving, terminating }: Candidate): number {
  return ready ? 2 : serving && terminating ? 1 : 0;
}

/** What `appProtocol` means for what is spoken; others mean nothing here. */
const PROTOCOLS: Readonly<Record<string, EndpointInfo['protocol']>> = {
  'kubernetes.io/h2c': 'h2c',
  h2c: 'h2c',
  'kubernetes.io/wss': 'https',
  https: 'https',
};
