import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export interface Fence {
  readonly language: string
  readonly text: string
  /** Of its first line, from 1. */
  readonly line: number
}

/** A Markdown page, as far as the checks need it. */
export interface Page {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly fences: readonly Fence[]
  /** Targets of inline links outside fences. */
  readonly links: readonly string[]
  /** Anchors as GitHub makes them. */
  readonly anchors: ReadonlySet<string>
}

/** The README, everything under `docs/`, and the READMEs of `deploy/` and of apps. */
export function readPages(root: string): Page[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
  const apps = globSync('apps/*/README.md', { cwd: root })
  return ['README.md', 'deploy/README.md', ...apps, ...docs].map((path) =>
    parsePage(path, readFileSync(join(root, path), 'utf8')),
  )
}

export function parsePage(path: string, text: string): Page {
  const fences: Fence[] = []
  const prose: string[] = []
  let open: { language: string; lines: string[]; line: number } | undefined
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(line)
    if (fence === null) {
      if (open === undefined) prose.push(line)
      else open.lines.push(line)
    } else if (open === undefined) open = { language: fence[1] ?? '', lines: [], line: i + 2 }
    else {
      fences.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line })
      open = undefined
    }
  }
  const links = prose.flatMap((line) => [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)])
  const anchors = new Set(prose.flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []).map(anchorOf))
  return { path, text, fences, links: links.map(([, target]) => target as string), anchors }
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}

/** What a relative link names: a path from the root, and an anchor or ''. Undefined for other links. */
export function targetOf(page: Page, link: string): { path: string; anchor: string } | undefined {
  if (/^[a-z]+:/.test(link)) return undefined
  const [file = '', anchor = ''] = link.split('#', 2)
  const path = file === '' ? page.path : relative('.', join(dirname(page.path), file))
  return { path, anchor }
}

/** The first cell of each row of the tables in `text`, in backticks or not, header rows left out. */
export function firstCells(text: string): string[] {
  return text
    .split('\n')
    .filter((line, i, lines) => line.startsWith('|') && !/^\| -/.test(line) && !/^\| -/.test(lines[i + 1] ?? ''))
    .map((line) => (line.split('|')[1] ?? '').trim().replaceAll('`', ''))
}
