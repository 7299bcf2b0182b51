/** Tabs of a page with the panel below them. */
import * as React from 'react';
import { TabList } from '../../panel/tabList';
import type { Tab } from '../../panel/tabList';

export type PageTab<T extends string> = Tab<T>;

export function PageTabs<T extends string>(props: {
  label: string;
  tabs: readonly PageTab<T>[];
  selected: T;
  onSelect: (id: T) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { children, ...list } = props;
  const id = React.useId();
  return (
    <>
      <TabList {...list} id={id} className="mltrack-PageTabs" />
      <div
        className="mltrack-PageBody"
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${props.selected}`}
        data-shown={props.selected}
      >
        {children}
      </div>
    </>
  );
}
