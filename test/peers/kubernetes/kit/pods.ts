import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { sleep } from '../../kit/load.ts';
import { type Admin, slicesOf } from './admin.ts';

/**
 * Where pods listen. The API server takes no loopback address in an EndpointSlice, so it is the host's own; pods have
 * ports of their own instead, and each its own slice, since ports belong to slices.
 */
function hostAddress(): string {
  for (const { address, internal } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    if (!internal && isIPv4(address) && !address.startsWith('169.254.')) return address;
  }
  throw new Error('The tests against Kubernetes need an IPv4 address beside 127.0.0.1, and this host has none');
}

/** A stand-in for a pod. */
export interface Pod {
  readonly address: string;
  readonly slice: string;
  readonly zone: string | undefined;
  readonly requests: number;
  readonly server: Server;
}

/** Where a pod is, and for which zone the control plane means it. */
export interface Where {
  readonly zone?: string;
  readonly forZone?: string;
}

/** A Service's pods and their EndpointSlices, written as the kubelet and the controllers would have them written. */
export class Pods {
  readonly all: Set<Pod> = new Set();
  readonly #admin: Admin;
  readonly #namespace: string;
  readonly #service: string;
  #count = 0;

  constructor(admin: Admin, namespace: string, service: string) {
    this.#admin = admin;
    this.#namespace = namespace;
    this.#service = service;
  }

  get addresses(): string[] {
    return [...this.all].map(({ address }) => address).toSorted();
  }

  /** A pod that runs and is ready. */
  async add(where: Where = {}): Promise<Pod> {
    const pod = await this.run(where);
    await this.announce(pod, where);
    return pod;
  }

  /** A pod that nobody knows of yet. */
  async run({ zone }: Where = {}): Promise<Pod> {
    const slice = `${this.#service}-${++this.#count}`;
    const seen = { requests: 0 };
    const server = createServer((_request, response) => {
      seen.requests++;
      response.end(slice);
    });
    server.listen(0, hostAddress());
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    const pod: Pod = {
      address: `${address}:${port}`,
      slice,
      zone,
      server,
      get requests() {
        return seen.requests;
      },
    };
    this.all.add(pod);
    return pod;
  }

  /** Slices of pods that do not run, ten at a time. */
  async pretend(count: number): Promise<Pod[]> {
    const pods = Array.from({ length: count }, (_, index): Pod => {
      const address = `10.0.${index >> 8}.${index & 255}:8080`;
      return { address, slice: `${this.#service}-${index}`, zone: undefined, requests: 0, server: createServer() };
    });
    for (let index = 0; index < count; index += 10) {
      await Promise.all(pods.slice(index, index + 10).map((pod) => this.announce(pod)));
    }
    return pods;
  }

  async announce(pod: Pod, { zone, forZone }: Where = {}): Promise<void> {
    const [ip, port] = pod.address.split(':') as [string, string];
    await this.#admin.call('POST', this.#path(), {
      metadata: { name: pod.slice, labels: { 'kubernetes.io/service-name': this.#service } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: Number(port), protocol: 'TCP' }],
      endpoints: [
        {
          addresses: [ip],
          conditions: { ready: true, serving: true, terminating: false },
          ...(zone === undefined ? {} : { zone }),
          ...(forZone === undefined ? {} : { hints: { forZones: [{ name: forZone }] } }),
        },
      ],
    });
  }

  /** Removes a pod's slice and leaves the pod alone. */
  async conceal(pod: Pod): Promise<void> {
    await this.#admin.call('DELETE', this.#path(pod));
  }

  /** Gives or takes a pod's hint. */
  async hint(pod: Pod, forZone: string | undefined): Promise<void> {
    await this.#change(pod, { hints: forZone === undefined ? undefined : { forZones: [{ name: forZone }] } });
  }

  /**
   * Deletes a pod: it is marked as terminating and told to end at the same time, as happens in a cluster, takes nothing
   * new once it has seen that, and its slice goes when it is gone. @param grace ms that it still serves (`preStop`).
   */
  async remove(pod: Pod, grace = 200): Promise<void> {
    this.all.delete(pod);
    await this.#change(pod, { conditions: { ready: false, serving: true, terminating: true } });
    await sleep(grace);
    await end(pod);
    await this.conceal(pod);
  }

  /** A pod dies at once; its slice says for `unseen` ms more that it is ready. */
  async crash(pod: Pod, unseen = 500): Promise<void> {
    this.all.delete(pod);
    pod.server.close();
    pod.server.closeAllConnections();
    await sleep(unseen);
    await this.#change(pod, { conditions: { ready: false, serving: false, terminating: false } });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.all].map(end));
    this.all.clear();
  }

  async #change(pod: Pod, change: object): Promise<void> {
    const { endpoints } = (await this.#admin.call('GET', this.#path(pod))) as { endpoints: object[] };
    await this.#admin.call('PATCH', this.#path(pod), { endpoints: endpoints.map((one) => ({ ...one, ...change })) });
  }

  #path(pod?: Pod): string {
    const all = slicesOf(this.#namespace);
    return pod === undefined ? all : `${all}/${pod.slice}`;
  }
}

/** Answers what is in flight, then closes. */
async function end({ server }: Pod): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), 2_000);
  await once(server, 'close');
  clearTimeout(impatience);
}
