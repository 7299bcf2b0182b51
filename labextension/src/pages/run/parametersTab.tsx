/** Parameters and tags of a run, searched by name or value. */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../../format';
import { EditButton, TagForm, useTagChange } from '../../models/edits';
import { useTools } from '../../panel/context';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { Pair } from '../../types';
import { PairsTable } from '../parts/pairsTable';

export function ParametersTab(props: { page: RunPageStore }): JSX.Element {
  const { trans } = useTools();
  const [search, setSearch] = React.useState('');
  const { detail } = props.page.run;
  const words = search.toLowerCase().split(/\s+/);
  const fits = (one: { key: string; value: string }): boolean =>
    words.every(word => `${one.key} ${one.value}`.toLowerCase().includes(word));
  const params = (detail?.params ?? []).filter(fits);
  // MLflow's own tags and ours say what the page says elsewhere.
  const own = /^(mlflow|mltrack)\./;
  const tags = (detail?.tags ?? []).filter(({ key }) => !own.test(key)).filter(fits);
  return (
    <div className="mltrack-Scroller" tabIndex={-1}>
      <div className="mltrack-Controls">
        <input
          type="search"
          className="jp-mod-styled mltrack-Input mltrack-mod-search"
          value={search}
          spellCheck={false}
          placeholder={trans.__('Search')}
          aria-label={trans.__('Search parameters and tags')}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      </div>
      <h3 className="mltrack-PageTitle">
        {trans.__('Parameters (%1)', formatCount(params.length))}
      </h3>
      <PairsTable
        label={trans.__('Parameters')}
        pairs={params}
        empty={
          search === '' ? trans.__('No parameter was logged.') : trans.__('No parameter fits.')
        }
      />
      <h3 className="mltrack-PageTitle">{trans.__('Tags (%1)', formatCount(tags.length))}</h3>
      <Tags
        page={props.page}
        tags={tags}
        all={detail?.tags ?? []}
        editable={detail?.merged !== true && !props.page.gone}
      />
    </div>
  );
}

/** Tags can be changed in place; those of a run that is not in the workspace yet, or not any more, cannot. */
function Tags(props: {
  page: RunPageStore;
  tags: readonly Pair[];
  /** Also those that are not shown now. */
  all: readonly Pair[];
  editable: boolean;
}): JSX.Element {
  const { trans } = useTools();
  const { page, tags, editable } = props;
  const change = useTagChange(page.acts, props.all);
  const { busy, setDraft, set } = change;
  const acts = (tag: Pair): React.ReactNode => {
    const name = displayName(tag.key);
    const remove = trans.__('Take tag %1 away', name);
    return (
      <>
        <EditButton label={trans.__('Change tag %1', name)} onClick={() => setDraft(tag)} />
        <button
          type="button"
          className="mltrack-IconButton"
          title={remove}
          aria-label={remove}
          disabled={busy}
          onClick={() => void set(tag.key, null)}
        >
          <closeIcon.react tag="span" aria-hidden="true" />
        </button>
      </>
    );
  };
  return (
    <>
      <PairsTable
        label={trans.__('Tags')}
        pairs={tags}
        empty={trans.__('No tag is set.')}
        acts={editable ? acts : undefined}
      />
      {editable && <TagForm change={change} />}
    </>
  );
}
