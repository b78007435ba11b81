import { readFileSync, statSync } from 'node:fs'
import { type Field, type FieldOptions, field, type Parsed } from './field.ts'

const MAX_FILE_BYTES = 262_144

/**
 * The path of a file, read as its text without white space around it: certificates, keys, tokens. Read once, with the
 * environment, so that a file that is missing is among the problems of the start. Its text appears in no message.
 */
export function fileText<F extends string | undefined = string>(
  name: string,
  options: FieldOptions<F>,
): Field<string | F> {
  return field<string, F>(name, options, read)
}

function read(path: string): Parsed<string> {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) return { problem: `is a file of more than ${MAX_FILE_BYTES} bytes` }
    const text = readFileSync(path, 'utf8').trim()
    return text === '' ? { problem: 'is an empty file' } : { value: text }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { problem: code === 'ENOENT' ? 'is a file that does not exist' : `is a file that can't be read (${code})` }
  }
}
