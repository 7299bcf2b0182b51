/** What a version's page shows below its head, in tabs. */
import * as React from 'react';
import { formatCount } from '../../format';
import { Facts, Lines } from '../../models/bits';
import {
  FileTable,
  pretty,
  RemoveVersion,
  Signature,
  VersionEdits
} from '../../models/versionFiles';
import { useTools } from '../../panel/context';
import type { ModelVersionDetail } from '../../types';
import { PageTabs } from '../parts/tabs';
import type { VersionParts } from './page';

type TabId = 'about' | 'signature' | 'files' | 'mlmodel' | 'requirements';

export function VersionTabs(props: {
  parts: VersionParts;
  detail: ModelVersionDetail;
}): JSX.Element {
  const { trans } = useTools();
  const { detail } = props;
  const [selected, setSelected] = React.useState<TabId>('about');
  const { files, requirements } = detail;
  const counted = (count: number): string | null => (count > 0 ? formatCount(count) : null);
  return (
    <PageTabs
      label={trans.__('Parts of the version')}
      selected={selected}
      onSelect={setSelected}
      tabs={[
        { id: 'about', title: trans.__('About') },
        { id: 'signature', title: trans.__('Signature') },
        { id: 'files', title: trans.__('Files'), count: counted(files.length) },
        { id: 'mlmodel', title: 'MLmodel' },
        {
          id: 'requirements',
          title: trans.__('Requirements'),
          count: counted(requirements.length)
        }
      ]}
    >
      <div className="mltrack-VersionPage-body">
        <Shown {...props} tab={selected} />
      </div>
    </PageTabs>
  );
}

function Shown(props: {
  parts: VersionParts;
  detail: ModelVersionDetail;
  tab: TabId;
}): JSX.Element {
  const { trans } = useTools();
  const { detail, tab } = props;
  switch (tab) {
    case 'about':
      return <About parts={props.parts} detail={detail} />;
    case 'signature':
      return <SignatureTab detail={detail} />;
    case 'files':
      return detail.files.length === 0 ? (
        <p className="mltrack-Empty-line">{trans.__('Its files cannot be listed.')}</p>
      ) : (
        <FileTable detail={detail} />
      );
    case 'mlmodel':
      return detail.mlmodel === '' ? (
        <p className="mltrack-Empty-line">{trans.__('There is no MLmodel file.')}</p>
      ) : (
        <Lines lines={detail.mlmodel.split('\n')} label="MLmodel" />
      );
    case 'requirements':
      return detail.requirements.length === 0 ? (
        <p className="mltrack-Empty-line">{trans.__('It asks for no packages.')}</p>
      ) : (
        <Lines lines={detail.requirements} label={trans.__('Requirements')} />
      );
  }
}

function About(props: { parts: VersionParts; detail: ModelVersionDetail }): JSX.Element {
  const { trans } = useTools();
  const { parts, detail } = props;
  const { version } = detail;
  return (
    <>
      <VersionEdits acts={parts.acts} version={version} model={parts.model.value} />
      <Facts
        pairs={[
          { key: trans.__('source'), value: version.source },
          { key: trans.__('run'), value: version.run_id ?? '' },
          { key: trans.__('status'), value: version.status.toLowerCase() }
        ].filter(one => one.value !== '')}
      />
      <RemoveVersion acts={parts.acts} />
    </>
  );
}

function SignatureTab(props: { detail: ModelVersionDetail }): JSX.Element {
  const { trans } = useTools();
  const { signature, input_example } = props.detail;
  return (
    <>
      {signature === null ? (
        <p className="mltrack-Empty-line">{trans.__('It has no signature.')}</p>
      ) : (
        <Signature signature={signature} />
      )}
      <h3 className="mltrack-Part-title">{trans.__('Input example')}</h3>
      {input_example === null ? (
        <p className="mltrack-Empty-line">{trans.__('It has no input example.')}</p>
      ) : (
        <Lines lines={pretty(input_example)} label={trans.__('Input example')} />
      )}
    </>
  );
}
