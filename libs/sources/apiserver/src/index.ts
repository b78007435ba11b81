export { type ApiServerSources, type ApiServerSourcesDeps, apiServerSources } from './api-server-sources.ts'
