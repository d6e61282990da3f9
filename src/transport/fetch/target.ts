/** Where a request goes, in the three spellings the rest needs. */
export interface Target {
  /** `http://orders:8080`, as `URL.origin` writes it. */
  readonly origin: string;
  /** Path and query, as they go on the wire. */
  readonly path: string;
  /** The whole URL without its fragment, as `Response.url` reads. */
  readonly url: string;
}

/** Ports that fetch refuses, https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORTS: ReadonlySet<string> = new Set(
  (
    '1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 ' +
    '137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 ' +
    '1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080'
  ).split(' '),
);

const ORIGIN = /^https?:\/\/[a-z0-9.-]+(?::\d{1,5})?$/;

/** A path and query in which the URL parser would change nothing; dot segments are looked for apart. */
const SETTLED = /^\/[\w\-~!$&()*+,;=:@%./]*(?:\?[\w\-~!$&()*+,;=:@%./?]+)?$/;

const ORIGINS_KEPT = 1024;

/** Origin as written to origin as parsed; bounded, since a caller may choose the host. */
const origins = new Map<string, string>();

function knownOrigin(written: string): string | undefined {
  const known = origins.get(written);
  if (known !== undefined || !ORIGIN.test(written)) return known;
  const parsed = URL.parse(written);
  if (parsed === null || BLOCKED_PORTS.has(parsed.port)) return undefined;
  if (origins.size >= ORIGINS_KEPT) origins.clear();
  origins.set(written, parsed.origin);
  return parsed.origin;
}

/** Whether fetch refuses to connect to this URL's port. */
export function isBlocked(url: URL): boolean {
  return BLOCKED_PORTS.has(url.port);
}

/** The target of an already parsed http or https URL. */
export function targetOf(url: URL): Target {
  const path = url.pathname + url.search;
  return { origin: url.origin, path, url: url.origin + path };
}

/**
 * The target of a URL as a caller wrote it, or undefined where it takes the full rules of fetch to say what it means
 * (bad ports, credentials, other schemes, no URL at all). Most need no URL parser: the origin has been seen before,
 * and the path has only letters that the parser leaves alone.
 */
export function parseTarget(written: string): Target | undefined {
  const slash = written.indexOf('/', 8);
  if (slash !== -1) {
    const origin = knownOrigin(written.slice(0, slash));
    if (origin !== undefined) {
      const path = written.slice(slash);
      if (SETTLED.test(path) && !path.includes('/.') && !path.includes('/%2')) {
        return { origin, path, url: origin.length === slash ? written : origin + path };
      }
    }
  }
  const parsed = URL.parse(written);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return undefined;
  if (parsed.username !== '' || parsed.password !== '' || isBlocked(parsed)) return undefined;
  // An empty query (`/a?`) is kept by some versions of fetch and dropped by others.
  if (parsed.search === '' && parsed.href.includes('?')) return undefined;
  return targetOf(parsed);
}
