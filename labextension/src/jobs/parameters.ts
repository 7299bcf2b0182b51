/** Parameters of a notebook: the plain assignments of its cell that is tagged so. Pure. */

export interface Parameter {
  readonly name: string;
  /** As Python writes it. */
  readonly value: string;
}

/** What a form for a notebook begins with. */
export interface NotebookOrder {
  readonly file: string;
  readonly parameters: readonly Parameter[];
}

const TEXT = `"(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*'`;
const ASSIGNMENT = new RegExp(
  `^([A-Za-z_]\\w*)[ \\t]*(?::[^=#]+)?=[ \\t]*((?:${TEXT}|[^#"'=])(?:${TEXT}|[^#"'])*?)[ \\t]*(?:#.*)?$`
);
const OPENS = /[([{]/g;
const CLOSES = /[)\]}]/g;

/** Assignments that stand on a line of their own, the last of a name. */
export function parametersOf(source: string): Parameter[] {
  const found = new Map<string, string>();
  for (const line of source.split(/\r?\n/)) {
    const [, name, value] = ASSIGNMENT.exec(line) ?? [];
    if (name !== undefined && value !== undefined && isWhole(value)) {
      found.set(name, value);
    }
  }
  return [...found].map(([name, value]) => ({ name, value }));
}

/** The words that give other values: `-p lr=0.1`, quoted as a shell takes them. */
export function parameterWords(changed: ReadonlyMap<string, string>): string {
  return [...changed].map(([name, value]) => `-p ${quoted(`${name}=${value}`)}`).join(' ');
}

/** A value that goes on in the next line is left to the cell. */
function isWhole(value: string): boolean {
  const plain = value.replace(new RegExp(TEXT, 'g'), '');
  return (plain.match(OPENS)?.length ?? 0) === (plain.match(CLOSES)?.length ?? 0);
}

function quoted(word: string): string {
  return /^[\w.=+-]+$/.test(word) ? word : `'${word.replace(/'/g, `'"'"'`)}'`;
}
