import type { ApiObject, PrinterColumn, ServedVersion } from '@sluice/resources/api'
import { humanDuration } from './duration.ts'
import { valueAt } from './json-path.ts'
import { partial } from './partial.ts'

/** How much of the object goes along with a row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface Row {
  readonly cells: readonly unknown[]
  readonly object?: object
}

interface Column extends Omit<PrinterColumn, 'jsonPath'> {
  readonly cell: (object: ApiObject) => unknown
}

/** Cells that no path can say. Source: Kubernetes, pkg/printers/internalversion. */
const OWN_CELLS: Readonly<Record<string, readonly Column[]>> = {
  ConfigMap: [{ name: 'Data', type: 'integer', cell: ({ data, binaryData }) => keys(data) + keys(binaryData) }],
  Secret: [{ name: 'Data', type: 'integer', cell: ({ data }) => keys(data) }],
  Event: [
    {
      ...{ name: 'Object', type: 'string' },
      cell: ({ involvedObject }) => {
        const { kind = '', name = '' } = (involvedObject ?? {}) as Readonly<Record<string, string>>
        return `${kind.toLowerCase()}/${name}`
      },
    },
  ],
}

export function columnsOf({ kind, version }: ServedVersion): readonly Column[] {
  const own = kind.group === '' ? (OWN_CELLS[kind.kind] ?? []) : []
  const columns = version.printerColumns.map(
    (column): Column => own.find(({ name }) => name === column.name) ?? { ...column, cell: cellOf(column) },
  )
  const added = own.filter(({ name }) => !columns.some((column) => column.name === name))
  const age = columns.findIndex(({ name }) => name === 'Age')
  return age < 0 ? [...columns, ...added] : columns.toSpliced(age, 0, ...added)
}

/** Source: metav1 TableColumnDefinition. */
export function columnDefinitions(served: ServedVersion): readonly object[] {
  const name = { name: 'Name', type: 'string', format: 'name', description: 'Name of the object.', priority: 0 }
  const rest = columnsOf(served).map(({ name, type, priority = 0 }) => ({
    ...{ name, type, format: '', description: `${name} of the ${served.kind.kind}.`, priority },
  }))
  return [name, ...rest]
}

/** `now` in milliseconds since the epoch: ages are told as of then. */
export function rowOf(served: ServedVersion, object: ApiObject, include: IncludeObject, now: number): Row {
  const cells = columnsOf(served).map(({ type, cell }) => (type === 'date' ? age(cell(object), now) : cell(object)))
  const shown = include === 'Object' ? object : include === 'Metadata' ? partial(object, 'v1') : undefined
  return { cells: [object.metadata.name ?? '', ...cells], ...(shown && { object: shown }) }
}

function cellOf({ jsonPath, type }: PrinterColumn): Column['cell'] {
  return (object) => {
    const value = valueAt(object, jsonPath)
    if (value === undefined || value === null) return null
    if (type === 'integer' || type === 'boolean') return value
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
}

function age(value: unknown, now: number): string {
  const since = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(since) ? '<unknown>' : humanDuration(now - since)
}

function keys(map: unknown): number {
  return typeof map === 'object' && map !== null ? Object.keys(map).length : 0
}
