/** Registered models: a row each, their versions, and what lies in a version. */
import * as React from 'react';
import { formatAgo, formatCount } from '../format';
import { Metric, Name, ProblemView, Skeleton } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel, useTick } from '../panel/hooks';
import { moveFocus } from '../panel/roving';
import type { ModelActs } from '../store/modelActs';
import type { ModelsStore } from '../store/modelsStore';
import { displayName } from '../text';
import type { ModelInfo, ModelVersionInfo } from '../types';
import { Chip, Waiting } from './bits';
import { useActs, useModelTools } from './context';
import { DescriptionPart, TagsPart } from './edits';
import { modelIcon } from './icons';
import { RemovePart } from './removePart';
import { VersionRow } from './versionRow';

const ROW_HEIGHT = 42;
const TICK_MS = 15_000;
/** From this many models on there is a search box. */
const MANY = 8;
const CHIPS = 3;

export function ModelsSection(): JSX.Element {
  const { trans } = useTools();
  const { models } = useModelTools();
  useModel(models);
  useTick(TICK_MS, true);
  const searching = models.search.trim() !== '';
  const many = (models.total ?? models.models.length) > MANY || models.hasMore;
  return (
    <div className="mltrack-Models">
      {(many || searching) && <SearchBox models={models} />}
      {models.problem !== null && <ProblemView problem={models.problem} />}
      {models.models.length > 0 ? (
        <ModelRows models={models} />
      ) : !models.loaded ? (
        <Skeleton rows={1} rowHeight={ROW_HEIGHT} />
      ) : (
        models.problem === null && (
          <p className="mltrack-Empty-line mltrack-mod-padded">
            {searching
              ? trans.__('No model fits the search.')
              : trans.__('No models yet. Open a run that logged one and register it.')}
          </p>
        )
      )}
      {models.hasMore && (
        <button
          type="button"
          className="mltrack-Button mltrack-mod-more"
          onClick={() => void models.loadMore()}
        >
          {trans.__('Show more')}
        </button>
      )}
    </div>
  );
}

function SearchBox(props: { models: ModelsStore }): JSX.Element {
  const { trans } = useTools();
  const { models } = props;
  return (
    <div className="mltrack-Search">
      <input
        type="search"
        className="jp-mod-styled mltrack-Search-input"
        value={models.search}
        placeholder={trans.__('Words of the name')}
        aria-label={trans.__('Search models by words of the name')}
        spellCheck={false}
        onChange={event => models.setSearch(event.currentTarget.value)}
      />
      <span className="mltrack-Search-count" aria-live="polite">
        {models.loaded && models.total !== null
          ? trans._n('%2 model', '%2 models', models.total, formatCount(models.total))
          : ''}
      </span>
    </div>
  );
}

function ModelRows(props: { models: ModelsStore }): JSX.Element {
  const { trans } = useTools();
  const { models } = props;
  const [opened, setOpened] = React.useState<ReadonlySet<string>>(new Set());
  const toggle = (name: string): void => {
    const next = new Set(opened);
    if (!next.delete(name)) {
      next.add(name);
    }
    setOpened(next);
  };
  return (
    <div role="list" aria-label={trans.__('Models')} onKeyDown={moveFocus}>
      {models.models.map((model, index) => (
        <div role="listitem" key={model.name}>
          <ModelRow
            model={model}
            open={opened.has(model.name)}
            tabIndex={index === 0 ? 0 : -1}
            onToggle={() => toggle(model.name)}
          />
          {opened.has(model.name) && <OpenedModel model={model} />}
        </div>
      ))}
    </div>
  );
}

function ModelRow(props: {
  model: ModelInfo;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { store, trans, language } = useTools();
  const { model, open } = props;
  const [newest] = model.versions;
  const [metric] = newest?.metrics ?? [];
  return (
    <button
      type="button"
      className="mltrack-Row mltrack-ModelRow"
      aria-expanded={open}
      data-model={model.name}
      tabIndex={props.tabIndex}
      onClick={props.onToggle}
    >
      <span className="mltrack-Row-line">
        <modelIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        <Name text={model.name} className="mltrack-Row-name" />
        {metric !== undefined && <Metric metric={metric} recent={null} />}
      </span>
      <span className="mltrack-Row-line mltrack-mod-second">
        <span className="mltrack-Version-number">
          {newest === undefined ? trans.__('no version') : `v${displayName(newest.version)}`}
        </span>
        <span className="mltrack-Chips">
          {model.aliases.slice(0, CHIPS).map(({ key, value }) => (
            <Chip
              key={key}
              kind="alias"
              text={value === newest?.version ? `@${key}` : `@${key} v${value}`}
            />
          ))}
          {model.aliases.length > CHIPS && <span>+{model.aliases.length - CHIPS}</span>}
        </span>
        <span className="mltrack-Row-time">
          {formatAgo(model.updated_ms, store.clock.now(), language)}
        </span>
      </span>
    </button>
  );
}

function OpenedModel(props: { model: ModelInfo }): JSX.Element {
  const { trans } = useTools();
  const { models } = useModelTools();
  const { model } = props;
  const acts = useActs(model.name, null);
  const whole = models.model(model.name);
  useModel(whole);
  const [opened, setOpened] = React.useState<string | null>(null);
  const versions = whole.value?.versions ?? model.versions;
  const hidden = (whole.value?.version_count ?? versions.length) - versions.length;
  const description = whole.value?.description ?? model.description;
  return (
    <div
      className="mltrack-Model"
      role="group"
      aria-label={trans.__('Model %1', displayName(model.name))}
    >
      {acts !== null && (
        <>
          <DescriptionPart acts={acts} text={description} />
          <TagsPart acts={acts} tags={whole.value?.tags ?? model.tags} />
        </>
      )}
      {whole.problem !== null && <ProblemView problem={whole.problem} />}
      {versions.map((version: ModelVersionInfo) => (
        <VersionRow
          key={version.version}
          version={version}
          open={opened === version.version}
          onToggle={() => setOpened(opened === version.version ? null : version.version)}
        />
      ))}
      {versions.length === 0 &&
        (whole.loading ? (
          <Waiting trans={trans} />
        ) : (
          <p className="mltrack-Empty-line">{trans.__('It has no version any more.')}</p>
        ))}
      {hidden > 0 && (
        <p className="mltrack-Empty-line">
          {trans._n(
            '%2 older version is not shown.',
            '%2 older versions are not shown.',
            hidden,
            formatCount(hidden)
          )}
        </p>
      )}
      {acts !== null && (
        <RemoveModel
          acts={acts}
          model={model}
          count={whole.value?.version_count ?? versions.length}
        />
      )}
    </div>
  );
}

function RemoveModel(props: { acts: ModelActs; model: ModelInfo; count: number }): JSX.Element {
  const { trans } = useTools();
  const { acts, model, count } = props;
  return (
    <RemovePart
      acts={acts}
      label={trans.__('Delete this model …')}
      question={trans._n(
        'The model %2 goes with its one version.',
        'The model %2 goes with its %3 versions.',
        count,
        displayName(model.name),
        formatCount(count)
      )}
    />
  );
}
