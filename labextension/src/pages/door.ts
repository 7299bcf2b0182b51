/**
 * Pages of the main area by name: what they are called, what they show, and the address under
 * which a colleague on the same server opens the same page. Nothing is fetched here.
 */
import { branded, DecodeError, list, nullable, oneOf, text } from '../decoders';
import type { Decoder } from '../decoders';
import type { ExperimentId, RunId, WorkspaceId } from '../types';

export type PageKind = 'run' | 'compare' | 'runs' | 'version';

export interface PageArgs {
  readonly workspace: WorkspaceId;
  /** run: one; compare: 2 to 50. */
  readonly runIds?: readonly RunId[];
  /** runs: null or absent for all experiments. */
  readonly experiment?: ExperimentId | null;
  /** runs: the filter, as it is typed. */
  readonly search?: string;
  readonly model?: string;
  readonly version?: string;
}

/** What a page's component is given. */
export interface PageProps {
  readonly args: PageArgs;
  setTitle(title: string): void;
  /** What is shown became something else: the page's address and its next life follow. */
  setArgs(args: PageArgs): void;
}

export interface PageDoor {
  readonly kind: PageKind;
  readonly args: PageArgs;
}

export const OPEN_PAGE = 'jupyter-mltrack:open-page';
export const MOST_COMPARED = 50;

/** The name of the query parameter of a page's address. */
const PARAMETER = 'mltrack';
const kindOf = oneOf('run', 'compare', 'runs', 'version');
const workspaceOf = branded<WorkspaceId>();
const runsOf = list(branded<RunId>());
const experimentOf = nullable(branded<ExperimentId>());

/** Arguments of a command as a page's; null when they name none. */
export function doorOf(args: { readonly [name: string]: unknown }): PageDoor | null {
  const given = <T>(name: string, decoder: Decoder<T>): T | undefined =>
    args[name] === undefined ? undefined : decoder(args[name], name);
  try {
    return checked({
      kind: kindOf(args['kind'], 'kind'),
      args: {
        workspace: workspaceOf(args['workspace'], 'workspace'),
        runIds: given('runIds', runsOf),
        experiment: given('experiment', experimentOf),
        search: given('search', text),
        model: given('model', text),
        version: given('version', text)
      }
    });
  } catch (error) {
    if (error instanceof DecodeError) {
      return null;
    }
    throw error;
  }
}

/** The door as plain arguments of the command. */
export function plainArgs(door: PageDoor): { [name: string]: string | string[] | null } {
  const { workspace, runIds, experiment, search, model, version } = door.args;
  const plain: { [name: string]: string | string[] | null } = { kind: door.kind, workspace };
  if (runIds !== undefined) {
    plain['runIds'] = [...runIds];
  }
  if (experiment !== undefined) {
    plain['experiment'] = experiment;
  }
  for (const [name, value] of Object.entries({ search, model, version })) {
    if (value !== undefined) {
      plain[name] = value;
    }
  }
  return plain;
}

/** Which page it is: what is opened a second time comes to the front. The filter is not part. */
export function keyOf({ kind, args }: PageDoor): string {
  const { workspace, runIds = [], model = '', version = '' } = args;
  const experiment = args.experiment ?? '';
  const pieces = { run: runIds, compare: runIds, runs: [experiment], version: [model, version] };
  return [kind, workspace, ...pieces[kind]].map(encodeURIComponent).join(':');
}

/** `mltrack=run:WORKSPACE:ID`, to stand behind a `?`. */
export function queryOf({ kind, args }: PageDoor): string {
  const { workspace, runIds = [], experiment, search = '', model = '', version = '' } = args;
  const pieces: { readonly [kind in PageKind]: readonly string[] } = {
    run: runIds,
    compare: runIds,
    runs: [experiment ?? '', search],
    version: [model, version]
  };
  const rest = pieces[kind].map(encodeURIComponent).join(',');
  return `${PARAMETER}=${kind}:${encodeURIComponent(workspace)}:${rest}`;
}

/** The page that the query of an address asks for; null when it asks for none. */
export function doorOfQuery(query: string): PageDoor | null {
  const pattern = new RegExp(`[?&]${PARAMETER}=([^&#]*)`);
  const [, value = ''] = pattern.exec(query) ?? [];
  const [kind = '', workspace = '', rest = ''] = value.split(':', 3);
  try {
    const pieces = rest.split(',').map(decodeURIComponent);
    const [first = '', second = ''] = pieces;
    const args = { kind, workspace: decodeURIComponent(workspace) };
    switch (kind) {
      case 'run':
      case 'compare':
        return doorOf({ ...args, runIds: pieces });
      case 'runs':
        return doorOf({ ...args, experiment: first || null, search: second });
      default:
        return doorOf({ ...args, model: first, version: second });
    }
  } catch (error) {
    if (error instanceof URIError) {
      return null;
    }
    throw error;
  }
}

/** Null for a page that has not what it is about. */
function checked(door: PageDoor): PageDoor | null {
  const { runIds = [], model = '', version = '' } = door.args;
  switch (door.kind) {
    case 'run':
      return runIds.length === 1 ? door : null;
    case 'compare':
      return runIds.length >= 2 && runIds.length <= MOST_COMPARED ? door : null;
    case 'runs':
      return door;
    case 'version':
      return model !== '' && version !== '' ? door : null;
  }
}
