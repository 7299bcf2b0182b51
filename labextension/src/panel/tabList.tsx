/** A row of tabs; arrow keys, Home and End go from one to another. What they show is beside it. */
import * as React from 'react';

export interface Tab<T extends string> {
  readonly id: T;
  readonly title: string;
  /** How many things it holds; left out where that says nothing. */
  readonly count?: string | null;
}

/** Where a key leads to; -1 for nowhere. */
function nextTab(key: string, index: number, count: number): number {
  switch (key) {
    case 'ArrowRight':
      return (index + 1) % count;
    case 'ArrowLeft':
      return (index + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
}

export function TabList<T extends string>(props: {
  label: string;
  tabs: readonly Tab<T>[];
  selected: T;
  onSelect: (id: T) => void;
  className?: string;
  /** What the ids of tabs begin with, where a panel names them: the panel's is `…-panel`. */
  id?: string;
}): JSX.Element {
  const { tabs, selected, className = '' } = props;
  const list = React.useRef<HTMLDivElement>(null);
  const move = (event: React.KeyboardEvent): void => {
    const index = tabs.findIndex(one => one.id === selected);
    const tab = tabs[nextTab(event.key, index, tabs.length)];
    if (tab !== undefined) {
      event.preventDefault();
      props.onSelect(tab.id);
      list.current?.querySelector<HTMLElement>(`[data-tab="${tab.id}"]`)?.focus();
    }
  };
  return (
    <div
      className={`mltrack-Tabs ${className}`}
      role="tablist"
      aria-label={props.label}
      ref={list}
      onKeyDown={move}
    >
      {tabs.map(tab => (
        <TabButton
          key={tab.id}
          tab={tab}
          id={props.id}
          selected={tab.id === selected}
          onSelect={() => props.onSelect(tab.id)}
        />
      ))}
    </div>
  );
}

function TabButton<T extends string>(props: {
  tab: Tab<T>;
  id: string | undefined;
  selected: boolean;
  onSelect: () => void;
}): JSX.Element {
  const { tab, id, selected } = props;
  return (
    <button
      type="button"
      role="tab"
      id={id === undefined ? undefined : `${id}-${tab.id}`}
      className="mltrack-Tab"
      data-tab={tab.id}
      aria-selected={selected}
      aria-controls={id === undefined ? undefined : `${id}-panel`}
      tabIndex={selected ? 0 : -1}
      onClick={props.onSelect}
    >
      {tab.title}
      {tab.count !== undefined && tab.count !== null && (
        <span className="mltrack-Tab-count">{tab.count}</span>
      )}
    </button>
  );
}
