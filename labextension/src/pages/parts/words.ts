/** What charts of pages say. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { GroupWords } from '../../chart/group';
import { formatCount } from '../../format';
import { displayName, shortenMiddle } from '../../text';

const LONGEST_LIST = 300;

export function chartWords(trans: TranslationBundle): GroupWords {
  const short = (text: string): string => displayName(shortenMiddle(text, LONGEST_LIST));
  return {
    resetZoom: trans.__('Reset zoom'),
    step: trans.__('step'),
    time: trans.__('time'),
    describe: (names, x, newest) =>
      trans.__('Chart of %1 over %2, newest values %3', short(names), x, short(newest)),
    more: count => trans.__('Show %1 more charts', formatCount(count))
  };
}
