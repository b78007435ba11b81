import { createHash } from 'node:crypto'
import { API_KINDS, type ApiTable, openApiDocuments } from '@sluice/resources/api'
import { VERSION } from './config.ts'

/** The documents as they are sent, each made when it is first asked for. */
export interface OpenApi {
  /** What there is, with hashes, so that clients keep what they have. */
  readonly index: string
  /** By its path below `/openapi/v3/`; undefined: there is none. */
  v3(path: string): { readonly json: string; readonly hash: string } | undefined
  /** All definitions in Swagger 2, for what still asks for it. */
  v2(): string
  /** The same without any definition: kubectl wants it before it says that it does not know a kind. */
  readonly v2Protobuf: string
}

/** As it is asked for, and as it is answered: Go can't read a media type with `@`. Source: kube-openapi, handler.go. */
export const SWAGGER_PROTOBUF = {
  asked: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  answered: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
}

export function openApi(table: ApiTable): OpenApi {
  const kinds = API_KINDS.filter((kind) => table.served.some((served) => served.kind === kind))
  const documents = new Map(
    [...openApiDocuments(kinds)].map(([path, document]) => {
      const json = JSON.stringify(document)
      return [path, { json, hash: createHash('sha256').update(json).digest('hex').toUpperCase() }] as const
    }),
  )
  const paths = [...documents].map(([path, { hash }]) => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
  ])
  let swagger: string | undefined
  return {
    index: JSON.stringify({ paths: Object.fromEntries(paths) }),
    v3: (path) => documents.get(path),
    v2() {
      swagger ??= swaggerOf([...documents.values()].map(({ json }) => json))
      return swagger
    },
    v2Protobuf: emptySwagger(),
  }
}

/** `Document {1: swagger, 2: info {1: title, 2: version}, 8: paths {}}` of gnostic's OpenAPIv2.proto; all of it ASCII. */
function emptySwagger(): string {
  const field = (number: number, value: string) => String.fromCharCode((number << 3) | 2, value.length) + value
  return field(1, '2.0') + field(2, field(1, 'Sluice') + field(2, VERSION.gitVersion)) + field(8, '')
}

function swaggerOf(documents: readonly string[]): string {
  const definitions = documents.map((json) => {
    const renamed = json.replaceAll('"#/components/schemas/', '"#/definitions/')
    return (JSON.parse(renamed) as { components: { schemas: object } }).components.schemas
  })
  return JSON.stringify({
    ...{ swagger: '2.0', info: { title: 'Sluice', version: VERSION.gitVersion } },
    ...{ paths: {}, definitions: Object.assign({}, ...definitions) },
  })
}
