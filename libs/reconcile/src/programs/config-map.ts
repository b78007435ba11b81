import type { Program } from '../runtime/program.ts'
import type { Context } from './context.ts'
import { isSettings } from './settings.ts'

/** The ConfigMaps with defaults: what can't be read is told by an Event, and the last that could be stays in force. */
export function configMapProgram({ kinds, settings, ready }: Context): Program {
  return {
    kind: kinds('ConfigMap'),
    watches: [],
    async reconcile(key, object) {
      await ready
      if (object === undefined || key.namespace !== settings.namespace || !isSettings(key.name)) return {}
      const problem = settings.problemOf(key.name)
      if (problem === undefined) return {}
      const message = `${problem}; what was read last stays in force`
      return { events: [{ type: 'Warning', reason: 'SettingsInvalid', message }] }
    },
  }
}
