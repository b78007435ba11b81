export { journalConfig } from './config.ts'
export { type JournalRouteDeps, journalRoute } from './journal-route.ts'
export { type JournalDeps, type OpenJournal, openJournal } from './open-journal.ts'
export { destOf, type Facts, type Journal, type JournalRecord } from './record.ts'
