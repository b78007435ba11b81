export { formatPath, formatProblem, type Problem, parsePath } from '../problem.ts'
export { type FolderFiles, loadFolder, readFolder } from './folder.ts'
export {
  byPlace,
  joinFiles,
  type ManifestObject,
  type Manifests,
  manifestParser,
  type ParsedFile,
  type ParseFile,
} from './parse.ts'
