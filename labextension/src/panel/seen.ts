/** Widgets that do something else while they can be seen. */
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';

/** Messages after which a widget may be seen, or not any more. */
const TYPES: ReadonlySet<string> = new Set([
  'after-show',
  'after-attach',
  'after-hide',
  'before-detach'
]);

/** Whether a widget can be seen once it has taken the message; null for a message about nothing of it. */
export function seenAfter(widget: Widget, msg: Message): boolean | null {
  if (!TYPES.has(msg.type)) {
    return null;
  }
  return msg.type !== 'before-detach' && widget.isVisible;
}
