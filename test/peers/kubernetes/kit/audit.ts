import { readFile } from 'node:fs/promises';

/** The beginning of each request, with nothing of what it said; for a watch that is when its answer begins. */
export const AUDIT_POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    resources:
      - group: discovery.k8s.io
        resources: [endpointslices]
  - level: None
`;

/** One request for EndpointSlices, as the API server saw it. */
export interface Asked {
  readonly verb: string;
  readonly status: number;
  readonly query: URLSearchParams;
}

interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code?: number };
}

/** The requests of one user, in order; a watch once, though the log has its beginning and its end. */
export async function auditOf(path: string, user: string): Promise<Asked[]> {
  const requests = new Map<string, Asked>();
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    if (line === '') continue;
    const { auditID, verb, requestURI, user: asker, responseStatus } = JSON.parse(line) as AuditEvent;
    if (asker.username !== user || requests.has(auditID)) continue;
    const query = new URL(requestURI, 'https://localhost').searchParams;
    requests.set(auditID, { verb, status: responseStatus?.code ?? 0, query });
  }
  return [...requests.values()];
}
