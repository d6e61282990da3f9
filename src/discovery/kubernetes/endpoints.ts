import type { EndpointInfo } from '../../model/endpoint.ts';
import { Fault } from '../../resolver/index.ts';
import { Addresses } from './addresses.ts';
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
  /** As one that hints keep for others; made when it first is. */
  spare: EndpointInfo | undefined;
}

/** The endpoints to use, or why there are none. */
export type Found = { readonly endpoints: readonly EndpointInfo[] } | { readonly none: Fault };

/**
 * What all slices of a service come to: every address once, on the port of its own slice, of one family, chosen as
 * kube-proxy chooses. Those that hints keep for others follow at priority 1: they are used if none of the chosen can be.
 * What was computed of a slice is kept as long as the slice, so that an event costs what its slice does, and not ten
 * thousand look-ups.
 */
export class ServiceEndpoints {
  readonly #wanted: Wanted;
  readonly #members: WeakMap<Slice, readonly Member[]> = new WeakMap();
  readonly #addresses: Addresses = new Addresses();

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  of(slices: Slices): Found {
    const { name, family, place } = this.#wanted;
    this.#addresses.follow(slices, (slice) => this.#membersOf(slice));
    if (slices.size === 0) {
      const remedy = `is there a Service of that name, with a selector?`;
      return { none: new Fault('NO_SERVICE', `there is no EndpointSlice of ${name}; ${remedy}`) };
    }
    const problem = this.#portProblem(slices);
    if (problem !== undefined) return { none: problem };
    for (const one of [family, family === 4 ? 6 : 4] as const) {
      const { chosen, others } = chooseEndpoints(this.#merged(slices, one), place);
      if (chosen.length === 0) continue;
      const endpoints = chosen.map(({ info }) => info);
      for (const member of others) endpoints.push((member.spare ??= { ...member.info, priority: 1 }));
      return { endpoints };
    }
    return { none: new Fault('NOT_READY', `none of the ${this.#addresses.size} endpoints of ${name} is ready`) };
  }

  /** Whether any slice names the address, in whatever condition it is. */
  names(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** Each address once: while an endpoint moves it is in two slices, and the better of the two counts. */
  #merged(slices: Slices, family: 4 | 6): readonly Member[] {
    const all: Member[] = [];
    for (const slice of slices.values()) {
      if (slice.family === family) for (const member of this.#membersOf(slice)) all.push(member);
    }
    if (!this.#addresses.areShared) return all;
    const merged = new Map<string, Member>();
    for (const member of all) {
      const other = merged.get(member.info.address);
      if (other === undefined || rank(member) > rank(other)) merged.set(member.info.address, member);
    }
    return [...merged.values()];
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
      return { info, spare: undefined, ready, serving, terminating, forZones, forNodes };
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
