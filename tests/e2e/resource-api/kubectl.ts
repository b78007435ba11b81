import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Recorded } from './recorder.ts'
import { startRecorder } from './recorder.ts'
import { type ServedApi, startServedApi } from './start.ts'

const COMMAND_MS = 20_000

export interface Ran {
  readonly code: number
  /** Both streams, stdout first. */
  readonly output: string
}

/** One kubectl against an API of its own, through a proxy that records. */
export interface Kubectl extends AsyncDisposable {
  readonly api: ServedApi
  readonly requests: readonly Recorded[]
  /** Runs a command line; `input` is its stdin. Arguments with spaces are given as further ones. */
  run(line: string, options?: { readonly input?: string; readonly more?: readonly string[] }): Promise<Ran>
  /** What it prints, without the surrounding space. Throws with it when it fails. */
  ok(line: string, options?: { readonly input?: string; readonly more?: readonly string[] }): Promise<string>
  /** Runs until a line like `pattern` was printed, and is ended then. */
  until(line: string, pattern: RegExp): Promise<string>
  /** Writes a file for `-f`; its path. */
  file(name: string, text: string): string
}

export async function startKubectl(path: string): Promise<Kubectl> {
  const api = await startServedApi()
  const recorder = await startRecorder(api.url)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kubectl-'))
  const kubeconfig = join(folder, 'config')
  writeFileSync(kubeconfig, readFileSync(api.kubeconfig, 'utf8').replaceAll(api.url, recorder.url))
  const env = { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: kubeconfig, KUBE_EDITOR: editor(folder) }
  const words = (line: string) => line.split(' ').filter((word) => word !== '')
  const run: Kubectl['run'] = (line, { input = '', more = [] } = {}) =>
    new Promise((resolve) => {
      const options = { env, timeout: COMMAND_MS, maxBuffer: 16 * 1024 * 1024 }
      const child = execFile(path, [...words(line), ...more], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, output: `${stdout}${stderr}`.trim() })
      })
      child.stdin?.end(input)
    })
  return {
    ...{ api, requests: recorder.requests, run },
    async ok(line, options) {
      const { code, output } = await run(line, options)
      if (code !== 0) throw new Error(`kubectl ${line}: exit code ${code}: ${output}`)
      return output
    },
    until(line, pattern) {
      const child = spawn(path, words(line), { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS })
      let output = ''
      return new Promise((resolve, reject) => {
        child.on('close', () => reject(new Error(`kubectl ${line} ended: ${output}`)))
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text
            if (!pattern.test(output)) return
            resolve(output)
            child.kill('SIGKILL')
          })
      })
    },
    file(name, text) {
      const file = join(folder, name)
      writeFileSync(file, text)
      return file
    },
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What `kubectl edit` starts: writes `edited` where `before` is. */
function editor(folder: string): string {
  const script = join(folder, 'editor.sh')
  writeFileSync(script, '#!/bin/sh\nsed -i.old s/before/edited/ "$1"\n', { mode: 0o755 })
  return script
}
