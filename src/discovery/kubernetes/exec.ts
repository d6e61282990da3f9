import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { Fault } from '../../resolver/index.ts';

/** `users[].user.exec` of a kubeconfig. */
export interface ExecSettings {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
}

/** What a plugin answers with. */
export interface Proof {
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** ms. A plugin may open a browser; a minute must do. */
const PATIENCE = 60_000;
/** How long before it expires a proof is asked for anew, ms. */
const MARGIN = 30_000;

/** Runs a credential plugin (client.authentication.k8s.io) and remembers its answer until that expires. */
export class ExecPlugin {
  readonly #clock: Clock;
  #known: { proof: Proof; of: string; until: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(settings: ExecSettings, directory: string): Promise<Proof> {
    const of = JSON.stringify(settings);
    if (this.#known?.of === of && this.#clock.wallTime() < this.#known.until) return this.#known.proof;
    const { status } = parse(await execute(settings, directory), settings);
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp: expires } = status;
    const proof: Proof = { token: textOr(token), cert: textOr(cert), key: textOr(key) };
    if (proof.token === undefined && proof.cert === undefined)
      throw failure(settings, 'gave neither token nor certificate');
    const until = typeof expires === 'string' ? Date.parse(expires) - MARGIN : Infinity;
    this.#known = { proof, of, until: Number.isNaN(until) ? 0 : until };
    return proof;
  }

  /** What it gave was refused. */
  forget(): void {
    this.#known = undefined;
  }
}

function execute(settings: ExecSettings, directory: string): Promise<string> {
  const { command = '', args, env, apiVersion, installHint } = settings;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const added = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  // As kubectl does: with a slash it is a path, from the kubeconfig's directory on; without, it is looked for in PATH.
  const program = command.includes('/') ? resolve(directory, command) : command;
  return new Promise((done, fail) => {
    execFile(
      program,
      [...(args ?? [])],
      { env: { ...process.env, ...added, KUBERNETES_EXEC_INFO: JSON.stringify(info) }, timeout: PATIENCE },
      (error, stdout, stderr) => {
        if (error === null) return done(stdout);
        const said = stderr.trim().split('\n').at(-1)?.slice(0, 200) || error.message.split('\n')[0]!;
        const hint = 'code' in error && error.code === 'ENOENT' && installHint ? `. ${installHint}` : '';
        fail(failure(settings, `failed: ${said}${hint}`, error));
      },
    );
  });
}

function parse(stdout: string, settings: ExecSettings): { status: { readonly [field: string]: unknown } } {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    // What it printed may hold a token: it is not shown.
    throw failure(settings, 'printed what is no JSON');
  }
  const { status } = (answer ?? {}) as { status?: unknown };
  if (typeof status !== 'object' || status === null) throw failure(settings, 'printed no ExecCredential with a status');
  return { status: status as { readonly [field: string]: unknown } };
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function failure({ command }: ExecSettings, what: string, cause?: unknown): Fault {
  return new Fault('EXEC_PLUGIN', `the credential plugin ${command ?? ''} ${what}`, cause);
}
