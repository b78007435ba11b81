import { readFileSync } from 'node:fs'

/** Linux reports CPU time to user space in hundredths of a second, whatever the kernel's own tick is. */
const US_PER_TICK = 10_000

/** User plus system time of all threads of a process so far, in microseconds, to 10 ms. Linux only. */
export function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The command name may hold spaces and brackets; what follows the last bracket starts with field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK
}

/** Resident memory of a process in MiB. Linux only. */
export function rssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** CPU time that all processors together spent not idle so far, in microseconds. Linux only. */
export function machineBusyUs(): number {
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softirq = 0] = readFileSync('/proc/stat', 'latin1')
    .slice(3, 120)
    .trim()
    .split(/\s+/)
    .map(Number)
  return (user + nice + system + irq + softirq) * US_PER_TICK
}
