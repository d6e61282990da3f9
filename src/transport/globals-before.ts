/**
 * undici's import puts its own Agent where Node's built-in fetch (Node 22) looks for its dispatcher, and so would undo
 * a proxy or a dispatcher that the application has set. This module is evaluated before undici and remembers.
 */
export const LEGACY_GLOBAL: unique symbol = Symbol.for('undici.globalDispatcher.1') as never;
export const CURRENT_GLOBAL: unique symbol = Symbol.for('undici.globalDispatcher.2') as never;

export interface UndiciGlobals {
  [LEGACY_GLOBAL]?: unknown;
  [CURRENT_GLOBAL]?: unknown;
}

export const globals: UndiciGlobals = globalThis as UndiciGlobals;
export const legacyBefore: unknown = globals[LEGACY_GLOBAL];
