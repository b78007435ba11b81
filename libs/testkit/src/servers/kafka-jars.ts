import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, madeOnce } from './cache.ts'
import { onPath, runCommand } from './command.ts'
import type { Way } from './provision.ts'

/** Empty and formatted, copied for each node: formatting takes a JVM of its own. */
export const STORE = 'formatted'

const KAFKA_VERSION = '4.1.1'
const MIN_JAVA = 17
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const FETCH_MS = 4 * 60_000
const QUICK_MS = 60_000
const CLUSTER_ID = 'c2x1aWNlLXRlc3RzLTAwMQ'

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

/** As the user's Maven has it: its settings name mirrors and proxies, and it checks what it fetches. */
export function kafkaJars(env: NodeJS.ProcessEnv): Way {
  return {
    advice: `install Java ${MIN_JAVA} or newer and Maven, so that Kafka's jars can be fetched`,
    async find() {
      const java = findJava(env)
      if (java === undefined) return { found: undefined, note: 'Java is not installed' }
      const version = await runCommand(java, ['-version'], { timeoutMs: QUICK_MS })
      const major = majorOf(version.output)
      if (major < MIN_JAVA) return { found: undefined, note: `${java} is of version ${major}` }
      const folder = cacheFolder(`kafka-${KAFKA_VERSION}`)
      let problem = ''
      const isThere = await madeOnce(join(folder, STORE), folder, async () => {
        problem = await make(java, folder, env)
      })
      if (!isThere) return { found: undefined, note: problem }
      return { found: { kind: 'program', path: folder }, note: `${folder} (${KAFKA_VERSION}, Java ${major})` }
    },
  }
}

/** JAVA_HOME's, else the PATH's. */
export function findJava({ JAVA_HOME = '', PATH }: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = join(JAVA_HOME, 'bin', 'java')
  return JAVA_HOME !== '' && existsSync(home) ? home : onPath('java', PATH)
}

/** Of what `java -version` prints; 0 if it prints none. Java 8 calls itself 1.8. */
export function majorOf(output: string): number {
  const [, major = '0', minor = '0'] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? []
  return Number(major === '1' ? minor : major)
}

/** The formatted store comes last and whole: where it is, everything is. */
async function make(java: string, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const maven = onPath('mvn', env.PATH)
  if (maven === undefined) return 'Maven is not installed'
  process.stdout.write(`Kafka: fetching the jars of ${KAFKA_VERSION} once, 43 MB\n`)
  const jars = join(folder, 'jars')
  const making = join(folder, 'making')
  for (const each of [jars, making]) rmSync(each, { recursive: true, force: true })
  writeFileSync(join(folder, 'pom.xml'), POM)
  const fetch = ['-B', '-q', '-C', COPY, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
  const fetched = await runCommand(maven, fetch, { timeoutMs: FETCH_MS, cwd: folder, env })
  if (!fetched.isDone) return `mvn failed: ${fetched.output.slice(-300)}`
  const properties = join(folder, 'format.properties')
  writeFileSync(properties, formatProperties(making))
  const format = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties]
  const formatted = await runCommand(java, format, { timeoutMs: QUICK_MS })
  if (!formatted.isDone) return `the store can't be formatted: ${formatted.output.slice(-300)}`
  renameSync(making, join(folder, STORE))
  return ''
}

/** Ports and addresses are not kept in the store. */
function formatProperties(folder: string): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
log.dirs=${folder}
`
}
