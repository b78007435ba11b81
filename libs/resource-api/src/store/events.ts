import type { Telemetry } from '@sluice/telemetry'
import type { Objects } from './objects.ts'

export interface StoreEvents {
  stored(changes: number): void
  notStored(reason: string): void
}

export function storeEvents(telemetry: Telemetry): StoreEvents {
  const commits = telemetry.counter('resource_commits_total', { description: 'commits of changes of resources' })
  const changes = telemetry.counter('resource_changes_stored_total', {
    description: 'changes of resources that are on disk',
  })
  const failures = telemetry.counter('resource_commit_failures_total', {
    description: 'commits of changes of resources that failed: their writers were refused',
  })
  return {
    stored(count) {
      commits.add(1)
      changes.add(count)
    },
    notStored(reason) {
      failures.add(1)
      telemetry.log.error({ reason }, 'resources can not be stored')
    },
  }
}

/** How many objects there are of each kind. */
export function gaugeObjects(telemetry: Telemetry, objects: Objects): Disposable {
  return telemetry.gauge('resource_objects', { description: 'objects by resource' }, () =>
    [...objects.resources].map(({ id, entries }) => ({ value: entries.size, labels: { resource: id } })),
  )
}
