// A mesh in a worker: tells what it sees, then closes and ends by itself, or is stuck in a call.
import { parentPort, workerData } from 'node:worker_threads';
import { context, createMesh } from '../../../src/index.ts';

const { address, path } = workerData as { address: string; path: string };
const mesh = createMesh({ services: { svc: `static://${address}` } });
const { status } = await mesh.fetch('http://svc/');
parentPort!.postMessage({ criticality: context.criticality(), deadline: context.deadline() ?? null, status });
if (path !== '/') await mesh.fetch(`http://svc${path}`);
await mesh.close();
