// The only importer of undici. The order of the first two imports matters: see globals-before.ts.
import { globals, LEGACY_GLOBAL, legacyBefore } from './globals-before.ts';
import {
  Agent,
  buildConnector,
  Dispatcher,
  Dispatcher1Wrapper,
  getGlobalDispatcher,
  Pool,
  setGlobalDispatcher,
} from 'undici';

if (globals[LEGACY_GLOBAL] !== legacyBefore) globals[LEGACY_GLOBAL] = legacyBefore;

export { Agent, buildConnector, Dispatcher, Dispatcher1Wrapper, getGlobalDispatcher, Pool, setGlobalDispatcher };
