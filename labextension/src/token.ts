/** What other extensions may ask of the panel. */
import type { LabIcon } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';
import type { PanelTools } from './panel/context';
import type { SettingsModel } from './settings';
import type { RunDetail } from './types';

/** A part of the panel that folds, with a heading of its own. */
export interface ISectionOptions {
  /** Unique; also the name under which folding is remembered. */
  readonly id: string;
  /** Already translated. */
  readonly title: string;
  /** Sections stand in ascending order; ours are 100 (Live), 200 (Runs), 250 (Jobs), 300 and 400. */
  readonly rank: number;
  readonly icon?: LabIcon;
  /**
   * A widget, which the panel then owns, or what makes a React element, called when the section is
   * first seen: it can fetch its code then.
   */
  readonly content: Widget | (() => ReactElement | Promise<ReactElement>);
  /** True for a section that takes the room which is left, and scrolls by itself. */
  readonly fills?: boolean;
}

/** A section that was added; disposing of it takes it out. */
export interface ISection extends IDisposable {
  /** A number beside the heading; null for none. */
  count: number | null;
  /** True when only the heading shows. */
  readonly folded: boolean;
  readonly foldedChanged: ISignal<this, boolean>;
}

/** Something that an opened run shows below its charts. */
export interface IRunPart {
  /** Unique. */
  readonly id: string;
  /** Parts stand in ascending order. */
  readonly rank: number;
  /** Makes the React element for a run; null for a run that has nothing of it. */
  readonly content: (run: RunDetail) => ReactElement | null;
}

export interface IMltrackPanel {
  /** What the panel knows (workspace, experiment, live runs) and asks with; fetched if need be. */
  load(): Promise<PanelTools>;
  /** Call when somebody has looked, so that what the panel knows is here; fetches nothing. */
  whenLoaded(tell: (tools: PanelTools) => void): void;
  readonly settings: SettingsModel;
  /** Add a section. Throws when one with this id is there. */
  addSection(options: ISectionOptions): ISection;
  /** Unfold a section and bring it into sight. */
  openSection(id: string): void;
  /** Add a part to opened runs. Throws when one with this id is there. */
  addRunPart(part: IRunPart): IDisposable;
}

export const IMltrackPanel = new Token<IMltrackPanel>(
  'jupyter-mltrack:IMltrackPanel',
  'The experiment tracking panel, to which sections can be added.'
);
