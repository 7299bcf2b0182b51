/**
 * The output of a tracked cell while the cell runs. The server follows the run, so what is shown
 * goes on while the kernel is at work, and after a reload of the page. When the cell has ended the
 * kernel puts the static form in its place; a page that missed that asks the server for it.
 */
import type { IRenderMime } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import * as React from 'react';
import { branded, DecodeError, number, struct, text } from '../decoders';
import { ToolsProvider } from '../panel/context';
import { Filled } from '../panel/filled';
import type { IMltrackPanel } from '../token';
import type { RunId, RunView, WorkspaceId } from '../types';
import { openStaticForm } from './keptOpen';

export const RUN_MIME = 'application/vnd.mltrack.run+json';

/** What the output says of the run. */
export interface ToldRun {
  readonly run_id: RunId;
  readonly workspace_id: WorkspaceId;
  readonly name: string;
  readonly start_ms: number;
}

const toldRun = struct<ToldRun>({
  run_id: branded<RunId>(),
  workspace_id: branded<WorkspaceId>(),
  name: text,
  start_ms: number
});

export class LiveOutput extends Filled implements IRenderMime.IRenderer {
  private model: IRenderMime.IMimeModel | null = null;
  private shown: RunId | null = null;
  private isOpen = false;

  constructor(
    private readonly panel: IMltrackPanel,
    trans: TranslationBundle
  ) {
    super(() => this.content(), trans);
    this.addClass('mltrack-Panel');
    this.addClass('mltrack-CellView');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    const told = toldOf(model);
    if (told !== null && told.run_id !== this.shown) {
      this.shown = told.run_id;
      this.refill();
    }
    return Promise.resolve();
  }

  protected override onBeforeDetach(msg: Message): void {
    const area = this.node.closest('.jp-OutputArea');
    if (this.isOpen && this.shown !== null && area !== null) {
      openStaticForm(area, this.shown);
    }
    super.onBeforeDetach(msg);
  }

  private async content(): Promise<React.ReactElement> {
    const [tools, { CellView }] = await Promise.all([this.panel.load(), import('./cellView')]);
    const told = this.model === null ? null : toldOf(this.model);
    if (told === null) {
      throw new Error('The output names no run');
    }
    const settle = (view: RunView): void => this.settleFor(told.run_id, view);
    const onFold = (open: boolean): void => {
      this.isOpen = open;
    };
    const props = { key: told.run_id, told, settle, onFold };
    const element = React.createElement(CellView, props);
    return React.createElement(ToolsProvider, { value: tools }, element);
  }

  /** Put the static form into the document, where the kernel could not. */
  private settleFor(runId: RunId, view: RunView): void {
    const { model } = this;
    if (model !== null && !this.isDisposed && toldOf(model)?.run_id === runId) {
      model.setData({ data: { 'text/html': view.html, 'text/plain': view.plain } });
    }
  }
}

/** Null for an output that somebody else made up. */
function toldOf(model: IRenderMime.IMimeModel): ToldRun | null {
  const said: unknown = model.data[RUN_MIME];
  try {
    return said === undefined ? null : toldRun(said, RUN_MIME);
  } catch (error) {
    if (error instanceof DecodeError) {
      return null;
    }
    throw error;
  }
}
