import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Markup is never made from text: text nodes only. */
const NO_MARKUP = [
  {
    selector:
      'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment)$/]',
    message: 'Text becomes text nodes, never markup.'
  },
  {
    selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
    message: 'Text becomes text nodes, never markup.'
  },
  {
    selector: "Property[key.name='dangerouslySetInnerHTML']",
    message: 'Text becomes text nodes, never markup.'
  },
  {
    selector: "TSAsExpression:not([typeAnnotation.typeName.name='const'])",
    message: 'Narrow with a guard; only `as const` is allowed.'
  },
  { selector: 'TSNonNullExpression', message: 'Narrow with a guard.' }
];

/** Which room may not reach into which. */
function room(files, patterns, except = []) {
  return {
    files,
    ignores: ['**/__tests__/**', ...except],
    rules: { 'no-restricted-imports': ['error', { patterns }] }
  };
}

export default tseslint.config(
  { ignores: ['lib/**', 'node_modules/**', 'src/wire.ts', 'style/*.js'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      ...hooks.configs.recommended.rules,
      'no-console': 'error',
      'no-eval': 'error',
      'no-restricted-globals': ['error', 'fetch', 'event', 'name'],
      'no-restricted-syntax': ['error', ...NO_MARKUP],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 60 }],
      eqeqeq: ['error', 'always'],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unsafe-argument': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error'
    }
  },
  {
    files: ['src/**/__tests__/**'],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.test.json' } },
    rules: { 'max-lines-per-function': 'off' }
  },
  room(
    ['src/chart/**'],
    [
      {
        group: ['@jupyterlab/*', '@lumino/*', 'react', 'react-dom'],
        message: 'chart draws with uPlot and the DOM alone.'
      },
      {
        group: [
          '**/client',
          '**/store/*',
          '**/panel/*',
          '**/models/*',
          '**/deployments/*',
          '**/token'
        ],
        message: 'chart knows only wire types and text.'
      }
    ]
  ),
  room(
    ['src/models/**', 'src/deployments/**'],
    [
      {
        group: ['**/client', '**/modelClient', '**/decode', '**/modelDecode', '**/wire'],
        message: 'panel asks the store, not the client.'
      }
    ]
  ),
  room(
    ['src/store/**'],
    [
      {
        group: [
          '**/panel/*',
          '**/models/*',
          '**/deployments/*',
          '**/chart/chart',
          'react',
          'uplot'
        ],
        message: 'store shows nothing.'
      }
    ]
  ),
  room(
    ['src/panel/**'],
    [
      {
        group: ['**/client', '**/modelClient', '**/decode', '**/modelDecode', '**/wire'],
        message: 'panel asks the store, not the client.'
      },
      {
        group: ['**/models/*', '**/deployments/*', '**/modelPlugins'],
        message: 'panel knows no section that is added to it.'
      }
    ],
    ['src/panel/context.ts'] // Names what pages may ask with.
  ),
  room(
    [
      'src/client.ts',
      'src/modelClient.ts',
      'src/decode.ts',
      'src/decoders.ts',
      'src/modelDecode.ts',
      'src/types.ts',
      'src/text.ts',
      'src/format.ts'
    ],
    [
      {
        group: [
          '**/panel/*',
          '**/models/*',
          '**/deployments/*',
          '**/chart/*',
          '**/store/*',
          'react'
        ],
        message: 'the bottom imports nothing above it.'
      }
    ]
  )
);
