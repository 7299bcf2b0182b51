/** Something small that opens below its button and goes away by Escape or a click elsewhere. */
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

const EDGE_PX = 6;
const LEAST_PX = 120;
const MOST_PX = 460;

export interface PopoverProps {
  /** Name of the button, and of what it opens. */
  readonly label: string;
  readonly icon?: LabIcon;
  /** What the button shows in place of an icon. */
  readonly face?: React.ReactNode;
  readonly className?: string;
  readonly active?: boolean;
  readonly onOpen?: () => void;
  readonly children: (close: () => void) => React.ReactNode;
}

export function Popover(props: PopoverProps): JSX.Element {
  const { label, icon: Icon } = props;
  const [open, setOpen] = React.useState(false);
  const host = React.useRef<HTMLDivElement>(null);
  const button = React.useRef<HTMLButtonElement>(null);
  const id = React.useId();
  const close = React.useCallback(() => {
    setOpen(false);
    button.current?.focus();
  }, []);
  useOutside(host, open, () => setOpen(false));
  return (
    <div
      className={`mltrack-Popover ${props.className ?? ''}`}
      ref={host}
      onKeyDown={event => {
        if (open && event.key === 'Escape') {
          event.stopPropagation();
          close();
        }
      }}
    >
      <button
        type="button"
        ref={button}
        className={props.face === undefined ? 'mltrack-IconButton' : 'mltrack-Popover-face'}
        title={label}
        aria-label={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        data-active={props.active === true}
        onClick={() => {
          if (!open) {
            props.onOpen?.();
          }
          setOpen(!open);
        }}
      >
        {props.face}
        {Icon !== undefined && <Icon.react tag="span" aria-hidden="true" />}
      </button>
      {open && (
        <Body label={label} id={id}>
          {props.children(close)}
        </Body>
      )}
    </div>
  );
}

/** As high as there is room for: what holds it cuts off what sticks out. */
function Body(props: { label: string; id: string; children: React.ReactNode }): JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const [height, setHeight] = React.useState<number | undefined>(undefined);
  React.useLayoutEffect(() => {
    const holder = node.current?.closest('.mltrack-Section-body, .mltrack-Panel');
    if (node.current && holder) {
      const room =
        holder.getBoundingClientRect().bottom - node.current.getBoundingClientRect().top - EDGE_PX;
      setHeight(Math.max(LEAST_PX, Math.min(room, MOST_PX)));
    }
  }, []);
  return (
    <div
      ref={node}
      className="mltrack-Popover-body"
      role="dialog"
      aria-label={props.label}
      id={props.id}
      style={{ maxHeight: height }}
    >
      {props.children}
    </div>
  );
}

/** Call when the pointer or the focus goes to something outside. */
function useOutside(host: React.RefObject<HTMLElement>, active: boolean, leave: () => void): void {
  const latest = React.useRef(leave);
  latest.current = leave;
  React.useEffect(() => {
    if (!active) {
      return undefined;
    }
    const onAway = (event: Event): void => {
      if (event.target instanceof Node && host.current?.contains(event.target) === false) {
        latest.current();
      }
    };
    document.addEventListener('pointerdown', onAway, true);
    document.addEventListener('focusin', onAway, true);
    return () => {
      document.removeEventListener('pointerdown', onAway, true);
      document.removeEventListener('focusin', onAway, true);
    };
  }, [host, active]);
}
