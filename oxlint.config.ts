import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * The floors of the house, lowest first: a folder imports from itself and from floors beneath, and from no neighbour
 * on its own floor. The doors (`src/index.ts`, `src/register.ts`) stand on the top floor with `cli`.
 * `test/house/floors.test.ts` proves that a violation is reported, and covers `import()` too.
 */
export const floors: readonly (readonly string[])[] = [
  ['core'],
  ['model'],
  ['resolver', 'balancer', 'health', 'resilience', 'routing', 'security', 'telemetry'],
  ['transport'],
  ['mesh'],
  ['config', 'inbound'],
  ['discovery', 'adapters', 'admin', 'testing'],
  ['cli'],
];

/** Packages whose values come in through one place each; their types may travel. */
const doors: readonly { name: string; files: readonly string[]; message: string }[] = [
  {
    name: 'undici',
    files: ['src/transport/undici.ts'],
    message: 'Values of undici come from src/transport/undici.ts, which undoes the side effect of importing it.',
  },
  {
    name: 'opossum',
    files: ['src/resilience/breaker.ts', 'src/resilience/breaker/**'],
    message: 'opossum stays inside its wrapper, src/resilience/breaker.',
  },
  {
    name: 'p-retry',
    files: ['src/resilience/retry.ts', 'src/resilience/retry/**', 'src/resolver/**', 'src/discovery/**'],
    message: 'p-retry stays inside src/resilience/retry and the control planes (resolver, discovery).',
  },
];

const clockMessage = 'Time comes from Env: its clock and timers (src/core/env.ts).';
const clockModules = ['timers', 'node:timers', 'timers/promises', 'node:timers/promises'];

/** What files of `folder` may not import. Of several such rules for one file only the last counts, so each is whole. */
function imports(folder: string, files: readonly string[], open?: string): OxlintOverride {
  const floor = floors.findIndex((folders) => folders.includes(folder));
  const forbidden = [...floors.slice(floor).flat(), 'index\\.ts', 'register\\.ts'].filter((name) => name !== folder);
  const closed = doors.filter((door) => door.name !== open);
  return {
    files: [...files],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...clockModules.map((name) => ({ name, message: clockMessage })),
            { name: 'node:perf_hooks', importNames: ['performance'], message: clockMessage },
          ],
          patterns: [
            {
              regex: `^(\\.\\./)+(${forbidden.join('|')})(/|$)`,
              message: `src/${folder} stands on floor ${floor} and may import only itself and the floors beneath.`,
            },
            ...closed.map(({ name, message }) => ({ regex: `^${name}(/|$)`, allowTypeImports: true, message })),
          ],
        },
      ],
    },
  };
}

const folderOf = (path: string): string => path.split('/')[1] ?? '';

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'oxc', 'promise', 'node', 'vitest'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist', 'site', 'coverage'],
  rules: {
    eqeqeq: 'error',
    'no-else-return': 'error',
    'no-lonely-if': 'error',
    'no-useless-return': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'import/no-duplicates': 'error',
    'import/no-self-import': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'typescript/no-deprecated': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'unicorn/no-new-array': 'off',
    'unicorn/prefer-node-protocol': 'error',
    'vitest/no-disabled-tests': 'error',
    'vitest/no-focused-tests': 'error',
    // The invariants of fault cases are asserted by a class that many tests share.
    'vitest/no-standalone-expect': 'off',
  },
  overrides: [
    {
      files: ['src/**'],
      rules: {
        'max-lines': ['error', { max: 400 }],
        'no-console': 'error',
        'no-restricted-globals': [
          'error',
          {
            checkGlobalObject: true,
            globals: ['performance', 'setTimeout', 'setInterval'].map((name) => ({ name, message: clockMessage })),
          },
        ],
        'no-restricted-properties': [
          'error',
          { object: 'Date', property: 'now', message: clockMessage },
          { object: 'AbortSignal', property: 'timeout', message: clockMessage },
          { object: 'process', property: 'hrtime', message: clockMessage },
          { object: 'Math', property: 'random', message: 'Chance comes from Env: its random (src/core/env.ts).' },
        ],
      },
    },
    ...floors.flat().map((folder) => imports(folder, [`src/${folder}/**`])),
    ...doors.flatMap(({ name, files }) => files.map((file) => imports(folderOf(file), [file], name))),
    {
      files: ['src/core/clock.ts', 'src/core/random.ts'],
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
    { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
    {
      files: ['test/**'],
      rules: { 'typescript/no-deprecated': 'off', 'typescript/use-unknown-in-catch-callback-variable': 'off' },
    },
  ],
});
