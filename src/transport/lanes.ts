import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Client } from './undici.ts';

/** Whoever sends a request over a lane: is told which it got, and leaves it when undici is done with the request. */
export interface LaneUser extends Dispatcher.DispatchHandler {
  lane: Lane | undefined;
}

/** One HTTP/1.1 connection: an undici client, which connects anew when its socket has gone. */
export class Lane {
  readonly client: Client;
  readonly #lanes: Lanes;
  idle = false;

  constructor(client: Client, lanes: Lanes) {
    this.client = client;
    this.#lanes = lanes;
  }

  /** Gives the lane back: for the next request if it is `sound`, or to be closed. */
  leave(sound: boolean): void {
    this.#lanes.take(this, sound);
  }
}

/**
 * The HTTP/1.1 connections of one endpoint. An HTTP/1.1 connection serves one request at a time, and an attempt knows
 * when it is over, so which connection is free need not be looked for: the last one that became free is taken, which is
 * also the one least likely to have been closed meanwhile. undici's `Pool` asks its clients one by one, and learns of a
 * free one by an event a turn later; that is a twelfth of what a request costs.
 *
 * How many there are is bounded by how many attempts are in flight (see endpoint-limit): one that is given up while its
 * connection is being made leaves it to the next, which waits for it then.
 */
export class Lanes {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #all: Set<Lane> = new Set();
  readonly #idle: Lane[] = [];
  readonly #upgraded: Set<Duplex> = new Set();
  #closing = false;

  constructor(origin: string, options: Client.Options) {
    this.#origin = origin;
    this.#options = options;
  }

  dispatch(request: Dispatcher.DispatchOptions, user: LaneUser): boolean {
    const lane = this.#idle.pop() ?? this.#open();
    lane.idle = false;
    user.lane = lane;
    return lane.client.dispatch(request, user);
  }

  /** Takes back a lane that was left. */
  take(lane: Lane, sound: boolean): void {
    if (sound && !this.#closing) {
      lane.idle = true;
      this.#idle.push(lane);
    } else this.#drop(lane);
  }

  /** Takes care of a socket that was upgraded: undici lets go of it, but whoever cuts all cuts it too. */
  adopt(socket: Duplex): void {
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
  }

  /** Lets what is under way finish. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#idle.length = 0;
    await Promise.all([...this.#all].map(({ client }) => client.close()));
  }

  /** Cuts what is under way. */
  async destroy(): Promise<void> {
    this.#closing = true;
    for (const socket of this.#upgraded) socket.destroy();
    this.#idle.length = 0;
    await Promise.all([...this.#all].map(({ client }) => client.destroy()));
  }

  #open(): Lane {
    const lane = new Lane(new Client(this.#origin, this.#options), this);
    this.#all.add(lane);
    // Closed while idle, by the server or for age, or never opened: what it keeps in memory goes as well.
    const onGone = (): void => {
      if (!lane.idle) return;
      this.#idle.splice(this.#idle.indexOf(lane), 1);
      this.#drop(lane);
    };
    lane.client.on('disconnect', onGone).on('connectionError', onGone);
    return lane;
  }

  #drop(lane: Lane): void {
    lane.idle = false;
    if (this.#all.delete(lane)) void lane.client.destroy();
  }
}
