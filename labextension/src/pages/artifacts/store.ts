/**
 * The artifacts of one run: folders that were opened, and the preview of the file that is chosen.
 * A folder is asked for when it is opened, a file when it is chosen, nothing before.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import type { RunClient, RunWords } from '../../runClient';
import { Resource } from '../../store/resource';
import type { ArtifactInfo, ArtifactList, ArtifactPreview, Problem } from '../../types';
import { nameOf, parentOf } from './paths';

/** A line of the tree: an entry, or what is said in place of the entries of a folder. */
export type TreeRow =
  | {
      readonly kind: 'entry';
      readonly key: string;
      readonly entry: ArtifactInfo;
      readonly name: string;
      readonly level: number;
      readonly open: boolean;
      readonly position: number;
      readonly count: number;
    }
  | {
      readonly kind: 'loading' | 'empty' | 'more';
      readonly key: string;
      readonly level: number;
    }
  | {
      readonly kind: 'problem';
      readonly key: string;
      readonly level: number;
      readonly folder: string;
      readonly problem: Problem;
    };

export class ArtifactsStore extends VDomModel {
  /** The entry with the focus; a folder or a file. */
  current: string | null = null;
  /** The file whose preview is shown. */
  chosen: ArtifactInfo | null = null;
  readonly preview: Resource<ArtifactPreview>;
  private readonly folders = new Map<string, Resource<ArtifactList>>();
  private readonly opened = new Set<string>();

  constructor(
    readonly client: RunClient,
    readonly run: RunWords
  ) {
    super();
    this.preview = new Resource(signal =>
      client.preview(this.run, this.chosen?.path ?? '', signal)
    );
    this.preview.stateChanged.connect(this.tell, this);
  }

  /** The root folder; null until it was asked for. */
  get root(): Resource<ArtifactList> | null {
    return this.folders.get('') ?? null;
  }

  /** Ask for the root, and again for every folder that is open. */
  load(): void {
    ['', ...this.opened].forEach(path => void this.folder(path).load());
  }

  isOpen(path: string): boolean {
    return this.opened.has(path);
  }

  open(path: string): void {
    if (!this.opened.has(path)) {
      this.opened.add(path);
      void this.folder(path).load();
      this.tell();
    }
  }

  close(path: string): void {
    if (this.opened.delete(path)) {
      this.tell();
    }
  }

  retry(path: string): void {
    void this.folder(path).load();
  }

  focus(path: string): void {
    if (this.current !== path) {
      this.current = path;
      this.tell();
    }
  }

  /** Show a file. */
  choose(entry: ArtifactInfo): void {
    this.current = entry.path;
    if (this.chosen?.path !== entry.path) {
      this.preview.value = null;
      this.preview.problem = null;
    }
    this.chosen = entry;
    void this.preview.load();
  }

  /** Open the folders on the way to a file, and show it. */
  reveal(path: string): void {
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
      this.open(folder);
    }
    this.choose({ path, is_dir: false, size_bytes: null });
  }

  rows(): TreeRow[] {
    const rows: TreeRow[] = [];
    this.addRows('', 1, rows);
    return rows;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.folders.forEach(folder => folder.dispose());
      this.preview.dispose();
      super.dispose();
    }
  }

  private addRows(path: string, level: number, rows: TreeRow[]): void {
    const folder = this.folders.get(path);
    const key = `${path}/`;
    if (folder?.problem) {
      rows.push({ kind: 'problem', key, level, folder: path, problem: folder.problem });
    }
    const found = folder?.value ?? null;
    if (found === null) {
      if (!folder?.problem) {
        rows.push({ kind: 'loading', key, level });
      }
      return;
    }
    const count = found.artifacts.length;
    found.artifacts.forEach((entry, index) => {
      const open = entry.is_dir && this.opened.has(entry.path);
      const name = nameOf(entry.path);
      const place = { level, position: index + 1, count };
      rows.push({ kind: 'entry', key: entry.path, entry, name, open, ...place });
      if (open) {
        this.addRows(entry.path, level + 1, rows);
      }
    });
    if (found.truncated) {
      rows.push({ kind: 'more', key: `${key}more`, level });
    } else if (count === 0 && path !== '') {
      rows.push({ kind: 'empty', key, level });
    }
  }

  private folder(path: string): Resource<ArtifactList> {
    let folder = this.folders.get(path);
    if (folder === undefined) {
      folder = new Resource(signal => this.client.artifacts(this.run, path, signal));
      folder.stateChanged.connect(this.tell, this);
      this.folders.set(path, folder);
    }
    return folder;
  }

  private tell(): void {
    this.stateChanged.emit();
  }
}
