import type { Layout, LayoutOptions } from './layout.ts'
import { standalone } from './standalone.ts'

type Open = (options: LayoutOptions) => Promise<Layout>

/** Each layout, or why it can't be had on this machine. */
export const LAYOUTS: ReadonlyMap<string, () => Promise<Open | string>> = new Map([
  ['standalone', async () => standalone],
])
