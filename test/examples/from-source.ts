import { registerHooks } from 'node:module';

const SOURCES: Readonly<Record<string, string>> = {
  inmesh: '../../src/index.ts',
  'inmesh/testing': '../../src/testing/index.ts',
};

/** Loaded with `--import`: what imports `inmesh` by its name gets the sources, so no build can be stale. */
registerHooks({
  resolve(specifier, context, next) {
    const source = SOURCES[specifier];
    return source === undefined ? next(specifier, context) : next(new URL(source, import.meta.url).href, context);
  },
});
