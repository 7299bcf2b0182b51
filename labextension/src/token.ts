/** What other extensions may ask of the panel. */
import type { LabIcon } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';
import type { PanelStore } from './store/panelStore';

/** A part of the panel that folds, with a heading of its own. */
export interface ISectionOptions {
  /** Unique; also the name under which folding is remembered. */
  readonly id: string;
  /** Already translated. */
  readonly title: string;
  /** Sections stand in ascending order; ours are 100 (Live) and 200 (Runs). */
  readonly rank: number;
  readonly icon?: LabIcon;
  /** A widget, which the panel then owns, or what makes a React element. */
  readonly content: Widget | (() => ReactElement);
  /** True for a section that takes the room which is left, and scrolls by itself. */
  readonly fills?: boolean;
}

/** A section that was added; disposing of it takes it out. */
export interface ISection extends IDisposable {
  /** A number beside the heading; null for none. */
  count: number | null;
}

export interface IMltrackPanel {
  /** What the panel knows: workspace, experiment, live runs. */
  readonly store: PanelStore;
  /** Add a section. Throws when one with this id is there. */
  addSection(options: ISectionOptions): ISection;
}

export const IMltrackPanel = new Token<IMltrackPanel>(
  'jupyter-mltrack:IMltrackPanel',
  'The experiment tracking panel, to which sections can be added.'
);
