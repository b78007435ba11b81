import type { Patches } from '../store/config.ts'
import { jsonPatched } from './json-patch.ts'
import { mergePatched } from './merge-patch.ts'
import { strategicPatched } from './strategic-patch.ts'

/** The three ways to say what changes; what comes out is judged like any update. */
export const patches: Patches = { json: jsonPatched, merge: mergePatched, strategic: strategicPatched }
