/** The box above a list of runs: words or a filter, with what may come next, and what is wrong. */
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { isFilter } from '../store/runsQuery';
import type { RunsStore } from '../store/runsStore';
import { displayName, visible } from '../text';
import type { Problem } from '../types';
import { proposals } from './completion';
import type { Proposal, Proposals } from './completion';

/** How much of a filter is repeated on each side of the place that is wrong. */
const AROUND = 18;
const NO_PROPOSALS: Proposals = { from: 0, items: [] };

export function FilterBox(props: { runs: RunsStore }): JSX.Element {
  const { runs } = props;
  const { problem } = runs;
  const id = React.useId();
  useModel(runs.columns);
  return (
    <>
      <FilterInput runs={runs} problemId={problem === null ? undefined : `${id}-problem`} />
      {problem !== null && (
        <div id={`${id}-problem`} className="mltrack-FilterProblem">
          <Place search={runs.search} problem={problem} />
          <ProblemView problem={problem} id="mltrack-search-problem" />
        </div>
      )}
    </>
  );
}

interface Completion {
  readonly offered: Proposals;
  /** Index of the proposal that is marked; -1 for none. */
  readonly marked: number;
  /** Look at the text before the caret again. */
  readonly look: (input: HTMLInputElement) => void;
  readonly close: () => void;
  readonly mark: (index: number) => void;
}

function useCompletion(runs: RunsStore, input: React.RefObject<HTMLInputElement>): Completion {
  const [offered, setOffered] = React.useState(NO_PROPOSALS);
  const [marked, mark] = React.useState(-1);
  const { known } = runs.columns;
  const look = React.useCallback(
    (node: HTMLInputElement): void => {
      const caret = node.selectionStart ?? node.value.length;
      setOffered(proposals(node.value, caret, known?.columns ?? []));
      mark(-1);
    },
    [known]
  );
  React.useEffect(() => {
    // The keys came while somebody types.
    const node = input.current;
    if (known !== null && node !== null && node.value !== '' && node === document.activeElement) {
      look(node);
    }
  }, [known, input, look]);
  return { offered, marked, look, close: () => setOffered(NO_PROPOSALS), mark };
}

function FilterInput(props: { runs: RunsStore; problemId: string | undefined }): JSX.Element {
  const { trans } = useTools();
  const { runs, problemId } = props;
  const input = React.useRef<HTMLInputElement>(null);
  const completion = useCompletion(runs, input);
  const { offered, marked } = completion;
  const listId = React.useId();
  const open = offered.items.length > 0;
  const take = (proposal: Proposal): void =>
    takeOver(input.current, runs, offered, proposal, completion);
  return (
    <div className="mltrack-Filter">
      <input
        ref={input}
        type="search"
        role="combobox"
        className="jp-mod-styled mltrack-Search-input"
        value={runs.search}
        placeholder={trans.__('Name, or metrics.acc > 0.9')}
        aria-label={trans.__(
          'Filter runs: words of the name, or a filter such as %1',
          'metrics.acc > 0.9'
        )}
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls={listId}
        aria-activedescendant={marked === -1 ? undefined : `${listId}-${marked}`}
        aria-invalid={problemId !== undefined && runs.search !== ''}
        aria-describedby={problemId}
        spellCheck={false}
        autoComplete="off"
        onFocus={() => runs.columns.need()}
        onBlur={completion.close}
        onClick={event => completion.look(event.currentTarget)}
        onChange={event => {
          runs.setSearch(event.currentTarget.value);
          completion.look(event.currentTarget);
        }}
        onKeyDown={event => onKey(event, runs, completion, take)}
      />
      <ul
        id={listId}
        role="listbox"
        className="mltrack-Proposals"
        aria-label={trans.__('What may come next')}
        hidden={!open}
      >
        {offered.items.map((proposal, index) => (
          <Option
            key={proposal.label}
            id={`${listId}-${index}`}
            proposal={proposal}
            marked={index === marked}
            onTake={() => take(proposal)}
          />
        ))}
      </ul>
    </div>
  );
}

function onKey(
  event: React.KeyboardEvent<HTMLInputElement>,
  runs: RunsStore,
  completion: Completion,
  take: (proposal: Proposal) => void
): void {
  const { items } = completion.offered;
  const chosen = items[completion.marked];
  if (event.key === 'ArrowDown' && items.length === 0) {
    completion.look(event.currentTarget);
  } else if (event.key === 'ArrowDown') {
    completion.mark((completion.marked + 1) % items.length);
  } else if (event.key === 'ArrowUp' && items.length > 0) {
    completion.mark(completion.marked <= 0 ? items.length - 1 : completion.marked - 1);
  } else if ((event.key === 'Enter' || event.key === 'Tab') && chosen !== undefined) {
    take(chosen);
  } else if (event.key === 'Enter') {
    completion.close();
    runs.searchNow();
  } else if (event.key === 'Escape' && items.length > 0) {
    completion.close();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Put a proposal in place of what was typed of it; what may come behind it is offered next. */
function takeOver(
  input: HTMLInputElement | null,
  runs: RunsStore,
  offered: Proposals,
  proposal: Proposal,
  completion: Completion
): void {
  if (input === null) {
    return;
  }
  const caret = input.selectionStart ?? input.value.length;
  // Written into the box at once: a key that follows quickly finds the caret where it belongs.
  input.setRangeText(proposal.insert, offered.from, caret, 'end');
  runs.setSearch(input.value);
  completion.look(input);
}

function Option(props: {
  id: string;
  proposal: Proposal;
  marked: boolean;
  onTake: () => void;
}): JSX.Element {
  const { proposal, marked } = props;
  const node = React.useRef<HTMLLIElement>(null);
  React.useEffect(() => {
    if (marked) {
      node.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [marked]);
  return (
    <li
      ref={node}
      id={props.id}
      role="option"
      className="mltrack-Proposal"
      data-kind={proposal.kind}
      aria-selected={marked}
      title={displayName(proposal.label)}
      // The box keeps the focus.
      onMouseDown={event => event.preventDefault()}
      onClick={props.onTake}
    >
      {displayName(proposal.label)}
    </li>
  );
}

/** The place in the filter that is wrong, with a mark below it. */
function Place(props: { search: string; problem: Problem }): JSX.Element | null {
  const { trans } = useTools();
  const { search, problem } = props;
  // The server counts characters of the text without the blanks around it.
  const characters = [...search.trim()];
  const at = problem.at ?? null;
  if (at === null || at > characters.length || !isFilter(search)) {
    return null;
  }
  const start = Math.max(0, at - AROUND);
  const before = (start > 0 ? '…' : '') + characters.slice(start, at).join('');
  const behind = characters.slice(at, at + AROUND).join('');
  const more = at + AROUND < characters.length ? '…' : '';
  return (
    <pre
      className="mltrack-FilterPlace"
      role="img"
      aria-label={trans.__('Wrong at character %1', String(at + 1))}
    >
      {visible(before)}
      <span className="mltrack-FilterPlace-wrong">{visible(behind)}</span>
      {more}
      {`\n${' '.repeat([...before].length)}^`}
    </pre>
  );
}
