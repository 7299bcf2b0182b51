/** The Azure ML workspaces that the account sees: a click puts one into the list. */
import * as React from 'react';
import { Name, ProblemView, Skeleton } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { Resource } from '../store/resource';
import { addWorkspace } from '../store/workspaceActs';
import { displayName } from '../text';
import type { Problem, WorkspaceSeen, WorkspacesSeen } from '../types';
import { AccountClient } from './client';
import { useAccount } from './hooks';
import { SignInBlock } from './signInBlock';

const ROW_HEIGHT = 34;
const SEARCH_FROM = 8;

/** Without `onCancel` there is no button back: a dialog has its own. */
export function AzurePicker(props: { onDone: () => void; onCancel?: () => void }): JSX.Element {
  const { client, trans } = useTools();
  const [seen] = React.useState(
    () => new Resource<WorkspacesSeen>(signal => new AccountClient(client).workspaces(signal))
  );
  useModel(seen);
  const account = useAccount(null, '', () => void seen.load());
  React.useEffect(() => {
    void seen.load();
    return () => seen.dispose();
  }, [seen]);
  const signedOut = seen.problem?.code === 'signed_out';
  return (
    <div className="mltrack-AzurePicker" role="group" aria-label={trans.__('Azure ML workspaces')}>
      {signedOut && account !== null ? (
        <SignInBlock account={account} again={false} />
      ) : seen.problem !== null ? (
        <ProblemView problem={seen.problem} />
      ) : seen.value === null ? (
        <Skeleton rows={3} rowHeight={ROW_HEIGHT} />
      ) : (
        <Choices seen={seen.value} onDone={props.onDone} />
      )}
      {props.onCancel !== undefined && (
        <div className="mltrack-Buttons">
          <button type="button" className="mltrack-Button" onClick={props.onCancel}>
            {trans.__('Back')}
          </button>
        </div>
      )}
    </div>
  );
}

function Choices(props: { seen: WorkspacesSeen; onDone: () => void }): JSX.Element {
  const { trans } = useTools();
  const { workspaces, problems, account } = props.seen;
  const [search, setSearch] = React.useState('');
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const wanted = search.trim().toLowerCase();
  const fits = workspaces.filter(one =>
    `${one.name} ${one.resource_group} ${one.subscription}`.toLowerCase().includes(wanted)
  );
  return (
    <>
      {account !== null && (
        <p className="mltrack-SignIn-words">
          {trans.__('What %1 sees:', displayName(account.name))}
        </p>
      )}
      {workspaces.length >= SEARCH_FROM && (
        <input
          className="jp-mod-styled mltrack-Input"
          type="search"
          aria-label={trans.__('Search workspaces')}
          placeholder={trans.__('Search')}
          value={search}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      )}
      {fits.length === 0 ? (
        <p className="mltrack-SignIn-words">{trans.__('No Azure ML workspace.')}</p>
      ) : (
        <ul className="mltrack-Workspaces">
          {fits.map(one => (
            <Choice key={one.spec} one={one} onDone={props.onDone} onProblem={setProblem} />
          ))}
        </ul>
      )}
      {problem !== null && <ProblemView problem={problem} />}
      {problems.length > 0 && (
        <p className="mltrack-SignIn-words" title={displayName(problems[0]?.message ?? '')}>
          {trans._n(
            '%1 subscription could not be asked.',
            '%1 subscriptions could not be asked.',
            problems.length
          )}
        </p>
      )}
    </>
  );
}

function Choice(props: {
  one: WorkspaceSeen;
  onDone: () => void;
  onProblem: (problem: Problem | null) => void;
}): JSX.Element {
  const { store, runClient } = useTools();
  const { one, onDone, onProblem } = props;
  const [busy, setBusy] = React.useState(false);
  const add = async (): Promise<void> => {
    setBusy(true);
    const signal = new AbortController().signal;
    const failed = await addWorkspace(runClient, store, one.spec, '', signal);
    setBusy(false);
    onProblem(failed);
    if (failed === null) {
      onDone();
    }
  };
  const place = [one.resource_group, one.subscription, one.location].join(' · ');
  return (
    <li className="mltrack-WorkspaceRow">
      <button
        type="button"
        className="mltrack-WorkspaceRow-choose"
        disabled={busy}
        title={displayName(one.spec)}
        onClick={() => void add()}
      >
        <Name text={one.name} />
        <Name text={place} className="mltrack-WorkspaceRow-place" />
      </button>
    </li>
  );
}
