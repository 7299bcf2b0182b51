/** The tree of a run's artifacts, by the keyboard pattern for trees of WAI-ARIA. */
import {
  caretDownIcon,
  caretRightIcon,
  fileIcon,
  folderIcon,
  imageIcon
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatBytes } from '../../format';
import { Name, ProblemView } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import { nextIndex } from '../../panel/virtualList';
import { displayName } from '../../text';
import type { ArtifactInfo } from '../../types';
import { parentOf } from './paths';
import type { ArtifactsStore, TreeRow } from './store';

const PICTURES = /\.(png|jpe?g|gif|webp|svg)$/i;
/** Letters typed within this time belong together. */
const TYPED_MS = 700;

type EntryRow = Extract<TreeRow, { kind: 'entry' }>;

function isEntry(row: TreeRow): row is EntryRow {
  return row.kind === 'entry';
}

export function ArtifactTree(props: { store: ArtifactsStore }): JSX.Element {
  const { trans } = useTools();
  const { store } = props;
  useModel(store);
  const rows = store.rows();
  const entries = rows.filter(isEntry);
  const keys = useTreeKeys(store, entries);
  const current = entries.find(row => row.key === store.current) ?? entries[0];
  return (
    <div
      className="mltrack-Tree"
      role="tree"
      aria-label={trans.__('Artifacts')}
      ref={keys.root}
      onKeyDown={keys.onKeyDown}
    >
      {rows.map(row =>
        isEntry(row) ? (
          <Entry key={row.key} row={row} store={store} isCurrent={row === current} />
        ) : (
          <Instead key={row.key} row={row} store={store} />
        )
      )}
    </div>
  );
}

function iconOf(entry: ArtifactInfo): LabIcon {
  if (entry.is_dir) {
    return folderIcon;
  }
  return PICTURES.test(entry.path) ? imageIcon : fileIcon;
}

function Entry(props: { row: EntryRow; store: ArtifactsStore; isCurrent: boolean }): JSX.Element {
  const { row, store, isCurrent } = props;
  const { entry, name, open } = row;
  const isChosen = store.chosen?.path === entry.path;
  const size = entry.size_bytes === null ? '' : formatBytes(entry.size_bytes);
  const Icon = iconOf(entry);
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <div
      className="mltrack-Tree-row"
      role="treeitem"
      aria-level={row.level}
      aria-setsize={row.count}
      aria-posinset={row.position}
      aria-expanded={entry.is_dir ? open : undefined}
      aria-selected={isChosen}
      aria-label={size === '' ? displayName(name) : `${displayName(name)}, ${size}`}
      tabIndex={isCurrent ? 0 : -1}
      data-path={entry.path}
      style={{ paddingInlineStart: `${(row.level - 1) * 14 + 4}px` }}
      onFocus={() => store.focus(entry.path)}
      onClick={() => act(store, row)}
    >
      <span className="mltrack-Tree-caret" aria-hidden="true">
        {entry.is_dir && <Caret.react tag="span" />}
      </span>
      <Icon.react tag="span" className="mltrack-Tree-icon" aria-hidden="true" />
      <Name text={name} className="mltrack-Tree-name" />
      <span className="mltrack-Tree-size" aria-hidden="true">
        {size}
      </span>
    </div>
  );
}

/** Open or close a folder, show a file. */
function act(store: ArtifactsStore, row: EntryRow): void {
  const { entry, open } = row;
  if (!entry.is_dir) {
    store.choose(entry);
  } else if (open) {
    store.close(entry.path);
  } else {
    store.open(entry.path);
  }
}

/** What stands in place of a folder's entries. */
function Instead(props: {
  row: Exclude<TreeRow, { kind: 'entry' }>;
  store: ArtifactsStore;
}): JSX.Element {
  const { trans } = useTools();
  const { row, store } = props;
  const style = { paddingInlineStart: `${(row.level - 1) * 14 + 40}px` };
  const line = (text: string): JSX.Element => (
    <div className="mltrack-Tree-note" role="none" style={style}>
      <span>{text}</span>
    </div>
  );
  switch (row.kind) {
    case 'loading':
      return line(trans.__('Loading …'));
    case 'empty':
      return line(trans.__('This folder is empty.'));
    case 'more':
      return line(trans.__('There is more in this folder than is listed.'));
    case 'problem':
      return (
        <div role="none">
          <ProblemView problem={row.problem} />
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small"
            onClick={() => store.retry(row.folder)}
          >
            {trans.__('Try again')}
          </button>
        </div>
      );
  }
}

function isItem(target: EventTarget): boolean {
  return target instanceof Element && target.getAttribute('role') === 'treeitem';
}

interface TreeKeys {
  readonly root: React.RefObject<HTMLDivElement>;
  readonly onKeyDown: (event: React.KeyboardEvent) => void;
}

/** Arrows move and open, letters find, Enter and Space show; the focus follows. */
function useTreeKeys(store: ArtifactsStore, entries: readonly EntryRow[]): TreeKeys {
  const root = React.useRef<HTMLDivElement>(null);
  const find = useTyped(entries);
  const goTo = (index: number): void => {
    const nodes = root.current?.querySelectorAll<HTMLElement>('[role="treeitem"]') ?? [];
    nodes[index]?.focus();
  };
  const indexOf = (key: string): number => entries.findIndex(row => row.key === key);
  const move = (key: string, row: EntryRow, index: number): boolean => {
    switch (key) {
      case 'ArrowDown':
      case 'ArrowUp':
      case 'Home':
      case 'End':
        goTo(nextIndex(key, index, entries.length) ?? index);
        return true;
      case 'ArrowRight':
        intoFolder(store, row, () => goTo(index + 1));
        return true;
      case 'ArrowLeft':
        outOfFolder(store, row, () => goTo(indexOf(parentOf(row.entry.path))));
        return true;
      case 'Enter':
      case ' ':
        act(store, row);
        return true;
      default:
        if ([...key].length === 1) {
          goTo(find(key, index));
          return true;
        }
        return false;
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const index = indexOf(store.current ?? '');
    const row = entries[index];
    const isOther = event.ctrlKey || event.metaKey || event.altKey || !isItem(event.target);
    if (row !== undefined && !isOther && move(event.key, row, index)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return { root, onKeyDown };
}

/** Find the next entry whose name begins with the letters typed in one go. */
function useTyped(entries: readonly EntryRow[]): (letter: string, from: number) => number {
  const typed = React.useRef({ text: '', atMs: 0 });
  return (letter, from) => {
    const nowMs = Date.now();
    const goesOn = nowMs - typed.current.atMs < TYPED_MS;
    const text = (goesOn ? typed.current.text : '') + letter.toLocaleLowerCase();
    typed.current = { text, atMs: nowMs };
    const start = text.length > 1 ? from : from + 1;
    const inOrder = [...entries.slice(start), ...entries.slice(0, start)];
    const found = inOrder.find(row => row.name.toLocaleLowerCase().startsWith(text));
    return found === undefined ? from : entries.indexOf(found);
  };
}

function intoFolder(store: ArtifactsStore, row: EntryRow, goOn: () => void): void {
  if (row.open) {
    goOn();
  } else if (row.entry.is_dir) {
    store.open(row.entry.path);
  }
}

function outOfFolder(store: ArtifactsStore, row: EntryRow, goUp: () => void): void {
  if (row.open) {
    store.close(row.entry.path);
  } else {
    goUp();
  }
}
