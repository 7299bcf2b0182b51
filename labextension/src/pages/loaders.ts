/** Where the contents of pages are: fetched when a page is first shown. */
import type { ComponentType } from 'react';
import type { PageKind, PageProps } from './door';

export type PageComponent = ComponentType<PageProps>;

export const PAGES: { readonly [kind in PageKind]: () => Promise<PageComponent> } = {
  run: async () => (await import('./run/page')).RunPage,
  compare: async () => (await import('./compare/page')).ComparePage,
  runs: async () => (await import('./runs/page')).RunsPage,
  version: async () => (await import('./version/page')).VersionPage
};
