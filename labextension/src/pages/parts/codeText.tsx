/** Lines of source or of a diff with their numbers: text, whatever they hold. */
import * as React from 'react';
import { visible } from '../../text';

const LONGEST_LINE = 2000;
const MOST_LINES = 5000;

/** One line made harmless; tabs as spaces. */
export function lineText(line: string): string {
  return visible(line.replace(/\t/g, '    ').slice(0, LONGEST_LINE));
}

export function CodeText(props: {
  text: string;
  label: string;
  /** What a line is marked as, beside its text: lines of a diff. */
  markOf?: (line: string) => string;
}): JSX.Element {
  const lines = props.text.replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, MOST_LINES);
  const width = `${String(shown.length).length}ch`;
  return (
    <pre className="mltrack-Code" tabIndex={0} role="group" aria-label={props.label}>
      {shown.map((line, index) => (
        <span key={index} className="mltrack-Code-line" data-mark={props.markOf?.(line)}>
          <span className="mltrack-Code-number" style={{ minWidth: width }} aria-hidden="true">
            {index + 1}
          </span>
          <span className="mltrack-Code-text">{lineText(line)}</span>
          {'\n'}
        </span>
      ))}
      {lines.length > MOST_LINES && '…'}
    </pre>
  );
}

/** Of a line of a unified diff. */
export function diffMark(line: string): string {
  if (/^(\+\+\+|---|diff |index )/.test(line)) {
    return 'head';
  }
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : '';
}
