import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { Fault } from '../fault.ts';
import { makeQuery, type Query, type Question, readResponse, type Response } from './message.ts';
import type { Server } from './target.ts';

/** Asks one server once. Rejects with a `Fault` of `TIMEOUT`, `UNREACHABLE` or `MALFORMED`. */
export type Ask = (question: Question, server: Server, timeout: number) => Promise<Response>;

/** Asks over UDP, and again over TCP where the answer is cut short. A socket, and so a random port, per question. */
export function socketAsk(clock: Clock): Ask {
  return async (question, server, timeout) => {
    const deadline = clock.now() + timeout;
    let query = makeQuery(question, true);
    let response = await overUdp(query, server, timeout, clock);
    if (response.rcode === 'FORMERR' || response.rcode === 'NOTIMP') {
      // A server from before EDNS.
      query = makeQuery(question, false);
      response = await overUdp(query, server, deadline - clock.now(), clock);
    }
    return response.truncated ? overTcp(query, server, deadline - clock.now(), clock) : response;
  };
}

function overUdp(query: Query, server: Server, timeout: number, clock: Clock): Promise<Response> {
  const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4').unref();
  return exchange(query, timeout, clock, {
    start(receive, fail) {
      socket.on('error', (error) => fail(unreachable(error)));
      socket.on('message', receive);
      // Connected, so that the kernel takes datagrams from this server alone and tells when its port is closed.
      socket.once('connect', () => socket.send(query.bytes));
      socket.connect(server.port, server.host);
    },
    close() {
      socket.removeAllListeners('connect');
      socket.close();
    },
  });
}

function overTcp(query: Query, server: Server, timeout: number, clock: Clock): Promise<Response> {
  const socket = connect({ host: server.host, port: server.port, noDelay: true }).unref();
  return exchange(query, timeout, clock, {
    start(receive, fail) {
      let received: Buffer = Buffer.alloc(0);
      socket.on('error', (error) => fail(unreachable(error)));
      socket.on('close', () => fail(new Fault('MALFORMED', 'closes the TCP connection before its answer is whole')));
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0);
          receive(received.subarray(2, end));
          received = received.subarray(end);
        }
      });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.bytes.length);
      socket.write(Buffer.concat([length, query.bytes]));
    },
    close() {
      socket.destroy();
    },
  });
}

/** A socket that is used for one question. */
interface Line {
  start(receive: (bytes: Buffer) => void, fail: (fault: Fault) => void): void;
  close(): void;
}

/** One question over one line, which is closed at its end, however it ends. Answers to other questions are passed over. */
function exchange(query: Query, timeout: number, clock: Clock, line: Line): Promise<Response> {
  return new Promise((resolve, reject) => {
    let foreign = 0;
    let done = false;
    const end = (settle: () => void): void => {
      if (done) return;
      done = true;
      timer.cancel();
      line.close();
      settle();
    };
    const fail = (error: unknown): void => end(() => reject(error));
    const timer = clock.schedule(Math.max(0, timeout), () => {
      const passed = foreign === 0 ? '' : ` (${foreign} that came did not fit the question)`;
      fail(new Fault('TIMEOUT', `sends no answer within ${formatDuration(timeout)}${passed}`));
    });
    line.start((bytes) => {
      try {
        const response = readResponse(bytes, query);
        if (response === undefined) foreign++;
        else end(() => resolve(response));
      } catch (error) {
        fail(error);
      }
    }, fail);
  });
}

function unreachable(error: Error): Fault {
  return new Fault('UNREACHABLE', `cannot be reached (${error.message})`, error);
}
