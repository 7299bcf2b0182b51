/** Deleting models and versions, which takes a second word. */
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import type { ModelActs } from '../store/modelActs';
import type { Problem } from '../types';
import { Confirm, useAsked } from './bits';

/** A button that asks for the second word before it deletes. */
export function RemovePart(props: {
  acts: ModelActs;
  label: string;
  question: string;
}): JSX.Element {
  const { acts } = props;
  const { name } = acts.subject;
  const { asked, button, ask, takeBack } = useAsked();
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const remove = async (): Promise<void> => {
    setBusy(true);
    const failed = await acts.remove(name);
    setBusy(false);
    setProblem(failed);
    takeBack();
  };
  return (
    <div className="mltrack-Remove">
      {problem !== null && <ProblemView problem={problem} />}
      {asked ? (
        <Confirm
          name={name}
          question={props.question}
          busy={busy}
          onConfirm={() => void remove()}
          onCancel={takeBack}
        />
      ) : (
        <button type="button" className="mltrack-Link" ref={button} onClick={ask}>
          {props.label}
        </button>
      )}
    </div>
  );
}
