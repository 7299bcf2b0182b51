/** A question with two buttons, in place of the button that asks it: the safe answer has the focus. */
import * as React from 'react';

export function Sure(props: {
  /** What is asked, in short: the name of the dialog. */
  title: string;
  /** What happens if it is done. */
  question: string;
  yes: string;
  no: string;
  busy?: boolean;
  onYes: () => void;
  onNo: () => void;
}): JSX.Element {
  const { onNo } = props;
  return (
    <div
      className="mltrack-Confirm"
      role="alertdialog"
      aria-label={props.title}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onNo();
        }
      }}
    >
      <p>{props.question}</p>
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" autoFocus onClick={onNo}>
          {props.no}
        </button>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-danger"
          disabled={props.busy}
          onClick={props.onYes}
        >
          {props.yes}
        </button>
      </div>
    </div>
  );
}
