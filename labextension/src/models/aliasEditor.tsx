/** The aliases of a version: add one (it leaves the version that had it), take one away. */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import type { ModelActs } from '../store/modelActs';
import { displayName } from '../text';
import type { ModelVersionInfo, Pair } from '../types';
import { useChange } from './edits';

export function AliasEditor(props: {
  acts: ModelActs;
  version: ModelVersionInfo;
  /** Which version of the model has which alias. */
  aliases: readonly Pair[];
  /** The registry took no alias. */
  onRefused?: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { acts, version, aliases, onRefused } = props;
  const [typed, setTyped] = React.useState('');
  const { busy, problem, run } = useChange();
  const alias = typed.trim().replace(/^@/, '');
  const elsewhere = aliases.find(one => one.key === alias && one.value !== version.version);
  const set = async (): Promise<void> => {
    const done = await run(
      () => acts.setAlias(alias, false),
      trans.__('Alias %1 is at version %2.', displayName(alias), displayName(version.version)),
      () =>
        elsewhere === undefined
          ? acts.setAlias(alias, true)
          : acts.giveAlias(elsewhere.value, alias)
    );
    if (done) {
      setTyped('');
    } else {
      onRefused?.();
    }
  };
  const remove = (one: string): void =>
    void run(
      () => acts.setAlias(one, true),
      trans.__('Alias %1 is gone.', displayName(one)),
      () => acts.setAlias(one, false)
    );
  return (
    <form
      className="mltrack-Aliases"
      onSubmit={event => {
        event.preventDefault();
        if (alias !== '' && !busy) {
          void set();
        }
      }}
    >
      {version.aliases.map(one => (
        <AliasChip key={one} alias={one} busy={busy} onRemove={() => remove(one)} />
      ))}
      <AddAlias
        number={version.version}
        typed={typed}
        disabled={alias === '' || busy}
        elsewhere={elsewhere?.value ?? null}
        onType={setTyped}
      />
      {problem !== null && <ProblemView problem={problem} />}
    </form>
  );
}

function AddAlias(props: {
  number: string;
  typed: string;
  disabled: boolean;
  /** The version that has the typed alias now. */
  elsewhere: string | null;
  onType: (typed: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { elsewhere } = props;
  return (
    <span className="mltrack-Aliases-add">
      <input
        className="jp-mod-styled mltrack-Input"
        value={props.typed}
        placeholder={trans.__('alias')}
        aria-label={trans.__('New alias of version %1', displayName(props.number))}
        spellCheck={false}
        autoComplete="off"
        onChange={event => props.onType(event.currentTarget.value)}
      />
      <button type="submit" className="mltrack-Button mltrack-mod-small" disabled={props.disabled}>
        {elsewhere === null ? trans.__('Set') : trans.__('Move from v%1', displayName(elsewhere))}
      </button>
    </span>
  );
}

function AliasChip(props: { alias: string; busy: boolean; onRemove: () => void }): JSX.Element {
  const { trans } = useTools();
  const words = trans.__('Take alias %1 away', displayName(props.alias));
  return (
    <span className="mltrack-Chip" data-kind="alias">
      <Name text={`@${props.alias}`} />
      <button
        type="button"
        className="mltrack-Chip-remove"
        title={words}
        aria-label={words}
        disabled={props.busy}
        onClick={props.onRemove}
      >
        <closeIcon.react tag="span" aria-hidden="true" />
      </button>
    </span>
  );
}
