import { performance } from 'node:perf_hooks'
import type { Telemetry } from '@sluice/telemetry'

/** What the process itself uses, read at each scrape. */
export function showProcess(telemetry: Telemetry): void {
  telemetry.gauge('process_resident_memory_bytes', { description: 'memory of the process', unit: 'By' }, () => [
    { value: process.memoryUsage.rss() },
  ])
  telemetry.gauge('process_cpu_seconds', { description: 'processor time used since the start', unit: 's' }, () => {
    const { user, system } = process.cpuUsage()
    return [{ value: (user + system) / 1e6 }]
  })
  telemetry.gauge('process_loop_busy_ratio', { description: 'share of its life the event loop was busy' }, () => [
    { value: performance.eventLoopUtilization().utilization },
  ])
}
