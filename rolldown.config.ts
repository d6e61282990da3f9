import { defineConfig } from 'rolldown';

/** The published code, in a few files: Node takes a third of a millisecond for each module that it loads. */
export default defineConfig({
  input: { index: 'src/index.ts', 'testing/index': 'src/testing/index.ts' },
  external: /^[^./]/,
  platform: 'node',
  output: {
    dir: 'dist',
    sourcemap: true,
    comments: false,
    chunkFileNames: 'chunks/[name].js',
    // It must run before undici is imported, and imports of a file run before the file itself.
    codeSplitting: { groups: [{ name: 'globals-before', test: /globals-before/ }] },
  },
});
