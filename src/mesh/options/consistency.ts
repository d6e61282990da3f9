import { formatDuration } from '../../core/duration.ts';
import type { Path } from './problems.ts';
import type { ServiceSettings } from './settings.ts';

/** What fields say about each other: `report` what contradicts itself, `warn` of what is hardly meant. */
export function checkService(
  settings: ServiceSettings,
  path: Path,
  report: (path: Path, text: string) => void,
  warn: (path: Path, text: string) => void,
): void {
  const { protocol, tls, deadline, attemptTimeout, connectTimeout, retry, breaker, outlier, limits } = settings;
  const atMost = (least: number, leastPath: string[], most: number, mostName: string): void => {
    if (least <= most) return;
    report([...path, ...leastPath], `${formatDuration(least)} is above ${mostName}, ${formatDuration(most)}`);
  };
  if (tls !== undefined && (protocol === 'http' || protocol === 'h2c')) {
    const remedy = `say '${protocol === 'http' ? 'https' : 'h2'}', or leave tls out`;
    report([...path, 'protocol'], `'${protocol}' is plaintext though tls is given; ${remedy}`);
  }
  if (retry !== false) atMost(retry.backoff.base, ['retry', 'backoff', 'base'], retry.backoff.cap, 'retry.backoff.cap');
  if (breaker !== false) atMost(breaker.open, ['breaker', 'open'], breaker.openCap, 'breaker.openCap');
  if (outlier !== false) atMost(outlier.ejection, ['outlier', 'ejection'], outlier.ejectionCap, 'outlier.ejectionCap');

  if (attemptTimeout >= deadline && retry !== false && retry.max > 0) {
    const times = `${formatDuration(attemptTimeout)} is not below deadline, ${formatDuration(deadline)}`;
    warn([...path, 'attemptTimeout'], `${times}: an attempt that hangs leaves no time for a retry`);
  }
  if (connectTimeout > attemptTimeout) {
    const times = `${formatDuration(connectTimeout)} is above attemptTimeout, ${formatDuration(attemptTimeout)}`;
    warn([...path, 'connectTimeout'], `${times}, which ends the attempt first`);
  }
  if (limits.perEndpoint > limits.perService) {
    warn(
      [...path, 'limits', 'perEndpoint'],
      `${limits.perEndpoint} is above perService, ${limits.perService}, and never reached`,
    );
  }
}
