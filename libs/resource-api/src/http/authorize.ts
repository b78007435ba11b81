/** What a request wants of the resources, in RBAC's words. Absent namespace: of all, or of the cluster. */
export interface ResourceAccess {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

/** Undefined where it is allowed, else why not. */
export type Authorize = (access: ResourceAccess) => string | undefined
