/** What a run was made with: Python, machine, git, packages. */
import * as React from 'react';
import { formatCount } from '../../format';
import { useTools } from '../../panel/context';
import type { RunPageStore } from '../../store/runPageStore';
import type { Pair, RunAbout } from '../../types';
import { AboutPart } from '../parts/aboutPart';
import { CodeText, diffMark } from '../parts/codeText';
import { PairsTable } from '../parts/pairsTable';

export function EnvironmentTab(props: { page: RunPageStore }): JSX.Element {
  const { trans } = useTools();
  return (
    <AboutPart
      about={props.page.about}
      isEmpty={about =>
        about.python === '' && about.git_commit === '' && about.packages.length === 0
      }
      empty={trans.__('The environment of this run was not kept.')}
    >
      {about => <Environment about={about} />}
    </AboutPart>
  );
}

function Environment(props: { about: RunAbout }): JSX.Element {
  const { about } = props;
  const { trans } = useTools();
  const machine: Pair[] = [
    { key: trans.__('Python'), value: about.python },
    { key: trans.__('System'), value: about.platform },
    ...about.hardware
  ].filter(({ value }) => value !== '');
  return (
    <div className="mltrack-Scroller">
      <h3 className="mltrack-PageTitle">{trans.__('Machine')}</h3>
      <PairsTable
        label={trans.__('Machine')}
        pairs={machine}
        empty={trans.__('Nothing was kept.')}
      />
      {about.git_commit !== '' && <Git about={about} />}
      <Packages packages={about.packages} />
    </div>
  );
}

function Git(props: { about: RunAbout }): JSX.Element {
  const { about } = props;
  const { trans } = useTools();
  const pairs: Pair[] = [
    { key: trans.__('Commit'), value: about.git_commit },
    { key: trans.__('Branch'), value: about.git_branch },
    { key: trans.__('Remote'), value: about.git_remote },
    {
      key: trans.__('State'),
      value: about.git_dirty ? trans.__('changed since the commit') : trans.__('as in the commit')
    }
  ].filter(({ value }) => value !== '');
  return (
    <>
      <h3 className="mltrack-PageTitle">Git</h3>
      <PairsTable label="Git" pairs={pairs} empty="" />
      {about.git_diff !== '' && (
        <details className="mltrack-Fold">
          <summary>{trans.__('What had changed')}</summary>
          <CodeText text={about.git_diff} label={trans.__('What had changed')} markOf={diffMark} />
        </details>
      )}
    </>
  );
}

function Packages(props: { packages: readonly Pair[] }): JSX.Element {
  const { packages } = props;
  const { trans } = useTools();
  const [search, setSearch] = React.useState('');
  const found = packages.filter(({ key }) => key.toLowerCase().includes(search.toLowerCase()));
  return (
    <>
      <h3 className="mltrack-PageTitle">
        {trans.__('Packages (%1)', formatCount(packages.length))}
      </h3>
      <div className="mltrack-Controls">
        <input
          type="search"
          className="jp-mod-styled mltrack-Input mltrack-mod-search"
          value={search}
          spellCheck={false}
          placeholder={trans.__('Search packages')}
          aria-label={trans.__('Search packages')}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      </div>
      <PairsTable
        label={trans.__('Packages')}
        pairs={found}
        empty={packages.length === 0 ? trans.__('Nothing was kept.') : trans.__('No package fits.')}
      />
    </>
  );
}
