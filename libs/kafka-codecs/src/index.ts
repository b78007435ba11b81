export { codecs } from './codecs.ts'
