/** The demo's DNS: an SRV record for each backend of a service, an A record for each backend. */
import { DnsServer } from 'inmesh/testing';
import { AT_START, NEWCOMER } from './faults.ts';
import type { Fleet } from './fleet.ts';

/** Seconds. Short, so that what changes is seen soon; the mesh asks again before it runs out. */
const TTL = 2;

export const recordOf = (service: string): string => `_http._tcp.${service}.demo`;

export class Zone {
  readonly #server: DnsServer;
  readonly #fleet: Fleet;

  private constructor(server: DnsServer, fleet: Fleet) {
    this.#server = server;
    this.#fleet = fleet;
  }

  static async start(fleet: Fleet): Promise<Zone> {
    const zone = new Zone(await DnsServer.start(), fleet);
    for (const name of [...Object.values(AT_START).flat(), NEWCOMER]) {
      zone.#server.set(`${name}.demo`, 'A', ['127.0.0.1'], TTL);
    }
    for (const [service, backends] of Object.entries(AT_START)) zone.publish(service, backends);
    return zone;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return this.#server.address;
  }

  /** From now on, DNS tells of these backends of a service. */
  publish(service: string, backends: readonly string[]): void {
    const records = backends.map((name) => ({ port: this.#fleet.portOf(name), target: `${name}.demo`, weight: 1 }));
    this.#server.set(recordOf(service), 'SRV', records, TTL);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
