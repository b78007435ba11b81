import { bytes, type ConfigOf } from '@sluice/config'
import { STATE_LIMITS, type StateLimits } from '../state/limits.ts'

const GIB = 1_073_741_824

/** The variables of who serves the contract, about sources. */
export const sourceOfficeConfig = {
  sourceStateMaxBytes: bytes('SOURCE_STATE_MAX_BYTES', {
    ...{ min: STATE_LIMITS.putBytes, max: GIB, fallback: STATE_LIMITS.sourceBytes },
    meaning:
      'what a source may keep in sources.db, keys and values; beyond it nothing more is taken, and its log says so',
  }),
}

export function sourceLimits(config: ConfigOf<typeof sourceOfficeConfig>): Partial<StateLimits> {
  return { sourceBytes: config.sourceStateMaxBytes }
}
