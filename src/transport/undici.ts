// The only importer of undici. The order of the first two imports matters: see globals-before.ts.
import { globals, LEGACY_GLOBAL, legacyBefore } from './globals-before.ts';
import {
  Agent,
  Client,
  buildConnector,
  Dispatcher,
  Dispatcher1Wrapper,
  getGlobalDispatcher,
  Pool,
  setGlobalDispatcher,
} from 'undici';

if (globals[LEGACY_GLOBAL] !== legacyBefore) globals[LEGACY_GLOBAL] = legacyBefore;

export {
  Agent,
  buildConnector,
  Client,
  Dispatcher,
  Dispatcher1Wrapper,
  getGlobalDispatcher,
  Pool,
  setGlobalDispatcher,
};

type Handler = Dispatcher.DispatchHandler;

/** A handler as undici 8 calls it, made of one in any style: undici 6, 7 and Node's own fetch have older ones. */
export function currentHandler(handler: Handler): Handler {
  // undici's types leave this static method out; its documentation names it.
  return (Dispatcher1Wrapper as unknown as { wrapHandler(handler: Handler): Handler }).wrapHandler(handler);
}
