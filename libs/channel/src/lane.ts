import { attributeText, type CloudEvent } from '@sluice/cloudevents'

/** FNV-1a over UTF-16 units: cheap, stable across processes and drivers. Changing it moves keys between lanes. */
export function laneOf(laneKey: string, lanes: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < laneKey.length; i++) {
    hash ^= laneKey.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0) % lanes
}

/** What keys the order of an event in a log: the attribute the log names, else source and id, which make it unique. */
export function laneKeyOf({ attributes }: CloudEvent, orderKey: string): string {
  const key = attributes.get(orderKey)
  return key === undefined ? `${attributes.get('source')} ${attributes.get('id')}` : attributeText(key)
}
