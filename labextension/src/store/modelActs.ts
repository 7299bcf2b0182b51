/** What is done to a registered model or to one version of it; each says what went wrong. */
import type { ModelClient } from '../modelClient';
import type { Problem, WorkspaceId } from '../types';
import { problemOf } from './resource';

export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;

export type Stage = (typeof STAGES)[number];

export interface ModelSubject {
  readonly workspace: WorkspaceId;
  readonly name: string;
  /** null for the model itself. */
  readonly version: string | null;
}

export class ModelActs {
  /**
   * @param changed called after each change, before it counts as done.
   */
  constructor(
    private readonly client: ModelClient,
    readonly subject: ModelSubject,
    private readonly changed: () => Promise<void>
  ) {}

  /** Point an alias at the version, or take it away. */
  setAlias(alias: string, remove: boolean): Promise<Problem | null> {
    const words = this.versionWords();
    return this.change(signal => this.client.setAlias(words, alias, remove, signal));
  }

  /** Give an alias back to the version that had it. */
  giveAlias(version: string, alias: string): Promise<Problem | null> {
    const words = { ...this.versionWords(), version };
    return this.change(signal => this.client.setAlias(words, alias, false, signal));
  }

  setStage(stage: Stage): Promise<Problem | null> {
    const words = this.versionWords();
    return this.change(signal => this.client.setStage(words, stage, signal));
  }

  /** @param value null takes the tag away. */
  setTag(key: string, value: string | null): Promise<Problem | null> {
    return this.change(signal => this.client.setTag(this.subject, key, value, signal));
  }

  describe(description: string): Promise<Problem | null> {
    const { workspace, name, version } = this.subject;
    return this.change(signal =>
      this.client.describe(workspace, name, version, description, signal)
    );
  }

  /** @param confirm the model's name once more. */
  remove(confirm: string): Promise<Problem | null> {
    const { workspace, name, version } = this.subject;
    return this.change(signal =>
      this.client.removeModel(workspace, name, version, confirm, signal)
    );
  }

  private versionWords(): { workspace: WorkspaceId; name: string; version: string } {
    const { workspace, name, version } = this.subject;
    if (version === null) {
      throw new Error('A model itself has neither aliases nor stages');
    }
    return { workspace, name, version };
  }

  private async change(act: (signal: AbortSignal) => Promise<unknown>): Promise<Problem | null> {
    try {
      await act(new AbortController().signal);
    } catch (error) {
      return problemOf(error);
    }
    await this.changed();
    return null;
  }
}
