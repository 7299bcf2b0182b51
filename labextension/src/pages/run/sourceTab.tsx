/** The source of the cell or script that made a run. */
import * as React from 'react';
import { useTools } from '../../panel/context';
import type { RunPageStore } from '../../store/runPageStore';
import { AboutPart } from '../parts/aboutPart';
import { CodeText } from '../parts/codeText';

export function SourceTab(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { trans, actions } = useTools();
  const open = actions().openNotebook;
  return (
    <AboutPart
      about={page.about}
      isEmpty={about => about.source === ''}
      empty={trans.__('The source of this run was not kept.')}
    >
      {about => (
        <div className="mltrack-Scroller">
          <div className="mltrack-Buttons mltrack-mod-start">
            <button
              type="button"
              className="mltrack-Button mltrack-mod-small"
              onClick={() => actions().copy(about.source)}
            >
              {trans.__('Copy')}
            </button>
            <RestoreButton source={about.source} />
            {about.notebook_path.endsWith('.ipynb') && open !== null && (
              <button
                type="button"
                className="mltrack-Button mltrack-mod-small"
                onClick={() => open(about.notebook_path, about.cell_id)}
              >
                {trans.__('Open the notebook at the cell')}
              </button>
            )}
          </div>
          <CodeText text={about.source} label={trans.__('Source of the cell')} />
        </div>
      )}
    </AboutPart>
  );
}

/** The source into a new cell of the notebook that was used last. */
function RestoreButton(props: { source: string }): JSX.Element | null {
  const { trans, actions } = useTools();
  const insert = actions().insertSource;
  return insert === null ? null : (
    <button
      type="button"
      className="mltrack-Button mltrack-mod-small"
      title={trans.__('Put the source into a new cell of the notebook; nothing is executed')}
      onClick={() => insert(props.source)}
    >
      {trans.__('Restore to a new cell')}
    </button>
  );
}
