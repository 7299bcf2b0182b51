/** Asks for runs that other machines write into the workspace in front, while somebody looks. */
import { Poll } from '@lumino/polling';
import type { PanelStore } from './panelStore';

const POLL_MS = 5000;
const LONGEST_POLL_MS = 60_000;

/** Begins to ask when the store is ready and looked at; ends with the store. */
export function pollAway(store: PanelStore): Poll {
  const poll = new Poll({
    auto: false,
    name: 'jupyter-mltrack:away',
    factory: async () => {
      if (store.isDisposed) {
        poll.dispose();
      } else if (store.workspace !== null && store.phase === 'ready') {
        await store.live.lookAway(store.workspace.id);
      }
    },
    frequency: { interval: POLL_MS, backoff: true, max: LONGEST_POLL_MS },
    standby: () => (store.visible && !store.isDisposed ? 'when-hidden' : true)
  });
  let workspace = store.workspace?.id;
  store.stateChanged.connect(() => {
    if (store.phase === 'ready' && store.visible && store.workspace?.id !== workspace) {
      workspace = store.workspace?.id;
      void poll.refresh();
    }
  });
  return poll;
}
