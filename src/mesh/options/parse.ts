import * as v from 'valibot';
import { MeshError } from '../../core/errors.ts';
import { type Schemes, standardSchemes } from '../../resolver/index.ts';
import { checkService } from './consistency.ts';
import { checkKubernetes } from './kubernetes.ts';
import { mergeService, protocolOf } from './merge.ts';
import type { ParsedOptions } from './parsed.ts';
import { isPlain, keyProblems, type Path, pathText, show, visible } from './problems.ts';
import { meshSchema } from './schema.ts';
import { isServiceName, SERVICE_NAME_RULE } from './service-name.ts';
import type { MeshSettings, ServiceSettings } from './settings.ts';
import { readTls } from './tls.ts';

/** How many problems an error lists; the rest is counted. */
const LISTED = 100;

/**
 * Checks what `createMesh` was given and fills in the defaults: a service's own field, else the mesh's `defaults`, else
 * the built-in one; the fields of a policy one by one, `tls` as a whole.
 *
 * @param schemes what targets may begin with.
 * @throws MeshError `INMESH_CONFIG` that lists every problem: where, what was got, what is allowed. `input` is never
 * changed, and nothing of it is half accepted.
 */
export function parseOptions(input: unknown, schemes: Schemes = standardSchemes): MeshSettings {
  const problems = new Problems();
  const schema = meshSchema(schemes);
  keyProblems(schema, input, [], problems.report);
  if (isPlain(input) && isPlain(input['services'])) checkNames(Object.keys(input['services']), problems);
  const result = v.safeParse(schema, input);
  for (const issue of result.issues ?? []) reportIssue(issue, problems);
  // Where there are problems, the rest is looked at all the same, so that one error tells of everything.
  const settings = isPlain(result.output) ? settle(result.output as unknown as ParsedOptions, problems) : undefined;
  if (settings === undefined || problems.size > 0) throw problems.error();
  return settings;
}

/** What is wrong, by place: the first thing said of a place is kept, and nothing said of places beneath it. */
class Problems {
  readonly #lines: Map<string, string> = new Map();
  /** The places with problems and all places above them. */
  readonly #above: Set<string> = new Set();

  get size(): number {
    return this.#lines.size;
  }

  readonly report = (path: Path, text: string): void => {
    const places = placesTo(path);
    if (places.some((place) => this.#lines.has(place))) return;
    this.#lines.set(places.at(-1)!, `${pathText(path)}: ${visible(text)}`);
    for (const place of places) this.#above.add(place);
  };

  /** Whether anything was said of the place, of one above it or of one beneath it. */
  concern(path: Path): boolean {
    const places = placesTo(path);
    return this.#above.has(places.at(-1)!) || places.some((place) => this.#lines.has(place));
  }

  error(): MeshError {
    const [first, ...others] = this.#lines.values();
    if (others.length === 0) return new MeshError('INMESH_CONFIG', `The options are invalid. ${first}`);
    const listed = [first, ...others.slice(0, LISTED - 1)].map((line) => `\n  ${line}`).join('');
    const rest = this.size > LISTED ? `\n  and ${this.size - LISTED} more` : '';
    return new MeshError('INMESH_CONFIG', `The options are invalid, ${this.size} problems:${listed}${rest}`);
  }
}

/** The place and all above it, from the whole down, each as a key of its own. */
function placesTo(path: Path): string[] {
  return Array.from({ length: path.length + 1 }, (_, length) =>
    path
      .slice(0, length)
      .map((part) => `${String(part)}\0`)
      .join(''),
  );
}

function reportIssue(issue: v.BaseIssue<unknown>, problems: Problems): void {
  const path = (issue.path ?? []).map((item) => item.key as PropertyKey);
  if (issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key') {
    if (issue.expected !== 'never') problems.report(path, 'missing');
  } else if (issue.kind === 'validation') problems.report(path, issue.message);
  else if (issue.input === undefined) problems.report(path, `missing; expected ${issue.message}`);
  else problems.report(path, `got ${show(issue.input)}; expected ${issue.message}`);
}

function checkNames(names: readonly string[], problems: Problems): void {
  const seen = new Set<string>();
  for (const name of names) {
    const lowerCase = name.toLowerCase();
    if (!isServiceName(lowerCase)) problems.report(['services', name], `not ${SERVICE_NAME_RULE}`);
    else if (seen.has(lowerCase)) problems.report(['services', name], 'given twice; case does not matter in names');
    seen.add(lowerCase);
  }
}

function settle(options: ParsedOptions, problems: Problems): MeshSettings {
  const services = new Map<string, ServiceSettings>();
  const warnings: string[] = [];
  const { clock, random, log, kubernetes } = options;
  if (kubernetes !== undefined && !problems.concern(['kubernetes'])) checkKubernetes(kubernetes, problems.report);
  const defaults = options.defaults ?? {};
  for (const [key, given] of Object.entries(options.services ?? {})) {
    const path = ['services', key];
    if (problems.concern(path) || problems.concern(['defaults'])) continue;
    const own = typeof given === 'string' ? { target: given } : given;
    const tlsOptions = own.tls ?? defaults.tls;
    const tlsPath = own.tls === undefined ? ['defaults', 'tls'] : [...path, 'tls'];
    const tls = tlsOptions === undefined ? undefined : readTls(tlsOptions, tlsPath, problems.report);
    const name = key.toLowerCase();
    const settings: ServiceSettings = {
      name,
      target: own.target,
      protocol: protocolOf(own, defaults, tls),
      ...((own.protocol ?? defaults.protocol ?? tls) === undefined ? { protocolOpen: true } : {}),
      ...mergeService(own, defaults),
      ...(tls === undefined ? {} : { tls }),
    };
    checkService(settings, path, problems.report, (at, text) => warnings.push(`${pathText(at)}: ${text}`));
    services.set(name, settings);
  }
  return {
    services,
    unknownService: options.unknownService,
    propagation: options.propagation ?? 'auto',
    ...(kubernetes === undefined ? {} : { kubernetes }),
    env: {
      ...(clock === undefined ? {} : { clock }),
      ...(random === undefined ? {} : { random }),
      ...(log === undefined ? {} : { log }),
    },
    warnings,
  };
}
