import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cacheFolder, madeOnce } from './cache.ts'
import { onPath, runCommand } from './command.ts'
import { type Provision, provision, type Way } from './provision.ts'

const PROGRAM = 'kubectl'
const GO_VERSION = 'v0.34.2'
const BUILD_MS = 9 * 60_000
const QUICK_MS = 10_000

const MAIN = `package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
`
const MODULE = `module kubectl

go 1.24.0

require (
	k8s.io/component-base ${GO_VERSION}
	k8s.io/kubectl ${GO_VERSION}
)
`

/** Which kubectl the tests of this machine can use; built once per machine where there is none. */
export function provisionKubectl(env: NodeJS.ProcessEnv = process.env): Promise<Provision> {
  return provision(PROGRAM, [named(env), installed(env), built()])
}

/** Every kubectl that KUBECTL names, else the one that is found: for what each version must do. */
export async function provisionKubectls(env: NodeJS.ProcessEnv = process.env): Promise<readonly Provision[]> {
  const paths = (env.KUBECTL ?? '').split(delimiter).filter((path) => path !== '')
  if (paths.length < 2) return [await provisionKubectl(env)]
  return Promise.all(paths.map((path) => provisionKubectl({ ...env, KUBECTL: path })))
}

function named({ KUBECTL = '' }: NodeJS.ProcessEnv): Way {
  return {
    advice: 'set KUBECTL to the path of one',
    find: async () => (KUBECTL === '' ? { found: undefined, note: 'it is not set' } : describe(KUBECTL)),
  }
}

function installed({ PATH }: NodeJS.ProcessEnv): Way {
  return {
    advice: `put ${PROGRAM} on the PATH`,
    async find() {
      const path = onPath(PROGRAM, PATH)
      return path === undefined ? { found: undefined, note: 'it is not there' } : describe(path)
    },
  }
}

function built(): Way {
  return {
    advice: 'install Go, so that it can be built',
    async find() {
      const go = onPath('go')
      if (go === undefined) return { found: undefined, note: 'Go is not installed' }
      const folder = cacheFolder('kubectl')
      const path = join(folder, PROGRAM)
      let problem = ''
      const isThere = await madeOnce(path, folder, async () => {
        problem = await build(go, folder)
      })
      return isThere ? describe(path) : { found: undefined, note: problem }
    },
  }
}

async function build(go: string, folder: string): Promise<string> {
  process.stdout.write(`${PROGRAM}: building k8s.io/kubectl ${GO_VERSION} once, about two minutes\n`)
  writeFileSync(join(folder, 'main.go'), MAIN)
  writeFileSync(join(folder, 'go.mod'), MODULE)
  const flags = ['-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${GO_VERSION.replace('v0', 'v1')}`]
  for (const args of [
    ['mod', 'tidy'],
    ['build', ...flags, '-o', PROGRAM, '.'],
  ]) {
    const { isDone, output } = await runCommand(go, args, { timeoutMs: BUILD_MS, cwd: folder })
    if (!isDone) return `go ${args[0]} failed: ${output.slice(-200)}`
  }
  return ''
}

async function describe(path: string): Promise<Awaited<ReturnType<Way['find']>>> {
  const { isDone, output } = await runCommand(path, ['version', '--client'], { timeoutMs: QUICK_MS })
  if (!isDone) return { found: undefined, note: `${path} does not run: ${output.slice(-200)}` }
  return { found: { kind: 'program', path }, note: `${path} (${/v\d\S*/.exec(output)?.[0] ?? 'of no version'})` }
}
