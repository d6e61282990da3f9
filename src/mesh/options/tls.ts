import { readFileSync } from 'node:fs';
import { MIN_TLS_VERSION } from './defaults.ts';
import type { Path } from './problems.ts';
import type { TlsSettings } from './settings.ts';
import type { TlsOptions } from './types.ts';

type Report = (path: Path, text: string) => void;

/** Reads what is given as files and tries certificate, key and authorities out, so that a mistake shows now, not at the first request. */
export function readTls(options: TlsOptions, path: Path, report: Report): TlsSettings {
  const { servername, checkServerIdentity } = options;
  const settings = {
    minVersion: options.minVersion ?? MIN_TLS_VERSION,
    ...pem('ca', options.ca, path, report),
    ...pem('cert', options.cert, path, report),
    ...pem('key', options.key, path, report),
    ...(servername === undefined ? {} : { servername: servername.toLowerCase() }),
    ...(checkServerIdentity === undefined ? {} : { checkServerIdentity }),
  };
  if (options.cert !== undefined && options.key === undefined) report([...path, 'key'], 'missing; cert needs its key');
  if (options.key !== undefined && options.cert === undefined) report([...path, 'cert'], 'missing; key needs its cert');
  tryOut(settings, path, report);
  return settings;
}

/** Loads what it needs only now: most meshes have no certificates, and should not wait for crypto at their import. */
function tryOut({ ca, cert, key }: TlsSettings, path: Path, report: Report): void {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  const attempt = (field: string, use: () => unknown): void => {
    try {
      use();
    } catch (error) {
      report([...path, field], `cannot be used: ${(error as Error).message}`);
    }
  };
  // Node passes over authorities that it cannot read, and then trusts nobody.
  const authorities = ca
    ?.toString()
    .split(/(?=-----BEGIN )/)
    .filter((block) => block.startsWith('-----BEGIN '));
  if (authorities !== undefined) attempt('ca', () => authorities.map((block) => new X509Certificate(block)));
  if (cert !== undefined && key !== undefined) attempt('cert', () => createSecureContext({ cert, key }));
}

function pem(
  field: 'ca' | 'cert' | 'key',
  source: string | Uint8Array | undefined,
  path: Path,
  report: Report,
): Partial<TlsSettings> {
  if (source === undefined) return {};
  const content = typeof source === 'string' && !source.includes('-----BEGIN') ? read(source) : source;
  if (content instanceof Error) {
    report([...path, field], content.message);
    return {};
  }
  if (!Buffer.from(content).includes('-----BEGIN')) {
    report(
      [...path, field],
      typeof source === 'string' ? `${pathShown(source)} holds no PEM ("-----BEGIN")` : 'no PEM ("-----BEGIN")',
    );
    return {};
  }
  return { [field]: typeof content === 'string' ? content : Buffer.from(content) };
}

function read(file: string): Buffer | Error {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return new Error(`${pathShown(file)} cannot be read (${code}); give the path of a PEM file, or the PEM itself`);
  }
}

/** A path to show; what looks like a key without its BEGIN line is kept out of messages and logs. */
function pathShown(text: string): string {
  const printable = text.length <= 1_024 && !/[\n\r]/.test(text) && !/^[A-Za-z0-9+/=]{64,}$/.test(text);
  return printable ? JSON.stringify(text) : 'the text given';
}
