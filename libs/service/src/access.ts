/** What a request to the control port wants. Seeing payloads is reading; redriving, purging and replaying is writing. */
export interface Access {
  readonly namespace: string
  readonly verb: 'read' | 'write'
  readonly resource: 'brokers' | 'triggers'
}

/** Undefined where it is allowed, else why not. The one place that decides; every route of the control port asks it. */
export type Authorize = (access: Access) => string | undefined | Promise<string | undefined>

/** On loopback nobody has a name: who passes the guard may do everything. */
export const authorizedByGuard: Authorize = () => undefined
