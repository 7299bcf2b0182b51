/** Small pieces of the views of models and deployments. */
import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Name } from '../panel/bits';
import { useTools } from '../panel/context';
import { displayName, visible } from '../text';
import type { Pair } from '../types';
import { confirmWord } from './words';

/** How long "Copied" stands in place of the button's own word. */
const COPIED_MS = 1500;
const LONGEST_LINE = 4000;

/** An alias, a tag, a share: short words in a frame. */
export function Chip(props: { text: string; kind?: 'alias' | 'stage' | 'plain' }): JSX.Element {
  return (
    <span className="mltrack-Chip" data-kind={props.kind ?? 'plain'}>
      <Name text={props.text} />
    </span>
  );
}

export function CopyButton(props: { text: string; label: string }): JSX.Element {
  const { trans } = useTools();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return undefined;
    }
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="mltrack-Button mltrack-mod-small"
      onClick={() => {
        Clipboard.copyToSystem(props.text);
        setCopied(true);
      }}
    >
      <span aria-live="polite">{copied ? trans.__('Copied') : props.label}</span>
    </button>
  );
}

/**
 * Lines of a program, an error or a file: each one made harmless, none is markup. Of a log the end
 * is what matters: it is shown first.
 */
export function Lines(props: {
  lines: readonly string[];
  label: string;
  atEnd?: boolean;
}): JSX.Element {
  const { lines, atEnd = false } = props;
  const pre = React.useRef<HTMLPreElement>(null);
  const last = lines[lines.length - 1];
  React.useLayoutEffect(() => {
    if (atEnd && pre.current !== null) {
      pre.current.scrollTop = pre.current.scrollHeight;
    }
  }, [atEnd, lines.length, last]);
  return (
    <pre className="mltrack-Lines" role="group" aria-label={props.label} tabIndex={0} ref={pre}>
      {lines.map(line => visible(line.replace(/\t/g, '  ').slice(0, LONGEST_LINE))).join('\n')}
    </pre>
  );
}

/** Something long with its size, folded. */
export function Fold(props: {
  title: string;
  open?: boolean;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <details className="mltrack-Fold" open={props.open}>
      <summary>{props.title}</summary>
      {props.children}
    </details>
  );
}

/** Names and values below each other. */
export function Facts(props: { pairs: readonly Pair[] }): JSX.Element | null {
  return props.pairs.length === 0 ? null : (
    <table className="mltrack-Facts">
      <tbody>
        {props.pairs.map(({ key, value }) => (
          <tr key={key}>
            <th scope="row">
              <Name text={key} />
            </th>
            <td>
              <bdi title={displayName(value)}>{displayName(value)}</bdi>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * The second word that deleting takes: the name, typed. Nothing is deleted by one click, and
 * nothing by Enter in an empty field.
 */
export function Confirm(props: {
  name: string;
  /** What is lost. */
  question: string;
  busy: boolean;
  onConfirm: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const [typed, setTyped] = React.useState('');
  const word = confirmWord(props.name);
  const right = typed.trim() === word;
  const id = React.useId();
  return (
    <form
      className="mltrack-Confirm"
      onSubmit={event => {
        event.preventDefault();
        if (right && !props.busy) {
          props.onConfirm();
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onCancel();
        }
      }}
    >
      <label htmlFor={id}>
        {props.question} {trans.__('Type %1 to delete it.', word)}
      </label>
      <input
        id={id}
        className="jp-mod-styled mltrack-Input"
        value={typed}
        autoFocus
        autoComplete="off"
        spellCheck={false}
        onChange={event => setTyped(event.currentTarget.value)}
      />
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="mltrack-Button mltrack-mod-danger"
          disabled={!right || props.busy}
        >
          {trans.__('Delete')}
        </button>
      </div>
    </form>
  );
}

/**
 * A question that takes the place of the button that asks it; when it is taken back, the button has
 * the focus again.
 */
export function useAsked(): {
  asked: boolean;
  button: React.RefObject<HTMLButtonElement>;
  ask: () => void;
  takeBack: () => void;
} {
  const [asked, setAsked] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  const takeBack = (): void => {
    setAsked(false);
    requestAnimationFrame(() => button.current?.focus());
  };
  return { asked, button, ask: () => setAsked(true), takeBack };
}

/** One line that stands for a view that is still awaited. */
export function Waiting(props: { trans: TranslationBundle }): JSX.Element {
  return (
    <p className="mltrack-Empty-line" role="status">
      {props.trans.__('Loading …')}
    </p>
  );
}
