import { bytes, oneOf } from '@sluice/config'

/** The variables of whoever keeps a journal. */
export const journalConfig = {
  journal: oneOf('JOURNAL', ['on', 'off'], {
    fallback: 'on',
    meaning: 'whether it is kept what happened to each event, for GET /journal on the control port',
  }),
  journalMaxBytes: bytes('JOURNAL_MAX_BYTES', {
    min: 2 ** 20,
    max: 2 ** 33,
    fallback: 2 ** 26,
    meaning: 'what the files of the journal may take; the oldest records go first',
  }),
}
