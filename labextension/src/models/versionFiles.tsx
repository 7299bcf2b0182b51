/** What lies in a version's files, and what can be changed about it: in the section and on its page. */
import * as React from 'react';
import { formatBytes, formatCount } from '../format';
import { Name } from '../panel/bits';
import { useTools } from '../panel/context';
import type { ModelActs } from '../store/modelActs';
import { displayName, visible } from '../text';
import type {
  ModelField,
  ModelInfo,
  ModelSignature,
  ModelVersionDetail,
  ModelVersionInfo
} from '../types';
import { AliasEditor } from './aliasEditor';
import { Facts, Fold, Lines } from './bits';
import { DescriptionPart, StagePart, TagsPart } from './edits';
import { RemovePart } from './removePart';

const MOST_FIELDS = 200;

export function VersionEdits(props: {
  acts: ModelActs;
  version: ModelVersionInfo;
  model: ModelInfo | null;
}): JSX.Element {
  const { acts, version, model } = props;
  const [refused, setRefused] = React.useState(false);
  const staged = [version, ...(model?.versions ?? [])].some(one => one.stage !== null);
  return (
    <>
      <DescriptionPart acts={acts} text={version.description} />
      <AliasEditor
        acts={acts}
        version={version}
        aliases={model?.aliases ?? []}
        onRefused={() => setRefused(true)}
      />
      {/* Where users go by stages, or the registry has nothing else. */}
      {(staged || refused) && <StagePart acts={acts} version={version} />}
      <TagsPart acts={acts} tags={version.tags} />
    </>
  );
}

export function RemoveVersion(props: { acts: ModelActs }): JSX.Element {
  const { trans } = useTools();
  const { name, version } = props.acts.subject;
  const number = displayName(version ?? '');
  return (
    <RemovePart
      acts={props.acts}
      label={trans.__('Delete version %1 …', number)}
      question={trans.__('Version %1 of %2 goes.', number, displayName(name))}
    />
  );
}

export function VersionFiles(props: { detail: ModelVersionDetail }): JSX.Element {
  const { trans } = useTools();
  const { detail } = props;
  const { version } = detail;
  const facts = [
    { key: trans.__('flavors'), value: detail.flavors.join(', ') },
    {
      key: trans.__('size'),
      value: detail.size_bytes === null ? '' : formatBytes(detail.size_bytes)
    },
    { key: trans.__('source'), value: version.source }
  ].filter(one => one.value !== '');
  return (
    <>
      <Facts pairs={facts} />
      {detail.signature === null ? (
        detail.problem === null && (
          <p className="mltrack-Empty-line">{trans.__('It has no signature.')}</p>
        )
      ) : (
        <Signature signature={detail.signature} />
      )}
      {detail.input_example !== null && (
        <Fold title={trans.__('Input example')}>
          <Lines lines={pretty(detail.input_example)} label={trans.__('Input example')} />
        </Fold>
      )}
      {detail.requirements.length > 0 && (
        <Fold title={trans.__('Requirements (%1)', formatCount(detail.requirements.length))}>
          <Lines lines={detail.requirements} label={trans.__('Requirements')} />
        </Fold>
      )}
      {detail.files.length > 0 && (
        <Fold title={trans.__('Files (%1)', formatCount(detail.files.length))}>
          <FileTable detail={detail} />
        </Fold>
      )}
      {detail.mlmodel !== '' && (
        <Fold title="MLmodel">
          <Lines lines={detail.mlmodel.split('\n')} label="MLmodel" />
        </Fold>
      )}
    </>
  );
}

export function FileTable(props: { detail: ModelVersionDetail }): JSX.Element {
  return (
    <table className="mltrack-Table">
      <tbody>
        {props.detail.files.map(file => (
          <tr key={file.path}>
            <td>
              <Name text={file.path} />
            </td>
            <td className="mltrack-mod-number">
              {file.size_bytes === null ? '' : formatBytes(file.size_bytes)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Inputs, outputs and parameters in one table. */
export function Signature(props: { signature: ModelSignature }): JSX.Element {
  const { trans } = useTools();
  const { inputs, outputs, params } = props.signature;
  const groups: readonly (readonly [string, readonly ModelField[]])[] = [
    [trans.__('input'), inputs],
    [trans.__('output'), outputs],
    [trans.__('parameter'), params]
  ];
  return (
    <table className="mltrack-Table mltrack-Signature">
      <caption className="mltrack-visually-hidden">{trans.__('Signature')}</caption>
      <tbody>
        {groups.flatMap(([group, fields]) =>
          fields.slice(0, MOST_FIELDS).map((field, index) => (
            <tr key={`${group} ${field.name} ${index}`}>
              <th scope="row">{index === 0 ? group : ''}</th>
              <td>
                <Name text={field.name} />
              </td>
              <td>
                <bdi title={displayName(field.type)}>{fieldType(field)}</bdi>
                {!field.required && group === groups[0]?.[0] && (
                  <span className="mltrack-Optional"> {trans.__('optional')}</span>
                )}
              </td>
            </tr>
          ))
        )}
      </tbody>
    </table>
  );
}

function fieldType(field: ModelField): string {
  const shape = field.shape === null ? '' : ` (${field.shape.join(', ')})`;
  const fallback = field.default === null ? '' : ` = ${field.default}`;
  return visible(`${field.type}${shape}${fallback}`);
}

export function pretty(json: string): string[] {
  try {
    return JSON.stringify(JSON.parse(json), null, 1).split('\n');
  } catch {
    return json.split('\n');
  }
}
