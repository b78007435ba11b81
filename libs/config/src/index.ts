export type { Bounds, ConfigOf, Field, FieldOptions, Parsed, Shape } from './field.ts'
export { boolean, bytes, durationMs, integer, oneOf, originUrl, port, portOrOff, text } from './fields.ts'
export { httpUrl } from './http-url.ts'
export { describeConfig, type Env, readConfig } from './read-config.ts'
