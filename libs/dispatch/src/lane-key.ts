import { attributeText, type CloudEvent } from '@sluice/cloudevents'

/** What keys the order of an event in a log: the attribute the log names, else source and id. The ingress does the same. */
export function laneKeyOf({ attributes }: CloudEvent, orderKey: string): string {
  const key = attributes.get(orderKey)
  return key === undefined ? `${attributes.get('source')} ${attributes.get('id')}` : attributeText(key)
}
