/** The shape of pino's logger, which winston, bunyan and console wrappers share. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(details: object, message: string): void;
  /** Something changed, and that is well. */
  info(details: object, message: string): void;
  /** Something wants a hand; `details.code` tells what. */
  warn(details: object, message: string): void;
  /** Something failed that should not have. */
  error(details: object, message: string): void;
}

const nothing = (): void => {};

/**
 * Silent but for warnings, which become one `process.emitWarning` per code: a library that is healthy says nothing,
 * one that needs a hand says it once.
 */
export function defaultLogger(): Logger {
  const warned = new Set<string>();
  const warn = (details: object, message: string): void => {
    const code = 'code' in details && typeof details.code === 'string' ? details.code : 'INMESH_WARNING';
    if (warned.has(code)) return;
    warned.add(code);
    process.emitWarning(message, { type: 'InmeshWarning', code });
  };
  return { debug: nothing, info: nothing, warn, error: warn };
}

/** Says nothing at all: for tests. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
